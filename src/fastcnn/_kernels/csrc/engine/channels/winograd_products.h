/* The products of one position of Winograd's filtering, in register blocks.
 *
 * Equation  c[r][o] = or += sum over k of a[r][k] * b[k][o]
 *           winograd.c: r a tile, k an input channel; winograd_weight.c: r an input channel, k a tile.
 * Layout    a [vector of k][r][VL] or, where r stands in the lanes, [k][r]: rows are a known number apart, so
 *           that one pointer and fixed offsets find them. b is [pair of k][o][2] where pairs are multiplied.
 * Method    A block is `vectors` vectors of o by `rows` rows, of one position or several, whose sums stay in
 *           registers: each step loads the vectors of b and broadcasts an element of a for each row. c may
 *           stand where the block's rows of a do.
 */
#ifndef FCN_WINOGRAD_PRODUCTS_H
#define FCN_WINOGRAD_PRODUCTS_H

#include "common/vec.h"
#include "engine/kernel.h"
#include "register_blocks.h"
#include "winograd.h"

typedef struct {
    ptrdiff_t depth;  /* products of a sum */
    ptrdiff_t a_step; /* from one vector of k to the next, or from one k */
    ptrdiff_t b_step; /* from one k to the next, where rows are in the lanes */
    ptrdiff_t c_row;
    ptrdiff_t a_position, b_position; /* from one position to the next, in c as in a */
    ptrdiff_t ahead;                  /* from a vector of b to that which is fetched meanwhile */
    int fresh;                        /* whether c is set, and not added to */
} product;

/* A single vector takes as many rows as there are registers: with few channels a sum is short, and its block
 * is begun and ended again and again. */
#if MAX_BLOCK == 8
#define MAX_ROWS 24
#define WINOGRAD_BLOCKS(K) UP_TO_24(K, 1) UP_TO_12(K, 2) UP_TO_8(K, 3) UP_TO_6(K, 4)
static const int max_rows[] = {0, 24, 12, 8, 6};
#else
#define MAX_ROWS 12
#define WINOGRAD_BLOCKS BLOCKS
#define max_rows max_pixels
#endif

/* From one row of a to the next. */
#define ROW_OF(rows_in_lanes) ((rows_in_lanes) ? 1 : VL)

/* Write the sums of a block, or add them to what is there. */
INLINE void write_sums(real *c, const vreal *sum, const product *f, const int vectors, const int rows,
                       const int positions, const int add)
{
#pragma GCC unroll 3
    for (int p = 0; p < positions; ++p, c += f->a_position)
#pragma GCC unroll 24
        for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
            for (int i = 0; i < vectors; ++i, ++sum) {
                real *at = c + r * f->c_row + i * VL;
                rstore(at, add ? rload(at) + *sum : *sum);
            }
}

INLINE void multiply(real *c, const point *a, const point *b, const product *f, const int rows_in_lanes,
                     const int vectors, const int rows, const int positions)
{
    vreal sum[24];
#pragma GCC unroll 32
    for (int i = 0; i < positions * vectors * rows; ++i)
        sum[i] = (vreal){0};
    const ptrdiff_t most = rows_in_lanes ? f->depth : VL;
    for (ptrdiff_t rest = f->depth; rest > 0; rest -= most, a += f->a_step) {
        const point *element = a;
#pragma GCC unroll 4
        for (ptrdiff_t k = fcn_min(most, rest); k > 0; k -= POINTS_AT_ONCE) {
            const point *of_position = element;
#pragma GCC unroll 3
            for (int p = 0; p < positions; ++p, of_position += f->a_position) {
                vpoint vector[4];
                /* The second of two lines is fetched with the first. */
                if (!rows_in_lanes && vectors > 1)
#pragma GCC unroll 2
                    for (int i = 0; i < vectors; i += 2)
                        __builtin_prefetch(b + f->ahead + i * VL * POINTS_AT_ONCE, 0, 2);
#pragma GCC unroll 4
                for (int i = 0; i < vectors; ++i) {
                    vector[i] = load_points(b + p * f->b_position + i * VL * POINTS_AT_ONCE);
                    PIN(vector[i]);
                }
#pragma GCC unroll 24
                for (int r = 0; r < rows; ++r) {
                    vpoint value = set_points(of_position + r * ROW_OF(rows_in_lanes));
                    if (vectors > 1)
                        PIN(value);
#pragma GCC unroll 4
                    for (int i = 0; i < vectors; ++i)
                        sum[(p * rows + r) * vectors + i] =
                            add_points(sum[(p * rows + r) * vectors + i], value, vector[i]);
                }
            }
            element += rows_in_lanes ? f->a_step : POINTS_AT_ONCE;
            b += rows_in_lanes ? f->b_step : vectors * VL * POINTS_AT_ONCE;
        }
    }
    if (f->fresh)
        write_sums(c, sum, f, vectors, rows, positions, 0);
    else
        write_sums(c, sum, f, vectors, rows, positions, 1);
}

typedef void block(real *c, const point *a, const point *b, const product *f);

/* Even blocks of rows: `parts`, of `size` rows each, the first `larger` ones of one more. */
typedef struct {
    ptrdiff_t rows;
    ptrdiff_t parts, size, larger;
} even_blocks;

/* How products are cut into blocks: vectors as by vector_block_start. All positions have nearly the same
 * blocks; with its divisions at each of them, cutting took a fifth of the products' time. */
typedef struct {
    ptrdiff_t vector_blocks, width, wider; /* of a pixel: of `width` vectors, the first `wider` of one more */
    even_blocks of_width[MAX_VECTORS + 1];
} cut;

INLINE cut cut_of(ptrdiff_t vectors)
{
    const ptrdiff_t count = vector_block_count(vectors);
    cut made = {.vector_blocks = count, .width = vectors / count, .wider = vectors % count};
    for (int width = 0; width <= MAX_VECTORS; ++width)
        made.of_width[width].rows = -1;
    return made;
}

/* The width of a block of vectors. */
INLINE ptrdiff_t width_of(const cut *how, ptrdiff_t block) { return how->width + (block < how->wider); }

/* Multiply `rows` rows by `width` vectors. */
INLINE void multiply_rows(block *const (*blocks)[MAX_ROWS + 1], real *c, const point *a, const point *b,
                          const product *f, cut *how, ptrdiff_t rows, ptrdiff_t width,
                          const int rows_in_lanes)
{
    even_blocks *even = &how->of_width[width];
    if (even->rows != rows) {
        const ptrdiff_t parts = fcn_divide_up(rows, max_rows[width]), size = parts ? rows / parts : 0;
        *even = (even_blocks){rows, parts, size, rows - parts * size};
    }
    for (ptrdiff_t part = 0; part < even->parts; ++part) {
        const ptrdiff_t here = even->size + (part < even->larger);
        blocks[width][here](c, a, b, f);
        c += here * f->c_row;
        a += here * ROW_OF(rows_in_lanes);
    }
}

#endif
