/* Batch normalisation, activation, dropout and max-pooling as one step, for windows that share no pixel.
 *
 * Equation  forward   z[p] = max over the taps of f((y - mean) * scale + offset) * dropout, with the winner's
 *                     number
 *           backward  g[tap] = factor * dz[p] f'(x) for the winner, from z[p] = f(x), else 0; sums and dy as
 *                     in batch_norm.c. With dropout f is ReLU: where an element was dropped, z and f' are 0
 * Method    The full-size output and its gradient are never written: both passes read y, which has to be kept
 *           anyway, and the pooled arrays.
 * Edges     Pixels that no window covers have g = 0, but batch normalisation gives them a gradient all the
 *           same.
 */
#include "common/activation.h"
#include "engine/batch_norm.h"
#include "engine/dropout.h"

typedef struct {
    stored *z;
    const stored *y;
    const real *state;
    lane_int *argmax;
    const int32_t *taps, *numbers; /* of one window */
    ptrdiff_t vectors;
    activation f;
    dropout_mask mask;
} window;

INLINE void apply_window(const window *w, const int count, const activation_kind kind, const int dropout)
{
    for (ptrdiff_t v = 0; v < w->vectors; ++v) {
        const vreal center = state_row(w->state, MEAN, w->vectors, v);
        const vreal scale = state_row(w->state, SCALE, w->vectors, v);
        const vreal offset = state_row(w->state, OFFSET, w->vectors, v);
        vreal best = {0};
        vint winner = {0};
#pragma GCC unroll 4
        for (int t = 0; t < count; ++t) {
            vreal value = (vload(w->y + w->taps[t] + v * VL) - center) * scale + offset;
            value = activated(&w->f, kind, value);
            if (dropout)
                value *= dropout_factor(&w->mask, v, w->numbers[t]);
            if (t == 0)
                best = value;
            else
                take_larger(&best, &winner, value, (vint){0} + t);
        }
        vstore(w->z + v * VL, best);
        if (w->argmax)
            memcpy(w->argmax + v * VL, &winner, sizeof(winner));
    }
}

void KERNEL(apply_pool)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_apply_pool *a = &op->apply_pool;
    const ptrdiff_t pixels = a->pixels, vectors = a->vectors, dropout = a->dropout;
    stored *z = of_group(&a->z, batch, group);
    lane_int *argmax = of_group(&a->argmax, batch, group);
    const int32_t *z_at = a->z_at, *first = a->first;
    window w = {
        .y = of_group(&a->y, batch, group),
        .state = the(&a->state),
        .vectors = vectors,
        .f = ACTIVATION_OF(a),
    };
    if (dropout)
        w.mask = dropout_of_group(a->p, batch->keys[dropout - 1], group, a->y_pixels);
    for (ptrdiff_t p = 0; p < pixels; ++p) {
        const int count = first[p + 1] - first[p];
        w.z = z + z_at[p];
        w.argmax = argmax ? argmax + p * vectors * VL : NULL;
        w.taps = a->taps + first[p];
        w.numbers = a->numbers + first[p];
        if (count == 4 && !dropout)
            BY_KIND(&w.f, apply_window(&w, 4, kind, 0));
        else
            BY_KIND(&w.f, apply_window(&w, count, kind, dropout != 0));
    }
}

typedef struct {
    const stored *dz, *y, *z;
    const lane_int *argmax;
    const int32_t *dz_at, *z_at, *first, *taps;
    ptrdiff_t vectors;
    vreal factor;
    activation f;
} source;

/* The gradient that the winner of window `p` gets. */
INLINE vreal winner_grad(const source *s, const activation_kind kind, ptrdiff_t p, ptrdiff_t v)
{
    vreal g = vload(s->dz + s->dz_at[p] + v * VL) * s->factor;
    return kind == NO_ACTIVATION ? g : activation_grad(&s->f, kind, g, vload(s->z + s->z_at[p] + v * VL));
}

INLINE vint winner_of(const source *s, ptrdiff_t p, ptrdiff_t v)
{
    vint winner;
    memcpy(&winner, s->argmax + (p * s->vectors + v) * VL, sizeof(winner));
    return winner;
}

/* y of the winner. */
INLINE vreal winner_value(const source *s, ptrdiff_t p, ptrdiff_t v, const int count)
{
    const int32_t *taps = s->taps + s->first[p];
    const vint winner = winner_of(s, p, v);
    vreal value = {0};
#pragma GCC unroll 4
    for (int t = 0; t < count; ++t)
        value += keep(winner == t, vload(s->y + taps[t] + v * VL));
    return value;
}

