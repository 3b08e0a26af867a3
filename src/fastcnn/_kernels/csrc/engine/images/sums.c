/* Sums over slots and lanes in the layout "images". */
#include "engine/kernel.h"

/* out[place[i]] = sum over slots and lanes of sums[slot][i] */
void KERNEL(total)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_total *a = &op->total;
    const real *sums[FCN_MOST_SLOTS];
    const ptrdiff_t slots = all_sums(op, &a->sums, batch, sums);
    const ptrdiff_t first = task * FCN_TASK_TOTALS, last = fcn_min(a->count, first + FCN_TASK_TOTALS);
    real *out = the(&a->out);
    for (ptrdiff_t i = first; i < last; i += VL) {
        vreal vectors[VL] = {{0}};
        const ptrdiff_t valid = fcn_min(VL, last - i);
        for (ptrdiff_t v = 0; v < valid; ++v) {
            vectors[v] = rload(sums[0] + (i + v) * VL);
            for (ptrdiff_t slot = 1; slot < slots; ++slot)
                vectors[v] += rload(sums[slot] + (i + v) * VL);
        }
        real totals[VL];
        rstore(totals, sum_each(vectors));
        for (ptrdiff_t v = 0; v < valid; ++v)
            out[a->place[i + v]] = totals[v];
    }
}
