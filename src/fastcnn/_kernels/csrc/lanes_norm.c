/* Batch normalisation in the engine's layouts, in the pieces between two batch-wide synchronisations.
 *
 * Equation  forward   y -> sums of (y - shift) and (y - shift)^2 -> mean, var -> z = y * scale + offset
 *           backward  g = gradient of z (masked by ReLU) -> sums of g and g * (y - mean)
 *                     -> dy = A g + B y + C with, m = batch * pixels and per channel,
 *                        A = gamma invstd, B = -A invstd^2 sum(g (y - mean)) / m, C = -A sum(g) / m - B mean
 * Method    Sums are vectors of VL partial sums per group ("images") or a number for each channel of an image,
 *           reduced in double in the order of groups and lanes.
 *           The shift is the running mean, near the true one, so that the squares lose no digits.
 * State     rows of row_size(vectors) reals: see lanes.h. So is the shift.
 */
#include "lanes.h"
#include <math.h>

/* Sums that one channel's pixels take turns to be added to: in "channels" all pixels of an image follow each other,
 * and each addition would wait for the one before. */
#ifdef FCN_CHANNELS
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

/* Buffers: sums [group][2][vectors][VL], y, shift. Tables: y_at. Sizes: pixels, vectors. */
void LANES(bn_sums)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1];
    real *sums = op_buffer(op, run, 0, group);
    const real *y = op_buffer(op, run, 1, group), *shift = op_buffer(op, run, 2, 0);
    const int32_t *y_at = op->table[0];
    memset(sums, 0, (size_t)(2 * vectors * VL) * sizeof(real));
    for (ptrdiff_t p0 = 0, p1; p0 < pixels; p0 = p1) {
        p1 = tile_end(p0, pixels, FEW_PIXELS);
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal center = per_channel(shift, v);
            chains c;
            load_sums(&c, sums, vectors, v);
            ptrdiff_t p = p0;
            for (; p + FEW_PIXELS <= p1; p += FEW_PIXELS)
#pragma GCC unroll 4
                for (int i = 0; i < FEW_PIXELS; ++i)
                    add_square(&c, i % CHAINS, vload(y + y_at[p + i] + v * VL) - center);
            for (; p < p1; ++p)
                add_square(&c, 0, vload(y + y_at[p] + v * VL) - center);
            store_sums(sums, vectors, v, &c);
        }
    }
}

/* Sums of `count` channels over groups and existing lanes; `at` is the number of the first one's sum in a group. */
static void totals(double *total, const fcn_op *op, int buffer, const fcn_run *run, ptrdiff_t at,
                   ptrdiff_t count)
{
    const ptrdiff_t lanes = GROUP_IMAGES; /* of one channel */
    for (ptrdiff_t i = 0; i < count; ++i)
        total[i] = 0;
    for (ptrdiff_t g = 0; g < run->groups; ++g) {
        const real *sums = op_buffer(op, run, buffer, g) + at * lanes;
        for (ptrdiff_t lane = 0; lane < lanes && g * lanes + lane < run->batch; ++lane)
            for (ptrdiff_t i = 0; i < count; ++i)
                total[i] += (double)sums[i * lanes + lane];
    }
}

/* Buffers: state, sums, gamma, beta, running_mean, running_var, shift (the running mean, or what it was when it was
 * laid out in a padded row). Sizes: pixels, vectors, channels. Scalars: eps, momentum. */
void LANES(bn_finish)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    (void)task;
    const ptrdiff_t channels = op->size[2], row = row_size(op->size[1]);
    const double count = (double)run->batch * (double)op->size[0], eps = op->scalar[0],
                 momentum = op->scalar[1];
    real *state = op_buffer(op, run, 0, 0), *running_mean = op_buffer(op, run, 4, 0),
         *running_var = op_buffer(op, run, 5, 0);
    const real *gamma = op_buffer(op, run, 2, 0), *beta = op_buffer(op, run, 3, 0),
               *shift = op_buffer(op, run, 6, 0);
    double sums[VL], squares[VL];
    for (ptrdiff_t c = 0; c < channels; ++c) {
        const ptrdiff_t i = c % VL;
        if (i == 0) {
            totals(sums, op, 1, run, c, fcn_min(VL, channels - c));
            totals(squares, op, 1, run, row + c, fcn_min(VL, channels - c));
        }
        double shifted = sums[i] / count;
        double var = fmax(0.0, squares[i] / count - shifted * shifted);
        double mean = (double)shift[c] + shifted, invstd = 1 / sqrt(var + eps);
        double scale = invstd * (gamma ? (double)gamma[c] : 1.0);
        state[SCALE * row + c] = (real)scale;
        state[OFFSET * row + c] = (real)((beta ? (double)beta[c] : 0.0) - mean * scale);
        state[MEAN * row + c] = (real)mean;
        state[INVSTD * row + c] = (real)invstd;
        running_mean[c] += (real)(momentum * (mean - (double)running_mean[c]));
        running_var[c] += (real)(momentum * (var * count / (count - 1) - (double)running_var[c]));
    }
}

/* The state of evaluation, from the running statistics. Buffers, sizes and scalars as in bn_finish, but for the last
 * buffer: the bias of a convolution whose output this normalises, or NULL. Scale and offset then apply to the
 * convolution without it. */
