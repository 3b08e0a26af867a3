/* Max and average pooling in the engine's layouts.
 *
 * Equation  max: z[p] = the largest x[tap], the first of equals, NaN wins; average: z[p] = factor[p] * sum
 *           x[tap]
 * Layout    see program.h. The taps of output pixel p are taps[first[p]] .. taps[first[p + 1] - 1]. Those
 *           outside of the image are left out, but for a padding whose zeros take part in the maximum: it is
 *           in the halo. argmax holds the number of the winning tap in its window.
 * Edges     Overlapping windows accumulate in the gradient; a tap of -1 in the gradient's table is in the
 *           halo, and its gradient is dropped. The maximum of no taps is -inf.
 */
#include "common/activation.h"
#include "engine/kernel.h"

typedef struct {
    stored *z;
    const stored *x;
    lane_int *argmax;
    const int32_t *z_at, *first, *taps;
    ptrdiff_t vectors;
} windows;

/* The maxima of the windows p0 .. p1 - 1, all of `count` taps; usual numbers of them are constants. */
INLINE void maxima(const windows *w, ptrdiff_t p0, ptrdiff_t p1, const int count, const int numbered)
{
    const stored *x = w->x;
    const int32_t *taps = w->taps + w->first[p0], *z_at = w->z_at;
    const ptrdiff_t vectors = w->vectors;
    for (ptrdiff_t p = p0; p < p1; ++p, taps += count) {
        stored *z = w->z + z_at[p];
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            vreal best = vload(x + taps[0] + v * VL);
            vint winner = {0};
#pragma GCC unroll 8
            for (int t = 1; t < count; ++t) {
                const vreal value = vload(x + taps[t] + v * VL);
                if (numbered)
                    take_larger(&best, &winner, value, (vint){0} + t);
                else
                    best = larger(value, best);
            }
            vstore(z + v * VL, best);
            if (numbered)
                memcpy(w->argmax + (p * vectors + v) * VL, &winner, sizeof(winner));
        }
    }
}

INLINE void maxima_of_any(const windows *w, ptrdiff_t p0, ptrdiff_t p1, int count, const int numbered)
{
    if (count == 4)
        maxima(w, p0, p1, 4, numbered);
    else if (count == 9)
        maxima(w, p0, p1, 9, numbered);
    else
        maxima(w, p0, p1, count, numbered);
}

void KERNEL(max_pool)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_max_pool *a = &op->max_pool;
    const int32_t *first = a->first;
    const windows w = {
        .z = of_group(&a->z, batch, group),
        .x = of_group(&a->x, batch, group),
        .argmax = of_group(&a->argmax, batch, group),
        .z_at = a->z_at,
        .first = first,
        .taps = a->taps,
        .vectors = a->vectors,
    };
    for (ptrdiff_t p = 0, end; p < a->pixels; p = end) {
        const int count = first[p + 1] - first[p];
        for (end = p + 1; end < a->pixels && first[end + 1] - first[end] == count;)
            ++end;
        if (count && w.argmax)
            maxima_of_any(&w, p, end, count, 1);
        else if (count)
            maxima_of_any(&w, p, end, count, 0);
        else /* no tap: whatever argmax is, no gradient goes anywhere */
            for (ptrdiff_t q = p; q < end; ++q)
                for (ptrdiff_t i = 0; i < a->channels * GROUP_IMAGES; ++i)
                    set_value(w.z + w.z_at[q] + i, (real)-INFINITY);
    }
}

static void clear(stored *x, const int32_t *x_at, ptrdiff_t pixels, ptrdiff_t vectors)
{
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t v = 0; v < vectors; ++v)
            vstore(x + x_at[p] + v * VL, (vreal){0});
}

/* Give each tap of a window its share of the gradient: all of it, or with `winner` that of the lanes that it
 * won. */
