/* Images in and results out, in the layout "channels"; within a program, a linear layer's flat sample and
 * back.
 *
 * Layout  see program.h. Images and results outside are (N, channels, pixels), and so is a flat sample.
 * Method  VL pixels of VL channels are a square, which is transposed in registers; images of up to four
 *         channels are zipped. Where few channels are left over, and where a vector could reach past the last
 *         pixel, elements are moved one by one.
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
INLINE int is_row(const image *m, ptrdiff_t p, ptrdiff_t count)
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
INLINE void write_quads(const image *m, stored *x, const stored *planes, ptrdiff_t p)
{
    vreal v[4];
    stored quads[4 * VL];
    for (ptrdiff_t i = 0; i < 4; ++i)
        v[i] = i < m->channels ? vload(planes + i * m->pixels) : (vreal){0};
    zip(&v[0], &v[2]);
    zip(&v[1], &v[3]);
    zip(&v[0], &v[1]);
    zip(&v[2], &v[3]);
    for (int i = 0; i < 4; ++i)
        vstore(quads + i * VL, v[i]);
    for (ptrdiff_t j = 0; j < VL; ++j)
        memcpy(x + m->at[p + j], quads + 4 * j, 4 * sizeof(stored));
}

/* The first of the last block of channels, which may be partial. */
INLINE ptrdiff_t last_block(ptrdiff_t channels) { return (channels - 1) / VL * VL; }

/* x = the pixels of planes */
static void from_planes(const image *m, stored *x, const stored *planes)
{
    const ptrdiff_t pixels = m->pixels, count = fcn_min(VL, pixels);
    if (pixels == 1) {
        memcpy(x + m->at[0], planes, (size_t)m->channels * sizeof(stored));
        return;
    }
    for (ptrdiff_t tile = 0; tile < pixels; tile += VL) {
        const ptrdiff_t p = fcn_min(tile, pixels - count); /* the last tile may take pixels again */
        if (is_row(m, p, count)) {
            vstore(x + m->at[p], vload(planes + p));
            continue;
        }
        if (is_quads(m, p, count)) {
            write_quads(m, x, planes + p, p);
            continue;
        }
        /* From the last block to the first: a partial one writes zeros past its channels, which are padding
         * or belong to pixels and channels that are still to come. */
        for (ptrdiff_t c = last_block(m->channels); c >= 0; c -= VL) {
            const ptrdiff_t valid = fcn_min(VL, m->channels - c);
            const stored *tile_planes = planes + c * pixels + p;
            if (!is_square(m, p, count, c)) {
                for (ptrdiff_t i = 0; i < valid; ++i)
#pragma GCC unroll 4
                    for (ptrdiff_t j = 0; j < count; ++j)
                        x[m->at[p + j] + c + i] = tile_planes[i * pixels + j];
                continue;
            }
            vreal square[VL];
#pragma GCC unroll 16
            for (int i = 0; i < VL; ++i)
                square[i] = i < valid ? vload(tile_planes + i * pixels) : (vreal){0};
            transpose_lanes(square);
#pragma GCC unroll 16
            for (int j = 0; j < VL; ++j)
                vstore(x + m->at[p + j] + c, square[j]);
        }
    }
}

/* planes = the pixels of x */
static void to_planes(const image *m, stored *planes, const stored *x)
{
    const ptrdiff_t pixels = m->pixels, count = fcn_min(VL, pixels);
    if (pixels == 1) {
        memcpy(planes, x + m->at[0], (size_t)m->channels * sizeof(stored));
        return;
    }
    for (ptrdiff_t tile = 0; tile < pixels; tile += VL) {
        const ptrdiff_t p = fcn_min(tile, pixels - count);
        for (ptrdiff_t c = 0; c < m->channels; c += VL) {
            const ptrdiff_t valid = fcn_min(VL, m->channels - c);
            stored *tile_planes = planes + c * pixels + p;
            if (!is_square(m, p, count, c)) {
                for (ptrdiff_t i = 0; i < valid; ++i)
#pragma GCC unroll 4
                    for (ptrdiff_t j = 0; j < count; ++j)
                        tile_planes[i * pixels + j] = x[m->at[p + j] + c + i];
                continue;
            }
            vreal square[VL];
#pragma GCC unroll 16
            for (int j = 0; j < VL; ++j)
                square[j] = vload(x + m->at[p + j] + c);
            transpose_lanes(square);
#pragma GCC unroll 16
            for (int i = 0; i < VL; ++i)
                if (i < valid)
                    vstore(tile_planes + i * pixels, square[i]);
        }
    }
}

void KERNEL(from_nchw)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_from_nchw *a = &op->from_nchw;
    const image m = {a->x_at, a->pixels, a->channels};
    from_planes(&m, of_group(&a->x, batch, group), of_group(&a->images, batch, group));
}

void KERNEL(to_nchw)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_to_nchw *a = &op->to_nchw;
    const image m = {a->x_at, a->pixels, a->channels};
    to_planes(&m, of_group(&a->images, batch, group), of_group(&a->x, batch, group));
}

/* Rows and planes hold reals; so far no element type stores values otherwise. */
void KERNEL(rows_from_planes)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_rows_from_planes *a = &op->rows_from_planes;
    const image m = {a->row_at, a->pixels, a->channels};
    (void)batch, (void)task;
    from_planes(&m, the(&a->rows), the(&a->planes));
}

void KERNEL(planes_from_rows)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_planes_from_rows *a = &op->planes_from_rows;
    const image m = {a->row_at, a->pixels, a->channels};
    (void)batch, (void)task;
    to_planes(&m, the(&a->planes), the(&a->rows));
}
