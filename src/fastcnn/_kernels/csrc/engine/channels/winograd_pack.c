/* Weights of a 3x3 convolution, transformed for winograd.c.
 *
 * Equation  packed[position][k][o] = (G w G^T)[position], w the taps of channels k and o times scale[o], as
 *           values are stored: see winograd.h
 * Layout    taps stand at weight_at[tap * input channels + k] + channel_at[o]; packed
 *           [position][block][k][vectors of the block][VL], zero past the last channel, where a multiply-add
 *           takes two terms [pair of k][vectors of the block][VL][2].
 */
#if MULTIPLIES_PAIRS /* see winograd_pairs.c */
#define PACKING winograd_pairs_weights
#define PACKING_OF fcn_winograd_pairs_weights
#else
#define PACKING winograd_weights
#define PACKING_OF fcn_winograd_weights
#endif

#include "winograd.h"

#include "pack.h"

#define TAPS 9
#define AT_ONCE 4 /* input channels */

/* The numbers of a vector of weights by position, each `step` from the one before it. Points must be
 * literals: unrolled, their quotients are computed when this is compiled. */
static void weights_of(vreal *made, ptrdiff_t step, const vreal taps[TAPS])
{
    vreal half[TILE][3], points[2];
#pragma GCC unroll 3
    for (int j = 0; j < 3; ++j) {
        const vreal column[3] = {taps[j], taps[3 + j], taps[6 + j]};
#pragma GCC unroll 3
        for (int pair = 0; pair < PAIRS; ++pair) {
            weights_to_points(points, column, pair, 3);
            half[position_of[pair][0]][j] = points[0];
            half[position_of[pair][1]][j] = points[1];
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < TILE; ++i)
#pragma GCC unroll 3
        for (int pair = 0; pair < PAIRS; ++pair) {
            weights_to_points(points, half[i], pair, 3);
            made[(i * TILE + position_of[pair][0]) * step] = points[0];
            made[(i * TILE + position_of[pair][1]) * step] = points[1];
        }
}

/* Write the rows of a vector of weights that are multiplied at once, past the caches if they are not soon
 * read. */
INLINE void put(point *to, const vreal *rows, const int streamed)
{
#if !MULTIPLIES_PAIRS
    const vreal numbers = rows[0];
#else
    const vreal numbers = (vreal)terms_of(rows);
#endif
    if (streamed)
        rstream((real *)to, numbers);
    else
        rstore((real *)to, numbers);
}

/* One task packs one block of vectors. */
void KERNEL(PACKING)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t b)
{
    const struct PACKING_OF *a = &op->PACKING;
    const ptrdiff_t in_channels = a->depth / TAPS, vectors = fcn_divide_up(a->channels, VL);
    const ptrdiff_t v0 = vector_block_start(vectors, b), width = vector_block_start(vectors, b + 1) - v0;
    const ptrdiff_t step = vectors * in_channels * VL;
    const real *weight = the(&a->weight), *scale = the(&a->scale);
    point *packed = (point *)the(&a->packed) + v0 * in_channels * VL;
    const int streamed = POSITIONS * step * (ptrdiff_t)sizeof(point) > STREAMED && is_aligned((real *)packed);
    (void)batch;
    for (ptrdiff_t k = 0; k < in_channels; k += AT_ONCE) {
        const ptrdiff_t here = fcn_min(AT_ONCE, in_channels - k), row = width * AT_ONCE;
        vreal made[POSITIONS * MAX_VECTORS * AT_ONCE]; /* [position][vector][input channel] */
        for (ptrdiff_t v = 0; v < width; ++v) {
            const ptrdiff_t first = (v0 + v) * VL;
            const vreal factor = scale ? rload(scale + first) : vset(1);
            for (ptrdiff_t i = 0; i < here; ++i) {
                vreal taps[TAPS];
                for (int tap = 0; tap < TAPS; ++tap)
                    taps[tap] = rounded(factor * lanes_of(weight + a->weight_at[tap * in_channels + k + i],
                                                          a->channel_at + first, a->channels - first));
                weights_of(made + v * AT_ONCE + i, row, taps);
            }
        }
        /* Positions stand as far from each other as all weights are many: whole rows of them take their turns
         * in the caches, where single vectors of all positions would fall into one set. */
        for (int position = 0; position < POSITIONS; ++position) {
            point *to = packed + position * step + k * width * VL;
            for (ptrdiff_t i = 0; i < here; i += POINTS_AT_ONCE)
                for (ptrdiff_t v = 0; v < width; ++v, to += VL * POINTS_AT_ONCE)
                    put(to, made + position * row + v * AT_ONCE + i, streamed);
        }
    }
    if (streamed)
        rstreamed();
}
