/* Depthwise convolution in the layout "channels": each channel has a window of its own.
 *
 * Equation  y[p][c] = f(bias[c] + sum_k x[x_at[p] + tap_at[k]][c] * w[k][c]), f what ending.h says; the
 *           gradient with respect to x is the same sum over dy, with other tables.
 *           dw[k][c] = sum over images and pixels of x[x_at[p] + tap_at[k]][c] * dy[dy_at[p]][c]
 * Layout    see program.h; packed weights and sums as in conv.c and conv_weight.c.
 * Method    A vector of channels at a time: sums of the pixels of a block, or of TAPS taps. A block of
 *           forward is taken through all channels before the next one, so that x and y are read and written
 *           in the order of memory. Where the windows of a row stand as far from each other as their taps do,
 *           a block is neighbours, and each element of x is loaded once for all taps of a kernel row; with
 *           other strides that took longer, for a product can load its element by itself.
 * Order     Each y is one chain of fused multiply-adds over ascending k, as in every layout.
 */
#include "engine/ending.h"

#define PIXELS 8        /* of a block, at the most */
#define FEWEST_IN_ROW 4 /* of a block of neighbours */
#define MOST_TAPS 5     /* of a kernel row that neighbours share */
#define LEAST_BLOCKS 4  /* that are taken before the activation, however large a pixel is */
#define TAPS 9
/* As in conv_weight.c. */
#define MAX_WIDTH 2

typedef struct {
    stored *y;
    const stored *x, *w;
    const real *start;
    const int32_t *y_at, *x_at, *tap_at;
    ptrdiff_t start_step; /* reals from one pixel's start to the next */
    ptrdiff_t apart;      /* numbers from one window of a row to the next */
    ptrdiff_t vectors, depth;
    ending end;
    int add;
} product;

/* A vector of channels: its first one, its weights, how many numbers it is from one tap to the next, and the
 * block of vectors that it is in. */
typedef struct {
    ptrdiff_t first;
    const stored *w;
    ptrdiff_t step, block, end;
} channels;

INLINE channels first_of_block(const product *f, ptrdiff_t block)
{
    const ptrdiff_t v0 = vector_block_start(f->vectors, block),
                    v1 = vector_block_start(f->vectors, block + 1);
    return (channels){v0 * VL, f->w + v0 * f->depth * VL, (v1 - v0) * VL, block, v1 * VL};
}

INLINE void go_on(const product *f, channels *c)
{
    c->first += VL;
    c->w += VL;
    if (c->first == c->end && c->end < f->vectors * VL)
        *c = first_of_block(f, c->block + 1);
}

INLINE void begin(const product *f, const channels *c, ptrdiff_t p0, vreal *sum, const int pixels)
{
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p)
        sum[p] = f->start ? rload(f->start + c->first + (p0 + p) * f->start_step) : (vreal){0};
}

INLINE void finish(const product *f, const channels *c, ptrdiff_t p0, vreal *sum, const int pixels)
{
    const int scaled = scales(&f->end);
    const vreal least = vset(f->end.least), most = vset(f->end.most);
    const vreal scale = scaled ? rload(f->end.scale + c->first) : (vreal){0};
    const vreal shift = scaled ? rload(f->end.shift + c->first) : (vreal){0};
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) {
        stored *y = f->y + f->y_at[p0 + p] + c->first;
        if (f->add)
            sum[p] += vload(y);
        sum[p] = vmin(most, vmax(least, sum[p]));
        vstore(y, scaled ? sum[p] * scale + shift : sum[p]);
    }
}

/* Pixels anywhere. */
INLINE void anywhere(const product *f, const channels *c, ptrdiff_t p0, ptrdiff_t k0, ptrdiff_t k1,
                     const int pixels)
{
    vreal sum[PIXELS];
    const stored *x[PIXELS], *w = c->w + k0 * c->step;
    begin(f, c, p0, sum, pixels);
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p)
        x[p] = f->x + f->x_at[p0 + p] + c->first;
    for (ptrdiff_t k = k0; k < k1; ++k, w += c->step) {
        const ptrdiff_t at = f->tap_at[k];
        vreal weight = vload(w);
        PIN(weight);
#pragma GCC unroll 8
        for (int p = 0; p < pixels; ++p)
            sum[p] += vload(x[p] + at) * weight;
    }
    finish(f, c, p0, sum, pixels);
}

/* Neighbours in a row, each of whose windows begins where the second tap of the one before is, or with
 * `mirrored` of the one behind: so each element of x is loaded once for all taps of a kernel row. */
