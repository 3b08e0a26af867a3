/* Direct convolution by tiles in the layout "channels": forward and backward-input, as in conv.c.
 *
 * Equation  as in conv.c
 * Layout    as in conv.c, where a multiply-add takes two terms. A tile of pixels has up to 16 of them, of
 *           each 16 pairs of what its window has in x; one of weights has the 16 rows of these pairs. Both
 *           are read where they stand, if the windows of pixels begin at one distance from each other; else
 *           the elements of the pixels are gathered first.
 * Method    Four tiles of sums: two vectors of output channels by two tiles of pixels, or one by four. Rows
 *           of y that are not too short are cut into tiles as evenly as can be, so that nothing is gathered;
 *           the last one of a row begins earlier, and what was made before is dropped.
 * Order     A span's pairs are taken 16 at a time, the rest at its end; what the products of each tile add up
 *           to is added to the sum so far, and the bias behind them all: bitwise the same in every batch,
 *           position and thread.
 * Edges     Short spans, which leave most of a tile empty, are taken as without tiles.
 */
#include "common/tiles.h"
#include "conv_product.h"

#define FEWEST_ELEMENTS 16 /* of a span */
#define SHORTEST_ROW 8     /* of y: tiles of shorter ones would be so empty that to gather takes less */
#define PIXELS_OF_BLOCK(width) (TILE_ROWS * TILE_SUMS / fcn_min(width, 2))

/* How many pixels a tile has where rows of y have so many. */
static ptrdiff_t pixels_of_tile(ptrdiff_t row_pixels)
{
    if (row_pixels < SHORTEST_ROW)
        return TILE_ROWS;
    return fcn_divide_up(row_pixels, fcn_divide_up(row_pixels, TILE_ROWS));
}

/* The pixels of a tile, from `first` on, of which those from `begin` up to `end` are to be made: `distance`
 * elements of x from one window to the next, or 0 if these are not at one distance. */
typedef struct {
    ptrdiff_t first, begin, end, distance;
} pixel_tile;

/* What the pixels of a tile have in x. */
typedef struct {
    _Alignas(64) stored rows[TILE_ROWS][FCN_TILE_TERMS];
} gathered;

static ptrdiff_t distance_of(const int32_t *x_at, ptrdiff_t pixels)
{
    int32_t other = 0;
    for (ptrdiff_t p = 2; p < pixels; ++p)
        other |= (x_at[p] - x_at[p - 1]) ^ (x_at[1] - x_at[0]);
    return other || pixels < 2 ? 0 : x_at[1] - x_at[0];
}

/* The tile of the pixels from p on, of those up to `end`. */
static pixel_tile tile_from(const product *f, ptrdiff_t p, ptrdiff_t end)
{
    const ptrdiff_t pixels = f->tiles->rows, column = f->row_pixels ? p % f->row_pixels : 0;
    pixel_tile tile = {.first = p, .begin = p, .end = fcn_min(p + pixels, end)};
    if (f->row_pixels >= SHORTEST_ROW) {
        tile.first = p - fcn_max(0, column + pixels - f->row_pixels);
        tile.end = fcn_min(end, tile.first + pixels);
        tile.distance = distance_of(f->x_at + tile.first, pixels);
    } else if (tile.end == p + pixels)
        tile.distance = distance_of(f->x_at + p, pixels);
    return tile;
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

/* Multiply `count` elements of each pixel, from `at` on, by their weights. These are loaded once, if all
 * products are `whole`, so that every tile has one shape; else again for each tile of pixels. */
INLINE void multiply(const product *f, const pixel_tile *tile, ptrdiff_t tile_count, gathered *aside,
                     ptrdiff_t at, const stored *w, ptrdiff_t row_bytes, ptrdiff_t count, const int last,
                     const int whole, const int vectors)
{
#pragma GCC unroll 4
    for (int b = 0; b < TILE_SUMS / vectors; ++b) {
        if (b >= tile_count)
            continue;
        const int32_t *x_at = f->x_at + tile[b].first;
        const int of_x = whole ? b % 2 : last;
        if (tile[b].distance && count % 2 == 0)
            tile_load_a(f->tiles, of_x, f->x + at + x_at[0], tile[b].distance * (ptrdiff_t)sizeof(stored));
        else {
            gather(aside, f->x + at, x_at, tile[b].end - tile[b].first, count);
            tile_load_a(f->tiles, of_x, aside, sizeof(aside->rows[0]));
        }
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) {
            const int of_w = whole ? v : last;
            if (b == 0 || (vectors > 1 && !whole))
                tile_load_b(f->tiles, of_w, w + v * VL * TERMS, row_bytes);
            tile_multiply(f->tiles, of_x, of_w, b * vectors + v);
        }
    }
}

/* End the sums of some pixels, from t->p0 on, with `row` sums from one pixel to the next. */
INLINE void end_sums(const product *f, const portion *t, const real *sums, ptrdiff_t row, const int vectors,
                     const int pixels)
{
    vreal sum[16];
    portion one = *t;
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p, ++one.p0)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            sum[p * vectors + v] = rload(sums + p * row + v * VL) + start_of(f, &one, v);
    finish(f, t, sum, vectors, pixels);
}

