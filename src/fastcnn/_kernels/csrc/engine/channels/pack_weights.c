/* Packing of a convolution's weights in the layout "channels".
 *
 * Equation  packed[k][o] = weight[weight_at[k] + channel_at[o]] * scale[o]
 * Layout    [block][k][vectors of the block][VL], zero past the last channel: see channels_conv.c.
 * Method    Where the taps of a channel are neighbours, VL of them of VL channels are a square, which is transposed.
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

/* VL rows of VL reals, transposed: column k of the rows becomes the row at out + k * stride. */
INLINE void transpose(real *out, ptrdiff_t stride, const real *const *rows, ptrdiff_t at)
{
    real square[VL][VL];
    for (int i = 0; i < VL; ++i)
        vstore(square[i], vload(rows[i] + at));
    for (int k = 0; k < VL; ++k)
        for (int i = 0; i < VL; ++i)
            out[k * stride + i] = square[i][k];
}

/* One task packs one block of vectors: packed[block][k][channel of the block] = weight * scale, 0 past the channels.
 * Buffers: packed, weight, scale (channels, or NULL). Tables: weight_at, channel_at. Sizes: depth, channels. */
void KERNEL(conv_pack)(const fcn_op *op, const fcn_run *run, ptrdiff_t b)
{
    const ptrdiff_t depth = op->size[0], channels = op->size[1], vectors = fcn_divide_up(channels, VL);
    const ptrdiff_t v0 = vector_block_start(vectors, b), width = vector_block_start(vectors, b + 1) - v0;
    const real *weight = op_buffer(op, run, 1, 0), *scale = op_buffer(op, run, 2, 0);
    const int32_t *weight_at = op->table[0], *channel_at = op->table[1];
    const int dense = consecutive(weight_at, depth);
    for (ptrdiff_t v = v0; v < v0 + width; ++v) {
        real *packed = op_buffer(op, run, 0, 0) + (v0 * depth + v - v0) * VL;
        const ptrdiff_t valid = fcn_min(VL, channels - v * VL), stride = width * VL;
        real factor[VL] = {0};
        const real *rows[VL];
        for (ptrdiff_t i = 0; i < VL; ++i) {
            /* The lanes past the channels read the last channel. */
            rows[i] = weight + channel_at[v * VL + fcn_min(i, valid - 1)];
            if (i < valid)
                factor[i] = scale ? scale[v * VL + i] : 1;
        }
        ptrdiff_t k = 0;
        for (; dense && valid == VL && k + VL <= depth; k += VL) {
            transpose(packed + k * stride, stride, rows, weight_at[k]);
            for (ptrdiff_t i = k; scale && i < k + VL; ++i)
                vstore(packed + i * stride, vload(packed + i * stride) * vload(factor));
        }
        for (; k < depth; ++k)
            for (ptrdiff_t i = 0; i < VL; ++i)
                packed[k * stride + i] = i < valid ? rows[i][weight_at[k]] * factor[i] : 0;
    }
}
