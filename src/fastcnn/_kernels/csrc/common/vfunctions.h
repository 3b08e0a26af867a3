/* Functions of vectors that are made of exp, and the square root.
 *
 * Equation  vexpm1(x)        exp(x) - 1
 *           vtanh(x)         -t / (t + 2) with t = exp(-2 |x|) - 1, with the sign of x
 *           vlog1p_of(e)     log(1 + e) for -1/2 <= e <= 1: 2 atanh(s) with s = e / (2 + e)
 *           verf(x)          2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x
 *           vnormal_cdf(x)   (1 + erf(x / sqrt(2))) / 2, the share of a normal distribution that is below x
 * Method    exp(x) - 1 keeps small numbers: with x = n ln 2 + r it is 2^n (exp(r) - 1) + (2^n - 1).
 *           erf(x) is x times a polynomial of x^2 for |x| < 1; else 1 - erfc(|x|), with the sign of x.
 *           erfc(z) = exp(-z^2) g(u) / (z + c) with a polynomial g of u = (z - c) / (z + c), so that a small
 *           number is not a difference of large ones. Polynomials interpolate at Chebyshev's nodes.
 * Edges     NaN stays NaN; infinities have the limit; exp(x) - 1 = inf where exp(x) is too large.
 * Errors    In units of the last place, the largest that were found among random numbers: vexpm1 0.9,
 *           vtanh 2.5, vlog1p_of in logsigmoid 2.8, verf 2.2, vnormal_cdf in gelu 5.1.
 *           tests/_kernels/test_functions.py holds them to a little more.
 */
#ifndef FCN_VFUNCTIONS_H
#define FCN_VFUNCTIONS_H

#include "common/vexp.h"

#include <math.h>

#if FCN_REAL_BYTES == 4
#define ERFC_CENTER 2.5f
#define HALF_BITS 12    /* the last of a number: what is left has an exact square */
#define GAUSS_END 15.0f /* exp(-z^2 / 2) is 0 */
#else
#define ERFC_CENTER 3.0
#define HALF_BITS 27
#define GAUSS_END 40.0
#endif
#define SQRT_HALF ((real)0.70710678118654752)

/* From the highest power. */
static const real atanh_series[] = {
#if FCN_REAL_BYTES == 4
    0.12196954f,  0.106992803f, 0.143101037f, 0.199993556f,
    0.333333395f, 1.0f
#else
    0.082441429656947843,
    0.03490195249166216,
    0.05488308318973747,
    0.058576373340552126,
    0.066684384078719177,
    0.076922235302299838,
    0.090909117112476262,
    0.11111111059551837,
    0.14285714286311464,
    0.19999999999996433,
    0.33333333333333342,
    1.0
#endif
};

static const real erf_series[] = {
#if FCN_REAL_BYTES == 4
    7.87587506e-5f, -0.000801686429f, 0.00518908742f, -0.026854212f,
    0.112835947f,   -0.376126267f,    1.12837917f
#else
    -4.2309458242953378e-12, 8.7090451290531067e-11, -1.216456005728345e-9,  1.4792401209404813e-8,
    -1.6364642158167615e-7,  1.6462045441468419e-6,  -1.4925647567519332e-5, 0.00012055332902888735,
    -0.00085483270219348296, 0.0052239776254232983,  -0.026866170645129841,  0.1128379167095512,
    -0.37612638903183752,    1.1283791670955126
#endif
};

static const real small_exp_series[] = {(real)(1 / 24.0), (real)(1 / 6.0), (real)0.5, 1, 1};

