/* Max and average pooling in the engine's layout.
 *
 * Equation  max: z[p] = the largest x[tap], the first of equals, NaN wins; average: z[p] = factor[p] * sum x[tap]
 * Layout    see program.h. Tables: the taps of output pixel p are taps[first[p]] .. taps[first[p + 1] - 1].
 *           Taps outside the image are left out of the table (or stand in the halo of zeros for a zero-padded
 *           input). argmax holds the number of the winning tap, as integers of the width of a real.
 * Edges     Overlapping windows accumulate in the gradient; a tap of -1 in the gradient's table is in the halo,
 *           and its gradient is dropped.
 */
#include "lanes.h"
#include <math.h>

/* Buffers: z, x, argmax. Tables: z_at, first, taps. Sizes: pixels, channels. argmax may be NULL. */
void FCN(lanes_max_pool)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1];
    real *z = op_buffer(op, run, 0, group);
    const real *x = op_buffer(op, run, 1, group);
    lane_int *argmax = (lane_int *)op_buffer(op, run, 2, group);
    const int32_t *z_at = op->table[0], *first = op->table[1], *taps = op->table[2];
    for (ptrdiff_t p = 0; p < pixels; ++p) {
        const int32_t *window = taps + first[p];
        const int count = first[p + 1] - first[p];
        for (ptrdiff_t c = 0; c < channels; ++c) {
            vreal best = count ? vload(x + window[0] + c * VL) : vset((real)-INFINITY);
            vint winner = {0};
            for (int t = 1; t < count; ++t) {
                vreal value = vload(x + window[t] + c * VL);
                vint better = (value > best) | (value != value);
                best = (vreal)((better & (vint)value) | (~better & (vint)best));
                winner = (better & t) | (~better & winner);
            }
            vstore(z + z_at[p] + c * VL, best);
            if (argmax)
                memcpy(argmax + (p * channels + c) * VL, &winner, sizeof(winner));
        }
    }
}

static void clear(real *x, const int32_t *x_at, ptrdiff_t pixels, ptrdiff_t channels)
{
    for (ptrdiff_t p = 0; p < pixels; ++p)
        memset(x + x_at[p], 0, (size_t)(channels * VL) * sizeof(real));
}

/* Buffers: dx, dz, argmax, z. Tables: dz_at, first, taps, places (cleared pixels of dx, then z_at).
 * Sizes: pixels, channels, cleared pixels, exclusive. Scalars: factor of dz. If z is given, dz counts where z > 0:
 * x is behind a ReLU, and this is its mask. Windows that share no pixel (exclusive) are written, others added. */
void FCN(lanes_max_pool_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1];
    const int exclusive = (int)op->size[3];
    real *dx = op_buffer(op, run, 0, group);
    const real *dz = op_buffer(op, run, 1, group), *z = op_buffer(op, run, 3, group);
    const lane_int *argmax = (const lane_int *)op_buffer(op, run, 2, group);
    const int32_t *dz_at = op->table[0], *first = op->table[1], *taps = op->table[2];
    const int32_t *z_at = op->table[3] + op->size[2];
    const vreal factor = vset((real)op->scalar[0]);
    clear(dx, op->table[3], op->size[2], channels);
    for (ptrdiff_t p = 0; p < pixels; ++p) {
        const int32_t *window = taps + first[p];
        const int count = first[p + 1] - first[p];
        for (ptrdiff_t c = 0; c < channels; ++c) {
            vreal grad = vload(dz + dz_at[p] + c * VL) * factor;
            vint winner;
            memcpy(&winner, argmax + (p * channels + c) * VL, sizeof(winner));
            if (z)
                grad = keep(vload(z + z_at[p] + c * VL) > 0, grad);
            for (int t = 0; t < count; ++t) {
                if (window[t] < 0)
                    continue;
                real *target = dx + window[t] + c * VL;
                vreal share = keep(winner == t, grad);
                vstore(target, exclusive ? share : vload(target) + share);
            }
        }
    }
}

/* Buffers: z, x, factor (pixels). Tables: z_at, first, taps. Sizes: pixels, channels. */
void FCN(lanes_avg_pool)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1];
    real *z = op_buffer(op, run, 0, group);
    const real *x = op_buffer(op, run, 1, group), *factor = op_buffer(op, run, 2, 0);
    const int32_t *z_at = op->table[0], *first = op->table[1], *taps = op->table[2];
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t c = 0; c < channels; ++c) {
            vreal sum = {0};
            for (int32_t t = first[p]; t < first[p + 1]; ++t)
                sum += vload(x + taps[t] + c * VL);
            vstore(z + z_at[p] + c * VL, sum * factor[p]);
        }
}

/* Buffers: dx, dz, factor. Tables: dz_at, first, taps, cleared pixels of dx. Sizes: pixels, channels, cleared pixels,
 * exclusive. */
void FCN(lanes_avg_pool_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1];
    real *dx = op_buffer(op, run, 0, group);
    const real *dz = op_buffer(op, run, 1, group), *factor = op_buffer(op, run, 2, 0);
    const int32_t *dz_at = op->table[0], *first = op->table[1], *taps = op->table[2];
    const int exclusive = (int)op->size[3];
    clear(dx, op->table[3], op->size[2], channels);
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t c = 0; c < channels; ++c) {
            vreal grad = vload(dz + dz_at[p] + c * VL) * factor[p];
            for (int32_t t = first[p]; t < first[p + 1]; ++t)
                if (taps[t] >= 0) {
                    real *target = dx + taps[t] + c * VL;
                    vstore(target, exclusive ? grad : vload(target) + grad);
                }
        }
}
