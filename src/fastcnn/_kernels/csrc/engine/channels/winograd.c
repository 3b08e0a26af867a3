/* 3x3 convolution by Winograd's minimal filtering in the layout "channels": forward and backward-input;
 * winograd_pack.c transforms the weights.
 *
 * Equation  y[p][o] = f(bias[o] + the sum that conv.c has), by tiles of pixels: see winograd.h; f what
 *           ending.h says
 * Layout    see program.h; transformed weights [position][block][k][vectors of the block][VL], k the input
 *           channels, or [pair of k][vectors of the block][VL][2]; scratch: tiles of x
 *           [position][vector of input channels][tile][VL], then of y [position][tile][channels].
 * Method    Tiles of one image or several are taken in hand, most_in_hand of them, and transformed; for
 *           each position one product of matrices follows, in register blocks as in conv.c; then tiles of y
 *           are transformed back, with bias, sum and activation. Products of one vector of channels take the
 *           places of tiles of x. While a chain is multiplied, the weights of the next one are fetched.
 * Order     Each number of a position is the sum of chains of CHAIN fused multiply-adds over ascending k: the
 *           same to the bit in every batch, thread and block.
 * Edges     What is not finite in x spreads to all of a tile's pixels. Input channels are whole terms.
 */
#if MULTIPLIES_PAIRS /* see winograd_pairs.c */
#define FILTERING winograd_pairs
#define FILTERING_OF fcn_winograd_pairs
#else
#define FILTERING winograd
#define FILTERING_OF fcn_winograd
#endif

#include "engine/ending.h"
#include "winograd_products.h"
#include "winograd_tiles.h"

#define DEFINE(v, t)                                                                                         \
    static void multiply_##v##_##t(real *c, const point *a, const point *b, const product *f)                \
    {                                                                                                        \
        multiply(c, a, b, f, 0, v, t, 1);                                                                    \
    }
WINOGRAD_BLOCKS(DEFINE)
#define ENTRY(v, t) [v][t] = multiply_##v##_##t,
static block *const blocks[MAX_VECTORS + 1][MAX_ROWS + 1] = {WINOGRAD_BLOCKS(ENTRY)};

#if !MULTIPLIES_PAIRS
/* Of one vector of channels, products take the place of the tiles in hand, so few that they do not leave the
 * first cache. Registers that so few rows leave free hold the sums of further positions. */
#if MAX_BLOCK == 8
#define TILES_IN_PLACE 8
#define POSITIONS_AT_ONCE 3
#define DEFINE_AT_ONCE(v, t)                                                                                 \
    static void multiply_at_once_##t(real *c, const real *a, const real *b, const product *f)                \
    {                                                                                                        \
        multiply(c, a, b, f, 0, v, t, POSITIONS_AT_ONCE);                                                    \
    }
UP_TO_8(DEFINE_AT_ONCE, 1)
#define ENTRY_AT_ONCE(v, t) [t] = multiply_at_once_##t,
static block *const at_once[TILES_IN_PLACE + 1] = {UP_TO_8(ENTRY_AT_ONCE, 1)};
#else
#define TILES_IN_PLACE 12
#define POSITIONS_AT_ONCE 1
#define at_once blocks[1]
#endif
#endif

/* Products that are one chain; the chains of a deep sum are added, lest their errors grow with its length. */
#define CHAIN 64

/* The products of all positions: m = v u for the tiles in hand. */
static void multiply_positions(real *m, const point *v, const point *u, ptrdiff_t depth, const tiling *of,
                               const hand *now, const hand *next)
{
    const ptrdiff_t v_step = position_step(now->count, of->in_row);
    const ptrdiff_t m_step = position_step(now->count, of->out_row);
    product f = {.a_step = now->count * VL, .c_row = of->out_row, .ahead = CHAIN * MAX_VECTORS * VL};
    cut how = cut_of(of->out_row / VL);
    for (int position = 0; position < POSITIONS; ++position, v += v_step, m += m_step) {
        fetch_x(of, next, position);
        ptrdiff_t from;
        const ptrdiff_t tiles = tiles_with(now, position, &from) - from;
        real *c = m + from * f.c_row;
        for (ptrdiff_t b = 0, width; b < how.vector_blocks; ++b, c += width * VL) {
            width = width_of(&how, b);
            for (ptrdiff_t k = 0; k < depth; k += CHAIN, u += f.depth * width * VL) {
                f.depth = fcn_min(CHAIN, depth - k);
                f.fresh = k == 0;
                multiply_rows(blocks, c, v + from * VL + k * now->count, u, &f, &how, tiles, width, 0);
            }
        }
    }
}

