/* What the weight gradients of convolutions share in the layout "channels": where the partial sums of a slot
 * stand, [MAX_WIDTH vectors][k][vectors of the block][VL], which taps a register block takes, how many images
 * are in hand, and how pairs are laid out.
 */
#ifndef FCN_WEIGHT_SUMS_H
#define FCN_WEIGHT_SUMS_H

#include "engine/kernel.h"

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

/* How many images from `image` up to `end` are in hand at a time: of so many pixels, and of one slot. */
static inline ptrdiff_t images_in_hand(const fcn_op *op, const fcn_batch *batch, ptrdiff_t image,
                                       ptrdiff_t end, ptrdiff_t pixels)
{
    const ptrdiff_t most = image + fcn_divide_up(FCN_WEIGHT_TILE, pixels);
    return fcn_min(fcn_min(end, most), slot_end(op, batch, image)) - image;
}

#if TERMS == 2
/* Write the bits of `count` values of a, and of b or 0 without it, as pairs. */
static inline void put_pairs(uint32_t *to, const stored *a, const stored *b, ptrdiff_t count)
{
    ptrdiff_t i = 0;
    for (; i + VL <= count; i += VL)
        store_terms((stored *)(to + i), zip_terms(a + i, b ? b + i : NULL));
    if (i && i < count) { /* the last ones, of which some are there */
        i = count - VL;
        store_terms((stored *)(to + i), zip_terms(a + i, b ? b + i : NULL));
        return;
    }
    for (; i < count; ++i)
        to[i] = a[i].bits | (b ? (uint32_t)b[i].bits << 16 : 0);
}

/* out[i] = the elements i and i + apart of x, or 0 for what is past the end. */
static inline void pair_elements(uint32_t *out, const stored *x, ptrdiff_t size, ptrdiff_t apart)
{
    const ptrdiff_t paired = fcn_max(size - apart, 0);
    put_pairs(out, x, x + apart, paired);
    put_pairs(out + paired, x + paired, NULL, size - paired);
}
#endif

#endif
