/* The points of tiles of 2x2 pixels: 0, 1, -1 and infinity. See winograd.h; functions are those of
 * winograd_points.h.
 */
#define MOST 2
#define LEFT_OUT 2 /* the row and column of positions that are of the point -1 */

#define PAIRS 2
static const int position_of[PAIRS][2] = {{0, 3}, {1, LEFT_OUT}};

/* Two rows of B^T x, for so many rows of y, 1 or 2: of 1 there is no row LEFT_OUT. */
INLINE void to_points(vreal *v, const vreal *x, const int pair, const int outputs)
{
    if (outputs == 2 && pair == 0) {
        v[0] = x[2] - x[0];
        v[1] = x[3] - x[1];
    } else if (outputs == 2) {
        v[0] = x[2] + x[1];
        v[1] = x[2] - x[1];
    } else if (pair == 0) {
        v[0] = x[1] - x[0];
        v[1] = x[2] - x[1];
    } else {
        v[0] = x[1] + x[1];
        v[1] = (vreal){0};
    }
}

/* Two rows of G w, w of 3 numbers: gradients have the other points. */
INLINE void weights_to_points(vreal *u, const vreal *w, const int pair, const int numbers)
{
    const real half = (real)0.5;
    if (pair == 0) {
        u[0] = -w[0];
        u[1] = w[numbers - 1];
        return;
    }
    const vreal even = half * (w[0] + w[2]), odd = half * w[1];
    u[0] = even + odd;
    u[1] = even - odd;
}

/* One of the rows of A^T m: 0, or 1 if it is odd. */
INLINE void from_points(vreal *y, const vreal *m, const int odd, const int outputs)
{
    if (odd)
        y[0] = m[1] - m[2] + m[3];
    else
        y[0] = outputs == 1 ? m[0] + m[1] + m[3] : m[0] + m[1] + m[2];
}

/* All rows of A^T m. */
INLINE void all_from_points(vreal *y, const vreal *m, const int outputs)
{
    from_points(y, m, 0, outputs);
    if (outputs == 2)
        from_points(y + 1, m, 1, outputs);
}