INLINE void in_row(const product *f, const channels *c, ptrdiff_t p0, ptrdiff_t k0, ptrdiff_t k1,
                   const int pixels, const int taps, const int mirrored)
{
    vreal sum[PIXELS];
    const stored *x = f->x + f->x_at[p0] + c->first, *w = c->w + k0 * c->step;
    const ptrdiff_t step = mirrored ? -f->apart : f->apart;
    begin(f, c, p0, sum, pixels);
    if (mirrored)
        x += (pixels - 1) * f->apart;
    for (ptrdiff_t k = k0; k < k1; k += taps) {
        const stored *element = x + f->tap_at[k];
        vreal weight[MOST_TAPS];
#pragma GCC unroll 8
        for (int t = 0; t < taps; ++t, w += c->step) {
            weight[t] = vload(w);
            PIN(weight[t]);
        }
#pragma GCC unroll 16
        for (int i = 0; i < pixels + taps - 1; ++i, element += step) {
            vreal value = vload(element);
            PIN(value);
#pragma GCC unroll 8
            for (int t = 0; t < taps; ++t) {
                const int p = mirrored ? pixels - 1 - (i - t) : i - t;
                if (p >= 0 && p < pixels)
                    sum[p] += value * weight[t];
            }
        }
    }
    finish(f, c, p0, sum, pixels);
}

/* A block of pixels from p0 on, through all channels, with the taps k0 .. k1 - 1. */
typedef void block(const product *f, ptrdiff_t p0, ptrdiff_t k0, ptrdiff_t k1);

static void any_pixels(const product *f, ptrdiff_t p0, ptrdiff_t k0, ptrdiff_t k1)
{
    for (channels c = first_of_block(f, 0); c.first < f->vectors * VL; go_on(f, &c))
        anywhere(f, &c, p0, k0, k1, PIXELS);
}

static void one_pixel(const product *f, ptrdiff_t p0, ptrdiff_t k0, ptrdiff_t k1)
{
    for (channels c = first_of_block(f, 0); c.first < f->vectors * VL; go_on(f, &c))
        anywhere(f, &c, p0, k0, k1, 1);
}

/* By neighbours, and taps of a kernel row. */
#define ROW_BLOCKS(K) K(4, 3) K(5, 3) K(6, 3) K(7, 3) K(8, 3) K(4, 5) K(5, 5) K(6, 5) K(7, 5) K(8, 5)
#define DEFINE_ROWS(p, t)                                                                                    \
    static void row_##p##_##t(const product *f, ptrdiff_t p0, ptrdiff_t k0, ptrdiff_t k1)                    \
    {                                                                                                        \
        for (channels c = first_of_block(f, 0); c.first < f->vectors * VL; go_on(f, &c))                     \
            in_row(f, &c, p0, k0, k1, p, t, 0);                                                              \
    }                                                                                                        \
    static void mirrored_row_##p##_##t(const product *f, ptrdiff_t p0, ptrdiff_t k0, ptrdiff_t k1)           \
    {                                                                                                        \
        for (channels c = first_of_block(f, 0); c.first < f->vectors * VL; go_on(f, &c))                     \
            in_row(f, &c, p0, k0, k1, p, t, 1);                                                              \
    }
ROW_BLOCKS(DEFINE_ROWS)
#define ENTRY_ROW(p, t) [0][t][p] = row_##p##_##t, [1][t][p] = mirrored_row_##p##_##t,
static block *const row_blocks[2][MOST_TAPS + 1][PIXELS + 1] = {ROW_BLOCKS(ENTRY_ROW)};

/* The blocks of neighbours by their pixels, if there are such for the windows: NULL where taps or windows
 * stand in another way. */
static block *const *blocks_of_row(const struct fcn_depthwise *a, ptrdiff_t apart)
{
    const ptrdiff_t step = a->depth > 1 ? a->tap_at[1] - a->tap_at[0] : 0;
    ptrdiff_t taps = 1;
    while (taps < a->depth && a->tap_at[taps] - a->tap_at[taps - 1] == step)
        ++taps;
    const int fits = apart && (step == apart || step == -apart) && taps <= MOST_TAPS && a->depth % taps == 0;
    return fits && row_blocks[step != apart][taps][PIXELS] ? row_blocks[step != apart][taps] : NULL;
}

