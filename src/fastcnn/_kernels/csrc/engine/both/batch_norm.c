/* Batch normalisation in the engine's layouts, in the pieces between two batch-wide synchronisations.
 *
 * Equation  forward   y -> mean, var -> z = (y - mean) * scale + offset
 *           backward  g = gradient of z (through the activation) -> sums of g and g * (y - mean)
 *                     -> dy = A g + B (y - mean) + C with, m = batch * pixels and per channel,
 *                        A = gamma invstd, B = -A invstd^2 sum(g (y - mean)) / m, C = -A sum(g) / m;
 *                        in evaluation mean and var do not depend on y, and B = C = 0
 * Method    Pixels are summed in blocks of FCN_SUM_BLOCK: for each, in vectors of VL partial sums ("images")
 *           or a number for each channel ("channels"), the sums of d and d^2 with d = y - center. A block's
 *           center is among its own pixels, so that the squares lose no digits however far from 0 the data
 *           lie. Means and squared deviations of all blocks are put together in double (Chan, Golub and
 *           LeVeque, "Algorithms for Computing the Sample Variance", 1983): those of a slot's images, then
 *           those of slots. What rounding the mean leaves of it is part of offset and C.
 * State     see engine/batch_norm.h. batch_norm_grad.c has the backward pieces.
 */
#include "engine/batch_norm.h"
#include <math.h>

INLINE void add_square(partials *c, const int i, vreal d)
{
    c->sum[i] += d;
    c->products[i] += d * d;
}

/* The median of three of `count` pixels: one of them may lie far from all others. Around an infinity all
 * would be NaN, so it is 0 then. */
INLINE vreal center_of(const stored *y, const int32_t *y_at, ptrdiff_t count)
{
    const vreal a = vload(y + y_at[count / 6]), b = vload(y + y_at[count / 2]),
                c = vload(y + y_at[count * 5 / 6]);
    const vreal low = -vmax(-a, -b), high = vmax(a, b);
    const vreal median = vmax(low, -vmax(-high, -c));
    return keep(median - median == 0, median);
}

/* The center of `count` pixels, and the sums around it: sums [3][vectors][VL]. */
static void block_sums(real *sums, const stored *y, const int32_t *y_at, ptrdiff_t count, ptrdiff_t vectors)
{
    real *totals = sums + vectors * VL;
    for (ptrdiff_t v = 0; v < vectors; ++v)
        rstore(sums + v * VL, center_of(y + v * VL, y_at, count));
    memset(totals, 0, (size_t)(2 * vectors * VL) * sizeof(real));
    for (ptrdiff_t p0 = 0, p1; p0 < count; p0 = p1) {
        p1 = tile_end(p0, count, FEW_PIXELS);
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal center = rload(sums + v * VL);
            partials c;
            load_sums(&c, totals, vectors, v);
            ptrdiff_t p = p0;
            for (; p + FEW_PIXELS <= p1; p += FEW_PIXELS)
#pragma GCC unroll 4
                for (int i = 0; i < FEW_PIXELS; ++i)
                    add_square(&c, i % PARTIALS, vload(y + y_at[p + i] + v * VL) - center);
            for (; p < p1; ++p)
                add_square(&c, 0, vload(y + y_at[p] + v * VL) - center);
            store_sums(totals, vectors, v, &c);
        }
    }
}

/* The sums of each block of pixels of a group. */
void KERNEL(bn_sums)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_bn_sums *a = &op->bn_sums;
    const ptrdiff_t pixels = a->pixels, vectors = a->vectors;
    real *sums = of_group(&a->sums, batch, group);
    const stored *y = of_group(&a->y, batch, group);
    for (ptrdiff_t first = 0; first < pixels; first += FCN_SUM_BLOCK, sums += 3 * vectors * VL)
        block_sums(sums, y, a->y_at + first, fcn_min(FCN_SUM_BLOCK, pixels - first), vectors);
}

/* Of VL channels: the mean of all pixels of all images, and the sum of squared deviations from it. */
typedef struct {
    double mean[VL], squares[VL];
} moments;

/* Add what the blocks of a group tell of `channels` channels: sums of e and e^2 with e = y - origin. */
static void add_group(double *sum, double *squares, const double *origin, const real *center,
                      ptrdiff_t pixels, ptrdiff_t row, ptrdiff_t images, ptrdiff_t channels)
{
    const ptrdiff_t lanes = GROUP_IMAGES;
    for (ptrdiff_t first = 0; first < pixels; first += FCN_SUM_BLOCK, center += 3 * row * lanes) {
        const real *d = center + row * lanes, *dd = d + row * lanes;
        const double n = (double)fcn_min(FCN_SUM_BLOCK, pixels - first), inverse = 1 / n;
        for (ptrdiff_t lane = 0; lane < images; ++lane)
            for (ptrdiff_t i = 0; i < channels; ++i) {
                const ptrdiff_t j = i * lanes + lane;
                const double total = (double)d[j];
                const double e = (double)center[j] - origin[i] + total * inverse;
                sum[i] += n * e;
                squares[i] += ((double)dd[j] - total * total * inverse) + n * e * e;
            }
    }
}

