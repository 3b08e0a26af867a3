/* Batch normalisation in the engine's layout, in the pieces between two batch-wide synchronisations.
 *
 * Equation  forward   y -> sums of (y - shift) and (y - shift)^2 -> mean, var -> z = y * scale + offset
 *           backward  g = gradient of z (masked by ReLU) -> sums of g and g * (y - mean)
 *                     -> dy = A g + B y + C with, m = batch * pixels and per channel,
 *                        A = gamma invstd, B = -A invstd^2 sum(g (y - mean)) / m, C = -A sum(g) / m - B mean
 * Method    Sums are vectors of VL partial sums per group, reduced in double in the order of groups and lanes.
 *           The shift is the running mean, near the true one, so that the squares lose no digits.
 * State     rows of `channels` reals: see lanes.h.
 */
#include "lanes.h"
#include <math.h>

/* Pixels whose terms are added before a sum goes back to memory: arrays are read in their own order, pixel by pixel,
 * so that the processor can fetch ahead. */
#define TOGETHER 4

static inline __attribute__((always_inline)) void add_squares(real *sums, const real *y, const int32_t *y_at,
                                                              ptrdiff_t count, const real *shift,
                                                              ptrdiff_t channels)
{
    for (ptrdiff_t c = 0; c < channels; ++c) {
        const vreal center = vset(shift[c]);
        vreal sum = vload(sums + c * VL), squares = vload(sums + (channels + c) * VL);
        for (ptrdiff_t i = 0; i < count; ++i) {
            vreal d = vload(y + y_at[i] + c * VL) - center;
            sum += d;
            squares += d * d;
        }
        vstore(sums + c * VL, sum);
        vstore(sums + (channels + c) * VL, squares);
    }
}

/* Buffers: sums [group][2][channels][VL], y, shift. Tables: y_at. Sizes: pixels, channels. */
void FCN(lanes_bn_sums)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1];
    real *sums = op_buffer(op, run, 0, group);
    const real *y = op_buffer(op, run, 1, group), *shift = op_buffer(op, run, 2, 0);
    const int32_t *y_at = op->table[0];
    memset(sums, 0, (size_t)(2 * channels * VL) * sizeof(real));
    for (ptrdiff_t p = 0; p < pixels; p += TOGETHER) {
        if (p + TOGETHER <= pixels)
            add_squares(sums, y, y_at + p, TOGETHER, shift, channels);
        else
            add_squares(sums, y, y_at + p, pixels - p, shift, channels);
    }
}

/* Sum of vector `index` of each group's sums over groups and existing lanes. */
static double total(const fcn_op *op, int buffer, const fcn_run *run, ptrdiff_t index)
{
    double sum = 0;
    for (ptrdiff_t g = 0; g < run->groups; ++g) {
        const real *lanes = op_buffer(op, run, buffer, g) + index * VL;
        for (ptrdiff_t i = 0; i < VL && g * VL + i < run->batch; ++i)
            sum += (double)lanes[i];
    }
    return sum;
}

/* Buffers: state, sums, gamma, beta, running_mean (the shift), running_var. Sizes: pixels, channels.
 * Scalars: eps, momentum. */
void FCN(lanes_bn_finish)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    (void)task;
    const ptrdiff_t channels = op->size[1];
    const double count = (double)run->batch * (double)op->size[0], eps = op->scalar[0],
                 momentum = op->scalar[1];
    real *state = op_buffer(op, run, 0, 0), *running_mean = op_buffer(op, run, 4, 0),
         *running_var = op_buffer(op, run, 5, 0);
    const real *gamma = op_buffer(op, run, 2, 0), *beta = op_buffer(op, run, 3, 0);
    for (ptrdiff_t c = 0; c < channels; ++c) {
        double shifted = total(op, 1, run, c) / count;
        double var = fmax(0.0, total(op, 1, run, channels + c) / count - shifted * shifted);
        double mean = (double)running_mean[c] + shifted, invstd = 1 / sqrt(var + eps);
        double scale = invstd * (gamma ? (double)gamma[c] : 1.0);
        state[SCALE * channels + c] = (real)scale;
        state[OFFSET * channels + c] = (real)((beta ? (double)beta[c] : 0.0) - mean * scale);
        state[MEAN * channels + c] = (real)mean;
        state[INVSTD * channels + c] = (real)invstd;
        running_mean[c] += (real)(momentum * (mean - (double)running_mean[c]));
        running_var[c] += (real)(momentum * (var * count / (count - 1) - (double)running_var[c]));
    }
}

/* The state of evaluation, from the running statistics. Buffers and scalars as in lanes_bn_finish, and the bias of
 * a convolution whose output this normalises, or NULL: scale and offset then apply to the convolution without it. */
void FCN(lanes_bn_fixed)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    (void)task;
    const ptrdiff_t channels = op->size[1];
    real *state = op_buffer(op, run, 0, 0);
    const real *gamma = op_buffer(op, run, 2, 0), *beta = op_buffer(op, run, 3, 0);
    const real *running_mean = op_buffer(op, run, 4, 0), *running_var = op_buffer(op, run, 5, 0);
    const real *conv_bias = op_buffer(op, run, 6, 0);
    for (ptrdiff_t c = 0; c < channels; ++c) {
        double center = (double)running_mean[c] - (conv_bias ? (double)conv_bias[c] : 0.0);
        double scale = (gamma ? (double)gamma[c] : 1.0) / sqrt((double)running_var[c] + op->scalar[0]);
        state[SCALE * channels + c] = (real)scale;
        state[OFFSET * channels + c] = (real)((beta ? (double)beta[c] : 0.0) - center * scale);
    }
}

