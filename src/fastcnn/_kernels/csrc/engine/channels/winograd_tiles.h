/* The tiles of an operation of Winograd's filtering: where they stand in x and in y or its gradient, and
 * which of them a thread has in hand. See winograd.h.
 */
#ifndef FCN_WINOGRAD_TILES_H
#define FCN_WINOGRAD_TILES_H

#include "winograd.h"

#include "engine/kernel.h"

/* As an operation is told of its tiles. */
typedef struct {
    const fcn_batch *batch;
    const fcn_buffer *x, *y;
    const int32_t *x_at, *y_at, *tile_at, *kind_at;
    ptrdiff_t x_row, x_pixel;    /* from one row or pixel of x to the next */
    ptrdiff_t tiles, row_pixels; /* of an image; of a row of y */
    ptrdiff_t in_row, out_row;   /* numbers of a pixel of x and of y */
} tiling;

#define TILING(op, batch_, plane)                                                                            \
    (tiling)                                                                                                 \
    {                                                                                                        \
        .batch = batch_, .x = &(op)->x, .y = &(op)->plane, .x_at = (op)->x_at, .y_at = (op)->plane##_at,     \
        .tile_at = (op)->tile_at, .kind_at = (op)->kind_at, .x_row = (op)->x_row, .x_pixel = (op)->x_pixel,  \
        .tiles = (op)->tiles, .row_pixels = (op)->row_pixels, .in_row = (op)->in_vectors * VL,               \
        .out_row = (op)->vectors * VL                                                                        \
    }

/* Tiles come by kinds, in this order: those that have a row of positions, and those that have a column, are
 * neighbours then. */
enum { TALL, LARGE, WIDE, SMALL, KINDS }; /* 4x3, 4x4, 3x4 and 3x3 pixels of y */

/* A tile of x begins at a pixel; one of y is an image's, in which `place` has the first pixel, and how many
 * rows and columns the tile has. */
typedef struct {
    ptrdiff_t count, end[KINDS]; /* of all tiles, and of each kind */
    const stored *x[FCN_MOST_TILES];
    stored *y[FCN_MOST_TILES];
    const int32_t *place[FCN_MOST_TILES];
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
                taken->y[t] = of_group(of->y, of->batch, image);
                taken->place[t] = of->tile_at + 3 * (start + tile);
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
    const int wide = position % TILE == MINUS_B, tall = position / TILE == MINUS_B;
    *from = wide ? taken->end[TALL] : 0;
    return tall ? taken->end[LARGE] : wide ? taken->end[WIDE] : taken->count;
}

/* What is done to each tile in hand: WITH(rows, columns, first, last) for those of a kind. */
#define EACH_KIND(taken, WITH)                                                                               \
    WITH(4, 3, 0, (taken)->end[TALL])                                                                        \
    WITH(4, 4, (taken)->end[TALL], (taken)->end[LARGE])                                                      \
    WITH(3, 4, (taken)->end[LARGE], (taken)->end[WIDE])                                                      \
    WITH(3, 3, (taken)->end[WIDE], (taken)->count)

/* Transform the tiles of x in hand. */
static void tiles_to_points(real *v, const tiling *of, const hand *taken)
{
    const ptrdiff_t step = position_step(taken->count, of->in_row);
#define WITH(rows, columns, first, last)                                                                     \
    for (ptrdiff_t t = first; t < last; ++t)                                                                 \
        for (ptrdiff_t c = 0; c < of->in_row; c += VL)                                                       \
            tile_to_points(v + t * of->in_row + c, step, taken->x[t] + c, of->x_row, of->x_pixel, rows,      \
                           columns);
    EACH_KIND(taken, WITH)
#undef WITH
}

/* Beside the products of a position, fetch a pixel of each tile of x that comes `next`, which no tile before
 * it has, and one of y of other tiles, to be written or read. */
INLINE void fetch(const tiling *of, int position, const hand *next, const hand *tiles_of_y, const int written)
{
    const int i = position / TILE - 2, j = position % TILE - 2;
    if (i < 0 || j < 0)
        return;
    const ptrdiff_t pixel = (i + 2) * of->x_row + (j + 2) * of->x_pixel, p = i * of->row_pixels + j;
    for (ptrdiff_t t = 0; t < next->count; ++t)
        for (ptrdiff_t c = 0; c < of->in_row; c += LINE)
            __builtin_prefetch(next->x[t] + pixel + c, 0);
    for (ptrdiff_t t = 0; t < tiles_of_y->count; ++t) {
        const int32_t *place = tiles_of_y->place[t];
        if (i < place[1] && j < place[2])
            for (ptrdiff_t o = 0; o < of->out_row; o += LINE)
                __builtin_prefetch(tiles_of_y->y[t] + of->y_at[place[0] + p] + o, written);
    }
}

#endif
