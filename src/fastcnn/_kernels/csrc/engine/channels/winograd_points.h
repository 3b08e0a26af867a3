/* The points of tiles of 4x4 pixels: 0, a, -a, b, -b and infinity. See winograd.h.
 *
 * a = 3/4 and b = 3/2: errors are a fifth of those of 1 and 2, and all factors of B^T and A^T are exact in
 * binary.
 */
#define MOST 4
#define LEFT_OUT 4 /* the row and column of positions that are of the point -b */

#define POINT_A ((real)0.75)
#define POINT_B ((real)1.5)
#define SQUARE_A (POINT_A * POINT_A)
#define SQUARE_B (POINT_B * POINT_B)

/* Points are taken by pairs, so that what has been computed of a tile stays in registers: the positions of
 * the rows (columns) of each. */
#define PAIRS 3
static const int position_of[PAIRS][2] = {{0, 5}, {1, 2}, {3, LEFT_OUT}};

/* The numbers p[i] of the pair of a, -a or b, -b. */
INLINE real point_of(const int pair) { return pair == 1 ? POINT_A : POINT_B; }

/* Two rows of B^T x, for so many rows of y, 3 or 4: of 3 there is no row LEFT_OUT. */
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
