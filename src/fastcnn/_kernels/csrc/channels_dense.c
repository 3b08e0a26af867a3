/* Linear layers in the layout "channels" on the parameter's own layout, weight (out, in) by rows: for training, where
 * a packed copy of the weights would cost as much as it saves.
 *
 * Equation  dense         y[n][o] = bias[o] + sum_k w[o][k] * x[n][k]
 *           dense_input   dx[n][k] = sum_o dy[n][o] * w[o][k]
 *           dense_weight  dw[o][k] = sum_n dy[n][o] * x[n][k]
 * Method    Lanes run over k in all three. Register blocks are images by outputs, images by vectors of k, and outputs
 *           by vectors of k. Where a length is no multiple of a block's, the last block starts earlier and makes
 *           some results anew, so that nothing past the end of a row is read or written.
 * Order     Each lane adds over ascending k, o or n, whatever its block: bitwise the same in every batch.
 */
#define FCN_CHANNELS
#include "lanes.h"

#define INLINE static inline __attribute__((always_inline))
#define PIN_INTEGER(i) __asm__("" : "+r"(i))
#define MAX_SUMS 24
#define MAX_IMAGES 4

/* The last `count` < VL elements before `end` of a row of `length`, among zeros. */
static inline vreal tail(const real *end, ptrdiff_t count, ptrdiff_t length)
{
    real lanes[VL] = {0};
    if (length < VL) {
        for (ptrdiff_t i = 0; i < count; ++i)
            lanes[VL - count + i] = end[i - count];
        return vload(lanes);
    }
    lane_int chosen[VL];
    for (int i = 0; i < VL; ++i)
        chosen[i] = i < VL - count ? 0 : -1;
    vint mask;
    memcpy(&mask, chosen, sizeof(mask));
    return keep(mask, vload(end - VL));
}

typedef struct {
    real *out;                                /* y, dx or dw */
    const real *a;                            /* x, dy or dy */
    const real *b;                            /* weight, weight or x */
    ptrdiff_t out_stride, a_stride, b_stride; /* from row to row, in reals */
    ptrdiff_t rows;                           /* of b: outputs, outputs or images */
    ptrdiff_t depth;
} rows_of;

/* y of `outputs` outputs from o0 on (those past the last are made and dropped) and `images` images from n0 on. */
INLINE void dots(const rows_of *f, const real *bias, int relu, ptrdiff_t n0, ptrdiff_t o0, const int images,
                 const int outputs)
{
    vreal sum[MAX_SUMS + VL];
    const real *x[MAX_IMAGES], *w[8];
#pragma GCC unroll 32
    for (int i = 0; i < images * outputs; ++i)
        sum[i] = (vreal){0};
#pragma GCC unroll 8
    for (int n = 0; n < images; ++n) {
        x[n] = f->a + (n0 + n) * f->a_stride;
        PIN_INTEGER(x[n]);
    }
#pragma GCC unroll 8
    for (int o = 0; o < outputs; ++o) {
        w[o] = f->b + fcn_min(o0 + o, f->rows - 1) * f->b_stride;
        PIN_INTEGER(w[o]);
    }
    ptrdiff_t k = 0;
    for (; k + VL <= f->depth; k += VL) {
        PIN_INTEGER(k);
        vreal value[MAX_IMAGES];
#pragma GCC unroll 8
        for (int n = 0; n < images; ++n) {
            value[n] = vload(x[n] + k);
            PIN(value[n]);
        }
#pragma GCC unroll 8
        for (int o = 0; o < outputs; ++o) {
            vreal weight = vload(w[o] + k);
            if (images > 1)
                PIN(weight);
#pragma GCC unroll 8
            for (int n = 0; n < images; ++n)
                sum[n * outputs + o] += weight * value[n];
        }
    }
    if (k < f->depth) {
        vreal weight[8];
#pragma GCC unroll 8
        for (int o = 0; o < outputs; ++o)
            weight[o] = tail(w[o] + f->depth, f->depth - k, f->depth);
#pragma GCC unroll 8
        for (int n = 0; n < images; ++n) {
            const vreal value = tail(x[n] + f->depth, f->depth - k, f->depth);
#pragma GCC unroll 8
            for (int o = 0; o < outputs; ++o)
                sum[n * outputs + o] += weight[o] * value;
        }
    }
    for (int i = images * outputs; i % VL; ++i)
        sum[i] = (vreal){0};
    real total[MAX_SUMS + VL];
    for (int i = 0; i < images * outputs; i += VL)
        vstore(total + i, sum_each(sum + i));
    for (int n = 0; n < images; ++n)
        for (int o = 0; o < outputs && o0 + o < f->rows; ++o) {
            real value = total[n * outputs + o] + (bias ? bias[o0 + o] : 0);
            f->out[(n0 + n) * f->out_stride + o0 + o] = relu && value < 0 ? 0 : value;
        }
}

