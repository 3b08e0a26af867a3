/* Values of another element type, and weights as they would be stored.
 *
 * Equation  widen          wide[p][c] = x[p][c]
 *           narrow         x[p][c] = wide[p][c], rounded
 *           round_weights  rounded[i] = weight[i], rounded
 * Layout    see program.h; wide holds numbers as they are summed, in the same layout.
 * Edges     Only the channels of a pixel are written: what stands beside them may be another value.
 */
#include "engine/kernel.h"

void KERNEL(widen)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_widen *a = &op->widen;
    real *wide = of_group(&a->wide, batch, group);
    const stored *x = of_group(&a->x, batch, group);
    for (ptrdiff_t p = 0; p < a->pixels; ++p) {
        real *to = wide + a->wide_at[p];
        const stored *from = x + a->x_at[p];
        ptrdiff_t c = 0;
        for (; c + VL <= a->channels; c += VL)
            rstore(to + c, vload(from + c));
        for (; c < a->channels; ++c)
            to[c] = value_of(from + c);
    }
}

void KERNEL(narrow)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_narrow *a = &op->narrow;
    stored *x = of_group(&a->x, batch, group);
    const real *wide = of_group(&a->wide, batch, group);
    for (ptrdiff_t p = 0; p < a->pixels; ++p) {
        stored *to = x + a->x_at[p];
        const real *from = wide + a->wide_at[p];
        ptrdiff_t c = 0;
        for (; c + VL <= a->channels; c += VL)
            vstore(to + c, rload(from + c));
        for (; c < a->channels; ++c)
            set_value(to + c, from[c]);
    }
}

void KERNEL(round_weights)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_round_weights *a = &op->round_weights;
    const ptrdiff_t first = task * FCN_TASK_TOTALS, last = fcn_min(first + FCN_TASK_TOTALS, a->count);
    real *to = the(&a->rounded);
    const real *from = the(&a->weight);
    (void)batch;
    ptrdiff_t i = first;
    for (; i + VL <= last; i += VL)
        rstore(to + i, rounded(rload(from + i)));
    for (; i < last; ++i)
        to[i] = rounded(vset(from[i]))[0];
}
