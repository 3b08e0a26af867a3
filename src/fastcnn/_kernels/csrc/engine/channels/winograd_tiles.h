/* The tiles of an operation of Winograd's filtering: where they stand in x and in y or its gradient, and
 * which of them a thread has in hand. See winograd.h.
 */
#ifndef FCN_WINOGRAD_TILES_H
#define FCN_WINOGRAD_TILES_H

#include "winograd.h"

/* As an operation is told of its tiles. */
typedef struct {
    const fcn_batch *batch;
    const fcn_buffer *x, *y;
    const int32_t *x_at, *y_at, *tile_at, *kind_at;
    ptrdiff_t x_row, x_pixel, y_row, y_pixel; /* from one row or pixel to the next */
    ptrdiff_t tiles, row_pixels;              /* of an image; of a row of y */
    ptrdiff_t in_row, out_row;                /* numbers of a pixel of x and of y */
} tiling;

#define TILING(op, batch_, plane)                                                                            \
    (tiling)                                                                                                 \
    {                                                                                                        \
        .batch = batch_, .x = &(op)->x, .y = &(op)->plane, .x_at = (op)->x_at, .y_at = (op)->plane##_at,     \
        .tile_at = (op)->tile_at, .kind_at = (op)->kind_at, .x_row = (op)->x_row, .x_pixel = (op)->x_pixel,  \
        .y_row = (op)->plane##_at[(op)->row_pixels] - (op)->plane##_at[0],                                   \
        .y_pixel = (op)->plane##_at[1] - (op)->plane##_at[0], .tiles = (op)->tiles,                          \
        .row_pixels = (op)->row_pixels, .in_row = (op)->in_vectors * VL, .out_row = (op)->vectors * VL       \
    }

/* Tiles come by kinds, in this order: those that have a row of positions, and those that have a column, are
 * neighbours then. */
enum { TALL, LARGE, WIDE, SMALL, KINDS }; /* MOST x LESS, MOST x MOST, LESS x MOST and LESS x LESS pixels */

/* The first pixels of the tiles in hand; those of y have numbers besides, in the order of rows. */
typedef struct {
    ptrdiff_t count, end[KINDS]; /* of all tiles, and of each kind */
    const stored *x[FCN_MOST_TILES];
    stored *y[FCN_MOST_TILES];
    ptrdiff_t pixel[FCN_MOST_TILES];
} hand;

/* Take `count` tiles in hand, from tile `first` of these images on: the first kind of all images is first. */
static void take(hand *taken, const tiling *of, ptrdiff_t group, ptrdiff_t images, ptrdiff_t first,
                 ptrdiff_t count)
{
    ptrdiff_t t = 0;
    for (int kind = 0; kind < KINDS; ++kind) {
        const ptrdiff_t start = of->kind_at[kind], tiles = of->kind_at[kind + 1] - start;
        if (first < tiles * images) {
            ptrdiff_t image = group + first / tiles, tile = first % tiles;
            for (; t < count && image < group + images; ++t) {
                taken->x[t] = (const stored *)of_group(of->x, of->batch, image) + of->x_at[start + tile];
                taken->pixel[t] = of->tile_at[3 * (start + tile)];
                taken->y[t] = (stored *)of_group(of->y, of->batch, image) + of->y_at[taken->pixel[t]];
                if (++tile == tiles) {
                    tile = 0;
                    ++image;
                }
            }
        }
        first = first < tiles * images ? 0 : first - tiles * images;
        taken->end[kind] = t;
    }
    taken->count = t;
}

/* The tiles in hand that have a position: *from .. the end that is returned. */
static inline ptrdiff_t tiles_with(const hand *taken, int position, ptrdiff_t *from)
{
    const int wide = position % TILE == LEFT_OUT, tall = position / TILE == LEFT_OUT;
    *from = wide ? taken->end[TALL] : 0;
    return tall ? taken->end[LARGE] : wide ? taken->end[WIDE] : taken->count;
}

/* What is done to each tile in hand: WITH(rows, columns, first, last) for those of a kind. */
#define EACH_KIND(taken, WITH)                                                                               \
    WITH(MOST, LESS, 0, (taken)->end[TALL])                                                                  \
    WITH(MOST, MOST, (taken)->end[TALL], (taken)->end[LARGE])                                                \
    WITH(LESS, MOST, (taken)->end[LARGE], (taken)->end[WIDE])                                                \
    WITH(LESS, LESS, (taken)->end[WIDE], (taken)->count)

/* Transform the tiles of x in hand, each `tile` numbers from the next, and its vectors `vector` numbers. */
static inline void tiles_to_points(point *v, const tiling *of, const hand *taken, ptrdiff_t tile,
                                   ptrdiff_t vector)
{
    const stride step = stride_of(position_step(taken->count, of->in_row)), row = stride_of(of->x_row);
#define WITH(rows, columns, first, last)                                                                     \
    for (ptrdiff_t t = first; t < last; ++t)                                                                 \
        for (ptrdiff_t c = 0; c < of->in_row; c += VL)                                                       \
            tile_to_points(v + t * tile + c / VL * vector, &step, taken->x[t] + c, &row, of->x_pixel, rows,  \
                           columns, 0);
    EACH_KIND(taken, WITH)
#undef WITH
}

/* Fetch MOST x MOST pixels, to be written or read. */
INLINE void fetch_pixels(const stored *first, ptrdiff_t row, ptrdiff_t pixel, ptrdiff_t vectors,
                         const int written)
{
    const stride pixels = stride_of(pixel);
    for (ptrdiff_t c = 0; c < vectors; c += 64 / (ptrdiff_t)sizeof(stored))
#pragma GCC unroll 4
        for (int i = 0; i < MOST; ++i)
#pragma GCC unroll 4
            for (int j = 0; j < MOST; ++j) {
                const stored *at = first + c + i * row + along(&pixels, j);
                /* Clang wants a literal. */
                if (written)
                    __builtin_prefetch(at, 1);
                else
                    __builtin_prefetch(at, 0);
            }
}

/* Of a tile of x, fetch the pixels that no tile before it has; beside the products of a position. */
INLINE void fetch_x(const tiling *of, const hand *tiles, ptrdiff_t tile)
{
    if (tile < tiles->count)
        fetch_pixels(tiles->x[tile] + 2 * (of->x_row + of->x_pixel), of->x_row, of->x_pixel, of->in_row, 0);
}

INLINE void fetch_y(const tiling *of, const hand *tiles, ptrdiff_t tile, const int written)
{
    if (tile < tiles->count)
        fetch_pixels(tiles->y[tile], of->y_row, of->y_pixel, of->out_row, written);
}

#endif
