/* Max and average pooling in the engine's layouts.
 *
 * Equation  max: z[p] = the largest x[tap], the first of equals, NaN wins; average: z[p] = factor[p] * sum x[tap]
 * Layout    see program.h. Tables: the taps of output pixel p are taps[first[p]] .. taps[first[p + 1] - 1].
 *           Taps outside the image are left out of the table (or stand in the halo of zeros for a zero-padded
 *           input). argmax holds the number of the winning tap, as integers of the width of a real.
 * Edges     Overlapping windows accumulate in the gradient; a tap of -1 in the gradient's table is in the halo,
 *           and its gradient is dropped. The maximum of no taps is -inf.
 */
#include "engine/kernel.h"
#include <math.h>

/* The maxima of one window. Windows of the usual sizes have a `count` that the compiler knows. */
INLINE void max_of_window(real *z, lane_int *argmax, const real *x, const int32_t *window, const int count,
                          ptrdiff_t vectors)
{
    for (ptrdiff_t v = 0; v < vectors; ++v) {
        vreal best = vload(x + window[0] + v * VL);
        vint winner = {0};
#pragma GCC unroll 8
        for (int t = 1; t < count; ++t) {
            vreal value = vload(x + window[t] + v * VL);
            if (argmax) {
                vint better = (value > best) | (value != value);
                best = pick(better, value, best);
                winner = (better & t) | (~better & winner);
            } else {
                best = pick(value != value, value, vmax(value, best));
            }
        }
        vstore(z + v * VL, best);
        if (argmax)
            memcpy(argmax + v * VL, &winner, sizeof(winner));
    }
}

/* Buffers: z, x, argmax (or NULL). Tables: z_at, first, taps. Sizes: pixels, vectors, channels. */
void KERNEL(max_pool)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1];
    real *z = op_buffer(op, run, 0, group);
    const real *x = op_buffer(op, run, 1, group);
    lane_int *argmax = (lane_int *)op_buffer(op, run, 2, group);
    const int32_t *z_at = op->table[0], *first = op->table[1];
    for (ptrdiff_t p = 0; p < pixels; ++p) {
        const int32_t *window = op->table[2] + first[p];
        const int count = first[p + 1] - first[p];
        lane_int *winners = argmax ? argmax + p * vectors * VL : NULL;
        if (count == 4 && winners)
            max_of_window(z + z_at[p], winners, x, window, 4, vectors);
        else if (count == 4)
            max_of_window(z + z_at[p], NULL, x, window, 4, vectors);
        else if (count == 9 && winners)
            max_of_window(z + z_at[p], winners, x, window, 9, vectors);
        else if (count == 9)
            max_of_window(z + z_at[p], NULL, x, window, 9, vectors);
        else if (count)
            max_of_window(z + z_at[p], winners, x, window, count, vectors);
        else /* its argmax names no tap, whatever it is */
            for (ptrdiff_t i = 0; i < op->size[2] * GROUP_IMAGES; ++i)
                z[z_at[p] + i] = (real)-INFINITY;
    }
}

static void clear(real *x, const int32_t *x_at, ptrdiff_t pixels, ptrdiff_t vectors)
{
    for (ptrdiff_t p = 0; p < pixels; ++p)
        memset(x + x_at[p], 0, (size_t)(vectors * VL) * sizeof(real));
}

/* Give each tap of a window its share of the gradient: all of it, or with `winner` that of the lanes that it won. */
INLINE void spread(real *dx, const int32_t *window, const int count, vreal grad, const vint *winner,
                   const int exclusive)
{
#pragma GCC unroll 4
    for (int t = 0; t < count; ++t) {
        if (window[t] < 0)
            continue;
        const vreal share = winner ? keep(*winner == t, grad) : grad;
        vstore(dx + window[t], exclusive ? share : vload(dx + window[t]) + share);
    }
}

/* Buffers: dx, dz, argmax, z. Tables: dz_at, first, taps, places (cleared pixels of dx, then z_at).
 * Sizes: pixels, vectors, cleared pixels, exclusive. Scalars: factor of dz. If z is given, dz counts where z > 0:
 * x is behind a ReLU, and this is its mask. Windows that share no pixel (exclusive) are written, others added. */
void KERNEL(max_pool_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1];
    const int exclusive = (int)op->size[3];
    real *dx = op_buffer(op, run, 0, group);
    const real *dz = op_buffer(op, run, 1, group), *z = op_buffer(op, run, 3, group);
    const lane_int *argmax = (const lane_int *)op_buffer(op, run, 2, group);
    const int32_t *dz_at = op->table[0], *first = op->table[1], *taps = op->table[2];
    const int32_t *z_at = op->table[3] + op->size[2];
    const vreal factor = vset((real)op->scalar[0]);
    clear(dx, op->table[3], op->size[2], vectors);
    for (ptrdiff_t p = 0; p < pixels; ++p) {
        const int32_t *window = taps + first[p];
        const int count = first[p + 1] - first[p];
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            vreal grad = vload(dz + dz_at[p] + v * VL) * factor;
            vint winner;
            memcpy(&winner, argmax + (p * vectors + v) * VL, sizeof(winner));
            if (z)
                grad = keep(vload(z + z_at[p] + v * VL) > 0, grad);
            if (count == 4 && exclusive)
                spread(dx + v * VL, window, 4, grad, &winner, 1);
            else
                spread(dx + v * VL, window, count, grad, &winner, exclusive);
        }
    }
}

/* The sum of x at some taps: of halves, where they are many, lest digits be lost in a long one. */
static vreal sum_of_taps(const real *x, const int32_t *taps, ptrdiff_t count)
{
    const ptrdiff_t half = count / 2;
    if (count > 128)
        return sum_of_taps(x, taps, half) + sum_of_taps(x, taps + half, count - half);
    vreal sum = {0};
    for (ptrdiff_t t = 0; t < count; ++t)
        sum += vload(x + taps[t]);
    return sum;
}

/* Buffers: z, x, factor (pixels). Tables: z_at, first, taps. Sizes: pixels, vectors. */
void KERNEL(avg_pool)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1];
    real *z = op_buffer(op, run, 0, group);
    const real *x = op_buffer(op, run, 1, group), *factor = op_buffer(op, run, 2, 0);
    const int32_t *z_at = op->table[0], *first = op->table[1], *taps = op->table[2];
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal sum = sum_of_taps(x + v * VL, taps + first[p], first[p + 1] - first[p]);
            vstore(z + z_at[p] + v * VL, sum * factor[p]);
        }
}

/* Buffers: dx, dz, factor. Tables: dz_at, first, taps, cleared pixels of dx. Sizes: pixels, vectors, cleared pixels,
 * exclusive. */
void KERNEL(avg_pool_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1];
    real *dx = op_buffer(op, run, 0, group);
    const real *dz = op_buffer(op, run, 1, group), *factor = op_buffer(op, run, 2, 0);
    const int32_t *dz_at = op->table[0], *first = op->table[1], *taps = op->table[2];
    const int exclusive = (int)op->size[3];
    clear(dx, op->table[3], op->size[2], vectors);
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t v = 0; v < vectors; ++v)
            spread(dx + v * VL, taps + first[p], first[p + 1] - first[p],
                   vload(dz + dz_at[p] + v * VL) * factor[p], NULL, exclusive);
}
