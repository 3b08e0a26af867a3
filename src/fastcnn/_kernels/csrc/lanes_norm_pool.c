/* Batch normalisation, ReLU, dropout and max-pooling as one step, for windows that share no pixel.
 *
 * Equation  forward   z[p] = max over the taps of relu(y * scale + offset) * dropout, with the winner's number
 *           backward  g[tap] = factor * dz[p] for the winner where z[p] > 0, else 0; sums and dy as in lanes_norm.c
 * Method    The full-size output and its gradient are never written: both passes read y, which has to be kept
 *           anyway, and the pooled arrays.
 * Edges     Pixels that no window covers have g = 0, but batch normalisation gives them a gradient all the same.
 */
#include "lanes_dropout.h"

/* Buffers: z, y, state, argmax (or NULL). Tables: z_at, first, taps, pixel number of each tap.
 * Sizes: pixels of z, channels, relu, number of the dropout layer + 1 or 0, pixels of y. Scalars: p of dropout. */
void FCN(lanes_apply_pool)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1], dropout = op->size[3],
                    in_pixels = op->size[4];
    const int relu = (int)op->size[2];
    real *z = op_buffer(op, run, 0, group);
    const real *y = op_buffer(op, run, 1, group), *state = op_buffer(op, run, 2, 0);
    lane_int *argmax = (lane_int *)op_buffer(op, run, 3, group);
    const int32_t *z_at = op->table[0], *first = op->table[1], *taps = op->table[2], *numbers = op->table[3];
    const dropout_mask mask = dropout_of_group(op->scalar[0], dropout ? run->keys[dropout - 1] : 0, group);
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t c = 0; c < channels; ++c) {
            const vreal scale = vset(state[SCALE * channels + c]),
                        offset = vset(state[OFFSET * channels + c]);
            vreal best = {0};
            vint winner = {0};
            for (int32_t t = first[p]; t < first[p + 1]; ++t) {
                vreal value = vload(y + taps[t] + c * VL) * scale + offset;
                if (relu)
                    value = keep(~(value < 0), value);
                if (dropout)
                    value *= dropout_factor(&mask, (uint32_t)(c * in_pixels + numbers[t]));
                vint better = (value > best) | (value != value);
                if (t == first[p])
                    better = ~(vint){0};
                best = (vreal)((better & (vint)value) | (~better & (vint)best));
                winner = (better & (t - first[p])) | (~better & winner);
            }
            vstore(z + z_at[p] + c * VL, best);
            if (argmax)
                memcpy(argmax + (p * channels + c) * VL, &winner, sizeof(winner));
        }
}

/* The gradient that a window's winner gets. */
static inline vreal winner_grad(const real *dz, const real *z, vreal factor, int relu)
{
    vreal g = vload(dz) * factor;
    return relu ? keep(vload(z) > 0, g) : g;
}

/* Buffers: sums [group][2][channels][VL], dz, y, state, z, argmax. Tables: dz_at, z_at, first, taps (of y).
 * Sizes: pixels of z, channels, relu. Scalars: factor of dz. */
void FCN(lanes_bn_pool_grad_sums)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1];
    const int relu = (int)op->size[2];
    real *sums = op_buffer(op, run, 0, group);
    const real *dz = op_buffer(op, run, 1, group), *y = op_buffer(op, run, 2, group);
    const real *mean = op_buffer(op, run, 3, 0) + MEAN * channels, *z = op_buffer(op, run, 4, group);
    const lane_int *argmax = (const lane_int *)op_buffer(op, run, 5, group);
    const int32_t *dz_at = op->table[0], *z_at = op->table[1], *first = op->table[2], *taps = op->table[3];
    const vreal factor = vset((real)op->scalar[0]);
    memset(sums, 0, (size_t)(2 * channels * VL) * sizeof(real));
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t c = 0; c < channels; ++c) {
            vreal g = winner_grad(dz + dz_at[p] + c * VL, z + z_at[p] + c * VL, factor, relu);
            vreal value = {0};
            vint winner;
            memcpy(&winner, argmax + (p * channels + c) * VL, sizeof(winner));
            for (int32_t t = first[p]; t < first[p + 1]; ++t)
                value += keep(winner == t - first[p], vload(y + taps[t] + c * VL));
            real *sum = sums + c * VL, *products = sums + (channels + c) * VL;
            vstore(sum, vload(sum) + g);
            vstore(products, vload(products) + g * (value - mean[c]));
        }
}

/* Buffers: dy, dz, y, state, z, argmax. Tables: dz_at, z_at, first, taps (of y), taps (of dy), uncovered pixels (of
 * y, then of dy). Sizes: pixels of z, channels, relu, uncovered pixels. Scalars: factor of dz. */
void FCN(lanes_bn_pool_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1], uncovered = op->size[3];
    const int relu = (int)op->size[2];
    real *dy = op_buffer(op, run, 0, group);
    const real *dz = op_buffer(op, run, 1, group), *y = op_buffer(op, run, 2, group);
    const real *state = op_buffer(op, run, 3, 0), *z = op_buffer(op, run, 4, group);
    const lane_int *argmax = (const lane_int *)op_buffer(op, run, 5, group);
    const int32_t *dz_at = op->table[0], *z_at = op->table[1], *first = op->table[2];
    const int32_t *y_taps = op->table[3], *dy_taps = op->table[4], *rest = op->table[5];
    const vreal mask = lane_mask(run, group), factor = vset((real)op->scalar[0]);
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t c = 0; c < channels; ++c) {
            const vreal a = state[GRAD_A * channels + c] * mask, b = state[GRAD_B * channels + c] * mask;
            const vreal shift = state[GRAD_C * channels + c] * mask;
            vreal g = a * winner_grad(dz + dz_at[p] + c * VL, z + z_at[p] + c * VL, factor, relu);
            vint winner;
            memcpy(&winner, argmax + (p * channels + c) * VL, sizeof(winner));
            for (int32_t t = first[p]; t < first[p + 1]; ++t) {
                vreal value = b * vload(y + y_taps[t] + c * VL) + shift;
                vstore(dy + dy_taps[t] + c * VL, value + keep(winner == t - first[p], g));
            }
        }
    for (ptrdiff_t i = 0; i < uncovered; ++i)
        for (ptrdiff_t c = 0; c < channels; ++c) {
            const vreal b = state[GRAD_B * channels + c] * mask, shift = state[GRAD_C * channels + c] * mask;
            vstore(dy + rest[uncovered + i] + c * VL, b * vload(y + rest[i] + c * VL) + shift);
        }
}
