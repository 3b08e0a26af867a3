/* The gradients of linear layers in the layout "channels", on the parameter's own layout.
 *
 * Equation  dense_input   dx[n][k] = sum_o dy[n][o] * w[o][k]
 *           dense_weight  dw[o][k] = sum_n dy[n][o] * x[n][k]
 * Method    Lanes run over k; register blocks are images by vectors of k, and outputs by vectors of k.
 * Order     Each element adds over ascending o or n, whatever its block: bitwise the same in every batch.
 */
#include "dense.h"

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

/* Blocks (images, vectors) and (outputs, vectors). */
#if MAX_BLOCK == 8
#define INPUTS(K)                                                                                            \
    K(1, 16) K(2, 6) K(3, 6) K(4, 6) K(1, 2) K(2, 2) K(3, 2) K(4, 2) K(1, 1) K(2, 1) K(3, 1) K(4, 1)
#define WEIGHTS(K) K(6, 4) K(6, 2) K(6, 1) K(1, 4) K(1, 2) K(1, 1)
static const int input_vectors[] = {0, 16, 6, 6, 6};
#define WEIGHT_OUTPUTS 6
#define WEIGHT_VECTORS 4
#else
#define INPUTS(K)                                                                                            \
    K(1, 12) K(2, 6) K(3, 3) K(4, 3) K(1, 2) K(2, 2) K(3, 2) K(4, 2) K(1, 1) K(2, 1) K(3, 1) K(4, 1)
#define WEIGHTS(K) K(4, 3) K(4, 2) K(4, 1) K(1, 3) K(1, 2) K(1, 1)
static const int input_vectors[] = {0, 12, 6, 3, 3};
#define WEIGHT_OUTPUTS 4
#define WEIGHT_VECTORS 3
#endif
/* Columns of the weight that all images pass over: a multiple of the blocks' vectors. */
#define PANEL (6 * VL)

#define DEFINE_INPUT(n, v)                                                                                   \
    static void input_##n##_##v(const rows_of *f, ptrdiff_t n0, ptrdiff_t k0)                                \
    {                                                                                                        \
        combine(f, n0, k0, f->a_stride, 1, n, v);                                                            \
    }
#define DEFINE_WEIGHT(o, v)                                                                                  \
    static void weight_##o##_##v(const rows_of *f, ptrdiff_t o0, ptrdiff_t k0)                               \
    {                                                                                                        \
        combine(f, o0, k0, 1, f->a_stride, o, v);                                                            \
    }
INPUTS(DEFINE_INPUT)
WEIGHTS(DEFINE_WEIGHT)

#define ENTRY_INPUT(n, v) [n][v] = input_##n##_##v,
#define ENTRY_WEIGHT(o, v) [o][v] = weight_##o##_##v,
typedef void combine_block(const rows_of *f, ptrdiff_t i0, ptrdiff_t k0);
static combine_block *const input_blocks[MAX_IMAGES + 1][17] = {INPUTS(ENTRY_INPUT)};
static combine_block *const weight_blocks[WEIGHT_OUTPUTS + 1][5] = {WEIGHTS(ENTRY_WEIGHT)};

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

/* Buffers: dx, dy, weight. Tables: dx_at, dy_at. Sizes: depth, outputs, first column, last column + 1 (all of a layer
 * of less than a vector). Takes images together. */
void KERNEL(dense_input)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
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
    if (depth < VL)
        short_columns(&f, 0, run->count, f.a_stride, 1, 0, depth);
    const ptrdiff_t first = op->size[2], last = op->size[3], columns = last - first;
    const ptrdiff_t panel = run->count <= MAX_IMAGES ? columns : fcn_min(columns, PANEL);
    for (ptrdiff_t k = first; k < last; k += panel) {
        const ptrdiff_t k0 = fcn_min(k, last - panel);
        for (ptrdiff_t n = 0, images; n < run->count; n += images) {
            images = images_from(n, run->count);
            all_columns(&f, input_blocks[images], input_vectors[images], n, k0, k0 + panel);
        }
    }
}

/* Up to so many images are few: then writing dweight is the work, and a task writes whole rows of it. */
#define FEW_IMAGES 8

/* The gradient over all images. One of the ceil(depth / FCN_TASK_COLUMNS) tasks takes FCN_TASK_COLUMNS columns, or its
 * share of the rows. Buffers: dweight, x, dy. Tables: x_at, dy_at. Sizes: depth, outputs. */
void KERNEL(dense_weight)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
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
            all_columns(&f, weight_blocks[1], WEIGHT_VECTORS, o, 0, depth);
        return;
    }
    const ptrdiff_t count = outputs < WEIGHT_OUTPUTS ? 1 : WEIGHT_OUTPUTS;
    for (ptrdiff_t o = 0; o < outputs; o += count)
        all_columns(&f, weight_blocks[count], WEIGHT_VECTORS, fcn_min(o, outputs - count), k0, k1);
    if (k1 - k0 < VL)
        short_columns(&f, 0, outputs, 1, f.a_stride, k0, k1);
}
