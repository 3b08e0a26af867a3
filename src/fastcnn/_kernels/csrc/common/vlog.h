/* The natural logarithm of a vector, and that of 1 + x.
 *
 * Equation  log(x) = n ln 2 + log(m) with x = 2^n m and sqrt(1/2) <= m < sqrt(2);
 *           log(m) = 2 atanh(s) = f - s (f - r) with f = m - 1, s = f / (2 + f), r = 2 atanh(s) / s - 2
 * Method    f is exact, and the series of atanh (common/vfunctions.h) has only what is small of the result.
 *           A denormal number is first multiplied by a power of two.
 * Edges     log(0) = -inf, log(inf) = inf, NaN for what is below 0; NaN stays NaN. Within 1.5 ulp of the true
 *           value; tests/_kernels/test_functions.py holds it to that.
 */
#ifndef FCN_VLOG_H
#define FCN_VLOG_H

#include "common/vfunctions.h"

#if FCN_REAL_BYTES == 4
#define LOG_LEAST 1.17549435e-38f /* what is below is denormal */
#define LOG_SCALE 33554432.0f     /* 2^25 */
#define LOG_SCALED 25
#else
#define LOG_LEAST 2.2250738585072014e-308
#define LOG_SCALE 18014398509481984.0 /* 2^54 */
#define LOG_SCALED 54
#endif

INLINE vreal vlog(vreal x)
{
    const vint tiny = x < LOG_LEAST, one = (vint){0} + 1;
    const vint root = (vint)vset(SQRT_HALF);
    /* Without the sign, which would make the difference overflow. */
    const vint bits = (vint)vabs(pick(tiny, x * LOG_SCALE, x)) - root, power = bits >> EXP_BITS;
    const vreal m = (vreal)((bits & ((one << EXP_BITS) - 1)) + root);
    const vreal n = (vreal)(power + (vint)vset(EXP_ROUND)) - EXP_ROUND - keep(tiny, vset(LOG_SCALED));
    const vreal f = m - 1, s = f / (2 + f), z = s * s;
    const int terms = (int)(sizeof(atanh_series) / sizeof(*atanh_series)) - 1;
    const vreal r = 2 * z * polynomial(z, atanh_series, terms);
    const vreal value = n * EXP_LN2_HIGH + (n * EXP_LN2_LOW - s * (f - r) + f);
    const vreal infinity = vset((real)INFINITY);
    return pick(x > 0, pick(x == infinity, x, value), pick(x == 0, -infinity, vset((real)NAN)));
}

/* Within 2.5 ulp. */
INLINE vreal vlog1p(vreal x) { return pick(vabs(x) <= (real)0.5, vlog1p_of(x), vlog(1 + x)); }

#endif