/* out[i][k] = sum over rows r of a(i, r) * b[r][k] for `count` rows i of out and `vectors` vectors of k. a(i, r) stands
 * at i * a_row + r * a_step: i is an image in dense_input, an output in dense_weight. */
INLINE void combine(const rows_of *f, ptrdiff_t i0, ptrdiff_t k0, ptrdiff_t a_row, ptrdiff_t a_step,
                    const int count, const int vectors)
{
    vreal sum[MAX_SUMS];
#pragma GCC unroll 32
    for (int i = 0; i < count * vectors; ++i)
        sum[i] = (vreal){0};
    const real *b = f->b + k0, *a[8];
#pragma GCC unroll 8
    for (int i = 0; i < count; ++i) {
        a[i] = f->a + (i0 + i) * a_row;
        if (a_row != 1)
            PIN_INTEGER(a[i]);
    }
    ptrdiff_t at = 0;
    for (ptrdiff_t r = 0; r < f->rows; ++r, b += f->b_stride, at += a_step) {
        PIN_INTEGER(at);
        /* The fewer of both kinds are held, the others pass by. */
        vreal held[8];
#pragma GCC unroll 8
        for (int h = 0; h < (count < vectors ? count : vectors); ++h) {
            held[h] = count < vectors ? vset(a[h][at]) : vload(b + h * VL);
            PIN(held[h]);
        }
#pragma GCC unroll 32
        for (int j = 0; j < (count < vectors ? vectors : count); ++j) {
            vreal passing = count < vectors ? vload(b + j * VL) : vset(a[j][at]);
            if (count > 1 && vectors > 1)
                PIN(passing);
#pragma GCC unroll 8
            for (int h = 0; h < (count < vectors ? count : vectors); ++h)
                sum[count < vectors ? h * vectors + j : j * vectors + h] += passing * held[h];
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < count; ++i)
#pragma GCC unroll 32
        for (int v = 0; v < vectors; ++v)
            vstore(f->out + (i0 + i) * f->out_stride + k0 + v * VL, sum[i * vectors + v]);
}

/* Blocks (images, outputs) of dots, (images, vectors) and (outputs, vectors) of combine, for each number of images. */
#if MAX_BLOCK == 8
#define DOTS(K) K(1, 8) K(2, 8) K(3, 8) K(4, 6)
#define INPUTS(K) K(1, 16) K(2, 12) K(3, 8) K(4, 6) K(1, 2) K(2, 2) K(3, 2) K(4, 2) K(1, 1) K(2, 1) K(3, 1) K(4, 1)
#define WEIGHTS(K) K(6, 4) K(6, 2) K(6, 1) K(1, 4) K(1, 2) K(1, 1)
static const int dot_outputs[] = {0, 8, 8, 8, 6}, input_vectors[] = {0, 16, 12, 8, 6}, weight_vectors = 4;
#define WEIGHT_OUTPUTS 6
#else
#define DOTS(K) K(1, 4) K(2, 4) K(3, 4) K(4, 3)
#define INPUTS(K) K(1, 12) K(2, 6) K(3, 4) K(4, 3) K(1, 2) K(2, 2) K(3, 2) K(4, 2) K(1, 1) K(2, 1) K(3, 1) K(4, 1)
#define WEIGHTS(K) K(4, 3) K(4, 2) K(4, 1) K(1, 3) K(1, 2) K(1, 1)
static const int dot_outputs[] = {0, 4, 4, 4, 3}, input_vectors[] = {0, 12, 6, 4, 3}, weight_vectors = 3;
#define WEIGHT_OUTPUTS 4
#endif

#define DEFINE_DOTS(n, o)                                                                                     \
    static void dots_##n(const rows_of *f, const real *bias, int relu, ptrdiff_t n0, ptrdiff_t o0)            \
    {                                                                                                         \
        dots(f, bias, relu, n0, o0, n, o);                                                                    \
    }
#define DEFINE_INPUT(n, v)                                                                                    \
    static void input_##n##_##v(const rows_of *f, ptrdiff_t n0, ptrdiff_t k0)                                 \
    {                                                                                                         \
        combine(f, n0, k0, f->a_stride, 1, n, v);                                                             \
    }
#define DEFINE_WEIGHT(o, v)                                                                                   \
    static void weight_##o##_##v(const rows_of *f, ptrdiff_t o0, ptrdiff_t k0)                                \
    {                                                                                                         \
        combine(f, o0, k0, 1, f->a_stride, o, v);                                                             \
    }
DOTS(DEFINE_DOTS)
INPUTS(DEFINE_INPUT)
WEIGHTS(DEFINE_WEIGHT)

#define ENTRY_DOTS(n, o) [n] = dots_##n,
#define ENTRY_INPUT(n, v) [n][v] = input_##n##_##v,
#define ENTRY_WEIGHT(o, v) [o][v] = weight_##o##_##v,
typedef void combine_block(const rows_of *f, ptrdiff_t i0, ptrdiff_t k0);
static void (*const dot_blocks[])(const rows_of *, const real *, int, ptrdiff_t, ptrdiff_t) = {DOTS(ENTRY_DOTS)};
static combine_block *const input_blocks[MAX_IMAGES + 1][17] = {INPUTS(ENTRY_INPUT)};
static combine_block *const weight_blocks[WEIGHT_OUTPUTS + 1][5] = {WEIGHTS(ENTRY_WEIGHT)};

/* Places of rows in their buffers, where a table tells them. */
static ptrdiff_t origin(const fcn_op *op, int table) { return op->table[table] ? op->table[table][0] : 0; }

static ptrdiff_t row_stride(const fcn_op *op, int buffer)
{
    return op->stride[buffer] / (ptrdiff_t)sizeof(real);
}

/* The columns k0 .. k1 - 1 of `count` rows of combine, in the widest blocks that they hold. */
static void all_columns(const rows_of *f, combine_block *const *block, int widest, ptrdiff_t i0, ptrdiff_t k0,
                        ptrdiff_t k1)
{
    const ptrdiff_t vectors = (k1 - k0) / VL, width = vectors >= widest ? widest : vectors >= 2 ? 2 : vectors;
    for (ptrdiff_t k = k0; width && k < k1; k += width * VL)
        block[width](f, i0, fcn_min(k, k1 - width * VL));
}

/* What is too short for a vector. */
static void short_columns(const rows_of *f, ptrdiff_t i0, ptrdiff_t i1, ptrdiff_t a_row, ptrdiff_t a_step,
                          ptrdiff_t k0, ptrdiff_t k1)
{
    for (ptrdiff_t i = i0; i < i1; ++i)
        for (ptrdiff_t k = k0; k < k1; ++k) {
            real sum = 0;
            for (ptrdiff_t r = 0; r < f->rows; ++r)
                sum += f->a[i * a_row + r * a_step] * f->b[r * f->b_stride + k];
            f->out[i * f->out_stride + k] = sum;
        }
}

/* The images of a call, in groups as even as possible of at most MAX_IMAGES. */
static ptrdiff_t images_from(ptrdiff_t n, ptrdiff_t images)
{
    return fcn_divide_up(images - n, fcn_divide_up(images - n, MAX_IMAGES));
}

/* Buffers: y, x, weight, bias (or NULL). Tables: y_at, x_at. Sizes: depth, outputs, relu. Takes images together. */
void FCN(channels_dense)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t depth = op->size[0], outputs = op->size[1];
    const rows_of f = {
        .out = op_buffer(op, run, 0, group) + origin(op, 0),
        .a = op_buffer(op, run, 1, group) + origin(op, 1),
        .b = op_buffer(op, run, 2, 0),
        .out_stride = row_stride(op, 0),
        .a_stride = row_stride(op, 1),
        .b_stride = depth,
        .rows = outputs,
        .depth = depth,
    };
    const real *bias = op_buffer(op, run, 3, 0);
    for (ptrdiff_t n = 0, images; n < run->count; n += images) {
        images = images_from(n, run->count);
        for (ptrdiff_t o = 0; o < outputs; o += dot_outputs[images])
            dot_blocks[images](&f, bias, (int)op->size[2], n, o);
    }
}

