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

/* Buffers: x, images (NCHW, stride: bytes of a group of VL images). Tables: x_at. Sizes: pixels, channels.
 * Lanes past the batch become 0. */
void KERNEL(pack)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], size = pixels * op->size[1];
    const ptrdiff_t valid = fcn_min(VL, run->batch - group * VL);
    real *x = op_buffer(op, run, 0, group);
    const real *images = op_buffer(op, run, 1, group);
    element e = {op->table[0], pixels, 0, 0};
    ptrdiff_t k = 0;
    for (; k + VL <= size; k += VL) {
        vreal square[VL];
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            square[i] = i < valid ? vload(images + i * size + k) : (vreal){0};
        transpose_lanes(square);
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            vstore(x + next_place(&e), square[i]);
    }
    for (; k < size; ++k) {
        real lanes[VL] = {0};
        for (ptrdiff_t i = 0; i < valid; ++i)
            lanes[i] = images[i * size + k];
        vstore(x + next_place(&e), vload(lanes));
    }
}

/* Buffers: results (N, channels, pixels), y. Tables: y_at. Sizes: pixels, channels. */
void KERNEL(unpack)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], size = pixels * op->size[1];
    const ptrdiff_t valid = fcn_min(VL, run->batch - group * VL);
    real *results = op_buffer(op, run, 0, group);
    const real *y = op_buffer(op, run, 1, group);
    element e = {op->table[0], pixels, 0, 0};
    ptrdiff_t k = 0;
    for (; k + VL <= size; k += VL) {
        vreal square[VL];
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            square[i] = vload(y + next_place(&e));
        transpose_lanes(square);
#pragma GCC unroll 16
        for (int i = 0; i < VL; ++i)
            if (i < valid)
                vstore(results + i * size + k, square[i]);
    }
    for (; k < size; ++k) {
        const real *lanes = y + next_place(&e);
        for (ptrdiff_t i = 0; i < valid; ++i)
            results[i * size + k] = lanes[i];
    }
}