INLINE void spread(stored *dx, const int32_t *window, const int count, vreal grad, const vint *winner,
                   const int exclusive)
{
#pragma GCC unroll 9
    for (int t = 0; t < count; ++t) {
        if (window[t] < 0)
            continue;
        const vreal share = winner ? keep(*winner == t, grad) : grad;
        vstore(dx + window[t], exclusive ? share : vload(dx + window[t]) + share);
    }
}

/* The gradients of windows, with z through the activation that made x. */
INLINE void spread_all(const struct fcn_max_pool_grad *a, stored *dx, const stored *dz, const stored *z,
                       const lane_int *argmax, const activation_kind kind, const activation *f)
{
    const ptrdiff_t vectors = a->vectors;
    const int32_t *dz_at = a->dz_at, *z_at = a->z_at;
    const int exclusive = (int)a->exclusive;
    const vreal factor = vset((real)a->factor);
    for (ptrdiff_t p = 0; p < a->pixels; ++p) {
        const int32_t *window = a->taps + a->first[p];
        const int count = a->first[p + 1] - a->first[p];
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            vreal grad = vload(dz + dz_at[p] + v * VL) * factor;
            vint winner;
            memcpy(&winner, argmax + (p * vectors + v) * VL, sizeof(winner));
            if (kind != NO_ACTIVATION)
                grad = activation_grad(f, kind, grad, vload(z + z_at[p] + v * VL));
            if (count == 4 && exclusive)
                spread(dx + v * VL, window, 4, grad, &winner, 1);
            else if (count == 9 && !exclusive)
                spread(dx + v * VL, window, 9, grad, &winner, 0);
            else
                spread(dx + v * VL, window, count, grad, &winner, exclusive);
        }
    }
}

void KERNEL(max_pool_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_max_pool_grad *a = &op->max_pool_grad;
    stored *dx = of_group(&a->dx, batch, group);
    const stored *dz = of_group(&a->dz, batch, group), *z = of_group(&a->z, batch, group);
    const lane_int *argmax = of_group(&a->argmax, batch, group);
    clear(dx, a->cleared, a->cleared_pixels, a->vectors);
    const activation f = z ? ACTIVATION_OF(a) : (activation){FCN_NO_ACTIVATION, 0, 0};
    BY_KIND(&f, spread_all(a, dx, dz, z, argmax, kind, &f));
}

/* The sum of x at some taps: of halves, where they are many, lest digits be lost in a long one. */
static vreal sum_of_taps(const stored *x, const int32_t *taps, ptrdiff_t count)
{
    const ptrdiff_t half = count / 2;
    if (count > 128)
        return sum_of_taps(x, taps, half) + sum_of_taps(x, taps + half, count - half);
    vreal sum = {0};
    for (ptrdiff_t t = 0; t < count; ++t)
        sum += vload(x + taps[t]);
    return sum;
}

void KERNEL(avg_pool)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_avg_pool *a = &op->avg_pool;
    const ptrdiff_t pixels = a->pixels, vectors = a->vectors;
    stored *z = of_group(&a->z, batch, group);
    const stored *x = of_group(&a->x, batch, group);
    const real *factor = the(&a->factor);
    const int32_t *z_at = a->z_at, *first = a->first, *taps = a->taps;
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const vreal sum = sum_of_taps(x + v * VL, taps + first[p], first[p + 1] - first[p]);
            vstore(z + z_at[p] + v * VL, sum * factor[p]);
        }
}

void KERNEL(avg_pool_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_avg_pool_grad *a = &op->avg_pool_grad;
    const ptrdiff_t pixels = a->pixels, vectors = a->vectors;
    stored *dx = of_group(&a->dx, batch, group);
    const stored *dz = of_group(&a->dz, batch, group);
    const real *factor = the(&a->factor);
    const int32_t *dz_at = a->dz_at, *first = a->first, *taps = a->taps;
    const int exclusive = (int)a->exclusive;
    clear(dx, a->cleared, a->cleared_pixels, vectors);
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t v = 0; v < vectors; ++v)
            spread(dx + v * VL, taps + first[p], first[p + 1] - first[p],
                   vload(dz + dz_at[p] + v * VL) * factor[p], NULL, exclusive);
}
