/* Batch normalisation, ReLU, dropout and max-pooling as one step, for windows that share no pixel.
 *
 * Equation  forward   z[p] = max over the taps of relu((y - mean) * scale + offset) * dropout, with the winner's number
 *           backward  g[tap] = factor * dz[p] for the winner where z[p] > 0, else 0; sums and dy as in lanes_norm.c
 * Method    The full-size output and its gradient are never written: both passes read y, which has to be kept
 *           anyway, and the pooled arrays.
 * Edges     Pixels that no window covers have g = 0, but batch normalisation gives them a gradient all the same.
 */
#include "engine/dropout.h"

typedef struct {
    real *z;
    const real *y, *state;
    lane_int *argmax;
    const int32_t *taps, *numbers; /* of one window */
    ptrdiff_t vectors;
    dropout_mask mask;
} window;

INLINE void apply_window(const window *w, const int count, const int relu, const int dropout)
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
            if (relu)
                value = clip(value);
            if (dropout)
                value *= dropout_factor(&w->mask, v, w->numbers[t]);
            if (t == 0) {
                best = value;
                continue;
            }
            vint better = (value > best) | (value != value);
            best = pick(better, value, best);
            winner = (better & t) | (~better & winner);
        }
        vstore(w->z + v * VL, best);
        if (w->argmax)
            memcpy(w->argmax + v * VL, &winner, sizeof(winner));
    }
}

/* Buffers: z, y, state, argmax (or NULL). Tables: z_at, first, taps, pixel number of each tap.
 * Sizes: pixels of z, vectors, relu, number of the dropout layer + 1 or 0, pixels of y. Scalars: p of dropout. */
void KERNEL(apply_pool)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1], dropout = op->size[3];
    const int relu = (int)op->size[2];
    real *z = op_buffer(op, run, 0, group);
    lane_int *argmax = (lane_int *)op_buffer(op, run, 3, group);
    const int32_t *z_at = op->table[0], *first = op->table[1];
    window w = {
        .y = op_buffer(op, run, 1, group),
        .state = op_buffer(op, run, 2, 0),
        .vectors = vectors,
    };
    if (dropout)
        w.mask = dropout_of_group(op->scalar[0], run->keys[dropout - 1], group, op->size[4]);
    for (ptrdiff_t p = 0; p < pixels; ++p) {
        const int count = first[p + 1] - first[p];
        w.z = z + z_at[p];
        w.argmax = argmax ? argmax + p * vectors * VL : NULL;
        w.taps = op->table[2] + first[p];
        w.numbers = op->table[3] + first[p];
        if (count == 4 && relu && !dropout)
            apply_window(&w, 4, 1, 0);
        else
            apply_window(&w, count, relu, dropout != 0);
    }
}

typedef struct {
    const real *dz, *y, *z;
    const lane_int *argmax;
    const int32_t *dz_at, *z_at, *first, *taps;
    ptrdiff_t vectors;
    vreal factor;
    int relu;
} source;

/* The gradient that the winner of window `p` gets. */
INLINE vreal winner_grad(const source *s, ptrdiff_t p, ptrdiff_t v)
{
    vreal g = vload(s->dz + s->dz_at[p] + v * VL) * s->factor;
    return s->relu ? keep(vload(s->z + s->z_at[p] + v * VL) > 0, g) : g;
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

/* Buffers: sums [group][block][2][vectors][VL], dz, y, state, z, argmax. Tables: dz_at, z_at, first, taps (of y).
 * Sizes: pixels of z, vectors, relu. Scalars: factor of dz. */
void KERNEL(bn_pool_grad_sums)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1];
    real *sums = op_buffer(op, run, 0, group);
    const real *state = op_buffer(op, run, 3, 0);
    const source s = {
        .dz = op_buffer(op, run, 1, group),
        .y = op_buffer(op, run, 2, group),
        .z = op_buffer(op, run, 4, group),
        .argmax = (const lane_int *)op_buffer(op, run, 5, group),
        .dz_at = op->table[0],
        .z_at = op->table[1],
        .first = op->table[2],
        .taps = op->table[3],
        .vectors = vectors,
        .factor = vset((real)op->scalar[0]),
        .relu = (int)op->size[2],
    };
    for (ptrdiff_t begin = 0, end; begin < pixels; begin = end, sums += 2 * vectors * VL) {
        end = fcn_min(pixels, begin + FCN_SUM_BLOCK);
        memset(sums, 0, (size_t)(2 * vectors * VL) * sizeof(real));
        for (ptrdiff_t p0 = begin, p1; p0 < end; p0 = p1) {
            p1 = tile_end(p0, end, FEW_PIXELS);
            for (ptrdiff_t v = 0; v < vectors; ++v) {
                const vreal center = state_row(state, MEAN, vectors, v);
                vreal sum = vload(sums + v * VL), products = vload(sums + (vectors + v) * VL);
                for (ptrdiff_t p = p0; p < p1; ++p) {
                    const int count = s.first[p + 1] - s.first[p];
                    const vreal g = winner_grad(&s, p, v);
                    const vreal value =
                        count == 4 ? winner_value(&s, p, v, 4) : winner_value(&s, p, v, count);
                    sum += g;
                    products += g * (value - center);
                }
                vstore(sums + v * VL, sum);
                vstore(sums + (vectors + v) * VL, products);
            }
        }
    }
}

/* Buffers: dy, dz, y, state, z, argmax. Tables: dz_at, z_at, first, taps (of y), taps (of dy), uncovered pixels (of
 * y, then of dy). Sizes: pixels of z, vectors, relu, uncovered pixels. Scalars: factor of dz. */
void KERNEL(bn_pool_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1], uncovered = op->size[3];
    real *dy = op_buffer(op, run, 0, group);
    const real *y = op_buffer(op, run, 2, group), *state = op_buffer(op, run, 3, 0);
    const int32_t *first = op->table[2], *rest = op->table[5];
    const vreal mask = lane_mask(run, group);
    const source s = {
        .dz = op_buffer(op, run, 1, group),
        .z = op_buffer(op, run, 4, group),
        .argmax = (const lane_int *)op_buffer(op, run, 5, group),
        .dz_at = op->table[0],
        .z_at = op->table[1],
        .vectors = vectors,
        .factor = vset((real)op->scalar[0]),
        .relu = (int)op->size[2],
    };
    for (ptrdiff_t p = 0; p < pixels; ++p) {
        const int32_t *y_taps = op->table[3] + first[p], *dy_taps = op->table[4] + first[p];
        const int count = first[p + 1] - first[p];
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal b = state_row(state, GRAD_B, vectors, v) * mask;
            const vreal shift = state_row(state, GRAD_C, vectors, v) * mask;
            const vreal center = state_row(state, MEAN, vectors, v);
            const vreal g = state_row(state, GRAD_A, vectors, v) * mask * winner_grad(&s, p, v);
            const vint winner = winner_of(&s, p, v);
#pragma GCC unroll 4
            for (int t = 0; t < count; ++t) {
                vreal value = b * (vload(y + y_taps[t] + v * VL) - center) + shift;
                vstore(dy + dy_taps[t] + v * VL, value + keep(winner == t, g));
            }
        }
    }
    for (ptrdiff_t i = 0; i < uncovered; ++i)
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal b = state_row(state, GRAD_B, vectors, v) * mask;
            const vreal shift = state_row(state, GRAD_C, vectors, v) * mask;
            const vreal d = vload(y + rest[i] + v * VL) - state_row(state, MEAN, vectors, v);
            vstore(dy + rest[uncovered + i] + v * VL, b * d + shift);
        }
}
