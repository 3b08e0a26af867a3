/* Rectification with a slope for each channel: y = x where x > 0, else slope x; dx = g where x > 0, else
 * slope g. The gradient of slopes is in sums.c. Slopes are a row of numbers for each channel. A NaN of x is
 * not above 0, and propagates. */
#include "engine/kernel.h"

/* z = y where y > 0, else slope * y */
void KERNEL(prelu)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_prelu *a = &op->prelu;
    stored *z = of_group(&a->z, batch, group);
    const stored *y = of_group(&a->y, batch, group);
    const real *slopes = the(&a->slope);
    const vreal zero = {0};
    for (ptrdiff_t p0 = 0, p1; p0 < a->pixels; p0 = p1) {
        p1 = tile_end(p0, a->pixels, FEW_PIXELS);
        for (ptrdiff_t v = 0; v < a->vectors; ++v) {
            const vreal slope = per_channel(slopes, v);
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p) {
                const vreal value = vload(y + a->y_at[p] + v * VL);
                vstore(z + a->z_at[p] + v * VL, pick(value > zero, value, slope * value));
            }
        }
    }
}

/* dx = g where y > 0, else slope * g */
void KERNEL(prelu_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_prelu_grad *a = &op->prelu_grad;
    stored *dx = of_group(&a->dx, batch, group);
    const stored *g = of_group(&a->g, batch, group), *y = of_group(&a->y, batch, group);
    const real *slopes = the(&a->slope);
    const vreal zero = {0};
    for (ptrdiff_t p0 = 0, p1; p0 < a->pixels; p0 = p1) {
        p1 = tile_end(p0, a->pixels, FEW_PIXELS);
        for (ptrdiff_t v = 0; v < a->vectors; ++v) {
            const vreal slope = per_channel(slopes, v);
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p) {
                const vreal grad = vload(g + a->g_at[p] + v * VL);
                const vint passed = vload(y + a->y_at[p] + v * VL) > zero;
                vstore(dx + a->dx_at[p] + v * VL, pick(passed, grad, slope * grad));
            }
        }
    }
}
