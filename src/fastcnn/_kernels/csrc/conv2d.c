/* 2-D convolution (cross-correlation, as in every CNN library) as im2col + GEMM, and its two gradients.
 *
 * Equation  y[n, o, i, j] = bias[o] + sum_{c, u, v} weight[o, c, u, v] * x[n, c, i*s - p + u*d, j*s - p + v*d]
 *           dx = col2im(weight^T dy)        dweight = sum_n dy[n] im2col(x[n])^T
 * Layout    x (N, C, H, W); weight (O, C / groups, kernel_h, kernel_w); y, dy (N, O, out_h, out_w).
 * Method    The columns of one image and group are made for a few output rows at a time, so that they stay
 *           in cache; a 1x1 kernel with stride 1 and no padding needs none: the image is its own columns.
 * Threads   y: over images, groups and runs of rows; dx: over images and groups; dweight: images are cut
 *           into FCN_SUM_SLOTS fixed slots with a partial sum each, and the partial sums are added in order.
 * Edges     batch 0 gives an empty y and a zero dweight.
 */
#include "kernels.h"

/* The columns of one run of output rows take about this many bytes. */
#define COLUMN_BYTES (256 * 1024)

typedef struct {
    ptrdiff_t in_channels, out_channels; /* of one group */
    ptrdiff_t depth;                     /* rows of the column matrix: in_channels * kernel_h * kernel_w */
    ptrdiff_t in_size, out_size;         /* pixels of a plane */
    ptrdiff_t rows, runs;                /* output rows of a run, and how many runs there are */
    int pointwise;
} plan;

static plan make_plan(const fcn_conv2d *s)
{
    const fcn_window *w = &s->window;
    plan p;
    p.in_channels = s->in_channels / s->groups;
    p.out_channels = s->out_channels / s->groups;
    p.depth = p.in_channels * w->kernel_h * w->kernel_w;
    p.in_size = w->in_h * w->in_w;
    p.out_size = w->out_h * w->out_w;
    p.pointwise = w->kernel_h * w->kernel_w == 1 && w->stride_h * w->stride_w == 1 &&
                  p.in_size == p.out_size && w->pad_top == 0 && w->pad_left == 0;
    ptrdiff_t row_bytes = fcn_max(1, p.depth * w->out_w) * (ptrdiff_t)sizeof(real);
    p.rows = p.pointwise ? w->out_h : fcn_min(w->out_h, fcn_max(1, COLUMN_BYTES / row_bytes));
    p.runs = fcn_divide_up(w->out_h, p.rows);
    return p;
}

