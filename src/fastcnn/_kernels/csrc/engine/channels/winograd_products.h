/* The products of one position of Winograd's filtering, in register blocks.
 *
 * Equation  c[r][o] = or += sum over k of a[r][k] * b[k][o]
 *           winograd.c: r a tile, k an input channel; winograd_weight.c: r an input channel, k a tile.
 * Layout    a [vector of k][r][VL] or, where r stands in the lanes, [k][r]: rows are a known number apart, so
 *           that one pointer and fixed offsets find them.
 * Method    A block is `vectors` vectors of o by `rows` rows, whose sums stay in registers: each step loads
 *           the vectors of b and broadcasts an element of a for each row.
 */
#ifndef FCN_WINOGRAD_PRODUCTS_H
#define FCN_WINOGRAD_PRODUCTS_H

#include "common/vec.h"
#include "engine/kernel.h"
#include "register_blocks.h"

typedef struct {
    ptrdiff_t depth;  /* products of a sum */
    ptrdiff_t a_step; /* from one vector of k to the next, or from one k */
    ptrdiff_t b_step; /* from one k to the next, where rows are in the lanes */
    ptrdiff_t c_row;
    int fresh; /* whether c is set, and not added to */
} product;

/* From one row of a to the next. */
#define ROW_OF(rows_in_lanes) ((rows_in_lanes) ? 1 : VL)

INLINE void multiply(real *c, const real *a, const real *b, const product *f, const int rows_in_lanes,
                     const int vectors, const int rows)
{
    vreal sum[24];
#pragma GCC unroll 32
    for (int i = 0; i < vectors * rows; ++i)
        sum[i] = (vreal){0};
    const ptrdiff_t most = rows_in_lanes ? f->depth : VL;
    for (ptrdiff_t rest = f->depth; rest > 0; rest -= most, a += f->a_step) {
        const real *element = a;
#pragma GCC unroll 4
        for (ptrdiff_t k = fcn_min(most, rest); k > 0; --k) {
            vreal vector[4];
#pragma GCC unroll 4
            for (int i = 0; i < vectors; ++i) {
                vector[i] = rload(b + i * VL);
                PIN(vector[i]);
            }
#pragma GCC unroll 16
            for (int r = 0; r < rows; ++r) {
                vreal value = vset(element[r * ROW_OF(rows_in_lanes)]);
                if (vectors > 1)
                    PIN(value);
#pragma GCC unroll 4
                for (int i = 0; i < vectors; ++i)
                    sum[r * vectors + i] += value * vector[i];
            }
            element += rows_in_lanes ? f->a_step : 1;
            b += rows_in_lanes ? f->b_step : vectors * VL;
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

/* Multiply `rows` rows by `width` vectors, in even blocks. A division of 64 bits takes as long as a fifth of
 * a block. */
INLINE void multiply_rows(block *const (*blocks)[13], real *c, const real *a, const real *b, const product *f,
                          ptrdiff_t rows, ptrdiff_t width, const int rows_in_lanes)
{
    const uint32_t all = (uint32_t)rows, most = (uint32_t)max_pixels[width], parts = (all + most - 1) / most;
    const uint32_t size = parts ? all / parts : 0, larger = all - parts * size;
    for (uint32_t part = 0; part < parts; ++part) {
        const ptrdiff_t here = size + (part < larger);
        blocks[width][here](c, a, b, f);
        c += here * f->c_row;
        a += here * ROW_OF(rows_in_lanes);
    }
}

#endif
