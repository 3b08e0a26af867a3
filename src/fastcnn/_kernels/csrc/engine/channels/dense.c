/* Linear layers in the layout "channels", forward on the parameter's own layout: for training, where a packed
 * copy of the weights would cost as much as it saves.
 *
 * Equation  y[n][o] = bias[o] + sum_k w[o][k] * x[n][k]
 * Method    Lanes run over k: register blocks of images by outputs hold VL partial sums each. Where images
 *           need more than one block, rows are taken in chunks, short enough that x stays in the first cache
 *           for all outputs and w for all images; the partial sums of OUTPUTS outputs are kept between
 *           chunks.
 * Order     Each lane adds over ascending k, whatever its block: bitwise the same in every batch.
 */
#include "common/activation.h"
#include "dense.h"

#define OUTPUTS 48                                 /* a multiple of all numbers of outputs in a block */
#define ROW_CHUNK (2048 / (ptrdiff_t)sizeof(real)) /* elements */

/* The last elements before `end` of a row, fewer than VL, in the last lanes; zeros in the others. */
static inline vreal tail(const rows_of *f, const real *end)
{
    if (f->depth >= VL)
        return keep(f->tail, rload(end - VL));
    real lanes[VL] = {0};
    for (ptrdiff_t i = 0; i < f->depth; ++i)
        lanes[VL - f->depth + i] = end[i - f->depth];
    return rload(lanes);
}

/* The lanes that such elements are in. */
static vint tail_lanes(ptrdiff_t depth)
{
    lane_int lanes[VL];
    for (int i = 0; i < VL; ++i)
        lanes[i] = i < VL - depth % VL ? 0 : -1;
    vint mask;
    memcpy(&mask, lanes, sizeof(mask));
    return mask;
}

/* Add to the partial sums of `images` images and `outputs` outputs (those past the last repeat it, to be
 * dropped) the elements k0 .. k1 - 1. sums: [image][OUTPUTS][VL]. */
INLINE void dots(const rows_of *f, real *sums, ptrdiff_t n0, ptrdiff_t o0, ptrdiff_t k0, ptrdiff_t k1,
                 const int images, const int outputs)
{
    vreal sum[MAX_SUMS];
    const real *x[MAX_IMAGES], *w[8];
#pragma GCC unroll 8
    for (int n = 0; n < images; ++n) {
        x[n] = f->a + (n0 + n) * f->a_stride;
        PIN_INTEGER(x[n]);
#pragma GCC unroll 8
        for (int o = 0; o < outputs; ++o)
            sum[n * outputs + o] = k0 ? rload(sums + (n * OUTPUTS + o) * VL) : (vreal){0};
    }
#pragma GCC unroll 8
    for (int o = 0; o < outputs; ++o) {
        w[o] = f->b + fcn_min(o0 + o, f->rows - 1) * f->b_stride;
        PIN_INTEGER(w[o]);
    }
    ptrdiff_t k = k0;
    for (; k + VL <= k1; k += VL) {
        PIN_INTEGER(k);
        vreal value[MAX_IMAGES];
#pragma GCC unroll 8
        for (int n = 0; n < images; ++n) {
            value[n] = rload(x[n] + k);
            PIN(value[n]);
        }
#pragma GCC unroll 8
        for (int o = 0; o < outputs; ++o) {
            vreal weight = rload(w[o] + k);
            if (images > 1)
                PIN(weight);
#pragma GCC unroll 8
            for (int n = 0; n < images; ++n)
                sum[n * outputs + o] += weight * value[n];
        }
    }
    if (k < k1) { /* only the last chunk is no multiple of VL */
        vreal value[MAX_IMAGES];
#pragma GCC unroll 8
        for (int n = 0; n < images; ++n)
            value[n] = tail(f, x[n] + k1);
#pragma GCC unroll 8
        for (int o = 0; o < outputs; ++o) {
            vreal weight = tail(f, w[o] + k1);
            PIN(weight); /* a product moved into a branch of `tail` would be rounded before it is added */
#pragma GCC unroll 8
            for (int n = 0; n < images; ++n)
                sum[n * outputs + o] += weight * value[n];
        }
    }
#pragma GCC unroll 8
    for (int n = 0; n < images; ++n)
#pragma GCC unroll 8
        for (int o = 0; o < outputs; ++o)
            rstore(sums + (n * OUTPUTS + o) * VL, sum[n * outputs + o]);
}

