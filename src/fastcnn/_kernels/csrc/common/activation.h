/* Activations in kernels, from the rows of activations.inc.
 *
 * Kinds   Loops are compiled for four kinds of activations: none, ReLU, two limits (ReLU6, Hardtanh),
 *         and any other, which is a call for each vector, or for all that follow each other. `kind` is a
 *         constant there, so that the others cost no call and no branch. PReLU, whose slopes are rows of
 *         numbers for channels, is leaky_relu with a row in the place of alpha: what can take one has loops
 *         for it, SLOPES, and others do not know it.
 */
#ifndef FCN_ACTIVATION_H
#define FCN_ACTIVATION_H

#include "common/vec.h"
#include "common/vlog.h"

/* The number of an activation: that of its row, from 1. */
enum {
    FCN_NO_ACTIVATION,
#define ACTIVATION(name, value, gradient) FCN_ACTIVATION_##name,
#include "common/activations.inc"
};

typedef enum { NO_ACTIVATION, CLIP, BETWEEN, ANY_ACTIVATION, SLOPES } activation_kind;

typedef struct {
    ptrdiff_t number;
    real alpha, beta;
} activation;

/* The activation of an operation, from its arguments. */
#define ACTIVATION_OF(a) ((activation){(a)->activation, (real)(a)->alpha, (real)(a)->beta})

static inline activation_kind kind_of(const activation *f)
{
    return f->number == FCN_NO_ACTIVATION         ? NO_ACTIVATION
           : f->number == FCN_ACTIVATION_relu     ? CLIP
           : f->number == FCN_ACTIVATION_hardtanh ? BETWEEN
                                                  : ANY_ACTIVATION;
}

/* Do a statement with `kind`, that of an activation, as a constant. */
#define BY_KIND(f, ...)                                                                                      \
    do {                                                                                                     \
        const activation_kind kind_ = kind_of(f);                                                            \
        if (kind_ == NO_ACTIVATION) {                                                                        \
            const activation_kind kind = NO_ACTIVATION;                                                      \
            __VA_ARGS__;                                                                                     \
        } else if (kind_ == CLIP) {                                                                          \
            const activation_kind kind = CLIP;                                                               \
            __VA_ARGS__;                                                                                     \
        } else if (kind_ == BETWEEN) {                                                                       \
            const activation_kind kind = BETWEEN;                                                            \
            __VA_ARGS__;                                                                                     \
        } else {                                                                                             \
            const activation_kind kind = ANY_ACTIVATION;                                                     \
            __VA_ARGS__;                                                                                     \
        }                                                                                                    \
    } while (0)

/* Whether the derivative can be taken from f's input as well as from its output. */
INLINE int of_either(const activation_kind kind) { return kind == CLIP || kind == BETWEEN; }

/* Whether f(0) may be another number than 0, or 0 times f'(0) be NaN. */
INLINE int changes_zero(const activation_kind kind)
{
    return kind == BETWEEN || kind == ANY_ACTIVATION || kind == SLOPES;
}

/* Parts of rows that are long. */

/* min(max(x, low), high); NaN propagates. */
INLINE vreal bounded(vreal x, vreal low, vreal high)
{
    x = pick(x < low, low, x);
    return pick(x > high, high, x);
}

INLINE vreal silu_grad(vreal g, vreal x)
{
    const vreal share = 1 / (1 + vexp(-x));
    return g * (share * (1 + x * (1 - share)));
}

/* tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2) with e = exp(x); beyond 20 that is 1. */
INLINE vreal mish_factor(vreal x)
{
    const vreal e = vexp(-vmax(vset(-20), -x)), part = e * (e + 2);
    return part / (part + 2);
}

INLINE vreal mish_grad(vreal g, vreal x)
{
    const vreal factor = mish_factor(x);
    return g * (factor + x * (1 - factor * factor) / (1 + vexp(-x)));
}

/* -2 sqrt(2 / pi) (x + 0.044715 x^3) */
INLINE vreal gelu_exponent(vreal x) { return (real)-1.5957691216057308 * x * (1 + (real)0.044715 * x * x); }

INLINE vreal gelu_tanh_grad(vreal g, vreal x)
{
    const vreal share = 1 / (1 + vexp(gelu_exponent(x)));
    const vreal slope = (real)1.5957691216057308 * (1 + (real)(3 * 0.044715) * x * x);
    return g * (share + x * slope * (share * (1 - share)));
}

/* x where x > 0, else slope x; a NaN is not above 0, and propagates. */
INLINE vreal sloped(vreal x, vreal slope) { return pick(x > (vreal){0}, x, slope * x); }

/* Its gradient with respect to x, and that to the slope, of which the sum over all elements is one. */
INLINE vreal sloped_grad(vreal g, vreal x, vreal slope) { return pick(x > (vreal){0}, g, slope * g); }
INLINE vreal slope_grad(vreal g, vreal x) { return keep(~(x > (vreal){0}), g * x); }

/* A call, lest the loops around it be compiled for the registers that all rows need. */
#define CALLED static __attribute__((noinline, unused))

CALLED vreal any_activation(const activation *f, vreal x)
{
    const vreal alpha = vset(f->alpha), beta = vset(f->beta);
    (void)alpha, (void)beta;
    switch (f->number) {
#define ACTIVATION(name, value, gradient)                                                                    \
    case FCN_ACTIVATION_##name:                                                                              \
        return value;
#include "common/activations.inc"
    }
    return x;
}

/* The same of `count` vectors that follow each other, in place: their number is looked at once. */
CALLED void activate(const activation *f, stored *values, ptrdiff_t count)
{
    const vreal alpha = vset(f->alpha), beta = vset(f->beta);
    (void)alpha, (void)beta;
    switch (f->number) {
#define ACTIVATION(name, value, gradient)                                                                    \
    case FCN_ACTIVATION_##name:                                                                              \
        for (ptrdiff_t i = 0; i < count; ++i) {                                                              \
            const vreal x = vload(values + i * VL);                                                          \
            vstore(values + i * VL, value);                                                                  \
        }                                                                                                    \
        break;
#include "common/activations.inc"
    }
}

CALLED vreal any_activation_grad(const activation *f, vreal g, vreal k)
{
    const vreal alpha = vset(f->alpha), beta = vset(f->beta);
    (void)alpha, (void)beta;
    switch (f->number) {
#define ACTIVATION(name, value, gradient)                                                                    \
    case FCN_ACTIVATION_##name:                                                                              \
        return gradient;
#include "common/activations.inc"
    }
    return g;
}

/* f(x) */
INLINE vreal activated(const activation *f, const activation_kind kind, vreal x)
{
    return kind == NO_ACTIVATION ? x
           : kind == CLIP        ? clip(x)
           : kind == BETWEEN     ? vmin(vset(f->beta), vmax(vset(f->alpha), x))
                                 : any_activation(f, x);
}

/* g f'(x), from k. */
INLINE vreal activation_grad(const activation *f, const activation_kind kind, vreal g, vreal k)
{
    return kind == NO_ACTIVATION ? g
           : kind == CLIP        ? keep(~(k <= 0), g)
           : kind == BETWEEN     ? keep((k > f->alpha) & (k < f->beta), g)
                                 : any_activation_grad(f, g, k);
}

#endif