INLINE void grad_sums(const source *s, const activation_kind kind, real *sums, const real *state,
                      ptrdiff_t pixels)
{
    const ptrdiff_t vectors = s->vectors;
    for (ptrdiff_t begin = 0, end; begin < pixels; begin = end, sums += 2 * vectors * VL) {
        end = fcn_min(pixels, begin + FCN_SUM_BLOCK);
        memset(sums, 0, (size_t)(2 * vectors * VL) * sizeof(real));
        for (ptrdiff_t p0 = begin, p1; p0 < end; p0 = p1) {
            p1 = tile_end(p0, end, FEW_PIXELS);
            for (ptrdiff_t v = 0; v < vectors; ++v) {
                const vreal center = state_row(state, MEAN, vectors, v);
                vreal sum = rload(sums + v * VL), products = rload(sums + (vectors + v) * VL);
                for (ptrdiff_t p = p0; p < p1; ++p) {
                    const int count = s->first[p + 1] - s->first[p];
                    const vreal g = winner_grad(s, kind, p, v);
                    const vreal value = count == 4 ? winner_value(s, p, v, 4) : winner_value(s, p, v, count);
                    sum += g;
                    products += g * (value - center);
                }
                rstore(sums + v * VL, sum);
                rstore(sums + (vectors + v) * VL, products);
            }
        }
    }
}

void KERNEL(bn_pool_grad_sums)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_bn_pool_grad_sums *a = &op->bn_pool_grad_sums;
    real *sums = of_group(&a->sums, batch, group);
    const real *state = the(&a->state);
    const source s = {
        .dz = of_group(&a->dz, batch, group),
        .y = of_group(&a->y, batch, group),
        .z = of_group(&a->z, batch, group),
        .argmax = of_group(&a->argmax, batch, group),
        .dz_at = a->dz_at,
        .z_at = a->z_at,
        .first = a->first,
        .taps = a->taps,
        .vectors = a->vectors,
        .factor = vset((real)a->factor),
        .f = ACTIVATION_OF(a),
    };
    BY_KIND(&s.f, grad_sums(&s, kind, sums, state, a->pixels));
}

/* With `fixed` statistics B and C are 0, and y need not be finite. */
INLINE void input_grad_of(const source *s, const activation_kind kind, const struct fcn_bn_pool_grad *a,
                          stored *dy, vreal mask, const int fixed)
{
    const ptrdiff_t vectors = s->vectors;
    const real *state = the(&a->state);
    for (ptrdiff_t p = 0; p < a->pixels; ++p) {
        const int32_t *y_taps = s->taps + s->first[p], *dy_taps = a->dy_taps + s->first[p];
        const int count = s->first[p + 1] - s->first[p];
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal b = state_row(state, GRAD_B, vectors, v) * mask;
            const vreal shift = state_row(state, GRAD_C, vectors, v) * mask;
            const vreal center = state_row(state, MEAN, vectors, v);
            const vreal g = state_row(state, GRAD_A, vectors, v) * mask * winner_grad(s, kind, p, v);
            const vint winner = winner_of(s, p, v);
#pragma GCC unroll 4
            for (int t = 0; t < count; ++t) {
                vreal value = keep(winner == t, g);
                if (!fixed)
                    value += b * (vload(s->y + y_taps[t] + v * VL) - center) + shift;
                vstore(dy + dy_taps[t] + v * VL, value);
            }
        }
    }
}

INLINE void input_grad(const source *s, const activation_kind kind, const struct fcn_bn_pool_grad *a,
                       stored *dy, vreal mask)
{
    if (a->fixed)
        input_grad_of(s, kind, a, dy, mask, 1);
    else
        input_grad_of(s, kind, a, dy, mask, 0);
}

void KERNEL(bn_pool_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_bn_pool_grad *a = &op->bn_pool_grad;
    const ptrdiff_t vectors = a->vectors;
    stored *dy = of_group(&a->dy, batch, group);
    const real *state = the(&a->state);
    const vreal mask = lane_mask(batch, group);
    const source s = {
        .dz = of_group(&a->dz, batch, group),
        .y = of_group(&a->y, batch, group),
        .z = of_group(&a->z, batch, group),
        .argmax = of_group(&a->argmax, batch, group),
        .dz_at = a->dz_at,
        .z_at = a->z_at,
        .first = a->first,
        .taps = a->y_taps,
        .vectors = vectors,
        .factor = vset((real)a->factor),
        .f = ACTIVATION_OF(a),
    };
    BY_KIND(&s.f, input_grad(&s, kind, a, dy, mask));
    for (ptrdiff_t i = 0; i < a->rest; ++i)
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal b = state_row(state, GRAD_B, vectors, v) * mask;
            const vreal shift = state_row(state, GRAD_C, vectors, v) * mask;
            const vreal d = vload(s.y + a->y_rest[i] + v * VL) - state_row(state, MEAN, vectors, v);
            vstore(dy + a->dy_rest[i] + v * VL, a->fixed ? shift : b * d + shift);
        }
}