static void find_moments(moments *m, const struct fcn_bn_finish *a, const fcn_batch *batch,
                         ptrdiff_t first_channel, ptrdiff_t channels)
{
    const ptrdiff_t row = row_size(a->vectors), at = first_channel * GROUP_IMAGES;
    double origin[VL], sum[VL] = {0}, squares[VL] = {0};
    const real *sums = of_group(&a->sums, batch, 0);
    for (ptrdiff_t i = 0; i < channels; ++i) /* the first center, a value of the channel */
        origin[i] = (double)sums[at + i * GROUP_IMAGES];
    for (ptrdiff_t slot = 0; slot < batch->slots; ++slot) {
        double slot_sum[VL] = {0}, slot_squares[VL] = {0};
        for (ptrdiff_t g = fcn_slot_group(batch, slot); g < fcn_slot_group(batch, slot + 1); ++g) {
            sums = of_group(&a->sums, batch, g);
            add_group(slot_sum, slot_squares, origin, sums + at, a->pixels, row,
                      fcn_min(GROUP_IMAGES, batch->images - g * GROUP_IMAGES), channels);
        }
        for (ptrdiff_t i = 0; i < channels; ++i) {
            sum[i] += slot_sum[i];
            squares[i] += slot_squares[i];
        }
    }
    const double count = (double)batch->images * (double)a->pixels;
    for (ptrdiff_t i = 0; i < channels; ++i) {
        m->mean[i] = origin[i] + sum[i] / count;
        m->squares[i] = squares[i] - sum[i] / count * sum[i];
    }
}

/* (y - center) * scale + offset is to be (y - mean) * scale + shift. */
static void set_state(real *state, ptrdiff_t row, ptrdiff_t c, double mean, double invstd, double scale,
                      double shift, real center)
{
    const double rest = mean - (double)center;
    state[MEAN * row + c] = center;
    state[MEAN_REST * row + c] = (real)rest;
    state[INVSTD * row + c] = (real)invstd;
    state[SCALE * row + c] = (real)scale;
    state[OFFSET * row + c] = (real)(shift - rest * scale);
}

/* The statistics of the batch: the state of training, and the running ones. */
void KERNEL(bn_finish)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_bn_finish *a = &op->bn_finish;
    const ptrdiff_t row = row_size(a->vectors);
    const int64_t *tracked = the(&a->tracked);
    const double eps = a->eps, momentum = tracked ? 1 / ((double)*tracked + 1) : a->momentum;
    real *state = the(&a->state), *running_mean = the(&a->running_mean), *running_var = the(&a->running_var);
    const real *gamma = the(&a->gamma), *beta = the(&a->beta);
    const double count = (double)batch->images * (double)a->pixels;
    const ptrdiff_t first = task * VL, some = channels_of_task(task, a->channels);
    moments m;
    find_moments(&m, a, batch, first, some);
    for (ptrdiff_t i = 0; i < some; ++i) {
        const ptrdiff_t c = first + i;
        const double var = m.squares[i] < 0 ? 0 : m.squares[i] / count; /* a NaN stays one */
        const double invstd = 1 / sqrt(var + eps), scale = invstd * (gamma ? (double)gamma[c] : 1.0);
        set_state(state, row, c, m.mean[i], invstd, scale, beta ? (double)beta[c] : 0.0, (real)m.mean[i]);
        if (running_mean)
            running_mean[c] += (real)(momentum * (m.mean[i] - (double)running_mean[c]));
        if (running_var)
            running_var[c] += (real)(momentum * (var * count / (count - 1) - (double)running_var[c]));
    }
}

/* The state of evaluation, from the running statistics. */
void KERNEL(bn_fixed)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_bn_fixed *a = &op->bn_fixed;
    const ptrdiff_t row = row_size(a->vectors), first = task * VL;
    real *state = the(&a->state);
    const real *gamma = the(&a->gamma), *beta = the(&a->beta);
    const real *running_mean = the(&a->running_mean), *running_var = the(&a->running_var);
    const real *conv_bias = the(&a->conv_bias);
    (void)batch;
    for (ptrdiff_t c = first; c < first + channels_of_task(task, a->channels); ++c) {
        const double invstd = 1 / sqrt((double)running_var[c] + a->eps);
        const double mean = (double)running_mean[c] - (conv_bias ? (double)conv_bias[c] : 0.0);
        const double scale = invstd * (gamma ? (double)gamma[c] : 1.0);
        const real center = a->folded ? 0 : (real)mean;
        set_state(state, row, c, mean, invstd, scale, beta ? (double)beta[c] : 0.0, center);
        state[GRAD_A * row + c] = (real)scale;
        state[GRAD_B * row + c] = state[GRAD_C * row + c] = 0;
    }
}
