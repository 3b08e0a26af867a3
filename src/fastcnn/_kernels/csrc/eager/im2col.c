/* im2col and its adjoint col2im.
 *
 * Equation  columns[c, u, v, i, j] = x[c, i * stride_h - pad_top + u * dilation_h,
 *                                         j * stride_w - pad_left + v * dilation_w]
 *           (0 outside the image); col2im adds each column element back to the pixel that it came from.
 * Layout    x (planes, in_h, in_w); columns (planes, kernel_h, kernel_w, out_h, out_w).
 * Threads   Over planes.
 * Edges     The padding may be wider than the image, the stride larger than the kernel, and the output empty.
 *           Where windows overlap, col2im adds in the order of u, then v.
 */
#include "eager/eager.h"

/* The outputs first to last - 1 of a row are those whose tap lies inside the image. */
static inline void valid_range(ptrdiff_t *first, ptrdiff_t *last, ptrdiff_t offset, ptrdiff_t stride,
                               ptrdiff_t in_size, ptrdiff_t out_size)
{
    *first = offset >= 0 ? 0 : fcn_min(out_size, fcn_divide_up(-offset, stride));
    *last = offset >= in_size ? *first : fcn_min(out_size, (in_size - 1 - offset) / stride + 1);
    if (*last < *first)
        *last = *first;
}

void FCN(im2col_rows)(real *columns, const real *x, ptrdiff_t channels, const fcn_window *w, ptrdiff_t row0,
                      ptrdiff_t row1)
{
    for (ptrdiff_t c = 0; c < channels; ++c, x += w->in_h * w->in_w)
        for (ptrdiff_t u = 0; u < w->kernel_h; ++u)
            for (ptrdiff_t v = 0; v < w->kernel_w; ++v) {
                ptrdiff_t offset = v * w->dilation_w - w->pad_left, first, last;
                valid_range(&first, &last, offset, w->stride_w, w->in_w, w->out_w);
                for (ptrdiff_t i = row0; i < row1; ++i, columns += w->out_w) {
                    ptrdiff_t row = i * w->stride_h - w->pad_top + u * w->dilation_h;
                    if (row < 0 || row >= w->in_h) {
                        memset(columns, 0, (size_t)w->out_w * sizeof(real));
                        continue;
                    }
                    const real *source = x + row * w->in_w + offset;
                    for (ptrdiff_t j = 0; j < first; ++j)
                        columns[j] = 0;
                    if (w->stride_w == 1)
                        memcpy(columns + first, source + first, (size_t)(last - first) * sizeof(real));
                    else
                        for (ptrdiff_t j = first; j < last; ++j)
                            columns[j] = source[j * w->stride_w];
                    for (ptrdiff_t j = last; j < w->out_w; ++j)
                        columns[j] = 0;
                }
            }
}

void FCN(col2im_rows)(real *x, const real *columns, ptrdiff_t channels, const fcn_window *w, ptrdiff_t row0,
                      ptrdiff_t row1)
{
    for (ptrdiff_t c = 0; c < channels; ++c, x += w->in_h * w->in_w)
        for (ptrdiff_t u = 0; u < w->kernel_h; ++u)
            for (ptrdiff_t v = 0; v < w->kernel_w; ++v) {
                ptrdiff_t offset = v * w->dilation_w - w->pad_left, first, last;
                valid_range(&first, &last, offset, w->stride_w, w->in_w, w->out_w);
                for (ptrdiff_t i = row0; i < row1; ++i, columns += w->out_w) {
                    ptrdiff_t row = i * w->stride_h - w->pad_top + u * w->dilation_h;
                    if (row < 0 || row >= w->in_h)
                        continue;
                    real *target = x + row * w->in_w + offset;
                    if (w->stride_w == 1)
                        for (ptrdiff_t j = first; j < last; ++j)
                            target[j] += columns[j];
                    else
                        for (ptrdiff_t j = first; j < last; ++j)
                            target[j * w->stride_w] += columns[j];
                }
            }
}

typedef struct {
    real *columns, *x; /* im2col reads x and writes columns, col2im the other way round */
    const fcn_window *window;
    ptrdiff_t in_size, out_size; /* of one plane */
} plane_args;

static void im2col_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const plane_args *a = args;
    for (ptrdiff_t p = first; p < last; ++p)
        FCN(im2col_rows)(a->columns + p * a->out_size, a->x + p * a->in_size, 1, a->window, 0,
                         a->window->out_h);
}

static void col2im_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const plane_args *a = args;
    for (ptrdiff_t p = first; p < last; ++p) {
        real *plane = a->x + p * a->in_size;
        memset(plane, 0, (size_t)a->in_size * sizeof(real));
        FCN(col2im_rows)(plane, a->columns + p * a->out_size, 1, a->window, 0, a->window->out_h);
    }
}

static void each_plane(fcn_loop *loop, const void *columns, const void *x, ptrdiff_t planes,
                       const fcn_window *w)
{
    const ptrdiff_t out_size = w->kernel_h * w->kernel_w * w->out_h * w->out_w;
    const plane_args a = {(real *)columns, (real *)x, w, w->in_h * w->in_w, out_size};
    fcn_parallel_for(planes, (double)out_size, fcn_get_threads(), loop, &a);
}

void FCN(im2col)(void *columns, const void *x, ptrdiff_t planes, const fcn_window *w)
{
    OWN_FLOAT_MODE;
    each_plane(im2col_planes, columns, x, planes, w);
}

void FCN(col2im)(void *x, const void *columns, ptrdiff_t planes, const fcn_window *w)
{
    OWN_FLOAT_MODE;
    each_plane(col2im_planes, columns, x, planes, w);
}
