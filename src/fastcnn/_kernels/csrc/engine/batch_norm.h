/* What the kernels of batch normalisation share: its state, and sums over the batch. */
#ifndef FCN_BATCH_NORM_H
#define FCN_BATCH_NORM_H

#include "engine/kernel.h"

/* Rows of the state, row_size(vectors) reals each: forward z = (y - mean) * scale + offset, backward
 * dy = a g + b (y - mean) + c. What rounding the mean leaves of it is mean_rest. */
enum { SCALE, OFFSET, MEAN, MEAN_REST, INVSTD, GRAD_A, GRAD_B, GRAD_C, STATE_ROWS };

static inline vreal state_row(const real *state, int row, ptrdiff_t vectors, ptrdiff_t vector)
{
    return per_channel(state + row * row_size(vectors), vector);
}

/* A task of an operation on the state takes VL channels. */
static inline ptrdiff_t channels_of_task(ptrdiff_t task, ptrdiff_t channels)
{
    return fcn_min(VL, channels - task * VL);
}

/* Partial sums that one channel's pixels take turns to be added to: in "channels" all pixels of an image
 * follow each other, and each addition would wait for the one before. */
#ifdef FCN_LAYOUT_CHANNELS
#define PARTIALS 4
#else
#define PARTIALS 1
#endif

/* A sum and a second one, kept in registers over a tile. */
typedef struct {
    vreal sum[PARTIALS], products[PARTIALS];
} partials;

INLINE void load_sums(partials *c, const real *sums, ptrdiff_t vectors, ptrdiff_t v)
{
    *c = (partials){{rload(sums + v * VL)}, {rload(sums + (vectors + v) * VL)}};
}

INLINE void store_sums(real *sums, ptrdiff_t vectors, ptrdiff_t v, partials *c)
{
#pragma GCC unroll 4
    for (int i = 1; i < PARTIALS; ++i) {
        c->sum[0] += c->sum[i];
        c->products[0] += c->products[i];
    }
    rstore(sums + v * VL, c->sum[0]);
    rstore(sums + (vectors + v) * VL, c->products[0]);
}

#endif