/* The same of all pixels of a tile that are to be made. */
INLINE void end_tile(const product *f, const portion *t, const pixel_tile *tile, const real *sums,
                     const int vectors)
{
    const ptrdiff_t row = vectors * VL;
    portion some = *t;
    some.p0 = tile->begin;
    sums += (tile->begin - tile->first) * row;
    for (; some.p0 + 8 <= tile->end; some.p0 += 8, sums += 8 * row)
        end_sums(f, &some, sums, row, vectors, 8);
    for (; some.p0 < tile->end; ++some.p0, sums += row)
        end_sums(f, &some, sums, row, vectors, 1);
}

/* Put the sums of a tile aside, in a block of `width` vectors whose first one is t->o0's. */
INLINE void put_aside(const product *f, const portion *t, const pixel_tile *tile, const real *sums,
                      ptrdiff_t width, const int vectors)
{
    portion one = *t;
    for (one.p0 = tile->begin; one.p0 < tile->end; ++one.p0)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            rstore(t->after + (one.p0 * width + v) * VL,
                   rload(sums + ((one.p0 - tile->first) * vectors + v) * VL) + start_of(f, &one, v));
}

/* Take up to 4 tiles of sums: `vectors` vectors, from v0 on, of a block of `width`, and some tiles of
 * pixels. */
INLINE void take_tiles(const product *f, const portion *t, ptrdiff_t width, ptrdiff_t v0,
                       const pixel_tile *tile, ptrdiff_t tile_count, gathered *aside, const int vectors)
{
    _Alignas(64) real sums[TILE_SUMS * TILE_ROWS * VL];
    const int tiles = TILE_SUMS / vectors; /* of which the last ones may be empty */
    const ptrdiff_t row = width * VL, sums_row = vectors * VL;
#pragma GCC unroll 4
    for (int i = 0; i < TILE_SUMS; ++i)
        tile_zero(f->tiles, i);
    for (ptrdiff_t span = t->span0; span < t->span1; ++span) {
        ptrdiff_t at = f->span_at[span];
        const ptrdiff_t end = at + t->length, row_bytes = row * TERMS * (ptrdiff_t)sizeof(stored);
        const stored *w = t->w + f->k_at[span] * row + v0 * VL * TERMS;
        if (t->length % FCN_TILE_TERMS == 0)
            for (; at < end; at += FCN_TILE_TERMS, w += FCN_TILE_TERMS * row)
                multiply(f, tile, tile_count, aside, at, w, row_bytes, FCN_TILE_TERMS, 0, 1, vectors);
        for (; at + FCN_TILE_TERMS <= end; at += FCN_TILE_TERMS, w += FCN_TILE_TERMS * row)
            multiply(f, tile, tile_count, aside, at, w, row_bytes, FCN_TILE_TERMS, 0, 0, vectors);
        if (at < end)
            multiply(f, tile, tile_count, aside, at, w, row_bytes, end - at, 1, 0, vectors);
    }
#pragma GCC unroll 4
    for (int b = 0; b < tiles; ++b)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            tile_store_sums(f->tiles, b * vectors + v, sums + b * TILE_ROWS * sums_row + v * VL,
                            sums_row * (ptrdiff_t)sizeof(real));
    portion some = *t;
    some.o0 += v0 * VL;
    if (t->after)
        some.after += v0 * VL;
    for (ptrdiff_t b = 0; b < tile_count; ++b) {
        const real *of_tile = sums + b * TILE_ROWS * sums_row;
        if (t->after)
            put_aside(f, &some, &tile[b], of_tile, width, vectors);
        else
            end_tile(f, &some, &tile[b], of_tile, vectors);
    }
}

/* Take the pixels from t->p0 up to `end`. */
static void take_pixels(const product *f, const portion *t, ptrdiff_t end, ptrdiff_t width)
{
    gathered aside = {0};
    for (ptrdiff_t v = 0; v < width; v += 2) {
        const ptrdiff_t most = TILE_SUMS / fcn_min(width - v, 2);
        for (ptrdiff_t p = t->p0; p < end;) {
            pixel_tile tile[TILE_SUMS];
            ptrdiff_t count = 0;
            for (; count < most && p < end; p = tile[count++].end)
                tile[count] = tile_from(f, p, end);
            if (width - v > 1)
                take_tiles(f, t, width, v, tile, count, &aside, 2);
            else
                take_tiles(f, t, width, v, tile, count, &aside, 1);
        }
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
    some.row_pixels = 0;
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

/* Run an operation whose spans have so many elements, and tiles so many pixels, by tiles if that pays. */
INLINE void run(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task, ptrdiff_t span_length,
                ptrdiff_t pixels, taker *take, fcn_op_kernel *rest)
{
    if (span_length < FEWEST_ELEMENTS) {
        rest(op, batch, task);
        return;
    }
    tiles state;
    const ptrdiff_t left = span_length % FCN_TILE_TERMS;
    tiles_begin(&state, pixels, left ? fcn_divide_up(left, 2) : TILE_PAIRS);
    take(op, batch, task, &state);
    tiles_end(&state);
}

void KERNEL(conv_spans)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_conv_spans *a = &op->conv_spans;
    const int several = op->whole_chunk && batch->count > 1;
    run(op, batch, group, a->span_length, several ? TILE_ROWS : pixels_of_tile(a->row_pixels), take_spans,
        REST_KERNEL(conv_spans));
}

void KERNEL(dense_of_all)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    run(op, batch, task, op->dense_of_all.span_length, TILE_ROWS, take_dense, REST_KERNEL(dense_of_all));
}

void KERNEL(dense_sums)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    run(op, batch, group, op->dense_sums.span_length, TILE_ROWS, take_sums, REST_KERNEL(dense_sums));
}
