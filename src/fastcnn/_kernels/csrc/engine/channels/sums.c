/* Sums over slots in the layout "channels". */
#include "engine/kernel.h"

/* out[place[i]] = sum over slots of sums[slot][i] */
void KERNEL(total)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_total *a = &op->total;
    const real *sums[FCN_MOST_SLOTS];
    const ptrdiff_t slots = all_sums(op, &a->sums, batch, sums);
    const ptrdiff_t first = task * FCN_TASK_TOTALS, last = fcn_min(a->count, first + FCN_TASK_TOTALS);
    real *out = the(&a->out);
    for (ptrdiff_t i = first; i < last; ++i) {
        real total = sums[0][i];
        for (ptrdiff_t slot = 1; slot < slots; ++slot)
            total += sums[slot][i];
        out[a->place[i]] = total;
    }
}

/* out[i] = sum over slots of sums[slot][i], of whole vectors */
void KERNEL(slot_sum)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_slot_sum *a = &op->slot_sum;
    const real *sums[FCN_MOST_SLOTS];
    const ptrdiff_t slots = all_sums(op, &a->sums, batch, sums);
    const ptrdiff_t first = task * FCN_TASK_TOTALS, last = fcn_min(a->count, first + FCN_TASK_TOTALS);
    real *out = the(&a->out);
    for (ptrdiff_t i = first; i < last; i += VL) {
        vreal total = rload(sums[0] + i);
        for (ptrdiff_t slot = 1; slot < slots; ++slot)
            total += rload(sums[slot] + i);
        rstore(out + i, total);
    }
}
