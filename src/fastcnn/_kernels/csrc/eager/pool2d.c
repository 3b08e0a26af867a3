/* Max-pooling with argmax and average pooling, both adaptive too, with their gradients.
 *
 * Equation  max:      y[i, j] = max_{u, v} x[i*s - p + u*d, j*s - p + v*d], padding never wins
 *           average:  y[i, j] = sum_{u, v} x[i*s - p + u, j*s - p + v] / divisor(i, j)
 *           adaptive: y[i, j] = the same of rows floor(i H / out_h) .. ceil((i + 1) H / out_h), columns alike
 * Layout    x (planes, in_h, in_w); y, dy, argmax (planes, out_h, out_w). argmax is the index of the winner
 *           in its (in_h, in_w) plane.
 * Threads   Over planes.
 * Edges     Of equal values the first in row-major order wins. A NaN wins over whatever came before it
 *           (PyTorch's rule), so it propagates. A window of -inf yields its first pixel, and one whose
 *           dilated taps all lie in the padding yields -inf with index 0: an index is always valid. Where
 *           windows overlap, all gradients add up. The divisor of average pooling is the number of pixels of
 *           the window in the padded image (count_include_pad) or in the image, unless one is given.
 */
#include "eager/eager.h"
#include "common/sums.h"
#include <math.h>

/* The taps first to last - 1 of a window are those that lie inside the image. */
static inline void taps_inside(ptrdiff_t *first, ptrdiff_t *last, ptrdiff_t start, ptrdiff_t kernel,
                               ptrdiff_t dilation, ptrdiff_t size)
{
    *first = start >= 0 ? 0 : fcn_divide_up(-start, dilation);
    *last = start >= size ? 0 : fcn_min(kernel, (size - 1 - start) / dilation + 1);
}

/* How many elements a plane is worth to fcn_parallel_for: one for each tap of each output. */
static inline double plane_elements(const fcn_window *w)
{
    return (double)w->out_h * (double)w->out_w * (double)w->kernel_h * (double)w->kernel_w;
}

typedef struct {
    real *y;
    int64_t *argmax;
    const real *x;
    const fcn_window *window;
} max_args;

static void max_plane(real *y, int64_t *argmax, const real *plane, const fcn_window *w)
{
    for (ptrdiff_t i = 0; i < w->out_h; ++i) {
        ptrdiff_t top = i * w->stride_h - w->pad_top, u0, u1;
        taps_inside(&u0, &u1, top, w->kernel_h, w->dilation_h, w->in_h);
        for (ptrdiff_t j = 0; j < w->out_w; ++j) {
            ptrdiff_t left = j * w->stride_w - w->pad_left, v0, v1;
            taps_inside(&v0, &v1, left, w->kernel_w, w->dilation_w, w->in_w);
            int empty = u0 >= u1 || v0 >= v1;
            ptrdiff_t best_at = empty ? 0 : (top + u0 * w->dilation_h) * w->in_w + left + v0 * w->dilation_w;
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
            y[i * w->out_w + j] = best;
            argmax[i * w->out_w + j] = best_at;
        }
    }
}

static void max_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const max_args a = *(const max_args *)args;
    const fcn_window w = *a.window;
    const ptrdiff_t in_size = w.in_h * w.in_w, out_size = w.out_h * w.out_w;
    for (ptrdiff_t p = first; p < last; ++p)
        max_plane(a.y + p * out_size, a.argmax + p * out_size, a.x + p * in_size, &w);
}

void FCN(max_pool2d)(void *y, int64_t *argmax, const void *x, ptrdiff_t planes, const fcn_window *w)
{
    OWN_FLOAT_MODE;
    const max_args a = {y, argmax, x, w};
    fcn_parallel_for(planes, plane_elements(w), fcn_get_threads(), max_planes, &a);
}

typedef struct {
    real *dx;
    const real *dy;
    const int64_t *argmax;
    ptrdiff_t in_size, out_size;
} max_grad_args;

static void max_grad_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const max_grad_args a = *(const max_grad_args *)args;
    for (ptrdiff_t p = first; p < last; ++p) {
        real *plane = a.dx + p * a.in_size;
        memset(plane, 0, (size_t)a.in_size * sizeof(real));
        for (ptrdiff_t i = p * a.out_size; i < (p + 1) * a.out_size; ++i)
            plane[a.argmax[i]] += a.dy[i];
    }
}

int FCN(max_pool2d_backward)(void *dx, const void *dy, const int64_t *argmax, ptrdiff_t planes,
                             ptrdiff_t in_size, ptrdiff_t out_size)
{
    OWN_FLOAT_MODE;
    int valid = 1;
    for (ptrdiff_t i = 0; i < planes * out_size; ++i)
        valid &= argmax[i] >= 0 && argmax[i] < in_size;
    if (!valid)
        return 0;
    const max_grad_args a = {dx, dy, argmax, in_size, out_size};
    fcn_parallel_for(planes, (double)in_size, fcn_get_threads(), max_grad_planes, &a);
    return 1;
}

