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
            vreal half[TILE][3];
            for (int j = 0; j < 3; ++j) {
                vreal column[3], points[TILE];
                for (int i = 0; i < 3; ++i) {
                    real lanes[VL] = {0};
                    const real *tap = weight + a->weight_at[(3 * i + j) * in_channels + k];
                    for (ptrdiff_t o = 0; o < valid; ++o)
                        lanes[o] = tap[a->channel_at[v * VL + o]] * (scale ? scale[v * VL + o] : 1);
                    column[i] = rload(lanes);
                }
                weights_to_points(points, column, 3);
                for (int i = 0; i < TILE; ++i)
                    half[i][j] = points[i];
            }
            for (int i = 0; i < TILE; ++i) {
                vreal points[TILE];
                weights_to_points(points, half[i], 3);
                for (int j = 0; j < TILE; ++j)
                    rstore(packed + (i * TILE + j) * step, points[j]);
            }
        }
    }
}
