/* Weights of a 3x3 convolution, transformed for winograd.c.
 *
 * Equation  packed[position][k][o] = (G w G^T)[position] * scale[o], w the taps of channels k and o: see
 *           winograd.h
 * Layout    taps stand at weight_at[tap * input channels + k] + channel_at[o]; packed
 *           [position][block][k][vectors of the block][VL], zero past the last channel.
 */
#include "winograd.h"

#include "engine/kernel.h"

#define TAPS 9

/* One task packs one block of vectors. */
void KERNEL(winograd_weights)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t b)
{
    const struct fcn_winograd_weights *a = &op->winograd_weights;
    const ptrdiff_t in_channels = a->depth / TAPS, vectors = fcn_divide_up(a->channels, VL);
    const ptrdiff_t v0 = vector_block_start(vectors, b), width = vector_block_start(vectors, b + 1) - v0;
    const ptrdiff_t step = vectors * in_channels * VL;
    const real *weight = the(&a->weight), *scale = the(&a->scale);
    (void)batch;
    for (ptrdiff_t v = v0; v < v0 + width; ++v) {
        const ptrdiff_t valid = fcn_min(VL, a->channels - v * VL);
        real *packed = (real *)the(&a->packed) + (v0 * in_channels + v - v0) * VL;
        for (ptrdiff_t k = 0; k < in_channels; ++k, packed += width * VL) {
            vreal half[TILE][3], points[2];
            for (int j = 0; j < 3; ++j) {
                vreal column[3];
                for (int i = 0; i < 3; ++i) {
                    real lanes[VL] = {0};
                    const real *tap = weight + a->weight_at[(3 * i + j) * in_channels + k];
                    for (ptrdiff_t o = 0; o < valid; ++o)
                        lanes[o] = tap[a->channel_at[v * VL + o]] * (scale ? scale[v * VL + o] : 1);
                    column[i] = rload(lanes);
                }
                for (int pair = 0; pair < PAIRS; ++pair) {
                    weights_to_points(points, column, pair, 3);
                    half[position_of[pair][0]][j] = points[0];
                    half[position_of[pair][1]][j] = points[1];
                }
            }
            for (int i = 0; i < TILE; ++i)
                for (int pair = 0; pair < PAIRS; ++pair) {
                    weights_to_points(points, half[i], pair, 3);
                    rstore(packed + (i * TILE + position_of[pair][0]) * step, points[0]);
                    rstore(packed + (i * TILE + position_of[pair][1]) * step, points[1]);
                }
        }
    }
}
