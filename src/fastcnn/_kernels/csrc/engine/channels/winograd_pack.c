/* Weights of a 3x3 convolution, transformed for winograd.c.
 *
 * Equation  packed[position][k][o] = (G w G^T)[position] * scale[o], w the taps of channels k and o: see
 *           winograd.h
 * Layout    taps stand at weight_at[tap * input channels + k] + channel_at[o]; packed
 *           [position][block][k][vectors of the block][VL], zero past the last channel.
 */
#include "winograd.h"

#include "pack.h"

#define TAPS 9
#define AT_ONCE 4 /* input channels */

/* The 36 numbers of a vector of weights, each `step` from the one before it. Points must be literals: unrolled,
 * their quotients are computed when this is compiled. */
static void weights_of(real *packed, ptrdiff_t step, const vreal taps[TAPS])
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
            rstore(packed + (i * TILE + position_of[pair][0]) * step, points[0]);
            rstore(packed + (i * TILE + position_of[pair][1]) * step, points[1]);
        }
}

/* One task packs one block of vectors. */
void KERNEL(winograd_weights)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t b)
{
    const struct fcn_winograd_weights *a = &op->winograd_weights;
    const ptrdiff_t in_channels = a->depth / TAPS, vectors = fcn_divide_up(a->channels, VL);
    const ptrdiff_t v0 = vector_block_start(vectors, b), width = vector_block_start(vectors, b + 1) - v0;
    const ptrdiff_t step = vectors * in_channels * VL;
    const real *weight = the(&a->weight), *scale = the(&a->scale);
    real *packed = (real *)the(&a->packed) + v0 * in_channels * VL;
    const int streamed = POSITIONS * step * (ptrdiff_t)sizeof(real) > STREAMED && is_aligned(packed);
    (void)batch;
    for (ptrdiff_t k = 0; k < in_channels; k += AT_ONCE) {
        const ptrdiff_t here = fcn_min(AT_ONCE, in_channels - k), row = here * width * VL;
        real made[POSITIONS * AT_ONCE * MAX_VECTORS * VL];
        for (ptrdiff_t v = 0; v < width; ++v) {
            const ptrdiff_t first = (v0 + v) * VL;
            const vreal factor = scale ? rload(scale + first) : vset(1);
            for (ptrdiff_t i = 0; i < here; ++i) {
                vreal taps[TAPS];
                for (int tap = 0; tap < TAPS; ++tap)
                    taps[tap] = factor * lanes_of(weight + a->weight_at[tap * in_channels + k + i],
                                                  a->channel_at + first, a->channels - first);
                weights_of(made + (i * width + v) * VL, row, taps);
            }
        }
        /* Positions stand as far from each other as all weights are many: whole rows of them take their turns
         * in the caches, where single vectors of 36 rows would fall into one set. */
        for (int position = 0; position < POSITIONS; ++position)
            write_row(packed + position * step + k * width * VL, made + position * row, row, streamed);
    }
    if (streamed)
        rstreamed();
}
