/* 2-D convolution (cross-correlation, as in every CNN library) as im2col + GEMM, and its two gradients.
 *
 * Equation  y[n, o, i, j] = bias[o] + sum_{c, u, v} weight[o, c, u, v] x[n, c, i*s - p + u*d, j*s - p + v*d]
 *           dx = col2im(weight^T dy)        dweight = sum_n dy[n] im2col(x[n])^T
 * Layout    x (N, C, H, W); weight (O, C / groups, kernel_h, kernel_w); y, dy (N, O, out_h, out_w).
 * Method    The columns of one image and group are made for a strip of a few output rows at a time, so that
 *           they stay in the cache. A 1x1 kernel with stride 1 and no padding needs none: the image is its
 *           own columns.
 * Threads   y: over images, groups and strips; dx: over images and groups; dweight: over slots of images and
 *           groups. Slots (common/slots.h) have a partial sum each, and the partial sums are added in order.
 * Edges     A batch of 0 gives an empty y and a dweight of zeros.
 */
#include "eager/eager.h"

/* The columns of a strip take about this many bytes. */
#define COLUMN_BYTES (256 * 1024)

typedef struct {
    ptrdiff_t in_channels, out_channels; /* of one group */
    ptrdiff_t depth;                     /* rows of the column matrix: in_channels * kernel_h * kernel_w */
    ptrdiff_t in_size, out_size;         /* pixels of a plane */
    ptrdiff_t rows, strips;              /* output rows of a strip, and how many strips an image has */
    int pointwise;                       /* the image is its own columns */
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
    p.strips = fcn_divide_up(w->out_h, p.rows);
    return p;
}

/* Bytes of workspace of one thread: the columns of a strip, then the panels of GEMM. */
static size_t thread_bytes(const plan *p, const fcn_window *w)
{
    size_t columns = p->pointwise ? 0 : (size_t)(p->depth * p->rows * w->out_w) * sizeof(real);
    return fcn_whole_lines(columns) + fcn_whole_lines(FCN(gemm_workspace)(1));
}

static ptrdiff_t weight_size(const fcn_conv2d *s, const plan *p) { return s->out_channels * p->depth; }

/* How many of the batch's slots are one of this layer's. */
static ptrdiff_t slots_in_one(const fcn_conv2d *s, const plan *p)
{
    const ptrdiff_t bytes = weight_size(s, p) * (ptrdiff_t)sizeof(real);
    return fcn_slots_in_one(fcn_slots(s->batch), fcn_most_slots(bytes));
}

size_t FCN(conv2d_workspace)(const fcn_conv2d *s, int threads)
{
    plan p = make_plan(s);
    const ptrdiff_t slots = fcn_divide_up(fcn_slots(s->batch), slots_in_one(s, &p));
    size_t partial_sums = (size_t)(slots * weight_size(s, &p)) * sizeof(real);
    return (size_t)threads * thread_bytes(&p, &s->window) + partial_sums;
}

/* One pass over the data. It reads two of x, y and weight (or their gradients) and writes the third. */
typedef struct {
    const fcn_conv2d *s;
    plan p;
    size_t bytes; /* of the workspace of one thread */
    char *workspace;
    real *x, *y, *weight;
    const real *bias;
    ptrdiff_t slots_in_one; /* the gradient of weight: how many slots a partial sum is over */
} pass;

static pass make_pass(const fcn_conv2d *s, const void *x, const void *y, const void *weight, void *workspace)
{
    pass a = {.s = s, .p = make_plan(s), .workspace = workspace};
    a.bytes = thread_bytes(&a.p, &s->window);
    a.x = (real *)x;
    a.y = (real *)y;
    a.weight = (real *)weight;
    return a;
}

static real *thread_columns(const pass *a, int thread)
{
    return (real *)(a->workspace + (size_t)thread * a->bytes);
}

static void *thread_panels(const pass *a, int thread)
{
    return a->workspace + (size_t)(thread + 1) * a->bytes - fcn_whole_lines(FCN(gemm_workspace)(1));
}

/* Run a pass that is cut into parts, which take about the same time. */
static void run_pass(const pass *a, ptrdiff_t parts, int threads, fcn_loop *loop)
{
    double products = (double)a->s->batch * (double)weight_size(a->s, &a->p) * (double)a->p.out_size;
    fcn_parallel_for(parts, products / (double)fcn_max(1, parts) / FCN_PRODUCTS_PER_ELEMENT, threads, loop,
                     a);
}

/* A part is one image, group and strip. */
static void forward_parts(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    const pass *a = args;
    const plan p = a->p;
    const fcn_window *w = &a->s->window;
    real *columns = thread_columns(a, thread);
    for (ptrdiff_t part = first; part < last; ++part) {
        ptrdiff_t strip = part % p.strips, block = part / p.strips, group = block % a->s->groups;
        ptrdiff_t row0 = strip * p.rows, row1 = fcn_min(w->out_h, row0 + p.rows);
        ptrdiff_t pixels = (row1 - row0) * w->out_w;
        const real *image = a->x + block * p.in_channels * p.in_size;
        real *out = a->y + block * p.out_channels * p.out_size + row0 * w->out_w;
        if (!p.pointwise)
            FCN(im2col_rows)(columns, image, p.in_channels, w, row0, row1);
        if (a->bias)
            for (ptrdiff_t o = 0; o < p.out_channels; ++o) {
                const real bias = a->bias[group * p.out_channels + o];
                for (ptrdiff_t i = 0; i < pixels; ++i)
                    out[o * p.out_size + i] = bias;
            }
        fcn_matrix weight = {a->weight + group * p.out_channels * p.depth, p.depth, 1};
        fcn_matrix b = {p.pointwise ? image : columns, pixels, 1};
        FCN(gemm_serial)(out, p.out_size, weight, b, p.out_channels, pixels, p.depth, a->bias != NULL,
                         thread_panels(a, thread));
    }
}