void LANES(bn_fixed)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    (void)task;
    const ptrdiff_t channels = op->size[2], row = row_size(op->size[1]);
    real *state = op_buffer(op, run, 0, 0);
    const real *gamma = op_buffer(op, run, 2, 0), *beta = op_buffer(op, run, 3, 0);
    const real *running_mean = op_buffer(op, run, 4, 0), *running_var = op_buffer(op, run, 5, 0);
    const real *conv_bias = op_buffer(op, run, 6, 0);
    for (ptrdiff_t c = 0; c < channels; ++c) {
        double center = (double)running_mean[c] - (conv_bias ? (double)conv_bias[c] : 0.0);
        double scale = (gamma ? (double)gamma[c] : 1.0) / sqrt((double)running_var[c] + op->scalar[0]);
        state[SCALE * row + c] = (real)scale;
        state[OFFSET * row + c] = (real)((beta ? (double)beta[c] : 0.0) - center * scale);
    }
}

/* The gradient of a ReLU behind the normalisation counts where the ReLU let through: where z > 0 if z is given, else,
 * with `relu`, where y * scale + offset > 0. */
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

INLINE vreal relu_masked(const grad *f, relu_mask mask, vreal g, ptrdiff_t p, ptrdiff_t v, vreal y,
                         vreal scale, vreal offset)
{
    if (mask == MASK_BY_Z)
        return keep(vload(f->z + f->z_at[p] + v * VL) > 0, g);
    return mask == MASK_BY_Y ? keep(y * scale + offset > 0, g) : g;
}

INLINE void add_product(chains *c, const int chain, const grad *f, const relu_mask mask, ptrdiff_t p,
                        ptrdiff_t v, vreal center, vreal scale, vreal offset)
{
    const vreal value = vload(f->y + f->y_at[p] + v * VL);
    const vreal g = vload(f->g + f->g_at[p] + v * VL) * f->factor;
    const vreal masked = relu_masked(f, mask, g, p, v, value, scale, offset);
    c->sum[chain] += masked;
    c->products[chain] += masked * (value - center);
}

INLINE void grad_sums(const grad *f, const relu_mask mask)
{
    const ptrdiff_t vectors = f->vectors;
    real *sums = f->out;
    memset(sums, 0, (size_t)(2 * vectors * VL) * sizeof(real));
    for (ptrdiff_t p0 = 0, p1; p0 < f->pixels; p0 = p1) {
        p1 = tile_end(p0, f->pixels, FEW_PIXELS);
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

/* Buffers: sums [group][2][vectors][VL], g, y, state, z. Tables: g_at, y_at, z_at. Sizes: pixels, vectors, relu.
 * Scalars: factor of g. */
void LANES(bn_grad_sums)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
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

/* Buffers: state, sums, gamma, dgamma, dbeta (NULL without affine). Sizes: pixels, vectors, channels. */
void LANES(bn_grad_finish)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    (void)task;
    const ptrdiff_t channels = op->size[2], row = row_size(op->size[1]);
    const double count = (double)run->batch * (double)op->size[0];
    real *state = op_buffer(op, run, 0, 0), *dgamma = op_buffer(op, run, 3, 0),
         *dbeta = op_buffer(op, run, 4, 0);
    const real *gamma = op_buffer(op, run, 2, 0);
    double sums[VL], products[VL];
    for (ptrdiff_t c = 0; c < channels; ++c) {
        const ptrdiff_t i = c % VL;
        if (i == 0) {
            totals(sums, op, 1, run, c, fcn_min(VL, channels - c));
            totals(products, op, 1, run, row + c, fcn_min(VL, channels - c));
        }
        double invstd = (double)state[INVSTD * row + c], mean = (double)state[MEAN * row + c];
        double a = invstd * (gamma ? (double)gamma[c] : 1.0), b = -a * invstd * invstd * products[i] / count;
        state[GRAD_A * row + c] = (real)a;
        state[GRAD_B * row + c] = (real)b;
        state[GRAD_C * row + c] = (real)(-a * sums[i] / count - b * mean);
        if (dgamma)
            dgamma[c] = (real)(products[i] * invstd);
        if (dbeta)
            dbeta[c] = (real)sums[i];
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
            const vreal scale = state_row(f->state, SCALE, vectors, v),
                        offset = state_row(f->state, OFFSET, vectors, v);
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p) {
                vreal grad = vload(f->g + f->g_at[p] + v * VL), value = vload(f->y + f->y_at[p] + v * VL);
                grad = relu_masked(f, mask, grad, p, v, value, scale, offset);
                vreal result = a * grad + (b * value + shift);
                if (f->mask_by_y)
                    result = keep(value > 0, result);
                vstore(f->out + f->dy_at[p] + v * VL, result);
            }
        }
    }
}

/* Buffers: dy, g, y, state, z. Tables: dy_at, g_at, y_at, z_at. Sizes: pixels, vectors, relu, mask_by_y.
 * Scalars: factor of g. dy = A g + B y + C, with mask_by_y only where y > 0: y is behind a ReLU. */
void LANES(bn_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
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
