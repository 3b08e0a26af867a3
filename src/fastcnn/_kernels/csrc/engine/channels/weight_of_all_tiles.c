/* The weight gradient of few pixels over all images at once, by tiles: weight_of_all.h.
 *
 * Layout    scratch of dy: [vector of outputs][32 rows][output][row], a tile each.
 * Method    Blocks of up to two tiles of outputs by two vectors of input channels.
 * Order     The products of 32 rows are summed, then added to the sum so far.
 */
#include "common/tiles.h"
#include "weight_sums.h"

#define PAIRS_AT_ONCE TILE_PAIRS
#define TILE_NUMBERS (TILE_ROWS * TILE_PAIRS)
_Static_assert(VL == TILE_ROWS, "a vector of outputs is a tile's rows");

/* What is in hand: outputs o0 and on, by so many vectors of input channels; pairs of rows. */
typedef struct {
    ptrdiff_t o0, outputs, vectors, pairs;
    uint32_t *x, *dy;
    real *totals;
    int fresh;
    tiles state;
} in_hand;

static void begin(in_hand *h) { tiles_begin(&h->state, TILE_ROWS, TILE_PAIRS); }
static void end(in_hand *h) { tiles_end(&h->state); }

/* Of outputs past the last one, which dy is padded with, only what is dropped is made. */
static void lay_out_dy(const in_hand *h, const stored *const *rows)
{
    static const stored none[VL] = {{0}};
    uint32_t *to = h->dy;
    for (ptrdiff_t o = h->o0; o < h->o0 + h->outputs; o += VL)
        for (ptrdiff_t pair = 0; pair < h->pairs; pair += TILE_PAIRS, to += TILE_NUMBERS) {
            vreal square[VL];
#pragma GCC unroll 16
            for (int i = 0; i < TILE_PAIRS; ++i) {
                const stored *one = rows[2 * (pair + i)], *other = rows[2 * (pair + i) + 1];
                square[i] = (vreal)zip_terms(one ? one + o : none, other ? other + o : NULL);
            }
            transpose_lanes(square);
#pragma GCC unroll 16
            for (int i = 0; i < TILE_ROWS; ++i)
                store_terms((stored *)(to + i * TILE_PAIRS), (vterms)square[i]);
        }
}

/* Add to the totals of `outputs` tiles of outputs by `vectors` vectors. */
INLINE void add_tiles(in_hand *h, real *total, ptrdiff_t total_row, const uint32_t *dy, const uint32_t *x,
                      const int outputs, const int vectors)
{
    const ptrdiff_t row = h->vectors * VL, row_bytes = row * (ptrdiff_t)sizeof(*x);
    const ptrdiff_t total_bytes = total_row * (ptrdiff_t)sizeof(real);
#pragma GCC unroll 2
    for (int i = 0; i < outputs; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            if (h->fresh)
                tile_zero(&h->state, i * vectors + v);
            else
                tile_load_sums(&h->state, i * vectors + v, total + i * VL * total_row + v * VL, total_bytes);
    for (ptrdiff_t pair = 0; pair < h->pairs; pair += TILE_PAIRS, dy += TILE_NUMBERS, x += TILE_PAIRS * row) {
#pragma GCC unroll 2
        for (int i = 0; i < outputs; ++i)
            tile_load_a(&h->state, i, dy + i * h->pairs * VL, TILE_PAIRS * sizeof(*dy));
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) {
            tile_load_b(&h->state, v, x + v * VL, row_bytes);
#pragma GCC unroll 2
            for (int i = 0; i < outputs; ++i)
                tile_multiply(&h->state, i, v, i * vectors + v);
        }
    }
#pragma GCC unroll 2
    for (int i = 0; i < outputs; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v)
            tile_store_sums(&h->state, i * vectors + v, total + i * VL * total_row + v * VL, total_bytes);
}

static void add_rows(in_hand *h, real *totals, ptrdiff_t total_row)
{
    for (ptrdiff_t o = 0; o < h->outputs; o += 2 * VL)
        for (ptrdiff_t v = 0; v < h->vectors; v += 2) {
            real *total = totals + o * total_row + v * VL;
            const uint32_t *dy = h->dy + o * h->pairs, *x = h->x + v * VL;
            const int two = h->outputs - o > VL;
            if (two && h->vectors - v > 1)
                add_tiles(h, total, total_row, dy, x, 2, 2);
            else if (two)
                add_tiles(h, total, total_row, dy, x, 2, 1);
            else if (h->vectors - v > 1)
                add_tiles(h, total, total_row, dy, x, 1, 2);
            else
                add_tiles(h, total, total_row, dy, x, 1, 1);
        }
}

#include "weight_of_all.h"
