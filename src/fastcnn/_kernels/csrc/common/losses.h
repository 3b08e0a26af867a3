/* Losses of single elements in kernels, from the rows of losses.inc, and their sums.
 *
 * Sums    Of each sample, in double: a vector's elements are added lane by lane, then the lanes in order.
 * Edges   A sample of weight 0 counts for nothing, whatever its elements are.
 */
#ifndef FCN_LOSSES_H
#define FCN_LOSSES_H

#include "common/vec.h"
#include "common/vlog.h"

enum {
#define LOSS(name, value, gradient, other, refused) FCN_LOSS_##name,
#include "common/losses.inc"
};

typedef struct {
    ptrdiff_t number;
    real alpha, beta;
} loss_row;

/* What a row makes of a vector. */
typedef struct {
    vreal value, gradient, other;
    vint refused;
} loss_parts;

#define NOWHERE ((vint){0})

/* 1, 0 or -1; NaN stays NaN. */
INLINE vreal sign_of(vreal x) { return pick(x > 0, vset(1), pick(x < 0, vset(-1), x)); }

/* log(1 + exp(x)) */
INLINE vreal softplus_of(vreal x) { return clip(x) + vlog1p_of(vexp(-vabs(x))); }

/* 1 / (1 + exp(-x)) */
INLINE vreal share_of(vreal x) { return 1 / (1 + vexp(-x)); }

/* t log(t) - t + log(2 pi t) / 2 */
INLINE vreal stirling(vreal t) { return t * vlog(t) - t + (real)0.5 * vlog((real)6.2831853071795865 * t); }

static __attribute__((noinline, unused)) void any_loss(loss_parts *y, const loss_row *f, vreal x, vreal t,
                                                       vreal k, vreal g)
{
    const vreal alpha = vset(f->alpha), beta = vset(f->beta), d = x - t;
    switch (f->number) {
#define LOSS(name, value_, gradient_, other_, refused_)                                                      \
    case FCN_LOSS_##name:                                                                                    \
        y->value = value_;                                                                                   \
        y->gradient = gradient_;                                                                             \
        y->other = other_;                                                                                   \
        y->refused = refused_;                                                                               \
        break;
#include "common/losses.inc"
    }
    (void)alpha, (void)beta, (void)d;
}

/* What was added in each lane: losses, and the number of elements that were refused. */
typedef struct {
    double loss[VL], refused[VL];
} loss_sums;

/* The losses of a vector times `weight`, added to the sums; gradients are besides times `scale`. All are 0
 * where not `counts`. */
INLINE void take_losses(loss_parts *y, loss_sums *sums, const loss_row *f, vreal x, vreal t, vreal k,
                        vreal weight, vreal scale, vint counts)
{
    any_loss(y, f, x, t, k, weight * scale);
    y->value = keep(counts, y->value * weight);
    y->gradient = keep(counts, y->gradient);
    y->other = keep(counts, y->other);
    y->refused &= counts;
    real values[VL];
    lane_int refused[VL];
    rstore(values, y->value);
    memcpy(refused, &y->refused, sizeof(refused));
    for (int i = 0; i < VL; ++i) {
        sums->loss[i] += (double)values[i];
        sums->refused[i] -= (double)refused[i];
    }
}

#endif