/* Buffers: dx, dy, weight. Tables: dx_at, dy_at. Sizes: depth, outputs. Takes images together. */
void FCN(channels_dense_input)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t depth = op->size[0];
    const rows_of f = {
        .out = op_buffer(op, run, 0, group) + origin(op, 0),
        .a = op_buffer(op, run, 1, group) + origin(op, 1),
        .b = op_buffer(op, run, 2, 0),
        .out_stride = row_stride(op, 0),
        .a_stride = row_stride(op, 1),
        .b_stride = depth,
        .rows = op->size[1],
    };
    for (ptrdiff_t n = 0, images; n < run->count; n += images) {
        images = images_from(n, run->count);
        all_columns(&f, input_blocks[images], input_vectors[images], n, 0, depth);
        if (depth < VL)
            short_columns(&f, n, n + images, f.a_stride, 1, 0, depth);
    }
}

/* Up to so many images are few: then writing dweight is the work, and a task writes whole rows of it. */
#define FEW_IMAGES 8

/* The gradient over all images. One of the ceil(depth / FCN_TASK_COLUMNS) tasks takes FCN_TASK_COLUMNS columns, or its
 * share of the rows. Buffers: dweight, x, dy. Tables: x_at, dy_at. Sizes: depth, outputs. */
void FCN(channels_dense_weight)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    const ptrdiff_t depth = op->size[0], outputs = op->size[1];
    const ptrdiff_t k0 = task * FCN_TASK_COLUMNS, k1 = fcn_min(depth, k0 + FCN_TASK_COLUMNS);
    const rows_of f = {
        .out = op_buffer(op, run, 0, 0),
        .a = op_buffer(op, run, 2, 0) + origin(op, 1),
        .b = op_buffer(op, run, 1, 0) + origin(op, 0),
        .out_stride = depth,
        .a_stride = row_stride(op, 2),
        .b_stride = row_stride(op, 1),
        .rows = run->batch,
    };
    if (run->batch <= FEW_IMAGES && depth >= VL) {
        const ptrdiff_t tasks = fcn_divide_up(depth, FCN_TASK_COLUMNS);
        for (ptrdiff_t o = outputs * task / tasks; o < outputs * (task + 1) / tasks; ++o)
            all_columns(&f, weight_blocks[1], weight_vectors, o, 0, depth);
        return;
    }
    const ptrdiff_t count = outputs < WEIGHT_OUTPUTS ? 1 : WEIGHT_OUTPUTS;
    for (ptrdiff_t o = 0; o < outputs; o += count)
        all_columns(&f, weight_blocks[count], weight_vectors, fcn_min(o, outputs - count), k0, k1);
    if (k1 - k0 < VL)
        short_columns(&f, 0, outputs, 1, f.a_stride, k0, k1);
}
