/* Direct convolution in the layout "channels": forward and backward-input; pack_weights.c packs the weights.
 *
 * Equation  y[p][o] = f(bias[o] + sum_k x[x_at[p] + span_at[k / length] + k % length] * w[k][o]), f what
 *           ending.h says.
 *           k runs over the kernel rows, kernel columns and input channels of a window, in this order;
 *           elements that stand next to each other in x are a span. The gradient with respect to x is the
 *           same sum over dy, with other tables. In a linear layer of several images the "pixels" are the
 *           images.
 * Layout    see program.h; packed weights [block][k][vectors of the block][VL], zero past the last channel.
 * Method    Register blocks of VECTORS vectors of output channels by PIXELS pixels: each step loads VECTORS
 *           weights and broadcasts PIXELS elements of x for VECTORS * PIXELS fused multiply-adds. With one
 *           vector there is a load for each of them, and one more: where registers allow, a block then takes
 *           pixels of two rows, whose elements stand at one distance, so that both have the same pointers.
 *           Where x has one channel or three, neighbours in a row are so few elements apart that one pointer
 *           serves them all.
 * Order     Each y is one chain of fused multiply-adds over ascending k, whatever its block (in a deep linear
 *           layer the sum of FCN_CHAINS of them): bitwise the same in every batch, position, thread and
 *           layout.
 */
#include "engine/ending.h"
#include "register_blocks.h"

#include <math.h>

typedef struct {
    stored *y;
    const stored *x;
    const real *bias, *position_bias;
    const int32_t *y_at, *x_at, *span_at;
    ptrdiff_t span_length, row; /* row: biases of a pixel of y */
    ending end;
    int add;
} product;

/* Of one register block: its weights, first channel, first pixel and spans. */
typedef struct {
    const stored *w;
    ptrdiff_t o0, p0, span0, span1;
} tile;

#define MAX_SUMS 24

/* With `apart` each pixel's window begins so many elements behind that of the pixel before, else anywhere. */
INLINE void forward(const product *f, const tile *t, const int vectors, const int pixels, const int apart)
{
    vreal sum[MAX_SUMS];
    const stored *x[MAX_SUMS];
    const stored *w = t->w;
    const int32_t *x_at = f->x_at + t->p0, *y_at = f->y_at + t->p0;
#pragma GCC unroll 32
    for (int p = 0; p < pixels; ++p)
        if (p == 0 || !apart) {
            x[p] = f->x + x_at[p];
            PIN_INTEGER(x[p]);
        }
    if (f->position_bias) {
        const real *start = f->position_bias + t->p0 * f->row + t->o0;
        const ptrdiff_t row = f->row;
#pragma GCC unroll 32
        for (int p = 0; p < pixels; ++p, start += row)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                sum[p * vectors + v] = rload(start + v * VL);
    } else {
#pragma GCC unroll 32
        for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                sum[p * vectors + v] = f->bias ? rload(f->bias + t->o0 + v * VL) : (vreal){0};
    }
    for (ptrdiff_t span = t->span0; span < t->span1; ++span) {
        ptrdiff_t at = f->span_at[span];
        const ptrdiff_t end = at + f->span_length;
        for (; at < end; ++at, w += vectors * VL) {
            PIN_INTEGER(at);
            vreal weight[8];
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v) {
                weight[v] = vload(w + v * VL);
                PIN(weight[v]);
            }
#pragma GCC unroll 32
            for (int p = 0; p < pixels; ++p) {
                vreal value = vset(value_of(apart ? x[0] + at + p * apart : x[p] + at));
                if (vectors > 1 || !apart)
                    PIN(value);
#pragma GCC unroll 8
                for (int v = 0; v < vectors; ++v)
                    sum[p * vectors + v] += value * weight[v];
            }
        }
    }
    stored *y = f->y + t->o0;
    if (f->add) {
#pragma GCC unroll 32
        for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                sum[p * vectors + v] += vload(y + y_at[p] + v * VL);
    }
    const vreal least = vset(f->end.least);
    if (scales(&f->end)) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) {
            const vreal scale = rload(f->end.scale + t->o0 + v * VL);
            const vreal shift = rload(f->end.shift + t->o0 + v * VL);
#pragma GCC unroll 32
            for (int p = 0; p < pixels; ++p)
                vstore(y + y_at[p] + v * VL, vmax(least, sum[p * vectors + v]) * scale + shift);
        }
        return;
    }
#pragma GCC unroll 32
    for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v)
            vstore(y + y_at[p] + v * VL, vmax(least, sum[p * vectors + v]));
}

#include "conv_pairs.h"

/* One pixel of a deep window, FCN_CHAINS parts of the depth side by side: a chain of multiply-adds waits for
 * itself. */