/* The gradient of a ReLU behind the normalisation counts where the ReLU let through: where z > 0 if z is given,
 * else, with `relu`, where y * scale + offset > 0. */
static inline vreal relu_masked(vreal g, const real *z, int relu, vreal y, vreal scale, vreal offset)
{
    if (z)
        return keep(vload(z) > 0, g);
    return relu ? keep(y * scale + offset > 0, g) : g;
}

typedef struct {
    const real *g, *y, *z;
    const int32_t *g_at, *y_at, *z_at;
} grad_source;

static inline __attribute__((always_inline)) void add_products(real *sums, const grad_source *s,
                                                               ptrdiff_t count, const real *state,
                                                               ptrdiff_t channels, int relu, vreal factor)
{
    for (ptrdiff_t c = 0; c < channels; ++c) {
        const vreal center = vset(state[MEAN * channels + c]);
        const vreal scale = vset(state[SCALE * channels + c]), offset = vset(state[OFFSET * channels + c]);
        vreal sum = vload(sums + c * VL), products = vload(sums + (channels + c) * VL);
        for (ptrdiff_t i = 0; i < count; ++i) {
            vreal grad = vload(s->g + s->g_at[i] + c * VL) * factor,
                  value = vload(s->y + s->y_at[i] + c * VL);
            grad = relu_masked(grad, s->z ? s->z + s->z_at[i] + c * VL : NULL, relu, value, scale, offset);
            sum += grad;
            products += grad * (value - center);
        }
        vstore(sums + c * VL, sum);
        vstore(sums + (channels + c) * VL, products);
    }
}

/* Buffers: sums [group][2][channels][VL], g, y, state, z. Tables: g_at, y_at, z_at. Sizes: pixels, channels, relu.
 * Scalars: factor of g. */
void FCN(lanes_bn_grad_sums)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1];
    real *sums = op_buffer(op, run, 0, group);
    const real *g = op_buffer(op, run, 1, group), *y = op_buffer(op, run, 2, group),
               *z = op_buffer(op, run, 4, group);
    const real *state = op_buffer(op, run, 3, 0);
    const int relu = (int)op->size[2];
    const int32_t *g_at = op->table[0], *y_at = op->table[1], *z_at = op->table[2];
    const vreal factor = vset((real)op->scalar[0]);
    memset(sums, 0, (size_t)(2 * channels * VL) * sizeof(real));
    for (ptrdiff_t p = 0; p < pixels; p += TOGETHER) {
        const grad_source at = {g, y, z, g_at + p, y_at + p, z ? z_at + p : NULL};
        if (p + TOGETHER > pixels)
            add_products(sums, &at, pixels - p, state, channels, relu, factor);
        else if (relu && !z)
            add_products(sums, &at, TOGETHER, state, channels, 1, factor);
        else
            add_products(sums, &at, TOGETHER, state, channels, relu, factor);
    }
}

/* Buffers: state, sums, gamma, dgamma, dbeta (NULL without affine). Sizes: pixels, channels. */
void FCN(lanes_bn_grad_finish)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    (void)task;
    const ptrdiff_t channels = op->size[1];
    const double count = (double)run->batch * (double)op->size[0];
    real *state = op_buffer(op, run, 0, 0), *dgamma = op_buffer(op, run, 3, 0),
         *dbeta = op_buffer(op, run, 4, 0);
    const real *gamma = op_buffer(op, run, 2, 0);
    for (ptrdiff_t c = 0; c < channels; ++c) {
        double sum = total(op, 1, run, c), products = total(op, 1, run, channels + c);
        double invstd = (double)state[INVSTD * channels + c], mean = (double)state[MEAN * channels + c];
        double a = invstd * (gamma ? (double)gamma[c] : 1.0), b = -a * invstd * invstd * products / count;
        state[GRAD_A * channels + c] = (real)a;
        state[GRAD_B * channels + c] = (real)b;
        state[GRAD_C * channels + c] = (real)(-a * sum / count - b * mean);
        if (dgamma)
            dgamma[c] = (real)(products * invstd);
        if (dbeta)
            dbeta[c] = (real)sum;
    }
}

/* Buffers: dy, g, y, state, z. Tables: dy_at, g_at, y_at, z_at. Sizes: pixels, channels, relu, mask_by_y.
 * Scalars: factor of g. dy = A g + B y + C, with mask_by_y only where y > 0: y is behind a ReLU. */
void FCN(lanes_bn_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], channels = op->size[1];
    const int relu = (int)op->size[2], mask_by_y = (int)op->size[3];
    real *dy = op_buffer(op, run, 0, group);
    const real *g = op_buffer(op, run, 1, group), *y = op_buffer(op, run, 2, group),
               *z = op_buffer(op, run, 4, group);
    const real *state = op_buffer(op, run, 3, 0);
    const int32_t *dy_at = op->table[0], *g_at = op->table[1], *y_at = op->table[2], *z_at = op->table[3];
    const vreal mask = lane_mask(run, group), factor = vset((real)op->scalar[0]) * mask;
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t c = 0; c < channels; ++c) {
            const vreal a = state[GRAD_A * channels + c] * factor;
            const vreal b = state[GRAD_B * channels + c] * mask, shift = state[GRAD_C * channels + c] * mask;
            const vreal scale = vset(state[SCALE * channels + c]),
                        offset = vset(state[OFFSET * channels + c]);
            vreal grad = vload(g + g_at[p] + c * VL), value = vload(y + y_at[p] + c * VL);
            grad = relu_masked(grad, z ? z + z_at[p] + c * VL : NULL, relu, value, scale, offset);
            vreal result = a * grad + (b * value + shift);
            if (mask_by_y)
                result = keep(value > 0, result);
            vstore(dy + dy_at[p] + c * VL, result);
        }
}
