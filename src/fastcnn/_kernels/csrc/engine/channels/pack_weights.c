/* Packing of a convolution's weights in the layout "channels".
 *
 * Equation  packed[k][o] = weight[weight_at[k] + channel_at[o]] * scale[o]
 * Layout    [block][k][vectors of the block][VL], zero past the last channel: see conv.c.
 * Method    Where the taps of a channel are neighbours, VL of them of VL channels are a square, which is
 *           transposed. Else weight_at goes through all input channels at one place of the window after the
 *           other, and the places of a channel are neighbours in the weights: a few channels are read at all
 *           places, and their rows are written place by place.
 */
#include "pack.h"

#include <string.h>

#define AT_ONCE 4         /* channels */
#define PLACES_AT_ONCE 36 /* of the window */

/* What a task packs: the vectors v0 .. v0 + width - 1. */
typedef struct {
    const struct fcn_pack_weights *a;
    const real *weight, *scale;
    real *packed;
    ptrdiff_t v0, width;
    int streamed;
} block;

/* The scales of a vector; past the last channel there may be any number. */
static vreal factor_of(const block *b, ptrdiff_t v)
{
    if (!b->scale)
        return vset(1);
    const ptrdiff_t first = (b->v0 + v) * VL, valid = fcn_min(VL, b->a->channels - first);
    real factor[VL] = {0};
    memcpy(factor, b->scale + first, (size_t)valid * sizeof(real));
    return rload(factor);
}

/* Pack the taps k0 .. k0 + VL - 1, which are neighbours. */
static void pack_squares(const block *b, ptrdiff_t k0)
{
    const ptrdiff_t stride = b->width * VL;
    for (ptrdiff_t v = 0; v < b->width; ++v) {
        const ptrdiff_t first = (b->v0 + v) * VL, valid = fcn_min(VL, b->a->channels - first);
        const vreal factor = factor_of(b, v);
        vreal square[VL];
        for (ptrdiff_t i = 0; i < VL; ++i)
            square[i] =
                i < valid ? rload(b->weight + b->a->channel_at[first + i] + b->a->weight_at[k0]) : (vreal){0};
        transpose_lanes(square);
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            rstore(b->packed + (k0 + i) * stride + v * VL, square[i] * factor);
    }
}

/* Pack `count` channels from c0 on, of `channels`, at the places p0 .. p0 + places - 1. */
static void pack_rows(const block *b, ptrdiff_t channels, ptrdiff_t c0, ptrdiff_t count, ptrdiff_t p0,
                      ptrdiff_t places)
{
    real made[PLACES_AT_ONCE * AT_ONCE * MAX_VECTORS * VL];
    const ptrdiff_t row = count * b->width * VL;
    for (ptrdiff_t v = 0; v < b->width; ++v) {
        const ptrdiff_t first = (b->v0 + v) * VL, valid = b->a->channels - first;
        const int32_t *channel_at = b->a->channel_at + first,
                      *weight_at = b->a->weight_at + p0 * channels + c0;
        const int neighbours = valid >= VL && consecutive(channel_at, VL);
        const vreal factor = factor_of(b, v);
        for (ptrdiff_t i = 0; i < count; ++i)
            for (ptrdiff_t p = 0; p < places; ++p) {
                const real *tap = b->weight + weight_at[p * channels + i];
                const vreal lanes =
                    neighbours ? rload(tap + channel_at[0]) : lanes_of(tap, channel_at, valid);
                rstore(made + p * row + (i * b->width + v) * VL, lanes * factor);
            }
    }
    for (ptrdiff_t p = 0; p < places; ++p)
        write_row(b->packed + ((p0 + p) * channels + c0) * b->width * VL, made + p * row, row, b->streamed);
}

/* How many taps from the first on stand at one distance from each other. */
static ptrdiff_t run_length(const int32_t *at, ptrdiff_t depth)
{
    ptrdiff_t run = fcn_min(depth, 2);
    while (run < depth && at[run] - at[run - 1] == at[1] - at[0])
        ++run;
    return depth % fcn_max(run, 1) ? depth : run;
}

/* One task packs one block of vectors. */
void KERNEL(pack_weights)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_pack_weights *a = &op->pack_weights;
    const ptrdiff_t depth = a->depth, vectors = fcn_divide_up(a->channels, VL);
    const ptrdiff_t v0 = vector_block_start(vectors, task);
    const block b = {
        .a = a,
        .weight = the(&a->weight),
        .scale = the(&a->scale),
        .packed = (real *)the(&a->packed) + v0 * depth * VL,
        .v0 = v0,
        .width = vector_block_start(vectors, task + 1) - v0,
        .streamed =
            vectors * depth * VL * (ptrdiff_t)sizeof(real) > STREAMED && is_aligned((real *)the(&a->packed)),
    };
    (void)batch;
    ptrdiff_t packed = 0;
    if (consecutive(a->weight_at, depth))
        for (; packed + VL <= depth; packed += VL)
            pack_squares(&b, packed);
    const ptrdiff_t channels = packed ? depth : run_length(a->weight_at, depth);
    for (ptrdiff_t c = packed; c < channels; c += AT_ONCE)
        for (ptrdiff_t p = 0; p < depth / channels; p += PLACES_AT_ONCE)
            pack_rows(&b, channels, c, fcn_min(AT_ONCE, channels - c), p,
                      fcn_min(PLACES_AT_ONCE, depth / channels - p));
    if (b.streamed)
        rstreamed();
}