#if !MULTIPLIES_PAIRS
/* Whether the next positions are of the same tiles in hand. */
static int of_same_tiles(const hand *taken, int position, int positions)
{
    ptrdiff_t from, other;
    const ptrdiff_t end = tiles_with(taken, position, &from);
    for (int next = position + 1; next < position + positions; ++next)
        if (tiles_with(taken, next, &other) != end || other != from)
            return 0;
    return 1;
}

/* The same in the place of v, for one vector of input and of output channels. */
static void multiply_in_place(real *v, const real *u, ptrdiff_t depth, const tiling *of, const hand *now,
                              const hand *next)
{
    const ptrdiff_t step = position_step(now->count, VL);
    const product f = {
        .depth = depth,
        .c_row = VL,
        .a_position = step,
        .b_position = depth * VL,
        .fresh = 1,
    };
    ptrdiff_t fetched = 0;
    for (int position = 0, several; position < POSITIONS; position += several ? POSITIONS_AT_ONCE : 1) {
        fetch_x(of, next, fetched);
        fetch_y(of, now, fetched++, 1);
        several = position % POSITIONS_AT_ONCE == 0 && of_same_tiles(now, position, POSITIONS_AT_ONCE);
        ptrdiff_t from;
        const ptrdiff_t tiles = tiles_with(now, position, &from) - from;
        real *at = v + position * step + from * VL;
        if (tiles)
            (several ? at_once : blocks[1])[tiles](at, at, u + position * f.b_position, &f);
    }
}
#endif

/* What the pixels of y get beside the products. */
typedef struct {
    const real *bias; /* a row for each pixel, or one for all */
    ptrdiff_t bias_step;
    ending end;
} finish;

/* How pixels of y are written. */
enum { CLIPPED, SCALED, ANYHOW };

/* How far numbers that are transformed back are from their neighbours. */
typedef struct {
    ptrdiff_t position;
    stride row_of_positions, y_row, y_pixel, bias_row, bias_pixel;
} steps;

/* Transform one vector of a tile of so many rows and columns back, and write its pixels: it is that of the
 * channels from o on, bias is that of the first pixel, and `add` says whether they are added to what is
 * there. */
INLINE void points_to_pixels(const finish *f, const real *m, const steps *by, ptrdiff_t o, stored *y,
                             const real *bias, const int rows, const int columns, const int add,
                             const int how)
{
    const ending *end = &f->end;
    const vreal least = vset(end->least);
    const vreal scale = end->scale ? rload(end->scale + o) : vset(1);
    const vreal shift = end->scale ? rload(end->shift + o) : (vreal){0};
    const vreal slope = how == ANYHOW && end->slope ? rload(end->slope + o) : (vreal){0};
#pragma GCC unroll 2
    for (int odd = 0; odd < 2; ++odd) {
        vreal half[2][TILE];
        const real *top = m;
#pragma GCC unroll 6
        for (int j = 0; j < TILE; ++j, top += by->position) {
            PIN_INTEGER(top);
            vreal column[TILE], back[2] = {{0}, {0}};
            if (j != LEFT_OUT || columns == MOST) {
#pragma GCC unroll 6
                for (int i = 0; i < TILE; ++i)
                    column[i] = i == LEFT_OUT && rows == LESS ? (vreal){0}
                                                              : rload(top + along(&by->row_of_positions, i));
                from_points(back, column, odd, rows);
            }
            half[0][j] = back[0];
            half[1][j] = back[1];
        }
#pragma GCC unroll 2
        for (int i = odd; i < rows; i += 2) {
            stored *at = y + along(&by->y_row, i);
            const real *bias_at = bias + along(&by->bias_row, i);
            PIN_INTEGER(at);
            PIN_INTEGER(bias_at);
            vreal back[4];
            all_from_points(back, half[i / 2], columns);
#pragma GCC unroll 4
            for (int j = 0; j < columns; ++j) {
                vreal sum = back[j] + rload(bias_at + along(&by->bias_pixel, j));
                if (add)
                    sum += vload(at + along(&by->y_pixel, j));
                sum = how == ANYHOW ? left_activation(end, sum, slope) : vmax(least, sum);
                vstore(at + along(&by->y_pixel, j), how == CLIPPED ? sum : sum * scale + shift);
            }
        }
    }
}

