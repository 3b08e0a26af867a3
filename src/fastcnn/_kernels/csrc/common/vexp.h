/* exp of a vector.
 *
 * Equation  exp(x) = 2^n exp(r) with n = round(x / ln 2) and r = x - n ln 2, |r| <= ln(2) / 2
 * Method    ln 2 is subtracted in two parts, the first of which has so few bits that n times it is exact.
 *           exp(r) is its Taylor series, as long as a term is more than a tenth of a rounding error. Where no
 *           instruction multiplies by 2^n it is two factors, so that a denormal result is rounded only once,
 *           and one too large becomes infinite.
 * Edges     exp(-inf) = 0, exp(inf) = inf, NaN stays NaN. Within 2 ulp of the true value everywhere.
 */
#ifndef FCN_VEXP_H
#define FCN_VEXP_H

#include "common/vec.h"

#if FCN_REAL_BYTES == 4
#define EXP_LOG2E 1.44269504f
#define EXP_LN2_HIGH 0.693359375f /* 9 bits */
#define EXP_LN2_LOW -2.12194440e-4f
#define EXP_ROUND 12582912.0f /* 1.5 * 2^23: adding it leaves an integer in the last bits */
#define EXP_MIN -104.0f       /* exp is 0 */
#define EXP_MAX 89.0f         /* exp is infinite */
#define EXP_BITS 23
#define EXP_BIAS 127
#else
#define EXP_LOG2E 1.4426950408889634
#define EXP_LN2_HIGH 0.6931471803691238 /* 32 bits */
#define EXP_LN2_LOW 1.9082149292705877e-10
#define EXP_ROUND 6755399441055744.0 /* 1.5 * 2^52 */
#define EXP_MIN -746.0
#define EXP_MAX 710.0
#define EXP_BITS 52
#define EXP_BIAS 1023
#endif

static const real exp_series[] = {
#if FCN_REAL_BYTES != 4
    1 / 6227020800.0,   1 / 479001600.0,   1 / 39916800.0,    1 / 3628800.0,    1 / 362880.0,    1 / 40320.0,
#endif
    (real)(1 / 5040.0), (real)(1 / 720.0), (real)(1 / 120.0), (real)(1 / 24.0), (real)(1 / 6.0), (real)0.5};

/* A polynomial of x; its coefficients begin with the highest power. */
#define POLYNOMIAL(x, series) polynomial(x, series, (int)(sizeof(series) / sizeof(*(series))))

INLINE vreal polynomial(vreal x, const real *series, const int terms)
{
    vreal value = vset(series[0]);
#pragma GCC unroll 32
    for (int i = 1; i < terms; ++i)
        value = value * x + series[i];
    return value;
}

static inline vreal power_of_two(vint n) { return (vreal)((n + EXP_BIAS) << EXP_BITS); }

/* exp(r) */
INLINE vreal exp_of_rest(vreal r) { return r * r * POLYNOMIAL(r, exp_series) + r + 1; }

#if defined(__AVX512F__)
static inline vreal vexp(vreal x)
{
    /* Where one argument is NaN vmin and vmax return the second: NaN stays NaN. */
    x = vmax(vset(EXP_MIN), vmin(vset(EXP_MAX), x));
    const vreal n = x * EXP_LOG2E + EXP_ROUND - EXP_ROUND;
    return (vreal)FCN_SCALED(exp_of_rest(x - n * EXP_LN2_HIGH - n * EXP_LN2_LOW), n);
}
#else
static inline vreal vexp(vreal x)
{
    /* Where exp is 0, x is replaced by 0 and the result at the end: multiplying down to 0 goes through
     * denormal numbers, which are slow. */
    const vint tiny = x < EXP_MIN;
    /* Where one argument is NaN vmax returns the second, which is -x: NaN stays NaN. */
    x = keep(~tiny, -vmax(vset(-EXP_MAX), -x));
    const vreal shifted = x * EXP_LOG2E + EXP_ROUND;
    const vreal n = shifted - EXP_ROUND;
    const vreal value = exp_of_rest(x - n * EXP_LN2_HIGH - n * EXP_LN2_LOW);
    /* n is the integer in the last bits of `shifted`; it is split in two. */
    const vint power = (vint)shifted - (vint)vset(EXP_ROUND), half = power >> 1;
    return keep(~tiny, value * power_of_two(half) * power_of_two(power - half));
}
#endif

#endif