static const real erfc_series[] = {
#if FCN_REAL_BYTES == 4
    -7.29214563e-5f, 2.68655916e-5f, 0.000666220795f, -0.0004136038f, -0.00480345511f, 0.00838288822f,
    0.0283588671f,   -0.171249419f,  0.45391425f,     -0.804651934f,  1.05403182f
#else
    1.8102815683637525e-10,  8.1026686240032569e-10, -1.0795037278510775e-9, -8.6891722967356299e-9,
    -7.1537511454951815e-10, 5.1170941546516312e-8,  4.5654700372257149e-8,  -2.3383735980435184e-7,
    -4.0756884426822986e-7,  9.9880245182342826e-7,  2.7651479916016477e-6,  -4.7490198079413943e-6,
    -1.7470475977542633e-5,  3.03980483596444e-5,    0.00010756146675383788, -0.00027677781323338717,
    -0.00054830968925216798, 0.0030340619959404214,  -0.0012124166273809991, -0.026827234624041666,
    0.11952776128729657,     -0.31046726190058359,   0.59022835710410172,    -0.88339445316988346,
    1.0740069070883397
#endif
};

INLINE vreal vabs(vreal x) { return (vreal)((vint)x & (vint) ~(vint)vset((real)-0.0)); }

/* |x| with the sign of `sign`. */
INLINE vreal with_sign(vreal x, vreal sign)
{
    const vint bit = (vint)vset((real)-0.0);
    return (vreal)(((vint)x & ~bit) | ((vint)sign & bit));
}

INLINE vreal vsqrt(vreal x)
{
    real each[VL];
    memcpy(each, &x, sizeof(x));
    for (int i = 0; i < VL; ++i)
        each[i] = FCN_REAL_BYTES == 4 ? (real)sqrtf((float)each[i]) : (real)sqrt((double)each[i]);
    memcpy(&x, each, sizeof(x));
    return x;
}

INLINE vreal vexpm1(vreal x)
{
    /* Where one argument is NaN vmax returns the second. Below -40 it is -1. */
    x = -vmax(vset(-EXP_MAX), -vmax(vset(-40), x));
    const vreal shifted = x * EXP_LOG2E + EXP_ROUND;
    const vreal n = shifted - EXP_ROUND;
    const vreal r = x - n * EXP_LN2_HIGH - n * EXP_LN2_LOW;
    const vreal value = r * r * POLYNOMIAL(r, exp_series) + r;
    /* Half of it first: 2^n itself may be too large. */
    const vreal half = power_of_two((vint)shifted - (vint)vset(EXP_ROUND) - 1);
    return (half * value + (half - (real)0.5)) * 2;
}

INLINE vreal vtanh(vreal x)
{
    const vreal t = vexpm1(-2 * vabs(x));
    return with_sign(-t / (t + 2), x);
}

INLINE vreal vlog1p_of(vreal e)
{
    const vreal s = e / (2 + e);
    return 2 * s * POLYNOMIAL(s * s, atanh_series);
}

/* exp(-share z^2) for z >= 0 and a share of 1 or 1/2, also where the rounding of z^2 would be seen. */
INLINE vreal vgauss(vreal z, real share)
{
    z = -vmax(vset(-GAUSS_END), -z);
    const vreal high = (vreal)((vint)z & ~((((vint){0} + 1) << HALF_BITS) - 1));
    const vreal rest = (z - high) * (z + high) * share;
    return vexp(high * high * -share) * POLYNOMIAL(-rest, small_exp_series);
}

/* exp(z^2) erfc(z) for z >= 0. */
INLINE vreal verfcx(vreal z)
{
    const vreal u = 1 - 2 * ERFC_CENTER / (z + ERFC_CENTER);
    return POLYNOMIAL(u, erfc_series) / (z + ERFC_CENTER);
}

INLINE vreal verf(vreal x)
{
    const vreal z = vabs(x);
    const vreal large = with_sign(1 - vgauss(z, 1) * verfcx(z), x);
    return pick(z < 1, x * POLYNOMIAL(x * x, erf_series), large);
}

INLINE vreal vnormal_cdf(vreal x)
{
    const vreal tail = (real)0.5 * vgauss(vabs(x), (real)0.5) * verfcx(vabs(x) * SQRT_HALF);
    return pick(x > 0, 1 - tail, tail);
}

#endif