/* Blocks (images, outputs). */
#if MAX_BLOCK == 8
#define BLOCKS(K) K(1, 8) K(2, 8) K(3, 8) K(4, 6)
#else
#define BLOCKS(K) K(1, 4) K(2, 4) K(3, 4) K(4, 3)
#endif

#define DEFINE(n, o)                                                                                         \
    static void dots_##n(const rows_of *f, real *sums, ptrdiff_t n0, ptrdiff_t o0, ptrdiff_t k0,             \
                         ptrdiff_t k1)                                                                       \
    {                                                                                                        \
        dots(f, sums, n0, o0, k0, k1, n, o);                                                                 \
    }
BLOCKS(DEFINE)

#define ENTRY(n, o) [n] = {o, dots_##n},
static const struct {
    int outputs;
    void (*add)(const rows_of *, real *, ptrdiff_t n0, ptrdiff_t o0, ptrdiff_t k0, ptrdiff_t k1);
} blocks[MAX_IMAGES + 1] = {BLOCKS(ENTRY)};

/* Write the outputs o0 .. o1 - 1 of an image from its partial sums. */
static void write_outputs(real *y, const real *sums, const real *bias, const activation *f, ptrdiff_t o0,
                          ptrdiff_t o1)
{
    for (ptrdiff_t o = o0; o < o1; o += VL) {
        vreal vectors[VL];
        real total[VL];
        const ptrdiff_t valid = fcn_min(VL, o1 - o);
        for (ptrdiff_t i = 0; i < VL; ++i)
            vectors[i] = rload(sums + (fcn_min(o + i, o1 - 1) - o0) * VL);
        rstore(total, sum_each(vectors));
        for (ptrdiff_t i = 0; i < valid && bias; ++i)
            total[i] += bias[o + i];
        rstore(total, activated(f, kind_of(f), rload(total)));
        memcpy(y + o, total, (size_t)valid * sizeof(real));
    }
}

void KERNEL(dense)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_dense *a = &op->dense;
    const ptrdiff_t depth = a->depth, outputs = a->outputs, first = a->first_output, count = batch->count;
    const rows_of f = {
        .out = image_rows(&a->y, batch, group, a->y_at) + first,
        .a = image_rows(&a->x, batch, group, a->x_at),
        .b = (const real *)the(&a->weight) + first * depth,
        .out_stride = row_stride(&a->y),
        .a_stride = row_stride(&a->x),
        .b_stride = depth,
        .rows = outputs,
        .depth = depth,
        .tail = tail_lanes(depth),
    };
    const activation act = ACTIVATION_OF(a);
    const real *bias = the(&a->bias);
    bias = bias ? bias + first : NULL;
    const ptrdiff_t chunk = count <= MAX_IMAGES ? depth : ROW_CHUNK;
    real sums[FCN_CHUNK * OUTPUTS * VL];
    for (ptrdiff_t o0 = 0; o0 < outputs; o0 += OUTPUTS) {
        const ptrdiff_t o1 = fcn_min(outputs, o0 + OUTPUTS);
        for (ptrdiff_t k = 0; k < depth; k += chunk)
            for (ptrdiff_t n = 0, images; n < count; n += images) {
                images = images_from(n, count);
                for (ptrdiff_t o = o0; o < o1; o += blocks[images].outputs)
                    blocks[images].add(&f, sums + (n * OUTPUTS + o - o0) * VL, n, o, k,
                                       fcn_min(depth, k + chunk));
            }
        for (ptrdiff_t n = 0; n < count; ++n)
            write_outputs(f.out + n * f.out_stride, sums + n * OUTPUTS * VL, bias, &act, o0, o1);
    }
}
