/* Batch normalisation in the engine's layouts, in the pieces between two batch-wide synchronisations.
 *
 * Equation  forward   y -> mean, var -> z = (y - mean) * scale + offset
 *           backward  g = gradient of z (masked by ReLU) -> sums of g and g * (y - mean)
 *                     -> dy = A g + B (y - mean) + C with, m = batch * pixels and per channel,
 *                        A = gamma invstd, B = -A invstd^2 sum(g (y - mean)) / m, C = -A sum(g) / m;
 *                        in evaluation mean and var do not depend on y, and B = C = 0
 * Method    Pixels are summed in blocks of FCN_SUM_BLOCK: for each, in vectors of VL partial sums ("images") or a
 *           number for each channel ("channels"), the sums of d and d^2 with d = y - center. A block's center is
 *           among its own pixels, so that the squares lose no digits however far from 0 the data lie.
 *           Means and squared deviations of all blocks are put together in double, in the order of groups, blocks
 *           and lanes (Chan, Golub and LeVeque, "Algorithms for Computing the Sample Variance", 1983).
 *           What rounding the mean leaves of it is part of offset and C.
 * State     rows of row_size(vectors) reals: see lanes.h.
 */
#include "engine/kernel.h"
#include <math.h>

/* Sums that one channel's pixels take turns to be added to: in "channels" all pixels of an image follow each other,
 * and each addition would wait for the one before. */
#ifdef FCN_LAYOUT_CHANNELS
#define CHAINS 4
#else
#define CHAINS 1
#endif

/* A sum and a second one, kept in registers over a tile. */
typedef struct {
    vreal sum[CHAINS], products[CHAINS];
} chains;

INLINE void load_sums(chains *c, const real *sums, ptrdiff_t vectors, ptrdiff_t v)
{
    *c = (chains){{vload(sums + v * VL)}, {vload(sums + (vectors + v) * VL)}};
}

INLINE void store_sums(real *sums, ptrdiff_t vectors, ptrdiff_t v, chains *c)
{
#pragma GCC unroll 4
    for (int i = 1; i < CHAINS; ++i) {
        c->sum[0] += c->sum[i];
        c->products[0] += c->products[i];
    }
    vstore(sums + v * VL, c->sum[0]);
    vstore(sums + (vectors + v) * VL, c->products[0]);
}

INLINE void add_square(chains *c, const int chain, vreal d)
{
    c->sum[chain] += d;
    c->products[chain] += d * d;
}

/* The median of three of `count` pixels: one of them may lie far from all others. */
INLINE vreal center_of(const real *y, const int32_t *y_at, ptrdiff_t count)
{
    const vreal a = vload(y + y_at[count / 6]), b = vload(y + y_at[count / 2]),
                c = vload(y + y_at[count * 5 / 6]);
    const vreal low = -vmax(-a, -b), high = vmax(a, b);
    return vmax(low, -vmax(-high, -c));
}

/* The center of `count` pixels, and the sums around it: sums [3][vectors][VL]. */
static void block_sums(real *sums, const real *y, const int32_t *y_at, ptrdiff_t count, ptrdiff_t vectors)
{
    real *totals = sums + vectors * VL;
    for (ptrdiff_t v = 0; v < vectors; ++v)
        vstore(sums + v * VL, center_of(y + v * VL, y_at, count));
    memset(totals, 0, (size_t)(2 * vectors * VL) * sizeof(real));
    for (ptrdiff_t p0 = 0, p1; p0 < count; p0 = p1) {
        p1 = tile_end(p0, count, FEW_PIXELS);
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal center = vload(sums + v * VL);
            chains c;
            load_sums(&c, totals, vectors, v);
            ptrdiff_t p = p0;
            for (; p + FEW_PIXELS <= p1; p += FEW_PIXELS)
#pragma GCC unroll 4
                for (int i = 0; i < FEW_PIXELS; ++i)
                    add_square(&c, i % CHAINS, vload(y + y_at[p + i] + v * VL) - center);
            for (; p < p1; ++p)
                add_square(&c, 0, vload(y + y_at[p] + v * VL) - center);
            store_sums(totals, vectors, v, &c);
        }
    }
}

/* Buffers: sums [group][block][3][vectors][VL] (center, sum, squares), y. Tables: y_at. Sizes: pixels, vectors. */
void KERNEL(bn_sums)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1];
    real *sums = op_buffer(op, run, 0, group);
    const real *y = op_buffer(op, run, 1, group);
    for (ptrdiff_t first = 0; first < pixels; first += FCN_SUM_BLOCK, sums += 3 * vectors * VL)
        block_sums(sums, y, op->table[0] + first, fcn_min(FCN_SUM_BLOCK, pixels - first), vectors);
}

