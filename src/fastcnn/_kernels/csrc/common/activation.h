/* Activations in kernels, from the rows of activations.inc.
 *
 * Kinds   Loops are compiled for three kinds of activations: none, ReLU, and any other, which is a call for
 *         each vector. `kind` is a constant there, so that the first two cost no call and no branch.
 */
#ifndef FCN_ACTIVATION_H
#define FCN_ACTIVATION_H

#include "common/vec.h"
#include "common/vexp.h"

#include <math.h>

/* The number of an activation: that of its row, from 1. */
enum {
    FCN_NO_ACTIVATION,
#define ACTIVATION(name, value, gradient) FCN_ACTIVATION_##name,
#include "common/activations.inc"
};

typedef enum { NO_ACTIVATION, CLIP, ANY_ACTIVATION } activation_kind;

typedef struct {
    ptrdiff_t number;
    real alpha, beta;
} activation;

/* The activation of an operation, from its arguments. */
#define ACTIVATION_OF(a) ((activation){(a)->activation, (real)(a)->alpha, (real)(a)->beta})

static inline activation_kind kind_of(const activation *f)
{
    return f->number == FCN_NO_ACTIVATION     ? NO_ACTIVATION
           : f->number == FCN_ACTIVATION_relu ? CLIP
                                              : ANY_ACTIVATION;
}

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
    return kind == NO_ACTIVATION ? x : kind == CLIP ? clip(x) : any_activation(f, x);
}

/* g f'(x), from k. */
INLINE vreal activation_grad(const activation *f, const activation_kind kind, vreal g, vreal k)
{
    return kind == NO_ACTIVATION ? g : kind == CLIP ? keep(~(k <= 0), g) : any_activation_grad(f, g, k);
}

#endif