/* The rows (or columns) first to last - 1 of a window of average pooling lie in the image; `padded` of them
 * lie in the padded image. */
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
    return (real)fcn_max(1, pixels); /* the sum over a window that lies in the padding alone is 0 */
}

static inline double rectangle_sum(const real *plane, ptrdiff_t in_w, extent rows, extent columns)
{
    const ptrdiff_t width = columns.last - columns.first;
    double sum = 0;
    for (ptrdiff_t r = rows.first; r < rows.last; ++r) {
        const real *row = plane + r * in_w + columns.first;
        if (width >= VL)
            sum += fcn_row_sum(row, width);
        else
            for (ptrdiff_t c = 0; c < width; ++c)
                sum += (double)row[c];
    }
    return sum;
}

static inline void rectangle_add(real *plane, ptrdiff_t in_w, extent rows, extent columns, real value)
{
    for (ptrdiff_t r = rows.first; r < rows.last; ++r)
        for (ptrdiff_t c = columns.first; c < columns.last; ++c)
            plane[r * in_w + c] += value;
}

/* In the backward pass x and y are dx and dy. */
typedef struct {
    real *x, *y;
    const fcn_window *window;
    ptrdiff_t pad_bottom, pad_right;
    int count_include_pad;
    ptrdiff_t divisor;
} average_args;

static void average_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const average_args a = *(const average_args *)args;
    const fcn_window w = *a.window;
    for (ptrdiff_t p = first; p < last; ++p)
        for (ptrdiff_t i = 0; i < w.out_h; ++i) {
            extent rows = average_extent(i, w.stride_h, w.kernel_h, w.pad_top, a.pad_bottom, w.in_h);
            for (ptrdiff_t j = 0; j < w.out_w; ++j) {
                extent columns = average_extent(j, w.stride_w, w.kernel_w, w.pad_left, a.pad_right, w.in_w);
                a.y[(p * w.out_h + i) * w.out_w + j] =
                    (real)(rectangle_sum(a.x + p * w.in_h * w.in_w, w.in_w, rows, columns) /
                           (double)average_divisor(rows, columns, a.count_include_pad, a.divisor));
            }
        }
}

static void average_grad_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const average_args a = *(const average_args *)args;
    const fcn_window w = *a.window;
    for (ptrdiff_t p = first; p < last; ++p) {
        real *plane = a.x + p * w.in_h * w.in_w;
        memset(plane, 0, (size_t)(w.in_h * w.in_w) * sizeof(real));
        for (ptrdiff_t i = 0; i < w.out_h; ++i) {
            extent rows = average_extent(i, w.stride_h, w.kernel_h, w.pad_top, a.pad_bottom, w.in_h);
            for (ptrdiff_t j = 0; j < w.out_w; ++j) {
                extent columns = average_extent(j, w.stride_w, w.kernel_w, w.pad_left, a.pad_right, w.in_w);
                rectangle_add(plane, w.in_w, rows, columns,
                              a.y[(p * w.out_h + i) * w.out_w + j] /
                                  average_divisor(rows, columns, a.count_include_pad, a.divisor));
            }
        }
    }
}

void FCN(avg_pool2d)(void *y, const void *x, ptrdiff_t planes, const fcn_window *w, ptrdiff_t pad_bottom,
                     ptrdiff_t pad_right, int count_include_pad, ptrdiff_t divisor)
{
    OWN_FLOAT_MODE;
    const average_args a = {(real *)x, y, w, pad_bottom, pad_right, count_include_pad, divisor};
    fcn_parallel_for(planes, plane_elements(w), fcn_get_threads(), average_planes, &a);
}

void FCN(avg_pool2d_backward)(void *dx, const void *dy, ptrdiff_t planes, const fcn_window *w,
                              ptrdiff_t pad_bottom, ptrdiff_t pad_right, int count_include_pad,
                              ptrdiff_t divisor)
{
    OWN_FLOAT_MODE;
    const average_args a = {dx, (real *)dy, w, pad_bottom, pad_right, count_include_pad, divisor};
    fcn_parallel_for(planes, plane_elements(w), fcn_get_threads(), average_grad_planes, &a);
}

/* The rows (or columns) that output i averages, from floor(i size / out) to ceil((i + 1) size / out) - 1. The
 * whole part of size / out is taken out of the products, which could overflow. */
static inline extent adaptive_extent(ptrdiff_t i, ptrdiff_t size, ptrdiff_t out)
{
    ptrdiff_t whole = size / out, rest = size % out;
    extent e = {i * whole + i * rest / out, (i + 1) * whole + fcn_divide_up((i + 1) * rest, out), 0};
    return e;
}

