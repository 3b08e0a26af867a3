/* Images in and results out, in the layout "channels"; within a program, a linear layer's flat sample and back.
 *
 * Layout  see program.h. Images and results outside are (N, channels, pixels), and so is a flat sample.
 * Method  VL pixels of VL channels are a square, which is transposed in registers; images of up to four channels are
 *         zipped. Where few channels are left over, and where a vector could reach past the last pixel, elements are
 *         moved one by one.
 */
#include "engine/kernel.h"

/* One image: pixels in the layout, planes outside. */
typedef struct {
    const int32_t *at; /* of each pixel */
    ptrdiff_t pixels, channels;
} image;

/* Tell whether VL pixels from p on are moved as squares of VL channels from c on. */
INLINE int is_square(const image *m, ptrdiff_t p, ptrdiff_t count, ptrdiff_t c)
{
    return count == VL && m->channels - c > VL / 4 &&
           m->at[p + VL - 1] + c + VL <= m->at[m->pixels - 1] + m->channels;
}

/* Whether VL pixels of an image of one channel are neighbours. */
INLINE int is_run(const image *m, ptrdiff_t p, ptrdiff_t count)
{
    return m->channels == 1 && count == VL && m->at[p + VL - 1] == m->at[p] + VL - 1;
}

/* Tell whether VL pixels from p on are moved as quads of up to four channels, VL of them at a time. */
INLINE int is_quads(const image *m, ptrdiff_t p, ptrdiff_t count)
{
    return VL > 4 && m->channels <= 4 && count == VL &&
           m->at[p + VL - 1] + 4 <= m->at[m->pixels - 1] + m->channels;
}

/* Pixels from the first to the last: a quad writes zeros past its channels, as below. */
INLINE void pack_quads(const image *m, real *x, const real *planes, ptrdiff_t p)
{
    vreal v[4];
    real quads[4 * VL];
    for (ptrdiff_t i = 0; i < 4; ++i)
        v[i] = i < m->channels ? vload(planes + i * m->pixels) : (vreal){0};
    zip(&v[0], &v[2]);
    zip(&v[1], &v[3]);
    zip(&v[0], &v[1]);
    zip(&v[2], &v[3]);
    for (int i = 0; i < 4; ++i)
        vstore(quads + i * VL, v[i]);
    for (ptrdiff_t j = 0; j < VL; ++j)
        memcpy(x + m->at[p + j], quads + 4 * j, 4 * sizeof(real));
}

/* The first of the last block of channels, which may be partial. */
INLINE ptrdiff_t last_block(ptrdiff_t channels) { return (channels - 1) / VL * VL; }

/* Buffers: x, images (CHW, stride: bytes of an image). Tables: x_at. Sizes: pixels, channels. */
void KERNEL(pack)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const image m = {op->table[0], op->size[0], op->size[1]};
    const ptrdiff_t pixels = m.pixels, count = fcn_min(VL, pixels);
    real *x = op_buffer(op, run, 0, group);
    const real *images = op_buffer(op, run, 1, group);
    if (pixels == 1) {
        memcpy(x + m.at[0], images, (size_t)m.channels * sizeof(real));
        return;
    }
    for (ptrdiff_t tile = 0; tile < pixels; tile += VL) {
        const ptrdiff_t p = fcn_min(tile, pixels - count); /* the last tile may take pixels again */
        if (is_run(&m, p, count)) {
            vstore(x + m.at[p], vload(images + p));
            continue;
        }
        if (is_quads(&m, p, count)) {
            pack_quads(&m, x, images + p, p);
            continue;
        }
        /* From the last block to the first: a partial one writes zeros past its channels, which are padding or
         * belong to pixels and channels that are still to come. */
        for (ptrdiff_t c = last_block(m.channels); c >= 0; c -= VL) {
            const ptrdiff_t valid = fcn_min(VL, m.channels - c);
            const real *planes = images + c * pixels + p;
            if (!is_square(&m, p, count, c)) {
                for (ptrdiff_t i = 0; i < valid; ++i)
#pragma GCC unroll 4
                    for (ptrdiff_t j = 0; j < count; ++j)
                        x[m.at[p + j] + c + i] = planes[i * pixels + j];
                continue;
            }
            vreal square[VL];
#pragma GCC unroll 16
            for (int i = 0; i < VL; ++i)
                square[i] = i < valid ? vload(planes + i * pixels) : (vreal){0};
            transpose_lanes(square);
#pragma GCC unroll 16
            for (int j = 0; j < VL; ++j)
                vstore(x + m.at[p + j] + c, square[j]);
        }
    }
}

/* Buffers: results (CHW), y. Tables: y_at. Sizes: pixels, channels. */
void KERNEL(unpack)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const image m = {op->table[0], op->size[0], op->size[1]};
    const ptrdiff_t pixels = m.pixels, count = fcn_min(VL, pixels);
    real *results = op_buffer(op, run, 0, group);
    const real *y = op_buffer(op, run, 1, group);
    if (pixels == 1) {
        memcpy(results, y + m.at[0], (size_t)m.channels * sizeof(real));
        return;
    }
    for (ptrdiff_t tile = 0; tile < pixels; tile += VL) {
        const ptrdiff_t p = fcn_min(tile, pixels - count);
        for (ptrdiff_t c = 0; c < m.channels; c += VL) {
            const ptrdiff_t valid = fcn_min(VL, m.channels - c);
            real *planes = results + c * pixels + p;
            if (!is_square(&m, p, count, c)) {
                for (ptrdiff_t i = 0; i < valid; ++i)
#pragma GCC unroll 4
                    for (ptrdiff_t j = 0; j < count; ++j)
                        planes[i * pixels + j] = y[m.at[p + j] + c + i];
                continue;
            }
            vreal square[VL];
#pragma GCC unroll 16
            for (int j = 0; j < VL; ++j)
                square[j] = vload(y + m.at[p + j] + c);
            transpose_lanes(square);
#pragma GCC unroll 16
            for (int i = 0; i < VL; ++i)
                if (i < valid)
                    vstore(planes + i * pixels, square[i]);
        }
    }
}