/* A task takes VL channels. */
static inline ptrdiff_t channels_of_task(ptrdiff_t task, ptrdiff_t channels)
{
    return fcn_min(VL, channels - task * VL);
}

/* Of VL channels: the mean of all pixels of all images, and the sum of squared deviations from it. */
typedef struct {
    double mean[VL], squares[VL];
} moments;

static void find_moments(moments *m, const fcn_op *op, const fcn_run *run, ptrdiff_t first_channel,
                         ptrdiff_t channels)
{
    const ptrdiff_t pixels = op->size[0], row = row_size(op->size[1]), lanes = GROUP_IMAGES;
    const ptrdiff_t at = first_channel * lanes;
    double origin[VL], sum[VL], squares[VL];
    for (ptrdiff_t i = 0; i < channels; ++i) {
        /* Everything is told from the first center, a value of the channel. */
        origin[i] = (double)op_buffer(op, run, 1, 0)[at + i * lanes];
        sum[i] = squares[i] = 0;
    }
    for (ptrdiff_t g = 0; g < run->groups; ++g) {
        const real *center = op_buffer(op, run, 1, g) + at;
        const ptrdiff_t images = fcn_min(lanes, run->batch - g * lanes);
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
    const double count = (double)run->batch * (double)pixels;
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

/* Buffers: state, sums, gamma, beta, running_mean, running_var. Sizes: pixels, vectors, channels.
 * Scalars: eps, momentum. */
void KERNEL(bn_finish)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    const ptrdiff_t row = row_size(op->size[1]);
    const double eps = op->scalar[0], momentum = op->scalar[1];
    real *state = op_buffer(op, run, 0, 0), *running_mean = op_buffer(op, run, 4, 0),
         *running_var = op_buffer(op, run, 5, 0);
    const real *gamma = op_buffer(op, run, 2, 0), *beta = op_buffer(op, run, 3, 0);
    const double count = (double)run->batch * (double)op->size[0];
    const ptrdiff_t first = task * VL, some = channels_of_task(task, op->size[2]);
    moments m;
    find_moments(&m, op, run, first, some);
    for (ptrdiff_t i = 0; i < some; ++i) {
        const ptrdiff_t c = first + i;
        const double var = m.squares[i] < 0 ? 0 : m.squares[i] / count; /* a NaN stays one */
        const double invstd = 1 / sqrt(var + eps), scale = invstd * (gamma ? (double)gamma[c] : 1.0);
        set_state(state, row, c, m.mean[i], invstd, scale, beta ? (double)beta[c] : 0.0, (real)m.mean[i]);
        running_mean[c] += (real)(momentum * (m.mean[i] - (double)running_mean[c]));
        running_var[c] += (real)(momentum * (var * count / (count - 1) - (double)running_var[c]));
    }
}

/* The state of evaluation, from the running statistics. Buffers, sizes and scalars as in bn_finish, but for a last
 * buffer and size: the bias of a convolution whose output this normalises, or NULL, and whether the normalisation is
 * to be part of its weights. Then z = y * scale + offset, of the convolution without its bias. */
void KERNEL(bn_fixed)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    const ptrdiff_t row = row_size(op->size[1]), first = task * VL;
    real *state = op_buffer(op, run, 0, 0);
    const real *gamma = op_buffer(op, run, 2, 0), *beta = op_buffer(op, run, 3, 0);
    const real *running_mean = op_buffer(op, run, 4, 0), *running_var = op_buffer(op, run, 5, 0);
    const real *conv_bias = op_buffer(op, run, 6, 0);
    for (ptrdiff_t c = first; c < first + channels_of_task(task, op->size[2]); ++c) {
        const double invstd = 1 / sqrt((double)running_var[c] + op->scalar[0]);
        const double mean = (double)running_mean[c] - (conv_bias ? (double)conv_bias[c] : 0.0);
        const double scale = invstd * (gamma ? (double)gamma[c] : 1.0);
        const real center = op->size[3] ? 0 : (real)mean;
        set_state(state, row, c, mean, invstd, scale, beta ? (double)beta[c] : 0.0, center);
        state[GRAD_A * row + c] = (real)scale;
        state[GRAD_B * row + c] = state[GRAD_C * row + c] = 0;
    }
}

