/* What local response normalisation makes of a sum of squares, for eager mode (eager/local_response_norm.c,
 * where the equations stand) and the engine.
 *
 * Method    The exponents that are common are roots: 1/2, 3/4 and 1 take one or two square roots or none, in
 *           place of a logarithm and an exponential function, and are rounded less. Any other is
 *           exp(-beta log s).
 * Edges     s = 0 gives infinity, s = inf gives 0; below 0 all but 1 and 2 give NaN.
 */
#ifndef FCN_RESPONSE_H
#define FCN_RESPONSE_H

#include "common/vlog.h"

/* s^-beta */
INLINE vreal inverse_power(vreal s, double beta)
{
    if (beta == 0.5)
        return 1 / vsqrt(s);
    if (beta == 0.75) {
        const vreal root = vsqrt(s);
        return 1 / (root * vsqrt(root));
    }
    if (beta == 1)
        return 1 / s;
    if (beta == 2)
        return 1 / (s * s);
    return beta == 0 ? vset(1) : vexp(vlog(s) * (real)-beta);
}

#endif
