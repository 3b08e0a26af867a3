/* Max-pooling with argmax, average pooling and adaptive average pooling, with their gradients.
 *
 * Equation  max:      y[i, j] = max_{u, v} x[i*s - p + u*d, j*s - p + v*d], padding never wins
 *           average:  y[i, j] = sum_{u, v} x[i*s - p + u, j*s - p + v] / divisor(i, j)
 *           adaptive: y[i, j] = mean of rows floor(i H / out_h) .. ceil((i + 1) H / out_h), columns alike
 * Layout    x (planes, in_h, in_w); y, dy, argmax (planes, out_h, out_w). argmax is the index of the winner in
 *           its (in_h, in_w) plane.
 * Edges     Of equal values the first in row-major order wins; a NaN replaces what came before it (PyTorch's
 *           rule), so it propagates; a window of -inf yields its first pixel, and one whose dilated taps all lie
 *           in the padding yields -inf with index 0, so an index is always valid.
 *           Overlapping windows accumulate in every gradient. The divisor of average pooling is the number of
 *           pixels of the window in the padded image (count_include_pad) or in the image, or what is given.
 */
#include "kernels.h"
#include <math.h>

/* The part [first, last) of a window's taps that lies inside the image. */
static inline void taps_inside(ptrdiff_t *first, ptrdiff_t *last, ptrdiff_t start, ptrdiff_t kernel,
                               ptrdiff_t dilation, ptrdiff_t size)
{
    *first = start >= 0 ? 0 : fcn_divide_up(-start, dilation);
    *last = start >= size ? 0 : fcn_min(kernel, (size - 1 - start) / dilation + 1);
}

/* Threads for all windows; counted in double, since a window may be far larger than the image. */
static inline int window_threads(ptrdiff_t planes, const fcn_window *w)
{
    double taps =
        (double)planes * (double)w->out_h * (double)w->out_w * (double)w->kernel_h * (double)w->kernel_w;
    return fcn_threads_for(taps < FCN_SERIAL_BELOW ? (ptrdiff_t)taps : FCN_SERIAL_BELOW);
}

void FCN(max_pool2d)(void *y_, int64_t *argmax, const void *x_, ptrdiff_t planes, const fcn_window *w)
{
    real *y = y_;
    const real *x = x_;
    ptrdiff_t in_size = w->in_h * w->in_w, out_size = w->out_h * w->out_w;
    FCN_PARALLEL_FOR(window_threads(planes, w))
    for (ptrdiff_t p = 0; p < planes; ++p) {
        const real *plane = x + p * in_size;
        for (ptrdiff_t i = 0; i < w->out_h; ++i) {
            ptrdiff_t top = i * w->stride_h - w->pad_top, u0, u1;
            taps_inside(&u0, &u1, top, w->kernel_h, w->dilation_h, w->in_h);
            for (ptrdiff_t j = 0; j < w->out_w; ++j) {
                ptrdiff_t left = j * w->stride_w - w->pad_left, v0, v1;
                taps_inside(&v0, &v1, left, w->kernel_w, w->dilation_w, w->in_w);
                int empty = u0 >= u1 || v0 >= v1;
                ptrdiff_t best_at =
                    empty ? 0 : (top + u0 * w->dilation_h) * w->in_w + left + v0 * w->dilation_w;
                real best = empty ? (real)-INFINITY : plane[best_at];
                for (ptrdiff_t u = u0; u < u1; ++u)
                    for (ptrdiff_t v = v0; v < v1; ++v) {
                        ptrdiff_t at = (top + u * w->dilation_h) * w->in_w + left + v * w->dilation_w;
                        real value = plane[at];
                        if (value > best || value != value) {
                            best = value;
                            best_at = at;
                        }
                    }
                y[p * out_size + i * w->out_w + j] = best;
                argmax[p * out_size + i * w->out_w + j] = best_at;
            }
        }
    }
}

int FCN(max_pool2d_backward)(void *dx_, const void *dy_, const int64_t *argmax, ptrdiff_t planes,
                             ptrdiff_t in_size, ptrdiff_t out_size)
{
    real *dx = dx_;
    const real *dy = dy_;
    int valid = 1;
    for (ptrdiff_t i = 0; i < planes * out_size; ++i)
        valid &= argmax[i] >= 0 && argmax[i] < in_size;
    if (!valid)
        return 0;
    FCN_PARALLEL_FOR(fcn_threads_for(planes * in_size))
    for (ptrdiff_t p = 0; p < planes; ++p) {
        real *plane = dx + p * in_size;
        memset(plane, 0, (size_t)in_size * sizeof(real));
        for (ptrdiff_t i = p * out_size; i < (p + 1) * out_size; ++i)
            plane[argmax[i]] += dy[i];
    }
    return 1;
}

/* Rows (or columns) [first, last) of one average-pooling window in the image, and its length when the padding
 * counts. */
typedef struct {
    ptrdiff_t first, last, padded;
} extent;

static inline extent average_extent(ptrdiff_t out, ptrdiff_t stride, ptrdiff_t kernel, ptrdiff_t before,
                                    ptrdiff_t after, ptrdiff_t size)
{
    ptrdiff_t start = out * stride - before, end = fcn_min(start + kernel, size + after);
    extent e = {fcn_max(start, 0), fcn_min(end, size), end - start};
    if (e.last < e.first)
        e.last = e.first;
    return e;
}

static inline real average_divisor(extent rows, extent columns, int count_include_pad, ptrdiff_t divisor)
{
    if (divisor)
        return (real)divisor;
    if (count_include_pad)
        return (real)rows.padded * (real)columns.padded;
    ptrdiff_t pixels = (rows.last - rows.first) * (columns.last - columns.first);
    return (real)fcn_max(1, pixels); /* a window that lies in the padding alone has the sum 0 */
}

