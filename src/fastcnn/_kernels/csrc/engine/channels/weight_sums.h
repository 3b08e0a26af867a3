/* Where the partial sums of a convolution's weight gradient stand in the layout "channels":
 * [MAX_WIDTH vectors][k][vectors of the block][VL] of each slot.
 */
#ifndef FCN_WEIGHT_SUMS_H
#define FCN_WEIGHT_SUMS_H

#include "common/integers.h"
#include "common/vec.h"

/* Vectors of a block at most two: dy, read anew for each tile of taps, then comes from the caches fast
 * enough. */
#define MAX_WIDTH 2

/* The place of vector v of tap k, of `depth` taps. */
static inline ptrdiff_t weight_sum_at(ptrdiff_t k, ptrdiff_t v, ptrdiff_t depth, ptrdiff_t vectors)
{
    const ptrdiff_t v0 = v / MAX_WIDTH * MAX_WIDTH, width = fcn_min(MAX_WIDTH, vectors - v0);
    return (v0 * depth + k * width + v - v0) * VL;
}

#endif