/* In the backward pass x and y are dx and dy. */
typedef struct {
    real *x, *y;
    ptrdiff_t in_h, in_w, out_h, out_w;
} adaptive_args;

typedef struct {
    real *y;
    int64_t *argmax;
    const real *x;
    ptrdiff_t in_h, in_w, out_h, out_w;
} adaptive_max_args;

static void adaptive_max_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const adaptive_max_args a = *(const adaptive_max_args *)args;
    for (ptrdiff_t p = first; p < last; ++p) {
        const real *plane = a.x + p * a.in_h * a.in_w;
        for (ptrdiff_t i = 0; i < a.out_h; ++i) {
            const extent rows = adaptive_extent(i, a.in_h, a.out_h);
            for (ptrdiff_t j = 0; j < a.out_w; ++j) {
                const extent columns = adaptive_extent(j, a.in_w, a.out_w);
                ptrdiff_t best_at = rows.first * a.in_w + columns.first;
                real best = plane[best_at];
                for (ptrdiff_t r = rows.first; r < rows.last; ++r)
                    for (ptrdiff_t c = columns.first; c < columns.last; ++c) {
                        const real value = plane[r * a.in_w + c];
                        if (value > best || value != value) {
                            best = value;
                            best_at = r * a.in_w + c;
                        }
                    }
                a.y[(p * a.out_h + i) * a.out_w + j] = best;
                a.argmax[(p * a.out_h + i) * a.out_w + j] = best_at;
            }
        }
    }
}

void FCN(adaptive_max_pool2d)(void *y, int64_t *argmax, const void *x, ptrdiff_t planes, ptrdiff_t in_h,
                              ptrdiff_t in_w, ptrdiff_t out_h, ptrdiff_t out_w)
{
    OWN_FLOAT_MODE;
    const adaptive_max_args a = {y, argmax, x, in_h, in_w, out_h, out_w};
    fcn_parallel_for(planes, (double)(in_h * in_w), fcn_get_threads(), adaptive_max_planes, &a);
}

static void adaptive_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const adaptive_args a = *(const adaptive_args *)args;
    for (ptrdiff_t p = first; p < last; ++p)
        for (ptrdiff_t i = 0; i < a.out_h; ++i) {
            extent rows = adaptive_extent(i, a.in_h, a.out_h);
            for (ptrdiff_t j = 0; j < a.out_w; ++j) {
                extent columns = adaptive_extent(j, a.in_w, a.out_w);
                a.y[(p * a.out_h + i) * a.out_w + j] =
                    (real)(rectangle_sum(a.x + p * a.in_h * a.in_w, a.in_w, rows, columns) /
                           (double)average_divisor(rows, columns, 0, 0));
            }
        }
}

static void adaptive_grad_planes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const adaptive_args a = *(const adaptive_args *)args;
    for (ptrdiff_t p = first; p < last; ++p) {
        real *plane = a.x + p * a.in_h * a.in_w;
        memset(plane, 0, (size_t)(a.in_h * a.in_w) * sizeof(real));
        for (ptrdiff_t i = 0; i < a.out_h; ++i) {
            extent rows = adaptive_extent(i, a.in_h, a.out_h);
            for (ptrdiff_t j = 0; j < a.out_w; ++j) {
                extent columns = adaptive_extent(j, a.in_w, a.out_w);
                rectangle_add(plane, a.in_w, rows, columns,
                              a.y[(p * a.out_h + i) * a.out_w + j] / average_divisor(rows, columns, 0, 0));
            }
        }
    }
}

static void each_adaptive_plane(fcn_loop *loop, const void *x, const void *y, ptrdiff_t planes,
                                ptrdiff_t in_h, ptrdiff_t in_w, ptrdiff_t out_h, ptrdiff_t out_w)
{
    const adaptive_args a = {(real *)x, (real *)y, in_h, in_w, out_h, out_w};
    fcn_parallel_for(planes, (double)(in_h * in_w), fcn_get_threads(), loop, &a);
}

void FCN(adaptive_avg_pool2d)(void *y, const void *x, ptrdiff_t planes, ptrdiff_t in_h, ptrdiff_t in_w,
                              ptrdiff_t out_h, ptrdiff_t out_w)
{
    OWN_FLOAT_MODE;
    each_adaptive_plane(adaptive_planes, x, y, planes, in_h, in_w, out_h, out_w);
}

void FCN(adaptive_avg_pool2d_backward)(void *dx, const void *dy, ptrdiff_t planes, ptrdiff_t in_h,
                                       ptrdiff_t in_w, ptrdiff_t out_h, ptrdiff_t out_w)
{
    OWN_FLOAT_MODE;
    each_adaptive_plane(adaptive_grad_planes, dx, dy, planes, in_h, in_w, out_h, out_w);
}