INLINE void forward_chains(const product *f, const tile *t, const int vectors)
{
    vreal sum[FCN_CHAINS * 4];
    const ptrdiff_t length = f->span_length;
    const stored *x = f->x + f->x_at[t->p0], *w = t->w;
    const ptrdiff_t part = length * vectors * VL;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
        sum[v] = f->bias ? rload(f->bias + t->o0 + v * VL) : (vreal){0};
#pragma GCC unroll 16
    for (int i = vectors; i < FCN_CHAINS * vectors; ++i)
        sum[i] = (vreal){0};
    for (ptrdiff_t k = 0; k < length; ++k, w += vectors * VL)
#pragma GCC unroll 4
        for (int c = 0; c < FCN_CHAINS; ++c) {
            vreal value = vset(value_of(x + k + c * length));
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v)
                sum[c * vectors + v] += value * vload(w + c * part + v * VL);
        }
    const vreal least = vset(f->end.least);
    stored *y = f->y + f->y_at[t->p0] + t->o0;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
        vreal total = sum[v];
#pragma GCC unroll 4
        for (int c = 1; c < FCN_CHAINS; ++c)
            total += sum[c * vectors + v];
        vstore(y + v * VL, vmax(least, total));
    }
}

#define DEFINE(v, p)                                                                                         \
    static void forward_##v##_##p(const product *f, const tile *t) { forward(f, t, v, p, 0); }
BLOCKS(DEFINE)

#define ENTRY(v, p) [v][p] = forward_##v##_##p,
static void (*const blocks[MAX_VECTORS + 1][13])(const product *, const tile *) = {BLOCKS(ENTRY)};

/* Blocks of one vector or two, whose weights are few, by neighbours of one channel or three. */
#if MAX_BLOCK == 8
#define MOST_NEIGHBOURS 14
#define NEIGHBOURS(K) UP_TO_12(K, 1) K(1, 13) K(1, 14) UP_TO_6(K, 2) K(2, 7)
#else
#define MOST_NEIGHBOURS 12
#define NEIGHBOURS(K) UP_TO_12(K, 1) UP_TO_6(K, 2)
#endif
#define DEFINE_NEIGHBOURS(v, p)                                                                              \
    static void neighbours_##v##_##p##_1(const product *f, const tile *t) { forward(f, t, v, p, 1); }        \
    static void neighbours_##v##_##p##_3(const product *f, const tile *t) { forward(f, t, v, p, 3); }
NEIGHBOURS(DEFINE_NEIGHBOURS)
#define ENTRY_1(v, p) [v][p] = neighbours_##v##_##p##_1,
#define ENTRY_3(v, p) [v][p] = neighbours_##v##_##p##_3,
static void (*const of_one[3][MOST_NEIGHBOURS + 1])(const product *, const tile *) = {NEIGHBOURS(ENTRY_1)};
static void (*const of_three[3][MOST_NEIGHBOURS + 1])(const product *, const tile *) = {NEIGHBOURS(ENTRY_3)};

/* Take the pixels from t->p0 up to `end` by blocks of neighbours in rows of `width`, if they are such. */
static ptrdiff_t take_neighbours(const product *f, const tile *t, ptrdiff_t end, ptrdiff_t width,
                                 ptrdiff_t vectors)
{
    const ptrdiff_t apart = width > 1 ? f->x_at[1] - f->x_at[0] : 0, most = MOST_NEIGHBOURS / vectors;
    if (vectors > 2 || (apart != 1 && apart != 3))
        return 0;
    tile block = *t;
    ptrdiff_t left = width - block.p0 % width; /* in the row */
    while (block.p0 < end) {
        left = fcn_min(left, end - block.p0);
        const ptrdiff_t size = left > 2 * most ? most : left > most ? (left + 1) / 2 : left;
        (apart == 1 ? of_one : of_three)[vectors][size](f, &block);
        block.p0 += size;
        left = left > size ? left - size : width;
    }
    return end - t->p0;
}

#define DEFINE_CHAINS(v)                                                                                     \
    static void chains_##v(const product *f, const tile *t) { forward_chains(f, t, v); }
DEFINE_CHAINS(1)
DEFINE_CHAINS(2)
DEFINE_CHAINS(3)
#if MAX_VECTORS == 4
DEFINE_CHAINS(4)
static void (*const chains[])(const product *, const tile *) = {NULL, chains_1, chains_2, chains_3, chains_4};
#else
static void (*const chains[])(const product *, const tile *) = {NULL, chains_1, chains_2, chains_3};
#endif