void FCN(conv2d)(void *y, const void *x, const void *weight, const void *bias, const fcn_conv2d *s,
                 void *workspace, int threads)
{
    OWN_FLOAT_MODE;
    pass a = make_pass(s, x, y, weight, workspace);
    a.bias = bias;
    run_pass(&a, s->batch * s->groups * a.p.strips, threads, forward_parts);
}

/* A part is one image and group. */
static void backward_input_parts(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    const pass *a = args;
    const plan p = a->p;
    const fcn_window *w = &a->s->window;
    for (ptrdiff_t block = first; block < last; ++block) {
        ptrdiff_t group = block % a->s->groups;
        real *image = a->x + block * p.in_channels * p.in_size;
        if (!p.pointwise)
            memset(image, 0, (size_t)(p.in_channels * p.in_size) * sizeof(real));
        for (ptrdiff_t row0 = 0; row0 < w->out_h; row0 += p.rows) {
            ptrdiff_t row1 = fcn_min(w->out_h, row0 + p.rows), pixels = (row1 - row0) * w->out_w;
            fcn_matrix weight = {a->weight + group * p.out_channels * p.depth, 1, p.depth};
            fcn_matrix dy = {a->y + block * p.out_channels * p.out_size + row0 * w->out_w, p.out_size, 1};
            real *product = p.pointwise ? image : thread_columns(a, thread);
            FCN(gemm_serial)(product, pixels, weight, dy, p.depth, pixels, p.out_channels, 0,
                             thread_panels(a, thread));
            if (!p.pointwise)
                FCN(col2im_rows)(image, product, p.in_channels, w, row0, row1);
        }
    }
}

void FCN(conv2d_backward_input)(void *dx, const void *dy, const void *weight, const fcn_conv2d *s,
                                void *workspace, int threads)
{
    OWN_FLOAT_MODE;
    const pass a = make_pass(s, dx, dy, weight, workspace);
    run_pass(&a, s->batch * s->groups, threads, backward_input_parts);
}

/* A part is one slot of images and group. Its sum goes to a place of its own, weight + slot * weight_size. */
static void backward_weight_parts(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    const pass *a = args;
    const plan p = a->p;
    const fcn_window *w = &a->s->window;
    const ptrdiff_t groups = a->s->groups;
    real *columns = thread_columns(a, thread);
    for (ptrdiff_t part = first; part < last; ++part) {
        ptrdiff_t slot = part / groups, group = part % groups;
        real *sum = a->weight + slot * weight_size(a->s, &p) + group * p.out_channels * p.depth;
        const ptrdiff_t slots = fcn_slots(a->s->batch), in_one = a->slots_in_one;
        const ptrdiff_t first_image = fcn_slot_start(slot * in_one, slots, a->s->batch);
        const ptrdiff_t last_image = fcn_slot_start(fcn_min((slot + 1) * in_one, slots), slots, a->s->batch);
        for (ptrdiff_t n = first_image; n < last_image; ++n) {
            ptrdiff_t block = n * groups + group;
            const real *image = a->x + block * p.in_channels * p.in_size;
            for (ptrdiff_t row0 = 0; row0 < w->out_h; row0 += p.rows) {
                ptrdiff_t row1 = fcn_min(w->out_h, row0 + p.rows), pixels = (row1 - row0) * w->out_w;
                if (!p.pointwise)
                    FCN(im2col_rows)(columns, image, p.in_channels, w, row0, row1);
                fcn_matrix dy = {a->y + block * p.out_channels * p.out_size + row0 * w->out_w, p.out_size, 1};
                fcn_matrix b = {p.pointwise ? image : columns, 1, pixels};
                FCN(gemm_serial)(sum, p.depth, dy, b, p.out_channels, p.depth, pixels,
                                 n > first_image || row0 > 0, thread_panels(a, thread));
            }
        }
    }
}

void FCN(conv2d_backward_weight)(void *dweight_, const void *dy, const void *x, const fcn_conv2d *s,
                                 void *workspace, int threads)
{
    OWN_FLOAT_MODE;
    real *dweight = dweight_;
    pass a = make_pass(s, x, dy, NULL, workspace);
    const ptrdiff_t size = weight_size(s, &a.p);
    real *partial = thread_columns(&a, threads); /* behind the workspaces of the threads */
    a.weight = partial;
    a.slots_in_one = slots_in_one(s, &a.p);
    const ptrdiff_t slots = fcn_divide_up(fcn_slots(s->batch), a.slots_in_one);
    run_pass(&a, slots * s->groups, threads, backward_weight_parts);
    memset(dweight, 0, (size_t)size * sizeof(real));
    for (ptrdiff_t slot = 0; slot < slots; ++slot)
        for (ptrdiff_t i = 0; i < size; ++i)
            dweight[i] += partial[slot * size + i];
}
