/* Direct convolution in the layout "channels": forward and backward-input; channels_conv_pack.c packs the weights.
 *
 * Equation  y[p][o] = bias[o] + sum_k x[x_at[p] + run_at[k / run_length] + k % run_length] * w[k][o]
 *           k runs over the kernel rows, kernel columns and input channels of a window, in this order; elements
 *           that stand next to each other in x are a run. The gradient with respect to x is the same sum over dy,
 *           with other tables. In a linear layer of several images the "pixels" are the images.
 * Layout    see program.h; packed weights [block][k][vectors of the block][VL], zero past the last channel.
 * Method    Register blocks of VECTORS vectors of output channels by PIXELS pixels: each step loads VECTORS
 *           weights and broadcasts PIXELS elements of x for VECTORS * PIXELS fused multiply-adds. With one vector
 *           there is a load for each of them, and one more: where registers allow, a block then takes pixels of
 *           two rows, whose elements stand at one distance, so that both have the same pointers.
 * Order     Each y is one chain of fused multiply-adds over ascending k, whatever its block (in a deep linear layer the
 *           sum of CHAINS of them): bitwise the same in every batch, position, thread and layout.
 */
#include "engine/kernel.h"

#include <math.h>

typedef struct {
    real *y;
    const real *x, *bias, *position_bias;
    const int32_t *y_at, *x_at, *run_at;
    ptrdiff_t run_length, row; /* row: reals of a pixel of y */
    real least;                /* y is at least this: 0 with ReLU */
    int add;
} fwd;

/* Of one register block: its weights, first channel, first pixel and runs. */
typedef struct {
    const real *w;
    ptrdiff_t o0, p0, run0, run1;
} tile;

#define MAX_SUMS 24
#define CHAINS FCN_CHAINS

/* Keep an integer or a pointer in a register as it is: pixels share one index, where the compiler would rather keep a
 * running pointer for each, for which registers are too few. */
#define PIN_INTEGER(i) __asm__("" : "+r"(i))

INLINE void forward(const fwd *f, const tile *t, const int vectors, const int pixels)
{
    vreal sum[MAX_SUMS];
    const real *x[MAX_SUMS];
    const real *w = t->w;
    const int32_t *x_at = f->x_at + t->p0, *y_at = f->y_at + t->p0;
#pragma GCC unroll 32
    for (int p = 0; p < pixels; ++p) {
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
                sum[p * vectors + v] = vload(start + v * VL);
    } else {
#pragma GCC unroll 32
        for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                sum[p * vectors + v] = f->bias ? vload(f->bias + t->o0 + v * VL) : (vreal){0};
    }
    for (ptrdiff_t run = t->run0; run < t->run1; ++run) {
        ptrdiff_t at = f->run_at[run];
        const ptrdiff_t end = at + f->run_length;
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
                vreal value = vset(x[p][at]);
                PIN(value);
#pragma GCC unroll 8
                for (int v = 0; v < vectors; ++v)
                    sum[p * vectors + v] += value * weight[v];
            }
        }
    }
    real *y = f->y + t->o0;
    if (f->add) {
#pragma GCC unroll 32
        for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                sum[p * vectors + v] += vload(y + y_at[p] + v * VL);
    }
    const vreal least = vset(f->least);
#pragma GCC unroll 32
    for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v)
            vstore(y + y_at[p] + v * VL, vmax(least, sum[p * vectors + v]));
}

#include "conv_pairs.h"

/* One pixel of a deep window, CHAINS parts of the depth side by side: a chain of multiply-adds waits for itself. */
INLINE void forward_chains(const fwd *f, const tile *t, const int vectors)
{
    vreal sum[CHAINS * 4];
    const ptrdiff_t length = f->run_length;
    const real *x = f->x + f->x_at[t->p0], *w = t->w;
    const ptrdiff_t part = length * vectors * VL;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
        sum[v] = f->bias ? vload(f->bias + t->o0 + v * VL) : (vreal){0};
#pragma GCC unroll 16
    for (int i = vectors; i < CHAINS * vectors; ++i)
        sum[i] = (vreal){0};
    for (ptrdiff_t k = 0; k < length; ++k, w += vectors * VL)
#pragma GCC unroll 4
        for (int c = 0; c < CHAINS; ++c) {
            vreal value = vset(x[k + c * length]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v)
                sum[c * vectors + v] += value * vload(w + c * part + v * VL);
        }
    const vreal least = vset(f->least);
    real *y = f->y + f->y_at[t->p0] + t->o0;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
        vreal total = sum[v];
#pragma GCC unroll 4
        for (int c = 1; c < CHAINS; ++c)
            total += sum[c * vectors + v];
        vstore(y + v * VL, vmax(least, total));
    }
}

/* The blocks of each number of vectors: 1 to 12 pixels, as registers allow. */
#define UP_TO_3(K, v) K(v, 1) K(v, 2) K(v, 3)
#define UP_TO_4(K, v) UP_TO_3(K, v) K(v, 4)
#define UP_TO_6(K, v) UP_TO_4(K, v) K(v, 5) K(v, 6)
#define UP_TO_8(K, v) UP_TO_6(K, v) K(v, 7) K(v, 8)
#define UP_TO_12(K, v) UP_TO_8(K, v) K(v, 9) K(v, 10) K(v, 11) K(v, 12)

#if MAX_BLOCK == 8
#define BLOCKS(K) UP_TO_12(K, 1) UP_TO_12(K, 2) UP_TO_8(K, 3) UP_TO_6(K, 4)
static const int max_pixels[] = {0, 12, 12, 8, 6};
#else
#define BLOCKS(K) UP_TO_12(K, 1) UP_TO_6(K, 2) UP_TO_4(K, 3)
static const int max_pixels[] = {0, 12, 6, 4};
#endif

