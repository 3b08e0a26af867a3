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
#include "engine/kernel.h"

#define TILE 6
#define POSITIONS 36
#define MINUS_B 4                           /* the row and column of positions that are of the point -b */
#define LINE (64 / (ptrdiff_t)sizeof(real)) /* numbers of a cache line */

/* How far one position is from the next, for so many rows of numbers. A cache line more than the numbers take
 * keeps the positions of a tile from falling into few sets of the cache. */
static inline ptrdiff_t position_step(ptrdiff_t rows, ptrdiff_t row) { return rows * row + LINE; }

/* Numbers from one neighbour to the next, and to the ones that no address finds from there: a processor adds
 * an index once, twice or four times. Left to itself the compiler keeps an address for each of the pixels and
 * positions of a tile, for which registers are too few. */
typedef struct {
    ptrdiff_t one, three, five;
} stride;

INLINE stride stride_of(ptrdiff_t numbers)
{
    stride s = {numbers, 3 * numbers, 5 * numbers};
    PIN_INTEGER(s.one);
    PIN_INTEGER(s.three);
    PIN_INTEGER(s.five);
    return s;
}

/* So many neighbours further, 5 at the most. */
INLINE ptrdiff_t along(const stride *s, const int count)
{
    return count == 5 ? s->five : count == 3 ? s->three : count * s->one;
}

#define POINT_A ((real)0.75)
#define POINT_B ((real)1.5)
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)

/* Points are taken by pairs, so that what has been computed of a tile stays in registers: the positions of
 * the rows (columns) of each. */
#define PAIRS 3
static const int position_of[PAIRS][2] = {{0, 5}, {1, 2}, {3, MINUS_B}};

/* The numbers p[i] of the pair of a, -a or b, -b. */
INLINE real point_of(const int pair) { return pair == 1 ? POINT_A : POINT_B; }

/* Two rows of B^T x, for so many rows of y, 3 or 4: of 3 there is no row MINUS_B. */
INLINE void to_points(vreal *v, const vreal *x, const int pair, const int outputs)
{
    const real a = POINT_A, b = POINT_B;
    if (outputs == 4 && pair == 0) {
        v[0] = (x[4] - (SQUARE_A + SQUARE_B) * x[2]) + SQUARE_A * SQUARE_B * x[0];
        v[1] = (x[5] - (SQUARE_A + SQUARE_B) * x[3]) + SQUARE_A * SQUARE_B * x[1];
    } else if (outputs == 4) {
        const real square = pair == 1 ? SQUARE_B : SQUARE_A;
        const vreal even = x[4] - square * x[2], odd = x[3] - square * x[1];
        v[0] = even + point_of(pair) * odd;
        v[1] = even - point_of(pair) * odd;
    } else if (pair == 0) {
        v[0] = b * (x[3] - b * x[2] - SQUARE_A * x[1] + SQUARE_A * b * x[0]);
        v[1] = x[4] - b * x[3] - SQUARE_A * x[2] + SQUARE_A * b * x[1];
    } else if (pair == 1) {
        v[0] = (a + b) * (x[3] + (a - b) * x[2] - a * b * x[1]);
        v[1] = (b - a) * (x[3] - (a + b) * x[2] + a * b * x[1]);
    } else {
        v[0] = 2 * b * (x[3] - SQUARE_A * x[1]);
        v[1] = (vreal){0};
    }
}

/* Two rows of G w, w of 3 or 4 numbers. */
INLINE void weights_to_points(vreal *u, const vreal *w, const int pair, const int numbers)
{
    if (pair == 0) {
        u[0] = 1 / (SQUARE_A * SQUARE_B) * w[0];
        u[1] = w[numbers - 1];
        return;
    }
    const real p = point_of(pair);
    const real of_p = 1 / (2 * p * p * (pair == 1 ? SQUARE_A - SQUARE_B : SQUARE_B - SQUARE_A));
    const vreal even = of_p * w[0] + of_p * p * p * w[2];
    vreal odd = of_p * p * w[1];
    if (numbers == 4)
        odd += of_p * p * p * p * w[3];
    u[0] = even + odd;
    u[1] = even - odd;
}

/* Two of the 3 or 4 rows of A^T m: 0 and 2, or the odd ones. */
INLINE void from_points(vreal *y, const vreal *m, const int odd, const int outputs)
{
    if (odd) {
        const vreal of_a = m[1] - m[2], of_b = m[3] - m[4];
        y[0] = POINT_A * of_a + POINT_B * of_b;
        if (outputs == 4)
            y[1] = m[5] + SQUARE_A * POINT_A * of_a + SQUARE_B * POINT_B * of_b;
        return;
    }
    const vreal of_a = m[1] + m[2], of_b = m[3] + m[4];
    y[0] = m[0] + of_a + of_b;
    y[1] = SQUARE_A * of_a + SQUARE_B * of_b;
    if (outputs == 3)
        y[1] += m[5];
}

/* All rows of A^T m. */
INLINE void all_from_points(vreal *y, const vreal *m, const int outputs)
{
    vreal even[2], odd[2];
    from_points(even, m, 0, outputs);
    from_points(odd, m, 1, outputs);
    y[0] = even[0];
    y[1] = odd[0];
    y[2] = even[1];
    if (outputs == 4)
        y[3] = odd[1];
}

/* A tile of x: v[position] = (B^T x B)[position], or of the gradient dy: (G dy G^T)[position]. The tile is one
 * of so many rows and columns of y. */
INLINE void tile_to_points(real *v, const stride *step, const stored *x, const stride *row, ptrdiff_t pixel,
                           const int rows, const int columns, const int gradient)
{
    const int more = gradient ? 0 : 2;
#pragma GCC unroll 3
    for (int pair = 0; pair < PAIRS; ++pair) {
        vreal half[2][TILE];
        const stored *top = x;
#pragma GCC unroll 6
        for (int j = 0; j < columns + more; ++j, top += pixel) {
            PIN_INTEGER(top);
            vreal column[TILE], points[2];
#pragma GCC unroll 6
            for (int i = 0; i < rows + more; ++i)
                column[i] = vload(top + along(row, i));
            if (gradient)
                weights_to_points(points, column, pair, rows);
            else
                to_points(points, column, pair, rows);
            half[0][j] = points[0];
            half[1][j] = points[1];
        }
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) {
            const int i = position_of[pair][h];
            if (i == MINUS_B && rows == 3)
                continue;
            real *first = v + TILE * along(step, i);
            PIN_INTEGER(first);
#pragma GCC unroll 3
            for (int other = 0; other < PAIRS; ++other) {
                vreal points[2];
                if (gradient)
                    weights_to_points(points, half[h], other, columns);
                else
                    to_points(points, half[h], other, columns);
#pragma GCC unroll 2
                for (int k = 0; k < 2; ++k)
                    if (position_of[other][k] != MINUS_B || columns == 4)
                        rstore(first + along(step, position_of[other][k]), points[k]);
            }
        }
    }
}

#endif
