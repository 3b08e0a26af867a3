/* 3x3 convolution by Winograd's minimal filtering in the layout "channels": forward and backward-input;
 * winograd_pack.c transforms the weights.
 *
 * Equation  y[p][o] = bias[o] + the sum that conv.c has, by tiles of 4x4 pixels: see winograd.h
 * Layout    see program.h; transformed weights [position][block][k][vectors of the block][VL], k the input
 *           channels; scratch: tiles of x [position][tile][input channels], then of y
 *           [position][tile][channels], one position from the next a cache line further than its numbers take,
 *           lest all positions of a tile fall into few sets of the cache.
 * Method    As many tiles as the scratch holds, of one image or several, are transformed; for each position one
 *           product of matrices follows, in register blocks as in conv.c; then tiles of y are transformed back,
 *           with bias, sum and activation.
 * Order     Each number of a position is the sum of chains of CHAIN fused multiply-adds over ascending k: the
 *           same to the bit in every batch, thread and block.
 * Edges     Tiles overlap where 4 does not divide the pixels of a row or column: a tile then writes but its
 *           last rows or columns. What is not finite in x spreads to all of a tile's pixels.
 */
#include "common/activation.h"
#include "winograd_products.h"
#include "winograd_tiles.h"

#define DEFINE(v, t)                                                                                         \
    static void multiply_##v##_##t(real *c, const real *a, const real *b, const product *f)                  \
    {                                                                                                        \
        multiply(c, a, b, f, 0, v, t);                                                                       \
    }
BLOCKS(DEFINE)
#define ENTRY(v, t) [v][t] = multiply_##v##_##t,
static block *const blocks[MAX_VECTORS + 1][13] = {BLOCKS(ENTRY)};

/* Products that are one chain; the chains of a deep sum are added, lest their errors grow with its length. */
#define CHAIN 64

/* The products of all positions: m = v u for the tiles in hand. */
static void multiply_positions(real *m, const real *v, const real *u, ptrdiff_t depth, const tiling *of,
                               const hand *now, const hand *next)
{
    const ptrdiff_t tiles = now->count, vectors = of->out_row / VL;
    const ptrdiff_t v_step = position_step(tiles, of->in_row), m_step = position_step(tiles, of->out_row);
    product f = {.a_row = of->in_row, .a_step = 1, .c_row = of->out_row};
    for (int position = 0; position < POSITIONS; ++position, v += v_step, m += m_step) {
        fetch(of, position, next, now, 1);
        for (ptrdiff_t b = 0; b < vector_block_count(vectors); ++b) {
            const ptrdiff_t v0 = vector_block_start(vectors, b);
            const ptrdiff_t width = vector_block_start(vectors, b + 1) - v0;
            f.b_step = width * VL;
            for (ptrdiff_t k = 0; k < depth; k += CHAIN, u += f.depth * f.b_step) {
                f.depth = fcn_min(CHAIN, depth - k);
                f.fresh = k == 0;
                multiply_rows(blocks, m + v0 * VL, v + k, u, &f, tiles, width);
            }
        }
    }
}

/* What the pixels of y get beside the products. */
typedef struct {
    const real *bias, *position_bias;
    const int32_t *y_at;
    ptrdiff_t row_pixels, row; /* pixels of a row of y; biases of a pixel */
    activation act;
    int add;
} finish;

/* Transform one vector of a tile back, and write its pixels that no other tile has: `whole` says that they are
 * all, and that the activation is none or ReLU. */
INLINE void points_to_pixels(const finish *f, const real *m, ptrdiff_t step, stored *y, const int32_t *place,
                             ptrdiff_t o, const int whole, const int by_position)
{
    vreal half[4][TILE];
    for (int j = 0; j < TILE; ++j) {
        vreal column[TILE], back[4];
#pragma GCC unroll 6
        for (int i = 0; i < TILE; ++i)
            column[i] = rload(m + (i * TILE + j) * step);
        from_points(back, column, 4);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i)
            half[i][j] = back[i];
    }
    const vreal bias = f->bias ? rload(f->bias + o) : (vreal){0}, least = vset(least_of(&f->act));
    const int32_t *y_at = f->y_at + place[0];
    const ptrdiff_t pixel = y_at[1] - y_at[0];
    for (int i = whole ? 0 : place[1]; i < 4; ++i) {
        const ptrdiff_t p = i * f->row_pixels;
        stored *at = y + y_at[p] + o;
        vreal back[4];
        from_points(back, half[i], 4);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j)
            back[j] += by_position ? rload(f->position_bias + (place[0] + p + j) * f->row + o) : bias;
        if (f->add)
#pragma GCC unroll 4
            for (int j = 0; j < 4; ++j)
                back[j] += vload(at + j * pixel);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j)
            if (whole)
                vstore(at + j * pixel, vmax(least, back[j]));
            else if (j >= place[2])
                vstore(at + j * pixel, kind_of(&f->act) == ANY_ACTIVATION ? any_activation(&f->act, back[j])
                                                                          : vmax(least, back[j]));
    }
}

/* Transform the tiles in hand back. */
static void points_to_tiles(const finish *f, const real *m, const tiling *of, const hand *taken)
{
    const ptrdiff_t step = position_step(taken->count, of->out_row);
    const int fast = kind_of(&f->act) != ANY_ACTIVATION, by_position = f->position_bias != NULL;
    for (ptrdiff_t t = 0; t < taken->count; ++t, m += of->out_row) {
        const int32_t *place = taken->place[t];
        stored *y = taken->y[t];
        const int whole = fast && !place[1] && !place[2];
        for (ptrdiff_t o = 0; o < of->out_row; o += VL)
            if (whole && !by_position)
                points_to_pixels(f, m + o, step, y, place, o, 1, 0);
            else if (whole)
                points_to_pixels(f, m + o, step, y, place, o, 1, 1);
            else
                points_to_pixels(f, m + o, step, y, place, o, 0, by_position);
    }
}

void KERNEL(winograd)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_winograd *a = &op->winograd;
    const tiling of = TILING(a, batch, y);
    const ptrdiff_t all = a->tiles * (op->whole_chunk ? batch->count : 1);
    const ptrdiff_t parts = fcn_divide_up(all, FCN_MOST_TILES);
    real *v = of_group(&a->scratch, batch, group);
    const finish f = {
        .bias = the(&a->bias),
        .position_bias = the(&a->position_bias),
        .y_at = a->y_at,
        .row_pixels = a->row_pixels,
        .row = of.out_row,
        .act = ACTIVATION_OF(a),
        .add = (int)a->add,
    };
    hand hands[2];
    take(&hands[0], &of, group, 0, all / parts);
    for (ptrdiff_t part = 0; part < parts; ++part) {
        const hand *now = &hands[part % 2];
        hand *next = &hands[(part + 1) % 2];
        const ptrdiff_t end = all * (part + 1) / parts,
                        then = part + 1 < parts ? all * (part + 2) / parts : end;
        take(next, &of, group, end, then - end);
        real *m = v + POSITIONS * position_step(now->count, of.in_row);
        tiles_to_points(v, &of, now);
        multiply_positions(m, v, the(&a->weight), a->in_channels, &of, now, next);
        points_to_tiles(&f, m, &of, now);
    }
}