#define DEFINE(v, p)                                                                                         \
    static void forward_##v##_##p(const fwd *f, const tile *t) { forward(f, t, v, p); }
BLOCKS(DEFINE)

#define ENTRY(v, p) [v][p] = forward_##v##_##p,
static void (*const blocks[MAX_VECTORS + 1][13])(const fwd *, const tile *) = {BLOCKS(ENTRY)};

#define DEFINE_CHAINS(v)                                                                                     \
    static void chains_##v(const fwd *f, const tile *t) { forward_chains(f, t, v); }
DEFINE_CHAINS(1)
DEFINE_CHAINS(2)
DEFINE_CHAINS(3)
#if MAX_VECTORS == 4
DEFINE_CHAINS(4)
static void (*const chains[])(const fwd *, const tile *) = {NULL, chains_1, chains_2, chains_3, chains_4};
#else
static void (*const chains[])(const fwd *, const tile *) = {NULL, chains_1, chains_2, chains_3};
#endif

/* Buffers: y, x, packed weights, bias (padded row), position bias (pixels, padded row).
 * Tables: y_at, x_at, run_at, segments.
 * Sizes: pixels of a row of y, run length, vectors, relu, add, runs, segments, summed.
 * A segment (first pixel, last pixel + 1, first run, last run + 1) leaves out runs that all read the halo. If the
 * operation takes images together, they are the pixels of its segments, and tables have FCN_TOGETHER entries; if its
 * segments are `summed`, there are CHAINS of one run each, whose sums are added in order. */
void KERNEL(conv)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t vectors = op->size[2], depth = op->size[1] * op->size[5], segments = op->size[6];
    const int summed = (int)op->size[7];
    const real *w = op_buffer(op, run, 2, 0);
    const real least = op->size[3] ? 0 : -INFINITY;
    fwd f = {
        .y = op_buffer(op, run, 0, group),
        .x = op_buffer(op, run, 1, group),
        .bias = op_buffer(op, run, 3, 0),
        .position_bias = op_buffer(op, run, 4, 0),
        .y_at = op->table[0],
        .x_at = op->table[1],
        .run_at = op->table[2],
        .run_length = op->size[1],
        .row = row_size(vectors),
        .least = least,
        .add = (int)op->size[4],
    };
    const real *bias = f.bias;
    for (ptrdiff_t b = 0; b < vector_block_count(vectors); ++b) {
        const ptrdiff_t v0 = vector_block_start(vectors, b), width = vector_block_start(vectors, b + 1) - v0;
        if (summed && run->count == 1) {
            chains[width](&f, &(tile){.w = w + v0 * depth * VL, .o0 = v0 * VL});
            continue;
        }
        for (ptrdiff_t s = 0; s < segments; ++s) {
            const int32_t *segment = op->table[3] + 4 * s;
            tile t = {.o0 = v0 * VL, .p0 = segment[0], .run0 = segment[2], .run1 = segment[3]};
            t.w = w + (v0 * depth + t.run0 * f.run_length * width) * VL;
            if (summed) {
                f.bias = s ? NULL : bias;
                f.add = s > 0;
                f.least = s + 1 < segments ? -INFINITY : least;
            }
            ptrdiff_t pixels = op->together ? run->count : segment[1] - segment[0];
            if (width == 1 && !op->together) {
                const ptrdiff_t taken = take_pairs(&f, &t, segment[1], op->size[0]);
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
}

/* A linear layer of several images whose weights are more than the caches hold: a task makes one block of outputs for
 * one part of the images, so that the weights are read once.
 * Buffers, tables and sizes: as above, with the number of parts in place of a row's pixels. */
void KERNEL(conv_all)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    const ptrdiff_t parts = op->size[0], vectors = op->size[2], depth = op->size[1] * op->size[5];
    const ptrdiff_t b = task / parts, v0 = vector_block_start(vectors, b);
    const ptrdiff_t width = vector_block_start(vectors, b + 1) - v0, most = max_pixels[width];
    const ptrdiff_t first = run->groups * (task % parts) / parts;
    const ptrdiff_t images = run->groups * (task % parts + 1) / parts - first;
    const ptrdiff_t tiles = fcn_divide_up(images, most), segments = op->size[6];
    const real *bias = op_buffer(op, run, 3, 0);
    const real least = op->size[3] ? 0 : -INFINITY;
    fwd f = {
        .bias = bias,
        .y_at = op->table[0],
        .x_at = op->table[1],
        .run_at = op->table[2],
        .run_length = op->size[1],
        .row = row_size(vectors),
        .least = least,
    };
    tile t = {.w = (real *)op_buffer(op, run, 2, 0) + v0 * depth * VL, .o0 = v0 * VL};
    if (images == 1 && segments > 1) {
        f.y = op_buffer(op, run, 0, first);
        f.x = op_buffer(op, run, 1, first);
        chains[width](&f, &t);
        return;
    }
    for (ptrdiff_t s = 0; s < segments; ++s, t.w += f.run_length * width * VL) {
        f.bias = s ? NULL : bias;
        f.add = s > 0;
        f.least = s + 1 < segments ? -INFINITY : least;
        t.run0 = s;
        t.run1 = s + 1;
        ptrdiff_t image = first;
        for (ptrdiff_t i = 0; i < tiles; ++i) {
            const ptrdiff_t size = images / tiles + (i < images % tiles);
            f.y = op_buffer(op, run, 0, image);
            f.x = op_buffer(op, run, 1, image);
            blocks[width][size](&f, &t);
            image += size;
        }
    }
}
