/* Winograd's minimal filtering of 3x3 windows, by tiles of MOST x MOST pixels of y (Lavin and Gray, "Fast
 * Algorithms for Convolutional Neural Networks", 2015).
 *
 * Equation  y = A^T [(G w G^T) . (B^T x B)] A for a tile of y, F(MOST x MOST, 3x3), and for the weight
 *           gradient dw = A^T [(B^T x B) . (G dy G^T)] A: sums over channels, or over tiles and images, are
 *           taken between the brackets, so that 36 products stand for 144, or 16 for 36.
 *           Row i of the matrices belongs to the point p[i], of which there are MOST + 2: row i of G is
 *           (1, p, p^2 ...) / prod (p - p[j]), column i of A^T is (1, p, p^2 ...), row i of B^T the
 *           coefficients of prod (x - p[j]), both over the points j other than i; at infinity they are
 *           0 ... 0 1, and the product over all points.
 * Points    Tiles of 4 have six (winograd_points.h). Where pairs of bfloat16 are multiplied, at twice the
 *           speed but rounded once more between the brackets, tiles of 2 have four (winograd_few_points.h):
 *           with six the error would be four times as large. This takes less time where channels are many.
 * Edges     Rows and columns that MOST does not divide end with tiles of one pixel less. Those have all
 *           points but one, that of row and column LEFT_OUT, with the same G: row i of B^T is that of the
 *           other points times p[i] - p[LEFT_OUT]. So 14 = 4 + 4 + 3 + 3 pixels take 22 products, where four
 *           tiles of 4 take 24.
 * Layout    The numbers of a tile are kept by position: [position][...], a position from the next by the
 *           `step` that functions are given. Tiles of fewer rows (columns) have none in row (column)
 *           LEFT_OUT.
 */
#ifndef FCN_WINOGRAD_H
#define FCN_WINOGRAD_H

#include "common/vec.h"
#include "engine/kernel.h"

/* Files that multiply pairs of bfloat16 say so. */
#if MULTIPLIES_PAIRS
#include "winograd_few_points.h"
typedef stored point;  /* what is multiplied */
typedef vterms vpoint; /* what of it a multiply-add takes */
#define POINTS_AT_ONCE TERMS
static inline void store_point(point *p, vreal v) { vstore(p, v); }
static inline vpoint load_points(const point *p) { return load_terms(p); }
static inline vpoint set_points(const point *p) { return set_terms(p); }
static inline vreal add_points(vreal sum, vpoint a, vpoint b) { return multiply_add(sum, a, b); }
#else
#include "winograd_points.h"
typedef real point;
typedef vreal vpoint;
#define POINTS_AT_ONCE 1
static inline void store_point(point *p, vreal v) { rstore(p, v); }
static inline vpoint load_points(const point *p) { return rload(p); }
static inline vpoint set_points(const point *p) { return vset(*p); }
static inline vreal add_points(vreal sum, vpoint a, vpoint b) { return sum + a * b; }
#endif

#define TILE (MOST + 2)
#define POSITIONS (TILE * TILE)
#define LESS (MOST - 1)
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

/* A tile of x: v[position] = (B^T x B)[position], or of the gradient dy: (G dy G^T)[position]. The tile is
 * one of so many rows and columns of y. */
INLINE void tile_to_points(point *v, const stride *step, const stored *x, const stride *row, ptrdiff_t pixel,
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
            if (i == LEFT_OUT && rows == LESS)
                continue;
            point *first = v + TILE * along(step, i);
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
                    if (position_of[other][k] != LEFT_OUT || columns == MOST)
                        store_point(first + along(step, position_of[other][k]), points[k]);
            }
        }
    }
}

#endif
