/* Winograd's minimal filtering of 3x3 windows, by tiles of 6x6 pixels (Lavin and Gray, "Fast Algorithms for
 * Convolutional Neural Networks", 2015).
 *
 * Equation  y = A^T [(G w G^T) . (B^T x B)] A for a tile of 4x4 pixels of y, F(4x4, 3x3), and for the weight
 *           gradient dw = A^T [(B^T x B) . (G dy G^T)] A, F(3x3, 4x4): sums over channels, or over tiles and
 *           images, are taken between the brackets, so that 36 products stand for 144.
 *           Row i of the matrices belongs to the point p[i] of 0, a, -a, b, -b and infinity: row i of G is
 *           (1, p, p^2 ...) / prod (p - p[j]), column i of A^T is (1, p, p^2 ...), row i of B^T the
 *           coefficients of prod (x - p[j]), both over the points j other than i; at infinity they are
 *           0 ... 0 1, and the product over all points.
 * Points    a = 3/4 and b = 3/2: errors are a fifth of those of 1 and 2, and all factors of B^T and A^T are
 *           exact in binary.
 * Edges     Rows and columns that 4 does not divide end with tiles of 3 pixels. Those have all points but -b,
 *           with the same G: row i of B^T is that of 5 points times p[i] + b. So 14 = 4 + 4 + 3 + 3 pixels
 *           take 22 products, where four tiles of 4 take 24.
 * Layout    The 36 numbers of a tile are kept by position: [position][...], a position from the next by the
 *           `step` that functions are given. Tiles of 3 rows (columns) have none in row (column) MINUS_B.
 */
#ifndef FCN_WINOGRAD_H
#define FCN_WINOGRAD_H

#include "common/vec.h"

#define TILE 6
#define POSITIONS 36
#define MINUS_B 4                           /* the row and column of positions that are of the point -b */
#define LINE (64 / (ptrdiff_t)sizeof(real)) /* numbers of a cache line */

/* How far one position is from the next, for so many rows of numbers. A cache line more than the numbers take
 * keeps the positions of a tile from falling into few sets of the cache. */
static inline ptrdiff_t position_step(ptrdiff_t rows, ptrdiff_t row) { return rows * row + LINE; }

#define POINT_A ((real)0.75)
#define POINT_B ((real)1.5)
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)

/* B^T x */
INLINE void to_points(vreal *v, const vreal *x)
{
    const vreal even_a = x[4] - SQUARE_B * x[2], odd_a = x[3] - SQUARE_B * x[1];
    const vreal even_b = x[4] - SQUARE_A * x[2], odd_b = x[3] - SQUARE_A * x[1];
    v[0] = (x[4] - (SQUARE_A + SQUARE_B) * x[2]) + SQUARE_A * SQUARE_B * x[0];
    v[1] = even_a + POINT_A * odd_a;
    v[2] = even_a - POINT_A * odd_a;
    v[3] = even_b + POINT_B * odd_b;
    v[4] = even_b - POINT_B * odd_b;
    v[5] = (x[5] - (SQUARE_A + SQUARE_B) * x[3]) + SQUARE_A * SQUARE_B * x[1];
}

/* The same for 3 outputs, without the point -b */
INLINE void to_fewer_points(vreal *v, const vreal *x)
{
    const real a = POINT_A, b = POINT_B;
    v[0] = b * (x[3] - b * x[2] - SQUARE_A * x[1] + SQUARE_A * b * x[0]);
    v[1] = (a + b) * (x[3] + (a - b) * x[2] - a * b * x[1]);
    v[2] = (b - a) * (x[3] - (a + b) * x[2] + a * b * x[1]);
    v[3] = 2 * b * (x[3] - SQUARE_A * x[1]);
    v[MINUS_B] = (vreal){0};
    v[5] = x[4] - b * x[3] - SQUARE_A * x[2] + SQUARE_A * b * x[1];
}

