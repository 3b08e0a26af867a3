/* im2col and its adjoint col2im.
 *
 * Equation  columns[c, u, v, i, j] = x[c, i * stride_h - pad_top + u * dilation_h,
 *                                         j * stride_w - pad_left + v * dilation_w]
 *           (0 outside the image); col2im adds each column element back to the pixel that it came from.
 * Layout    x (planes, in_h, in_w); columns (planes, kernel_h, kernel_w, out_h, out_w).
 * Edges     Any padding, also wider than the image; stride larger than the kernel; empty outputs.
 *           Overlapping windows accumulate in col2im, in the order of u, v.
 */
#include "kernels.h"

/* Outputs [first, last) of one row have their tap inside the image. */
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

void FCN(im2col)(void *columns_, const void *x_, ptrdiff_t planes, const fcn_window *w)
{
    real *columns = columns_;
    const real *x = x_;
    ptrdiff_t in_size = w->in_h * w->in_w, out_size = w->kernel_h * w->kernel_w * w->out_h * w->out_w;
    FCN_PARALLEL_FOR(fcn_threads_for(planes * out_size))
    for (ptrdiff_t p = 0; p < planes; ++p)
        FCN(im2col_rows)(columns + p * out_size, x + p * in_size, 1, w, 0, w->out_h);
}

void FCN(col2im)(void *x_, const void *columns_, ptrdiff_t planes, const fcn_window *w)
{
    real *x = x_;
    const real *columns = columns_;
    ptrdiff_t in_size = w->in_h * w->in_w, out_size = w->kernel_h * w->kernel_w * w->out_h * w->out_w;
    FCN_PARALLEL_FOR(fcn_threads_for(planes * out_size))
    for (ptrdiff_t p = 0; p < planes; ++p) {
        memset(x + p * in_size, 0, (size_t)in_size * sizeof(real));
        FCN(col2im_rows)(x + p * in_size, columns + p * out_size, 1, w, 0, w->out_h);
    }
}
