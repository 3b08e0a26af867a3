/* Packing of a convolution's weights in the layout "channels".
 *
 * Equation  packed[k][o] = weight[weight_at[k] + channel_at[o]] * scale[o]
 * Layout    [block][k][vectors of the block][VL], zero past the last channel: see conv.c.
 * Method    Where the taps of a channel are neighbours, VL of them of VL channels are a square, which is
 *           transposed.
 */
#include "engine/kernel.h"

/* Tell whether `count` places follow each other, one real apart. */
static int consecutive(const int32_t *at, ptrdiff_t count)
{
    for (ptrdiff_t i = 1; i < count; ++i)
        if (at[i] != at[0] + i)
            return 0;
    return 1;
}

/* One task packs one block of vectors. */
void KERNEL(pack_weights)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t b)
{
    const struct fcn_pack_weights *a = &op->pack_weights;
    const ptrdiff_t depth = a->depth, vectors = fcn_divide_up(a->channels, VL);
    const ptrdiff_t v0 = vector_block_start(vectors, b), width = vector_block_start(vectors, b + 1) - v0;
    const real *weight = the(&a->weight), *scale = the(&a->scale);
    const int dense = consecutive(a->weight_at, depth);
    (void)batch;
    for (ptrdiff_t v = v0; v < v0 + width; ++v) {
        stored *packed = (stored *)the(&a->packed) + (v0 * depth + v - v0) * VL;
        const ptrdiff_t valid = fcn_min(VL, a->channels - v * VL), stride = width * VL;
        real factor[VL] = {0};
        const real *rows[VL];
        for (ptrdiff_t i = 0; i < VL; ++i) {
            /* The lanes past the channels read the last channel. */
            rows[i] = weight + a->channel_at[v * VL + fcn_min(i, valid - 1)];
            if (i < valid)
                factor[i] = scale ? scale[v * VL + i] : 1;
        }
        ptrdiff_t k = 0;
        for (; dense && valid == VL && k + VL <= depth; k += VL) {
            vreal square[VL];
#pragma GCC unroll 16
            for (int i = 0; i < VL; ++i)
                square[i] = rload(rows[i] + a->weight_at[k]);
            transpose_lanes(square);
#pragma GCC unroll 16
            for (int i = 0; i < VL; ++i)
                vstore(packed + (k + i) * stride, scale ? square[i] * rload(factor) : square[i]);
        }
        for (; k < depth; ++k)
            for (ptrdiff_t i = 0; i < VL; ++i)
                set_value(packed + k * stride + i, i < valid ? rows[i][a->weight_at[k]] * factor[i] : 0);
    }
}