/* The gradient of a ReLU behind the normalisation counts where the ReLU let through: where z > 0 if z is given, else,
 * with `relu`, where (y - mean) * scale + offset > 0. */
typedef enum { NO_MASK, MASK_BY_Z, MASK_BY_Y } relu_mask;

static relu_mask mask_of(const real *z, ptrdiff_t relu) { return z ? MASK_BY_Z : relu ? MASK_BY_Y : NO_MASK; }

typedef struct {
    real *out; /* sums, or dy */
    const real *g, *y, *z, *state;
    const int32_t *dy_at, *g_at, *y_at, *z_at;
    ptrdiff_t pixels, vectors;
    vreal factor, mask;
    int mask_by_y;
} grad;

/* d is y - mean. */
INLINE vreal relu_masked(const grad *f, relu_mask mask, vreal g, ptrdiff_t p, ptrdiff_t v, vreal d,
                         vreal scale, vreal offset)
{
    if (mask == MASK_BY_Z)
        return keep(vload(f->z + f->z_at[p] + v * VL) > 0, g);
    return mask == MASK_BY_Y ? keep(d * scale + offset > 0, g) : g;
}

INLINE void add_product(chains *c, const int chain, const grad *f, const relu_mask mask, ptrdiff_t p,
                        ptrdiff_t v, vreal center, vreal scale, vreal offset)
{
    const vreal d = vload(f->y + f->y_at[p] + v * VL) - center;
    const vreal g = vload(f->g + f->g_at[p] + v * VL) * f->factor;
    const vreal masked = relu_masked(f, mask, g, p, v, d, scale, offset);
    c->sum[chain] += masked;
    c->products[chain] += masked * d;
}

INLINE void grad_sums(const grad *f, const relu_mask mask)
{
    const ptrdiff_t vectors = f->vectors;
    real *sums = f->out;
    for (ptrdiff_t first = 0, last; first < f->pixels; first = last, sums += 2 * vectors * VL) {
        last = fcn_min(f->pixels, first + FCN_SUM_BLOCK);
        memset(sums, 0, (size_t)(2 * vectors * VL) * sizeof(real));
        for (ptrdiff_t p0 = first, p1; p0 < last; p0 = p1) {
            p1 = tile_end(p0, last, FEW_PIXELS);
            for (ptrdiff_t v = 0; v < vectors; ++v) {
                const vreal center = state_row(f->state, MEAN, vectors, v);
                const vreal scale = state_row(f->state, SCALE, vectors, v),
                            offset = state_row(f->state, OFFSET, vectors, v);
                chains c;
                load_sums(&c, sums, vectors, v);
                ptrdiff_t p = p0;
                for (; p + FEW_PIXELS <= p1; p += FEW_PIXELS)
#pragma GCC unroll 4
                    for (int i = 0; i < FEW_PIXELS; ++i)
                        add_product(&c, i % CHAINS, f, mask, p + i, v, center, scale, offset);
                for (; p < p1; ++p)
                    add_product(&c, 0, f, mask, p, v, center, scale, offset);
                store_sums(sums, vectors, v, &c);
            }
        }
    }
}

/* Buffers: sums [group][block][2][vectors][VL], g, y, state, z. Tables: g_at, y_at, z_at.
 * Sizes: pixels, vectors, relu. Scalars: factor of g. */
void KERNEL(bn_grad_sums)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const grad f = {
        .out = op_buffer(op, run, 0, group),
        .g = op_buffer(op, run, 1, group),
        .y = op_buffer(op, run, 2, group),
        .state = op_buffer(op, run, 3, 0),
        .z = op_buffer(op, run, 4, group),
        .g_at = op->table[0],
        .y_at = op->table[1],
        .z_at = op->table[2],
        .pixels = op->size[0],
        .vectors = op->size[1],
        .factor = vset((real)op->scalar[0]),
    };
    switch (mask_of(f.z, op->size[2])) {
    case NO_MASK:
        grad_sums(&f, NO_MASK);
        break;
    case MASK_BY_Z:
        grad_sums(&f, MASK_BY_Z);
        break;
    case MASK_BY_Y:
        grad_sums(&f, MASK_BY_Y);
    }
}

/* Buffers: state, sums, gamma, dgamma, dbeta (NULL where no gradient is wanted). Sizes: pixels that were summed,
 * vectors, channels, pixels of y, whether the state is that of evaluation. */
