/* The products of one position of Winograd's filtering, in register blocks.
 *
 * Equation  c[r][o] = or += sum over k of a[r][k] * b[k][o]
 *           winograd.c: r a tile, k an input channel; winograd_weight.c: r an input channel, k a tile.
 * Method    A block is `vectors` vectors of o by `rows` rows, whose sums stay in registers: each step loads
 *           the vectors of b and broadcasts an element of a for each row.
 */
#ifndef FCN_WINOGRAD_PRODUCTS_H
#define FCN_WINOGRAD_PRODUCTS_H

#include "common/vec.h"
#include "engine/kernel.h"
#include "register_blocks.h"

typedef struct {
    ptrdiff_t depth;         /* products of a sum */
    ptrdiff_t a_row, a_step; /* from one r, and from one k, to the next */
    ptrdiff_t b_step, c_row;
    int fresh; /* whether c is set, and not added to */
} product;

/* With `neighbours` the rows of a are one number apart. */
INLINE void multiply(real *c, const real *a, const real *b, const product *f, const int neighbours,
                     const int vectors, const int rows)
{
    vreal sum[24];
    const real *row[12];
#pragma GCC unroll 32
    for (int i = 0; i < vectors * rows; ++i)
        sum[i] = (vreal){0};
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
        if (r == 0 || !neighbours) {
            row[r] = a + r * f->a_row;
            PIN_INTEGER(row[r]);
        }
    const ptrdiff_t a_end = f->depth * f->a_step, a_step = f->a_step, b_step = f->b_step;
#pragma GCC unroll 4
    for (ptrdiff_t k = 0; k < a_end; k += a_step, b += b_step) {
        PIN_INTEGER(k);
        vreal vector[4];
#pragma GCC unroll 4
        for (int i = 0; i < vectors; ++i) {
            vector[i] = rload(b + i * VL);
            PIN(vector[i]);
        }
#pragma GCC unroll 16
        for (int r = 0; r < rows; ++r) {
            vreal value = vset(neighbours ? row[0][k + r] : row[r][k]);
            PIN(value);
#pragma GCC unroll 4
            for (int i = 0; i < vectors; ++i)
                sum[r * vectors + i] += value * vector[i];
        }
    }
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
        for (int i = 0; i < vectors; ++i) {
            real *at = c + r * f->c_row + i * VL;
            rstore(at, f->fresh ? sum[r * vectors + i] : rload(at) + sum[r * vectors + i]);
        }
}

typedef void block(real *c, const real *a, const real *b, const product *f);

/* Multiply `rows` rows by `width` vectors, in even blocks. */
INLINE void multiply_rows(block *const (*blocks)[13], real *c, const real *a, const real *b, const product *f,
                          ptrdiff_t rows, ptrdiff_t width)
{
    const ptrdiff_t parts = fcn_divide_up(rows, max_pixels[width]);
    for (ptrdiff_t part = 0; part < parts; ++part) {
        const ptrdiff_t r = rows * part / parts, size = rows * (part + 1) / parts - r;
        blocks[width][size](c + r * f->c_row, a + r * f->a_row, b, f);
    }
}

#endif
