/* What the weight gradients of convolutions share in the layout "channels": where the partial sums of a slot stand,
 * [MAX_WIDTH vectors][k][vectors of the block][VL], and which taps a register block takes.
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

/* Sums of a register block. */
#define MAX_SUMS 24

/* So many taps may stand anywhere, each with a pointer of its own; more must be neighbours. */
#define FEW 9

/* How many taps from k0 on one register block takes, of `most` that it has room for. */
static inline ptrdiff_t block_taps(const int32_t *tap_at, ptrdiff_t k0, ptrdiff_t depth, ptrdiff_t most)
{
    ptrdiff_t neighbours = 1;
    while (k0 + neighbours < depth && tap_at[k0 + neighbours] == tap_at[k0] + neighbours)
        ++neighbours;
    if (neighbours <= FEW) {
        neighbours = depth - k0;
        most = fcn_min(most, FEW);
    }
    return fcn_divide_up(neighbours, fcn_divide_up(neighbours, most));
}

#endif
