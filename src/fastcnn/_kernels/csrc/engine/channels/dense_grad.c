/* The gradients of linear layers in the layout "channels", on the parameter's own layout.
 *
 * Equation  dense_input   dx[n][k] = sum_o dy[n][o] * w[o][k]
 *           dense_weight  dw[o][k] = sum_n dy[n][o] * x[n][k]
 * Method    Lanes run over k; register blocks are images by vectors of k, and outputs by vectors of k.
 * Order     dx adds over ascending o, whatever its block: bitwise the same in every batch; dw over the images
 *           of each slot, then over slots.
 */
#include "dense.h"

/* out[i][k] = sum over rows r of a(i, r) * b[r][k] for `count` rows i of out and `vectors` vectors of k. a(i,
 * r) stands at i * a_row + r * a_step: i is an image in dense_input, an output in dense_weight. */
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
            held[h] = count < vectors ? vset(a[h][at]) : rload(b + h * VL);
            PIN(held[h]);
        }
#pragma GCC unroll 32
        for (int j = 0; j < (count < vectors ? vectors : count); ++j) {
            vreal passing = count < vectors ? rload(b + j * VL) : vset(a[j][at]);
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
        for (int v = 0; v < vectors; ++v) {
            real *out = f->out + (i0 + i) * f->out_stride + k0 + v * VL;
            rstore(out, f->add ? rload(out) + sum[i * vectors + v] : sum[i * vectors + v]);
        }
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

/* One block, slot for slot. */
static void add_slots(const rows_of *f, combine_block *block, ptrdiff_t i0, ptrdiff_t k0)
{
    rows_of part = *f;
    for (ptrdiff_t slot = 0, first = 0; first < f->rows; first = f->slot_ends[slot++]) {
        part.rows = f->slot_ends[slot] - first;
        block(&part, i0, k0);
        part.a += part.rows * f->a_stride;
        part.b += part.rows * f->b_stride;
        part.add = 1;
    }
}

/* The columns k0 .. k1 - 1 of `count` rows of combine, in the widest blocks that they hold. */
static void all_columns(const rows_of *f, combine_block *const *block, int widest, ptrdiff_t i0, ptrdiff_t k0,
                        ptrdiff_t k1)
{
    const ptrdiff_t vectors = (k1 - k0) / VL, width = vectors >= widest ? widest : vectors >= 2 ? 2 : vectors;
    for (ptrdiff_t k = k0; width && k < k1; k += width * VL)
        if (f->slot_ends)
            add_slots(f, block[width], i0, fcn_min(k, k1 - width * VL));
        else
            block[width](f, i0, fcn_min(k, k1 - width * VL));
}

/* What is too short for a vector. */
static void short_columns(const rows_of *f, ptrdiff_t i0, ptrdiff_t i1, ptrdiff_t a_row, ptrdiff_t a_step,
                          ptrdiff_t k0, ptrdiff_t k1)
{
    for (ptrdiff_t i = i0; i < i1; ++i)
        for (ptrdiff_t k = k0; k < k1; ++k) {
            real total = 0;
            for (ptrdiff_t r = 0, slot = 0; r < f->rows; ++slot) {
                const ptrdiff_t end = f->slot_ends ? f->slot_ends[slot] : f->rows;
                real sum = 0;
                for (; r < end; ++r)
                    sum += f->a[i * a_row + r * a_step] * f->b[r * f->b_stride + k];
                total = slot ? total + sum : sum;
            }
            f->out[i * f->out_stride + k] = total;
        }
}

void KERNEL(dense_input)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_dense_input *a = &op->dense_input;
    const rows_of f = {
        .out = image_rows(&a->dx, batch, group, a->dx_at),
        .a = image_rows(&a->dy, batch, group, a->dy_at),
        .b = the(&a->weight),
        .out_stride = row_stride(&a->dx),
        .a_stride = row_stride(&a->dy),
        .b_stride = a->depth,
        .rows = a->outputs,
    };
    if (a->depth < VL)
        short_columns(&f, 0, batch->count, f.a_stride, 1, 0, a->depth);
    const ptrdiff_t columns = a->last_column - a->first_column;
    const ptrdiff_t panel = batch->count <= MAX_IMAGES ? columns : fcn_min(columns, PANEL);
    for (ptrdiff_t k = a->first_column; k < a->last_column; k += panel) {
        const ptrdiff_t k0 = fcn_min(k, a->last_column - panel);
        for (ptrdiff_t n = 0, images; n < batch->count; n += images) {
            images = images_from(n, batch->count);
            all_columns(&f, input_blocks[images], input_vectors[images], n, k0, k0 + panel);
        }
    }
}

/* Up to so many images are few: then writing dweight is the work, and a task writes whole rows of it. */
#define FEW_IMAGES 8

/* The gradient over all images: a task takes FCN_TASK_COLUMNS columns, or its share of the rows. */
void KERNEL(dense_weight)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_dense_weight *a = &op->dense_weight;
    const ptrdiff_t depth = a->depth, outputs = a->outputs;
    const ptrdiff_t in_one = fcn_slots_in_one(batch->slots, fcn_most_linear_slots(batch->images));
    ptrdiff_t slot_ends[FCN_MOST_SLOTS];
    for (ptrdiff_t slot = 0; slot * in_one < batch->slots; ++slot)
        slot_ends[slot] = first_group(batch, in_one, slot + 1);
    const rows_of f = {
        .out = the(&a->dweight),
        .a = image_rows(&a->dy, batch, 0, a->dy_at),
        .b = image_rows(&a->x, batch, 0, a->x_at),
        .out_stride = depth,
        .a_stride = row_stride(&a->dy),
        .b_stride = row_stride(&a->x),
        .rows = batch->images,
        .slot_ends = slot_ends[0] < batch->images ? slot_ends : NULL, /* NULL: there is one */
    };
    if (batch->images <= FEW_IMAGES && depth >= VL) {
        const ptrdiff_t tasks = fcn_divide_up(depth, FCN_TASK_COLUMNS);
        for (ptrdiff_t o = outputs * task / tasks; o < outputs * (task + 1) / tasks; ++o)
            all_columns(&f, weight_blocks[1], WEIGHT_VECTORS, o, 0, depth);
        return;
    }
    const ptrdiff_t k0 = task * FCN_TASK_COLUMNS, k1 = fcn_min(depth, k0 + FCN_TASK_COLUMNS);
    const ptrdiff_t count = outputs < WEIGHT_OUTPUTS ? 1 : WEIGHT_OUTPUTS;
    for (ptrdiff_t o = 0; o < outputs; o += count)
        all_columns(&f, weight_blocks[count], WEIGHT_VECTORS, fcn_min(o, outputs - count), k0, k1);
    if (k1 - k0 < VL)
        short_columns(&f, 0, outputs, 1, f.a_stride, k0, k1);
}