/* A^T m, for `count` outputs, 3 or 4 */
INLINE void from_points(vreal *y, const vreal *m, const int count)
{
    const vreal sum_a = m[1] + m[2], sum_b = m[3] + m[4];
    const vreal difference_a = m[1] - m[2], difference_b = m[3] - m[4];
    y[0] = m[0] + sum_a + sum_b;
    y[1] = POINT_A * difference_a + POINT_B * difference_b;
    y[2] = SQUARE_A * sum_a + SQUARE_B * sum_b;
    if (count == 4)
        y[3] = m[5] + SQUARE_A * POINT_A * difference_a + SQUARE_B * POINT_B * difference_b;
    else
        y[2] += m[5];
}

/* G w, of `count` numbers, 3 or 4 */
INLINE void weights_to_points(vreal *u, const vreal *w, const int count)
{
    const real of_0 = 1 / (SQUARE_A * SQUARE_B);
    const real of_a = 1 / (2 * SQUARE_A * (SQUARE_A - SQUARE_B)),
               of_b = 1 / (2 * SQUARE_B * (SQUARE_B - SQUARE_A));
    vreal even_a = w[0] + SQUARE_A * w[2], odd_a = POINT_A * w[1];
    vreal even_b = w[0] + SQUARE_B * w[2], odd_b = POINT_B * w[1];
    if (count == 4) {
        odd_a += SQUARE_A * POINT_A * w[3];
        odd_b += SQUARE_B * POINT_B * w[3];
    }
    u[0] = of_0 * w[0];
    u[1] = of_a * (even_a + odd_a);
    u[2] = of_a * (even_a - odd_a);
    u[3] = of_b * (even_b + odd_b);
    u[4] = of_b * (even_b - odd_b);
    u[5] = w[count - 1];
}

/* A tile of x: v[position] = (B^T x B)[position], x's rows and pixels so far apart, for so many rows and
 * columns of y. */
INLINE void tile_to_points(real *v, ptrdiff_t step, const stored *x, ptrdiff_t row, ptrdiff_t pixel,
                           const int rows, const int columns)
{
    vreal half[TILE][TILE];
    for (int j = 0; j < columns + 2; ++j) {
        vreal column[TILE], points[TILE];
#pragma GCC unroll 6
        for (int i = 0; i < rows + 2; ++i)
            column[i] = vload(x + i * row + j * pixel);
        if (rows == 4)
            to_points(points, column);
        else
            to_fewer_points(points, column);
#pragma GCC unroll 6
        for (int i = 0; i < TILE; ++i)
            half[i][j] = points[i];
    }
    for (int i = 0; i < TILE; ++i) {
        if (i == MINUS_B && rows == 3)
            continue;
        vreal points[TILE];
        if (columns == 4)
            to_points(points, half[i]);
        else
            to_fewer_points(points, half[i]);
#pragma GCC unroll 6
        for (int j = 0; j < TILE; ++j)
            if (j != MINUS_B || columns == 4)
                rstore(v + (i * TILE + j) * step, points[j]);
    }
}

/* A tile of dy: v[position] = (G dy G^T)[position]; its pixels stand at dy_at, row_pixels from row to row. */
INLINE void gradient_to_points(real *v, ptrdiff_t step, const stored *dy, const int32_t *dy_at,
                               ptrdiff_t row_pixels, const int rows, const int columns)
{
    vreal half[TILE][4];
    for (int j = 0; j < columns; ++j) {
        vreal column[4], points[TILE];
#pragma GCC unroll 4
        for (int i = 0; i < rows; ++i)
            column[i] = vload(dy + dy_at[i * row_pixels + j]);
        weights_to_points(points, column, rows);
#pragma GCC unroll 6
        for (int i = 0; i < TILE; ++i)
            half[i][j] = points[i];
    }
    for (int i = 0; i < TILE; ++i) {
        if (i == MINUS_B && rows == 3)
            continue;
        vreal points[TILE];
        weights_to_points(points, half[i], columns);
#pragma GCC unroll 6
        for (int j = 0; j < TILE; ++j)
            if (j != MINUS_B || columns == 4)
                rstore(v + (i * TILE + j) * step, points[j]);
    }
}

#endif
