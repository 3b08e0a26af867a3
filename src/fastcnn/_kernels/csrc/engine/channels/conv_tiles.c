/* Direct convolution by tiles in the layout "channels": forward and backward-input, as in conv.c.
 *
 * Equation  as in conv.c
 * Layout    as in conv.c, where a multiply-add takes two terms. A tile of pixels has 16 of them, of each 16
 *           pairs of what its window has in x; one of weights has the 16 rows of these pairs. Both are read
 *           where they stand, if the windows of pixels begin at one distance from each other; else the
 *           elements of 16 pixels are gathered first.
 * Method    Four tiles of sums: two vectors of output channels by 32 pixels, or one by 64.
 * Order     A span's pairs are taken 16 at a time, the rest at its end; what the products of each tile add up
 *           to is added to the sum so far, and the bias behind them all: bitwise the same in every batch,
 *           position and thread.
 * Edges     Short spans, which leave most of a tile empty, are taken as without tiles.
 */
#include "common/tiles.h"
#include "conv_product.h"

#define FEWEST_ELEMENTS 16 /* of a span */
#define PIXELS_OF_BLOCK(width) (TILE_ROWS * TILE_SUMS / fcn_min(width, 2))

/* What 16 pixels have in x. */
typedef struct {
    _Alignas(64) stored rows[TILE_ROWS][FCN_TILE_TERMS];
} gathered;

/* The number of elements from one pixel's window to the next one's, or 0 if these are not at one distance. */
static ptrdiff_t distance_of(const int32_t *x_at)
{
    const ptrdiff_t distance = x_at[1] - x_at[0];
    for (ptrdiff_t p = 2; p < TILE_ROWS; ++p)
        if (x_at[p] - x_at[p - 1] != distance)
            return 0;
    return distance;
}

/* Gather `count` elements of each pixel from `x` on; of an odd number the last one is a pair with 0. */
INLINE void gather(gathered *to, const stored *x, const int32_t *x_at, ptrdiff_t pixels, ptrdiff_t count)
{
    for (ptrdiff_t p = 0; p < pixels; ++p)
        if (count == FCN_TILE_TERMS)
            memcpy(to->rows[p], x + x_at[p], sizeof(to->rows[p]));
        else {
            memcpy(to->rows[p], x + x_at[p], (size_t)count * sizeof(stored));
            to->rows[p][count] = (stored){0};
        }
}

/* Multiply `count` elements of each pixel, from `at` on, by their weights. */
INLINE void multiply(const product *f, ptrdiff_t p0, ptrdiff_t pixels, const ptrdiff_t *distances,
                     gathered *aside, ptrdiff_t at, const stored *w, ptrdiff_t row_bytes, ptrdiff_t count,
                     const int last, const int vectors)
{
#pragma GCC unroll 4
    for (int b = 0; b < TILE_SUMS / vectors; ++b) {
        if (b * TILE_ROWS >= pixels)
            continue;
        const int32_t *x_at = f->x_at + p0 + b * TILE_ROWS;
        if (distances[b] && count % 2 == 0)
            tile_load_a(f->tiles, last, f->x + at + x_at[0], distances[b] * (ptrdiff_t)sizeof(stored));
        else {
            gather(aside, f->x + at, x_at, fcn_min(TILE_ROWS, pixels - b * TILE_ROWS), count);
            tile_load_a(f->tiles, last, aside, sizeof(aside->rows[0]));
        }
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) {
            if (b == 0 || vectors > 1)
                tile_load_b(f->tiles, last, w + v * VL * TERMS, row_bytes);
            tile_multiply(f->tiles, last, last, b * vectors + v);
        }
    }
}

