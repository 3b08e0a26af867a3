/* Images in and results out, in the layout "images".
 *
 * Layout  see program.h. Images and results outside are (N, channels, pixels), one row of them a lane.
 * Method  VL elements of VL images are a square, which is transposed in registers.
 */
#include "engine/kernel.h"

/* The elements of an image in (C, H, W) order, one after the other. */
typedef struct {
    const int32_t *at; /* of each pixel */
    ptrdiff_t pixels, pixel, channel;
} element;

INLINE ptrdiff_t next_place(element *e)
{
    const ptrdiff_t place = e->at[e->pixel] + e->channel * VL;
    if (++e->pixel == e->pixels) {
        e->pixel = 0;
        ++e->channel;
    }
    return place;
}

/* Lanes past the batch become 0. */
void KERNEL(from_nchw)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_from_nchw *a = &op->from_nchw;
    const ptrdiff_t pixels = a->pixels, size = pixels * a->channels;
    const ptrdiff_t valid = fcn_min(VL, batch->images - group * VL);
    stored *x = of_group(&a->x, batch, group);
    const real *images = of_group(&a->images, batch, group);
    element e = {a->x_at, pixels, 0, 0};
    ptrdiff_t k = 0;
    for (; k + VL <= size; k += VL) {
        vreal square[VL];
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            square[i] = i < valid ? rload(images + i * size + k) : (vreal){0};
        transpose_lanes(square);
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            vstore(x + next_place(&e), square[i]);
    }
    for (; k < size; ++k) {
        stored *lanes = x + next_place(&e);
        for (ptrdiff_t i = 0; i < VL; ++i)
            set_value(lanes + i, i < valid ? images[i * size + k] : 0);
    }
}

void KERNEL(to_nchw)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_to_nchw *a = &op->to_nchw;
    const ptrdiff_t pixels = a->pixels, size = pixels * a->channels;
    const ptrdiff_t valid = fcn_min(VL, batch->images - group * VL);
    real *images = of_group(&a->images, batch, group);
    const stored *x = of_group(&a->x, batch, group);
    element e = {a->x_at, pixels, 0, 0};
    ptrdiff_t k = 0;
    for (; k + VL <= size; k += VL) {
        vreal square[VL];
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            square[i] = vload(x + next_place(&e));
        transpose_lanes(square);
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            if (i < valid)
                rstore(images + i * size + k, square[i]);
    }
    for (; k < size; ++k) {
        const stored *lanes = x + next_place(&e);
        for (ptrdiff_t i = 0; i < valid; ++i)
            images[i * size + k] = value_of(lanes + i);
    }
}