static inline real rectangle_sum(const real *plane, ptrdiff_t in_w, extent rows, extent columns)
{
    real sum = 0;
    for (ptrdiff_t r = rows.first; r < rows.last; ++r)
        for (ptrdiff_t c = columns.first; c < columns.last; ++c)
            sum += plane[r * in_w + c];
    return sum;
}

static inline void rectangle_add(real *plane, ptrdiff_t in_w, extent rows, extent columns, real value)
{
    for (ptrdiff_t r = rows.first; r < rows.last; ++r)
        for (ptrdiff_t c = columns.first; c < columns.last; ++c)
            plane[r * in_w + c] += value;
}

void FCN(avg_pool2d)(void *y_, const void *x_, ptrdiff_t planes, const fcn_window *w, ptrdiff_t pad_bottom,
                     ptrdiff_t pad_right, int count_include_pad, ptrdiff_t divisor)
{
    real *y = y_;
    const real *x = x_;
    ptrdiff_t in_size = w->in_h * w->in_w, out_size = w->out_h * w->out_w;
    FCN_PARALLEL_FOR(window_threads(planes, w))
    for (ptrdiff_t p = 0; p < planes; ++p)
        for (ptrdiff_t i = 0; i < w->out_h; ++i) {
            extent rows = average_extent(i, w->stride_h, w->kernel_h, w->pad_top, pad_bottom, w->in_h);
            for (ptrdiff_t j = 0; j < w->out_w; ++j) {
                extent columns = average_extent(j, w->stride_w, w->kernel_w, w->pad_left, pad_right, w->in_w);
                y[p * out_size + i * w->out_w + j] =
                    rectangle_sum(x + p * in_size, w->in_w, rows, columns) /
                    average_divisor(rows, columns, count_include_pad, divisor);
            }
        }
}

void FCN(avg_pool2d_backward)(void *dx_, const void *dy_, ptrdiff_t planes, const fcn_window *w,
                              ptrdiff_t pad_bottom, ptrdiff_t pad_right, int count_include_pad,
                              ptrdiff_t divisor)
{
    real *dx = dx_;
    const real *dy = dy_;
    ptrdiff_t in_size = w->in_h * w->in_w, out_size = w->out_h * w->out_w;
    FCN_PARALLEL_FOR(window_threads(planes, w))
    for (ptrdiff_t p = 0; p < planes; ++p) {
        memset(dx + p * in_size, 0, (size_t)in_size * sizeof(real));
        for (ptrdiff_t i = 0; i < w->out_h; ++i) {
            extent rows = average_extent(i, w->stride_h, w->kernel_h, w->pad_top, pad_bottom, w->in_h);
            for (ptrdiff_t j = 0; j < w->out_w; ++j) {
                extent columns = average_extent(j, w->stride_w, w->kernel_w, w->pad_left, pad_right, w->in_w);
                rectangle_add(dx + p * in_size, w->in_w, rows, columns,
                              dy[p * out_size + i * w->out_w + j] /
                                  average_divisor(rows, columns, count_include_pad, divisor));
            }
        }
    }
}

/* Rows (or columns) that output i of `out` averages: floor(i size / out) .. ceil((i + 1) size / out), with the
 * product kept small so that it cannot overflow. */
static inline extent adaptive_extent(ptrdiff_t i, ptrdiff_t size, ptrdiff_t out)
{
    ptrdiff_t whole = size / out, rest = size % out;
    extent e = {i * whole + i * rest / out, (i + 1) * whole + fcn_divide_up((i + 1) * rest, out), 0};
    return e;
}

void FCN(adaptive_avg_pool2d)(void *y_, const void *x_, ptrdiff_t planes, ptrdiff_t in_h, ptrdiff_t in_w,
                              ptrdiff_t out_h, ptrdiff_t out_w)
{
    real *y = y_;
    const real *x = x_;
    FCN_PARALLEL_FOR(fcn_threads_for(planes * in_h * in_w))
    for (ptrdiff_t p = 0; p < planes; ++p)
        for (ptrdiff_t i = 0; i < out_h; ++i) {
            extent rows = adaptive_extent(i, in_h, out_h);
            for (ptrdiff_t j = 0; j < out_w; ++j) {
                extent columns = adaptive_extent(j, in_w, out_w);
                y[(p * out_h + i) * out_w + j] = rectangle_sum(x + p * in_h * in_w, in_w, rows, columns) /
                                                 average_divisor(rows, columns, 0, 0);
            }
        }
}

void FCN(adaptive_avg_pool2d_backward)(void *dx_, const void *dy_, ptrdiff_t planes, ptrdiff_t in_h,
                                       ptrdiff_t in_w, ptrdiff_t out_h, ptrdiff_t out_w)
{
    real *dx = dx_;
    const real *dy = dy_;
    FCN_PARALLEL_FOR(fcn_threads_for(planes * in_h * in_w))
    for (ptrdiff_t p = 0; p < planes; ++p) {
        memset(dx + p * in_h * in_w, 0, (size_t)(in_h * in_w) * sizeof(real));
        for (ptrdiff_t i = 0; i < out_h; ++i) {
            extent rows = adaptive_extent(i, in_h, out_h);
            for (ptrdiff_t j = 0; j < out_w; ++j) {
                extent columns = adaptive_extent(j, in_w, out_w);
                rectangle_add(dx + p * in_h * in_w, in_w, rows, columns,
                              dy[(p * out_h + i) * out_w + j] / average_divisor(rows, columns, 0, 0));
            }
        }
    }
}