static size_t round_up(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

/* Bytes of one thread: a run of columns and the panels of GEMM. */
static size_t thread_bytes(const plan *p, const fcn_window *w)
{
    size_t columns = p->pointwise ? 0 : (size_t)(p->depth * p->rows * w->out_w) * sizeof(real);
    return round_up(columns) + round_up(FCN(gemm_workspace)(1));
}

static ptrdiff_t weight_size(const fcn_conv2d *s, const plan *p) { return s->out_channels * p->depth; }

size_t FCN(conv2d_workspace)(const fcn_conv2d *s, int threads)
{
    plan p = make_plan(s);
    size_t partial_sums = (size_t)(FCN_SUM_SLOTS * weight_size(s, &p)) * sizeof(real);
    return (size_t)threads * thread_bytes(&p, &s->window) + partial_sums;
}

/* Threads for one pass: a few thousand products are done before another thread wakes up. */
static int pass_threads(const fcn_conv2d *s, const plan *p, int threads)
{
    double products = (double)s->batch * (double)weight_size(s, p) * (double)p->out_size;
    return products < 8.0 * FCN_SERIAL_BELOW ? 1 : threads;
}

void FCN(conv2d)(void *y_, const void *x_, const void *weight_, const void *bias_, const fcn_conv2d *s,
                 void *workspace, int threads)
{
    real *y = y_;
    const real *x = x_, *weight = weight_, *bias = bias_;
    const fcn_window *w = &s->window;
    const plan p = make_plan(s);
    const size_t bytes = thread_bytes(&p, w);
    threads = pass_threads(s, &p, threads);
    FCN_PARALLEL_FOR(threads)
    for (ptrdiff_t task = 0; task < s->batch * s->groups * p.runs; ++task) {
        ptrdiff_t run = task % p.runs, block = task / p.runs, group = block % s->groups;
        ptrdiff_t row0 = run * p.rows, row1 = fcn_min(w->out_h, row0 + p.rows);
        ptrdiff_t pixels = (row1 - row0) * w->out_w;
        const real *image = x + block * p.in_channels * p.in_size;
        real *columns = (real *)((char *)workspace + (size_t)fcn_thread() * bytes);
        void *panels = (char *)columns + bytes - round_up(FCN(gemm_workspace)(1));
        real *out = y + block * p.out_channels * p.out_size + row0 * w->out_w;
        if (!p.pointwise)
            FCN(im2col_rows)(columns, image, p.in_channels, w, row0, row1);
        if (bias)
            for (ptrdiff_t o = 0; o < p.out_channels; ++o)
                for (ptrdiff_t i = 0; i < pixels; ++i)
                    out[o * p.out_size + i] = bias[group * p.out_channels + o];
        fcn_matrix a = {weight + group * p.out_channels * p.depth, p.depth, 1};
        fcn_matrix b = {p.pointwise ? image : columns, pixels, 1};
        FCN(gemm_serial)(out, p.out_size, a, b, p.out_channels, pixels, p.depth, bias != NULL, panels);
    }
}

void FCN(conv2d_backward_input)(void *dx_, const void *dy_, const void *weight_, const fcn_conv2d *s,
                                void *workspace, int threads)
{
    real *dx = dx_;
    const real *dy = dy_, *weight = weight_;
    const fcn_window *w = &s->window;
    const plan p = make_plan(s);
    const size_t bytes = thread_bytes(&p, w);
    threads = pass_threads(s, &p, threads);
    FCN_PARALLEL_FOR(threads)
    for (ptrdiff_t block = 0; block < s->batch * s->groups; ++block) {
        ptrdiff_t group = block % s->groups;
        real *image = dx + block * p.in_channels * p.in_size;
        real *columns = (real *)((char *)workspace + (size_t)fcn_thread() * bytes);
        void *panels = (char *)columns + bytes - round_up(FCN(gemm_workspace)(1));
        if (!p.pointwise)
            memset(image, 0, (size_t)(p.in_channels * p.in_size) * sizeof(real));
        for (ptrdiff_t row0 = 0; row0 < w->out_h; row0 += p.rows) {
            ptrdiff_t row1 = fcn_min(w->out_h, row0 + p.rows), pixels = (row1 - row0) * w->out_w;
            fcn_matrix a = {weight + group * p.out_channels * p.depth, 1, p.depth};
            fcn_matrix b = {dy + block * p.out_channels * p.out_size + row0 * w->out_w, p.out_size, 1};
            real *product = p.pointwise ? image : columns;
            FCN(gemm_serial)(product, pixels, a, b, p.depth, pixels, p.out_channels, 0, panels);
            if (!p.pointwise)
                FCN(col2im_rows)(image, columns, p.in_channels, w, row0, row1);
        }
    }
}

void FCN(conv2d_backward_weight)(void *dweight_, const void *dy_, const void *x_, const fcn_conv2d *s,
                                 void *workspace, int threads)
{
    real *dweight = dweight_;
    const real *dy = dy_, *x = x_;
    const fcn_window *w = &s->window;
    const plan p = make_plan(s);
    const size_t bytes = thread_bytes(&p, w);
    threads = pass_threads(s, &p, threads);
    const ptrdiff_t size = weight_size(s, &p), group_size = p.out_channels * p.depth;
    const ptrdiff_t slot_images = fcn_max(1, fcn_divide_up(s->batch, FCN_SUM_SLOTS));
    const ptrdiff_t slots = fcn_divide_up(s->batch, slot_images);
    real *partial = (real *)((char *)workspace + (size_t)threads * bytes);
    FCN_PARALLEL_FOR(threads)
    for (ptrdiff_t task = 0; task < slots * s->groups; ++task) {
        ptrdiff_t slot = task / s->groups, group = task % s->groups;
        real *columns = (real *)((char *)workspace + (size_t)fcn_thread() * bytes);
        void *panels = (char *)columns + bytes - round_up(FCN(gemm_workspace)(1));
        real *sum = partial + slot * size + group * group_size;
        ptrdiff_t first = slot * slot_images, last = fcn_min(s->batch, first + slot_images);
        for (ptrdiff_t n = first; n < last; ++n) {
            ptrdiff_t block = n * s->groups + group;
            const real *image = x + block * p.in_channels * p.in_size;
            for (ptrdiff_t row0 = 0; row0 < w->out_h; row0 += p.rows) {
                ptrdiff_t row1 = fcn_min(w->out_h, row0 + p.rows), pixels = (row1 - row0) * w->out_w;
                if (!p.pointwise)
                    FCN(im2col_rows)(columns, image, p.in_channels, w, row0, row1);
                fcn_matrix a = {dy + block * p.out_channels * p.out_size + row0 * w->out_w, p.out_size, 1};
                fcn_matrix b = {p.pointwise ? image : columns, 1, pixels};
                FCN(gemm_serial)(sum, p.depth, a, b, p.out_channels, p.depth, pixels, n > first || row0 > 0,
                                 panels);
            }
        }
    }
    memset(dweight, 0, (size_t)size * sizeof(real));
    for (ptrdiff_t slot = 0; slot < slots; ++slot)
        for (ptrdiff_t i = 0; i < size; ++i)
            dweight[i] += partial[slot * size + i];
}
