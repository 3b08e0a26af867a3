/* Packing of a convolution's weights in the layout "images".
 *
 * Equation  packed[k][o] = weight[weight_at[k] + channel_at[o]] * scale[o]
 * Layout    [block][k][channels of the block]: see conv.c. One task packs one block of channels.
 */
#include "engine/kernel.h"

void KERNEL(pack_weights)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t b)
{
    const struct fcn_pack_weights *a = &op->pack_weights;
    const ptrdiff_t o0 = block_start(a->channels, b), width = block_start(a->channels, b + 1) - o0;
    const real *weight = the(&a->weight), *scale = the(&a->scale);
    (void)batch;
    stored *packed = (stored *)the(&a->packed) + o0 * a->depth;
    for (ptrdiff_t k = 0; k < a->depth; ++k)
        for (ptrdiff_t o = 0; o < width; ++o)
            set_value(packed + k * width + o,
                      weight[a->weight_at[k] + a->channel_at[o0 + o]] * (scale ? scale[o0 + o] : 1));
}
