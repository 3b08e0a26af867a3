/* Interpolation and padding in the engine's layouts: pixels that are weighted sums of others, or one number.
 *
 * Equation  resample: z[p] = sum over its taps of weight[tap] * x[tap]; fill: z[p] = value
 * Layout    see program.h. The taps of output pixel p are taps[first[p]] .. taps[first[p + 1] - 1]. The
 *           gradient is the same with transposed lists, so that each of its pixels is written once, in one
 *           order of terms.
 * Edges     The sum of no taps is 0. Without weights all of them are 1. fill leaves alone what is beside the
 *           channels, for `value` may be infinite, and readers multiply that by 0.
 */
#include "engine/kernel.h"

/* Of halves, where the taps are many, lest digits be lost in a long sum. */
static vreal sum_of_taps(const stored *x, const int32_t *taps, const real *weight, ptrdiff_t count)
{
    const ptrdiff_t half = count / 2;
    if (count > 128)
        return sum_of_taps(x, taps, weight, half) +
               sum_of_taps(x, taps + half, weight ? weight + half : NULL, count - half);
    vreal sum = {0};
    if (weight)
        for (ptrdiff_t t = 0; t < count; ++t)
            sum += vload(x + taps[t]) * weight[t];
    else
        for (ptrdiff_t t = 0; t < count; ++t)
            sum += vload(x + taps[t]);
    return sum;
}

void KERNEL(resample)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_resample *a = &op->resample;
    stored *z = of_group(&a->z, batch, group);
    const stored *x = of_group(&a->x, batch, group);
    const real *weight = the(&a->weight);
    for (ptrdiff_t p = 0; p < a->pixels; ++p) {
        const ptrdiff_t first = a->first[p], count = a->first[p + 1] - first;
        for (ptrdiff_t v = 0; v < a->vectors; ++v)
            vstore(z + a->z_at[p] + v * VL,
                   sum_of_taps(x + v * VL, a->taps + first, weight ? weight + first : NULL, count));
    }
}

void KERNEL(fill)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_fill *a = &op->fill;
    stored *z = of_group(&a->z, batch, group);
    for (ptrdiff_t p = 0; p < a->pixels; ++p)
        for (ptrdiff_t i = 0; i < a->channels * GROUP_IMAGES; ++i)
            set_value(z + a->z_at[p] + i, (real)a->value);
}