void KERNEL(depthwise)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_depthwise *a = &op->depthwise;
    const ptrdiff_t vectors = a->vectors, width = a->row_pixels, row = row_size(vectors);
    const real *bias = the(&a->bias), *position_bias = the(&a->position_bias);
    const product f = {
        .y = of_group(&a->y, batch, group),
        .x = of_group(&a->x, batch, group),
        .w = the(&a->weight),
        .start = position_bias ? position_bias : bias,
        .y_at = a->y_at,
        .x_at = a->x_at,
        .tap_at = a->tap_at,
        .start_step = position_bias ? row : 0,
        .apart = width >= FEWEST_IN_ROW ? a->x_at[1] - a->x_at[0] : 0,
        .vectors = vectors,
        .depth = a->depth,
        .end = ending_of(ACTIVATION_OF(a), the(&a->scale), the(&a->shift), the(&a->slope)),
        .add = (int)a->add,
    };
    block *const *const of_row = blocks_of_row(a, f.apart);
    const ptrdiff_t bytes = row * (ptrdiff_t)sizeof(stored);
    const ptrdiff_t most = PIXELS * fcn_max(BYTES_AT_A_TIME / (PIXELS * bytes), LEAST_BLOCKS);
    for (ptrdiff_t s = 0; s < a->segment_count; ++s) {
        const int32_t *segment = a->segments + 4 * s;
        for (ptrdiff_t p0 = segment[0], p1; p0 < segment[1]; p0 = p1) {
            p1 = fcn_min(segment[1], p0 + most);
            for (ptrdiff_t p = p0, size; p < p1; p += size) {
                const ptrdiff_t left = fcn_min(of_row ? width - p % width : PIXELS, p1 - p);
                size = left >= 2 * PIXELS ? PIXELS : left > PIXELS ? (left + 1) / 2 : left;
                block *take = of_row ? of_row[size] : size == PIXELS ? any_pixels : NULL;
                if (!take) {
                    take = one_pixel;
                    size = 1;
                }
                take(&f, p, segment[2], segment[3]);
            }
            end_pixels(&f.end, f.y, f.y_at, p0, p1, vectors);
        }
    }
}

typedef struct {
    const stored *x, *dy;
    const int32_t *x_at, *dy_at, *tap_at;
    ptrdiff_t p0, p1, width; /* width: vectors from one sum to the next */
    int fresh;
} pixel_tile;

INLINE void add_taps(real *sums, const pixel_tile *f, ptrdiff_t k0, const int taps)
{
    vreal sum[TAPS];
    const stored *tap[TAPS];
#pragma GCC unroll 16
    for (int t = 0; t < taps; ++t) {
        tap[t] = f->x + f->tap_at[k0 + t];
        sum[t] = (vreal){0};
    }
    for (ptrdiff_t p = f->p0; p < f->p1; ++p) {
        const ptrdiff_t at = f->x_at[p];
        vreal dy = vload(f->dy + f->dy_at[p]);
        PIN(dy);
#pragma GCC unroll 16
        for (int t = 0; t < taps; ++t)
            sum[t] += vload(tap[t] + at) * dy;
    }
#pragma GCC unroll 16
    for (int t = 0; t < taps; ++t) {
        real *at = sums + t * f->width * VL;
        rstore(at, f->fresh ? sum[t] : rload(at) + sum[t]);
    }
}

void KERNEL(depthwise_weight)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_depthwise_weight *a = &op->depthwise_weight;
    const ptrdiff_t pixels = a->pixels, depth = a->depth, vectors = a->vectors;
    const ptrdiff_t end = group + (op->whole_chunk ? batch->count : 1);
    for (ptrdiff_t image = group; image < end; ++image) {
        int fresh;
        real *sums = sums_of_group(op, &a->sums, batch, image, &fresh);
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const ptrdiff_t v0 = v / MAX_WIDTH * MAX_WIDTH;
            pixel_tile f = {
                .x = (const stored *)of_group(&a->x, batch, image) + v * VL,
                .dy = (const stored *)of_group(&a->dy, batch, image) + v * VL,
                .dy_at = a->dy_at,
                .x_at = a->x_at,
                .tap_at = a->tap_at,
                .width = fcn_min(MAX_WIDTH, vectors - v0),
            };
            real *to = sums + (v0 * depth + v - v0) * VL;
            for (; f.p0 < pixels; f.p0 = f.p1) {
                f.p1 = fcn_min(pixels, f.p0 + FCN_SUM_BLOCK);
                f.fresh = f.p0 == 0 && fresh;
                ptrdiff_t k = 0;
                for (; k + TAPS <= depth; k += TAPS)
                    add_taps(to + k * f.width * VL, &f, k, TAPS);
                for (; k < depth; ++k)
                    add_taps(to + k * f.width * VL, &f, k, 1);
            }
        }
    }
}
