/* The weight gradient of a 3x3 convolution by Winograd's minimal filtering in the layout "channels".
 *
 * Equation  dw[k][o], the sum that conv_weight.c has, by tiles of 4x4 pixels of dy: see winograd.h
 * Layout    see program.h; sums as in conv_weight.c; scratch: tiles of x [position][tile][input channels],
 *           then of dy [position][tile][channels], as in winograd.c; total
 *           [position][input channels][channels].
 * Method    Tiles of one image or several of a slot are taken in hand, most_in_hand of them, and transformed;
 *           for each position one product of matrices over the tiles is added to the thread's total. At the
 *           end of a slot the total is transformed back to 3x3 taps, the slot's sums. Of many channels the
 *           total is four times as large as the sums, and more than the caches hold: then it has room for a
 *           block of channels, whose products of the tiles in hand are transformed back at once, and added to
 *           the sums.
 * Order     The tiles in hand are summed from 0, and added one hand after the other, then slots in order.
 */
#include "weight_sums.h"
#include "winograd_products.h"
#include "winograd_tiles.h"

#define DEFINE(v, k)                                                                                         \
    static void multiply_##v##_##k(real *c, const real *a, const real *b, const product *f)                  \
    {                                                                                                        \
        multiply(c, a, b, f, 1, v, k, 1);                                                                    \
    }
WINOGRAD_BLOCKS(DEFINE)
#define ENTRY(v, k) [v][k] = multiply_##v##_##k,
static block *const blocks[MAX_VECTORS + 1][MAX_ROWS + 1] = {WINOGRAD_BLOCKS(ENTRY)};

/* The input channels, and vectors of channels, that a total is of. */
typedef struct {
    ptrdiff_t k0, channels, v0, vectors;
} extract;

/* Add what the tiles in hand give to the totals of all positions, or set them; fetch those that come next. */
static void add_positions(real *total, const extract *part, const real *x, const real *dy, const tiling *of,
                          const hand *now, const hand *next, int fresh)
{
    const ptrdiff_t x_step = position_step(now->count, of->in_row);
    const ptrdiff_t dy_step = position_step(now->count, of->out_row);
    const ptrdiff_t total_step = position_step(part->channels, part->vectors * VL);
    product f = {
        .a_step = of->in_row,
        .b_step = of->out_row,
        .c_row = part->vectors * VL,
        .fresh = fresh,
    };
    cut how = cut_of(part->vectors);
    x += part->k0;
    dy += part->v0 * VL;
    for (int position = 0; position < POSITIONS; ++position) {
        if (next) {
            fetch_x(of, next, position);
            fetch_y(of, next, position, 0);
        }
        ptrdiff_t from;
        f.depth = tiles_with(now, position, &from) - from;
        for (ptrdiff_t b = 0, v = 0, width; b < how.vector_blocks; ++b, v += width) {
            width = width_of(&how, b);
            multiply_rows(blocks, total + v * VL, x + from * f.a_step, dy + from * f.b_step + v * VL, &f,
                          &how, part->channels, width, 1);
        }
        x += x_step;
        dy += dy_step;
        total += total_step;
    }
}

/* Set the sums of a slot to what a total comes to, or add it. */
static void total_to_taps(real *sums, const real *total, const extract *part, ptrdiff_t in_channels,
                          ptrdiff_t vectors, int add)
{
    const ptrdiff_t step = position_step(part->channels, part->vectors * VL);
    for (ptrdiff_t k = part->k0; k < part->k0 + part->channels; ++k)
        for (ptrdiff_t v = part->v0; v < part->v0 + part->vectors; ++v, total += VL) {
            vreal half[3][TILE];
#pragma GCC unroll 1
            for (int j = 0; j < TILE; ++j) {
                vreal column[TILE], back[3];
#pragma GCC unroll 6
                for (int i = 0; i < TILE; ++i)
                    column[i] = rload(total + (i * TILE + j) * step);
                all_from_points(back, column, 3);
#pragma GCC unroll 3
                for (int i = 0; i < 3; ++i)
                    half[i][j] = back[i];
            }
#pragma GCC unroll 1
            for (int i = 0; i < 3; ++i) {
                vreal back[3];
                all_from_points(back, half[i], 3);
#pragma GCC unroll 3
                for (int j = 0; j < 3; ++j) {
                    real *at =
                        sums + weight_sum_at((3 * i + j) * in_channels + k, v, 9 * in_channels, vectors);
                    rstore(at, add ? rload(at) + back[j] : back[j]);
                }
            }
        }
}

/* Transform the tiles of dy in hand. */
static void gradients_to_points(real *v, const tiling *of, const hand *taken)
{
    const stride step = stride_of(position_step(taken->count, of->out_row)), row = stride_of(of->y_row);
#define WITH(rows, columns, first, last)                                                                     \
    for (ptrdiff_t t = first; t < last; ++t)                                                                 \
        for (ptrdiff_t o = 0; o < of->out_row; o += VL)                                                      \
            tile_to_points(v + t * of->out_row + o, &step, taken->y[t] + o, &row, of->y_pixel, rows,         \
                           columns, 1);
    EACH_KIND(taken, WITH)
#undef WITH
}

/* Images are of one call and slot. */
void KERNEL(winograd_weight)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_winograd_weight *a = &op->winograd_weight;
    const tiling of = TILING(a, batch, dy);
    const ptrdiff_t end = group + (op->whole_chunk ? batch->count : 1);
    const ptrdiff_t channels = a->in_channels, vectors = a->vectors;
    const int all_kept = a->total_channels >= channels && a->total_vectors >= vectors;
    real *x = of_group(&a->scratch, batch, group);
    real *total = of_group(&a->total, batch, group);
    hand hands[2];
    for (ptrdiff_t image = group, next_image; image < end; image = next_image) {
        int first_of_slot;
        real *sums = sums_of_group(op, &a->sums, batch, image, &first_of_slot);
        const ptrdiff_t slot = slot_end(op, batch, image);
        next_image = fcn_min(end, slot);
        const ptrdiff_t images = next_image - image, all = images * a->tiles;
        const ptrdiff_t parts = fcn_divide_up(all, a->most_in_hand);
        take(&hands[0], &of, image, images, 0, all / parts);
        for (ptrdiff_t part = 0; part < parts; ++part) {
            const int fresh = first_of_slot && !part;
            const hand *now = &hands[part % 2];
            hand *next = &hands[(part + 1) % 2];
            const ptrdiff_t last = all * (part + 1) / parts,
                            then = part + 1 < parts ? all * (part + 2) / parts : last;
            take(next, &of, image, images, last, then - last);
            real *dy = x + POSITIONS * position_step(now->count, of.in_row);
            tiles_to_points(x, &of, now, of.in_row, VL);
            gradients_to_points(dy, &of, now);
            for (ptrdiff_t v = 0; v < vectors; v += a->total_vectors)
                for (ptrdiff_t k = 0; k < channels; k += a->total_channels) {
                    const extract here = {k, fcn_min(a->total_channels, channels - k), v,
                                          fcn_min(a->total_vectors, vectors - v)};
                    add_positions(total, &here, x, dy, &of, now, k + v ? NULL : next, !all_kept || fresh);
                    if (!all_kept)
                        total_to_taps(sums, total, &here, channels, vectors, !fresh);
                }
        }
        if (all_kept && next_image == slot)
            total_to_taps(sums, total, &(extract){0, channels, 0, vectors}, channels, vectors, 0);
    }
}