#define TILES_AHEAD 4

/* Transform the tiles in hand back, and fetch each of y when it is the one that comes `ahead` tiles later. */
INLINE void points_to_tiles(const finish *f, const real *m, const tiling *of, const hand *taken,
                            ptrdiff_t ahead, const int add, const int how)
{
    const ptrdiff_t step = position_step(taken->count, of->out_row);
    const steps by = {
        .position = step,
        .row_of_positions = stride_of(TILE * step),
        .y_row = stride_of(of->y_row),
        .y_pixel = stride_of(of->y_pixel),
        .bias_row = stride_of(of->row_pixels * f->bias_step),
        .bias_pixel = stride_of(f->bias_step),
    };
#define WITH(rows, columns, first, last)                                                                     \
    for (ptrdiff_t t = first; t < last; ++t)                                                                 \
        for (ptrdiff_t o = 0; o < of->out_row; o += VL) {                                                    \
            if (t + ahead < taken->count)                                                                    \
                fetch_pixels(taken->y[t + ahead] + o, of->y_row, of->y_pixel, LINE, 1);                      \
            points_to_pixels(f, m + t * of->out_row + o, &by, o, taken->y[t] + o,                            \
                             f->bias + taken->pixel[t] * f->bias_step + o, rows, columns, add, how);         \
        }
    EACH_KIND(taken, WITH)
#undef WITH
}

void KERNEL(FILTERING)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct FILTERING_OF *a = &op->FILTERING;
    const tiling of = TILING(a, batch, y);
    const ptrdiff_t images = op->whole_chunk ? batch->count : 1, all = a->tiles * images;
#if !MULTIPLIES_PAIRS
    const int in_place = of.in_row == VL && of.out_row == VL;
    const ptrdiff_t most = in_place ? TILES_IN_PLACE : a->most_in_hand;
#else
    const int in_place = 0;
    const ptrdiff_t most = a->most_in_hand;
#endif
    const ptrdiff_t parts = fcn_divide_up(all, most);
    point *v = of_group(&a->scratch, batch, group);
    const finish f = {
        .bias = the(&a->bias),
        .bias_step = a->by_position ? of.out_row : 0,
        .end = ending_of(ACTIVATION_OF(a), the(&a->scale), the(&a->shift), the(&a->slope)),
    };
    const int add = (int)a->add;
    hand hands[2];
    take(&hands[0], &of, group, images, 0, all / parts);
    for (ptrdiff_t part = 0; part < parts; ++part) {
        const hand *now = &hands[part % 2];
        hand *next = &hands[(part + 1) % 2];
        const ptrdiff_t end = all * (part + 1) / parts,
                        then = part + 1 < parts ? all * (part + 2) / parts : end;
        take(next, &of, group, images, end, then - end);
        real *m = (real *)(in_place ? v : v + POSITIONS * position_step(now->count, of.in_row));
        tiles_to_points(v, &of, now, VL, now->count * VL);
#if !MULTIPLIES_PAIRS
        if (in_place)
            multiply_in_place(v, the(&a->weight), a->in_channels, &of, now, next);
        else
#endif
            multiply_positions(m, v, the(&a->weight), a->in_channels, &of, now, next);
        /* Where products take the places of tiles, y has been fetched beside them. */
        const ptrdiff_t ahead = in_place ? now->count : TILES_AHEAD;
        if (f.end.later || limits(&f.end))
            points_to_tiles(&f, m, &of, now, ahead, add, ANYHOW);
        else if (f.end.scale)
            points_to_tiles(&f, m, &of, now, ahead, add, SCALED);
        else if (add)
            points_to_tiles(&f, m, &of, now, ahead, 1, CLIPPED);
        else
            points_to_tiles(&f, m, &of, now, ahead, 0, CLIPPED);
    }
}