void KERNEL(conv_spans)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_conv_spans *a = &op->conv_spans;
    const ptrdiff_t vectors = a->vectors, depth = a->span_length * a->spans;
    const int summed = (int)a->summed;
    const stored *w = the(&a->weight);
    const real *bias = the(&a->bias);
    const ending end = ending_of(ACTIVATION_OF(a), the(&a->scale), the(&a->shift));
    product f = {
        .y = of_group(&a->y, batch, group),
        .x = of_group(&a->x, batch, group),
        .bias = bias,
        .position_bias = the(&a->position_bias),
        .y_at = a->y_at,
        .x_at = a->x_at,
        .span_at = a->span_at,
        .span_length = a->span_length,
        .row = row_size(vectors),
        .end = end,
        .add = (int)a->add,
    };
    for (ptrdiff_t b = 0; b < vector_block_count(vectors); ++b) {
        const ptrdiff_t v0 = vector_block_start(vectors, b), width = vector_block_start(vectors, b + 1) - v0;
        if (summed && batch->count == 1) {
            chains[width](&f, &(tile){.w = w + v0 * depth * VL, .o0 = v0 * VL});
            continue;
        }
        for (ptrdiff_t s = 0; s < a->segment_count; ++s) {
            const int32_t *segment = a->segments + 4 * s;
            tile t = {.o0 = v0 * VL, .p0 = segment[0], .span0 = segment[2], .span1 = segment[3]};
            t.w = w + (v0 * depth + t.span0 * f.span_length * width) * VL;
            if (summed) {
                f.bias = s ? NULL : bias;
                f.add = s > 0;
                f.end.least = s + 1 < a->segment_count ? -INFINITY : end.least;
            }
            ptrdiff_t pixels = op->whole_chunk ? batch->count : segment[1] - segment[0];
            if (!op->whole_chunk) {
                ptrdiff_t taken = take_neighbours(&f, &t, segment[1], a->row_pixels, width);
                if (width == 1 && !taken)
                    taken = take_pairs(&f, &t, segment[1], a->row_pixels);
                t.p0 += taken;
                pixels -= taken;
            }
            const ptrdiff_t parts = fcn_divide_up(pixels, max_pixels[width]);
            for (ptrdiff_t part = 0; part < parts; ++part) {
                const ptrdiff_t size = pixels / parts + (part < pixels % parts);
                blocks[width][size](&f, &t);
                t.p0 += size;
            }
        }
    }
    if (op->whole_chunk)
        end_pixels(&end, f.y, f.y_at, 0, batch->count, vectors);
    else
        end_segments(&end, f.y, f.y_at, a->segments, a->segment_count, vectors);
}

/* The sum is that of the spans, as in conv_spans with summed segments. */
void KERNEL(dense_of_all)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_dense_of_all *a = &op->dense_of_all;
    const ptrdiff_t vectors = a->vectors, depth = a->span_length * a->spans;
    const ptrdiff_t b = task / a->shares, share = task % a->shares, v0 = vector_block_start(vectors, b);
    const ptrdiff_t width = vector_block_start(vectors, b + 1) - v0, most = max_pixels[width];
    const ptrdiff_t first = batch->groups * share / a->shares;
    const ptrdiff_t images = batch->groups * (share + 1) / a->shares - first;
    const ptrdiff_t tiles = fcn_divide_up(images, most);
    const real *bias = the(&a->bias);
    const ending end = ending_of(ACTIVATION_OF(a), NULL, NULL);
    product f = {
        .bias = bias,
        .y_at = a->y_at,
        .x_at = a->x_at,
        .span_at = a->span_at,
        .span_length = a->span_length,
        .row = row_size(vectors),
        .end = end,
    };
    tile t = {.w = (const stored *)the(&a->weight) + v0 * depth * VL, .o0 = v0 * VL};
    if (images == 1 && a->spans > 1) {
        f.y = of_group(&a->y, batch, first);
        f.x = of_group(&a->x, batch, first);
        chains[width](&f, &t);
        end_pixels(&end, f.y + t.o0, f.y_at, 0, 1, width);
        return;
    }
    for (ptrdiff_t s = 0; s < a->spans; ++s, t.w += f.span_length * width * VL) {
        f.bias = s ? NULL : bias;
        f.add = s > 0;
        f.end.least = s + 1 < a->spans ? -INFINITY : end.least;
        t.span0 = s;
        t.span1 = s + 1;
        ptrdiff_t image = first;
        for (ptrdiff_t i = 0; i < tiles; ++i) {
            const ptrdiff_t size = images / tiles + (i < images % tiles);
            f.y = of_group(&a->y, batch, image);
            f.x = of_group(&a->x, batch, image);
            blocks[width][size](&f, &t);
            image += size;
        }
    }
    for (ptrdiff_t image = first; image < first + images; ++image)
        end_pixels(&end, (stored *)of_group(&a->y, batch, image) + t.o0, f.y_at, 0, 1, width);
}
