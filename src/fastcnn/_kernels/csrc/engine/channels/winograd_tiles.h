/* The tiles of an operation of Winograd's filtering: where they stand in x and in y or its gradient, and which of
 * them a thread has in hand. See winograd.h.
 */
#ifndef FCN_WINOGRAD_TILES_H
#define FCN_WINOGRAD_TILES_H

#include "winograd.h"

#include "engine/kernel.h"

/* As an operation is told of its tiles. */
typedef struct {
    const fcn_batch *batch;
    const fcn_buffer *x, *y;
    const int32_t *x_at, *tap_at, *y_at, *tile_at;
    ptrdiff_t tiles, row_pixels, in_row, out_row; /* of an image; numbers of a pixel of x and of y */
} tiling;

#define TILING(op, batch_, plane)                                                                            \
    (tiling)                                                                                                 \
    {                                                                                                        \
        .batch = batch_, .x = &(op)->x, .y = &(op)->plane, .x_at = (op)->x_at, .tap_at = (op)->tap_at,       \
        .y_at = (op)->plane##_at, .tile_at = (op)->tile_at, .tiles = (op)->tiles,                            \
        .row_pixels = (op)->row_pixels, .in_row = (op)->in_vectors * VL, .out_row = (op)->vectors * VL       \
    }

/* A tile of x begins at a pixel; one of y is an image's, in which `place` has the first pixel, and how many rows
 * and columns belong to another tile. */
typedef struct {
    ptrdiff_t count;
    const stored *x[FCN_MOST_TILES];
    stored *y[FCN_MOST_TILES];
    const int32_t *place[FCN_MOST_TILES];
} hand;

/* Take `count` tiles in hand, from tile `first` of the images from `group` on. */
static void take(hand *taken, const tiling *of, ptrdiff_t group, ptrdiff_t first, ptrdiff_t count)
{
    ptrdiff_t image = group + first / of->tiles, tile = first % of->tiles;
    taken->count = count;
    for (ptrdiff_t t = 0; t < count; ++t) {
        taken->x[t] = (const stored *)of_group(of->x, of->batch, image) + of->x_at[tile] + of->tap_at[0];
        taken->y[t] = of_group(of->y, of->batch, image);
        taken->place[t] = of->tile_at + 3 * tile;
        if (++tile == of->tiles) {
            tile = 0;
            ++image;
        }
    }
}

/* Transform the tiles of x in hand. */
static void tiles_to_points(real *v, const tiling *of, const hand *taken)
{
    const ptrdiff_t row = of->tap_at[TILE] - of->tap_at[0], pixel = of->tap_at[1] - of->tap_at[0];
    const ptrdiff_t step = position_step(taken->count, of->in_row);
    for (ptrdiff_t t = 0; t < taken->count; ++t)
        for (ptrdiff_t c = 0; c < of->in_row; c += VL)
            tile_to_points(v + t * of->in_row + c, step, taken->x[t] + c, row, pixel);
}

/* Beside the products of a position, fetch a pixel of each tile of x that comes `next`, which no tile before it
 * has, and one of y of other tiles, to be written or read. */
INLINE void fetch(const tiling *of, int position, const hand *next, const hand *tiles_of_y, const int written)
{
    const int i = position / TILE - 2, j = position % TILE - 2;
    if (i < 0 || j < 0)
        return;
    const ptrdiff_t pixel = of->tap_at[position] - of->tap_at[0], p = i * of->row_pixels + j;
    for (ptrdiff_t t = 0; t < next->count; ++t)
        for (ptrdiff_t c = 0; c < of->in_row; c += LINE)
            __builtin_prefetch(next->x[t] + pixel + c, 0);
    for (ptrdiff_t t = 0; t < tiles_of_y->count; ++t)
        for (ptrdiff_t o = 0; o < of->out_row; o += LINE)
            __builtin_prefetch(tiles_of_y->y[t] + of->y_at[tiles_of_y->place[t][0] + p] + o, written);
}

#endif