void KERNEL(bn_grad_finish)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    const ptrdiff_t row = row_size(op->size[1]), lanes = GROUP_IMAGES;
    const ptrdiff_t blocks = fcn_divide_up(op->size[0], FCN_SUM_BLOCK);
    const ptrdiff_t first = task * VL, some = channels_of_task(task, op->size[2]);
    const double count = (double)run->batch * (double)op->size[3];
    real *state = op_buffer(op, run, 0, 0), *dgamma = op_buffer(op, run, 3, 0),
         *dbeta = op_buffer(op, run, 4, 0);
    const real *gamma = op_buffer(op, run, 2, 0);
    double sums[VL] = {0}, around_mean[VL] = {0};
    for (ptrdiff_t g = 0; g < run->groups; ++g) {
        const real *piece = op_buffer(op, run, 1, g) + first * lanes;
        const ptrdiff_t images = fcn_min(lanes, run->batch - g * lanes);
        for (ptrdiff_t block = 0; block < blocks; ++block, piece += 2 * row * lanes)
            for (ptrdiff_t lane = 0; lane < images; ++lane)
                for (ptrdiff_t i = 0; i < some; ++i) {
                    sums[i] += (double)piece[i * lanes + lane];
                    around_mean[i] += (double)piece[(row + i) * lanes + lane];
                }
    }
    for (ptrdiff_t i = 0; i < some; ++i) {
        const ptrdiff_t c = first + i;
        const double rest = (double)state[MEAN_REST * row + c];
        const double invstd = (double)state[INVSTD * row + c];
        /* The products were taken with the rounded mean. */
        const double sum = sums[i], products = around_mean[i] - sum * rest;
        if (dgamma)
            dgamma[c] = (real)(products * invstd);
        if (dbeta)
            dbeta[c] = (real)sum;
        if (op->size[4])
            continue;
        const double a = invstd * (gamma ? (double)gamma[c] : 1.0);
        const real b = (real)(-a * invstd * invstd * products / count);
        state[GRAD_A * row + c] = (real)a;
        state[GRAD_B * row + c] = b;
        state[GRAD_C * row + c] = (real)(-a * sum / count - (double)b * rest);
    }
}

INLINE void input_grad(const grad *f, const relu_mask mask)
{
    const ptrdiff_t vectors = f->vectors;
    for (ptrdiff_t p0 = 0, p1; p0 < f->pixels; p0 = p1) {
        p1 = tile_end(p0, f->pixels, FEW_PIXELS);
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal a = state_row(f->state, GRAD_A, vectors, v) * f->factor;
            const vreal b = state_row(f->state, GRAD_B, vectors, v) * f->mask;
            const vreal shift = state_row(f->state, GRAD_C, vectors, v) * f->mask;
            const vreal center = state_row(f->state, MEAN, vectors, v);
            const vreal scale = state_row(f->state, SCALE, vectors, v),
                        offset = state_row(f->state, OFFSET, vectors, v);
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p) {
                vreal grad = vload(f->g + f->g_at[p] + v * VL), value = vload(f->y + f->y_at[p] + v * VL);
                const vreal d = value - center;
                grad = relu_masked(f, mask, grad, p, v, d, scale, offset);
                vreal result = a * grad + (b * d + shift);
                if (f->mask_by_y)
                    result = keep(value > 0, result);
                vstore(f->out + f->dy_at[p] + v * VL, result);
            }
        }
    }
}

/* Buffers: dy, g, y, state, z. Tables: dy_at, g_at, y_at, z_at. Sizes: pixels, vectors, relu, mask_by_y.
 * Scalars: factor of g. dy = A g + B (y - mean) + C, with mask_by_y only where y > 0: y is behind a ReLU. */
void KERNEL(bn_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const vreal mask = lane_mask(run, group);
    const grad f = {
        .out = op_buffer(op, run, 0, group),
        .g = op_buffer(op, run, 1, group),
        .y = op_buffer(op, run, 2, group),
        .state = op_buffer(op, run, 3, 0),
        .z = op_buffer(op, run, 4, group),
        .dy_at = op->table[0],
        .g_at = op->table[1],
        .y_at = op->table[2],
        .z_at = op->table[3],
        .pixels = op->size[0],
        .vectors = op->size[1],
        .factor = vset((real)op->scalar[0]) * mask,
        .mask = mask,
        .mask_by_y = (int)op->size[3],
    };
    switch (mask_of(f.z, op->size[2])) {
    case NO_MASK:
        input_grad(&f, NO_MASK);
        break;
    case MASK_BY_Z:
        input_grad(&f, MASK_BY_Z);
        break;
    case MASK_BY_Y:
        input_grad(&f, MASK_BY_Y);
    }
}