/* Take up to 4 tiles of sums: `vectors` vectors, from v0 on, of a block of `width`, and pixels from p0 on. */
INLINE void take_tiles(const product *f, const portion *t, ptrdiff_t width, ptrdiff_t v0, ptrdiff_t p0,
                       ptrdiff_t pixels, const int vectors)
{
    _Alignas(64) real sums[TILE_SUMS * TILE_ROWS * VL];
    gathered aside = {0};
    ptrdiff_t distances[TILE_SUMS];
    const int blocks = TILE_SUMS / vectors; /* of which the last ones may be empty */
    const ptrdiff_t row = width * VL, sums_row = vectors * VL;
#pragma GCC unroll 4
    for (int b = 0; b < blocks; ++b) {
        distances[b] = pixels - b * TILE_ROWS < TILE_ROWS ? 0 : distance_of(f->x_at + p0 + b * TILE_ROWS);
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            tile_zero(f->tiles, b * vectors + v);
    }
    for (ptrdiff_t span = t->span0; span < t->span1; ++span) {
        ptrdiff_t at = f->span_at[span];
        const ptrdiff_t end = at + t->length, row_bytes = row * TERMS * (ptrdiff_t)sizeof(stored);
        const stored *w = t->w + f->k_at[span] * row + v0 * VL * TERMS;
        for (; at + FCN_TILE_TERMS <= end; at += FCN_TILE_TERMS, w += FCN_TILE_TERMS * row)
            multiply(f, p0, pixels, distances, &aside, at, w, row_bytes, FCN_TILE_TERMS, 0, vectors);
        if (at < end)
            multiply(f, p0, pixels, distances, &aside, at, w, row_bytes, end - at, 1, vectors);
    }
#pragma GCC unroll 4
    for (int b = 0; b < blocks; ++b)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            tile_store_sums(f->tiles, b * vectors + v, sums + b * TILE_ROWS * sums_row + v * VL,
                            sums_row * (ptrdiff_t)sizeof(real));
    portion one = *t;
    one.o0 += v0 * VL;
    for (ptrdiff_t p = 0; p < pixels; ++p) {
        vreal sum[2];
        one.p0 = p0 + p;
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) {
            sum[v] = rload(sums + p * sums_row + v * VL) + start_of(f, &one, v);
            if (t->after)
                rstore(t->after + one.p0 * row + (v0 + v) * VL, sum[v]);
        }
        if (!t->after)
            finish(f, &one, sum, vectors, 1);
    }
}

/* Take the pixels from t->p0 up to `end`. */
static void take_pixels(const product *f, const portion *t, ptrdiff_t end, ptrdiff_t width)
{
    for (ptrdiff_t v = 0; v < width; v += 2) {
        const ptrdiff_t most = PIXELS_OF_BLOCK(width - v);
        for (ptrdiff_t p = t->p0; p < end; p += most)
            if (width - v > 1)
                take_tiles(f, t, width, v, p, fcn_min(most, end - p), 2);
            else
                take_tiles(f, t, width, v, p, fcn_min(most, end - p), 1);
    }
}

/* The same of several images, which stand so far apart in y and x. */
static void take_images(const product *f, const portion *t, ptrdiff_t end, ptrdiff_t width, ptrdiff_t images,
                        ptrdiff_t y_image, ptrdiff_t x_image)
{
    int32_t y_at[MOST_IN_HAND], x_at[MOST_IN_HAND];
    const ptrdiff_t most = most_in_hand(y_image, x_image);
    product some = *f;
    some.y_at = y_at;
    some.x_at = x_at;
    portion hand = *t;
    hand.p0 = 0;
    for (ptrdiff_t left = (end - t->p0) * images, p = t->p0, count; left > 0; left -= count) {
        count = fcn_min(most, left);
        const ptrdiff_t image = place_pixels(y_at, x_at, f, t->p0, end, &p, count, y_image, x_image);
        take_pixels(&some, &hand, count, width);
        some.y += image * y_image;
        some.x += image * x_image;
    }
}

/* Take the first `pixels` pixels of the tables. */
static void take_in_hand(const product *f, const portion *t, ptrdiff_t pixels, ptrdiff_t width)
{
    take_pixels(f, t, pixels, width);
}

/* A sum of parts is the same to the bit whether there are several images or one. */
static int take_at_once(const product *f, const portion *t, ptrdiff_t width)
{
    (void)f;
    (void)t;
    (void)width;
    return 0;
}

#include "conv_spans.h"

/* What takes this operation without tiles. */
#define REST_KERNEL(name) FCN_PASTE(fcn_channels_, name, FCN_REST)
extern fcn_op_kernel REST_KERNEL(conv_spans), REST_KERNEL(dense_of_all), REST_KERNEL(dense_sums);

typedef void taker(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task, tiles *state);

/* Run an operation whose spans have so many elements, by tiles if that pays. */
INLINE void run(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task, ptrdiff_t span_length, taker *take,
                fcn_op_kernel *rest)
{
    if (span_length < FEWEST_ELEMENTS) {
        rest(op, batch, task);
        return;
    }
    tiles state;
    const ptrdiff_t left = span_length % FCN_TILE_TERMS;
    tiles_begin(&state, left ? fcn_divide_up(left, 2) : TILE_PAIRS);
    take(op, batch, task, &state);
    tiles_end(&state);
}

void KERNEL(conv_spans)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    run(op, batch, group, op->conv_spans.span_length, take_spans, REST_KERNEL(conv_spans));
}

void KERNEL(dense_of_all)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    run(op, batch, task, op->dense_of_all.span_length, take_dense, REST_KERNEL(dense_of_all));
}

void KERNEL(dense_sums)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    run(op, batch, group, op->dense_sums.span_length, take_sums, REST_KERNEL(dense_sums));
}
