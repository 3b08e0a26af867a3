/* Losses of single elements with their gradients in one pass.
 *
 * Equation  losses = weight share f(x, t), dx = scale weight share f'(x, t); the rows f of common/losses.inc.
 *           sums[n] = the sum of the losses of sample n, and how many of its elements f refuses
 * Layout    x, t, losses, dx, and k, dk (a second input and its gradient) and weight, each of which may be
 *           NULL: (samples, size); share (samples), the weight of each sample, or NULL.
 * Method    See common/losses.h.
 * Threads   Over samples.
 * Edges     A sample of weight 0 has losses and gradients 0. Arrays may be empty.
 */
#include "common/losses.h"
#include "common/rows.h"
#include "eager/eager.h"
#include "eager/parts.h"

typedef struct {
    double *sums;
    real *losses, *dx, *dk;
    const real *x, *t, *k, *weight;
    const double *share;
    ptrdiff_t size;
    loss_row row;
    double scale;
} loss_args;

/* The `count` numbers from x on, or ones if there are none. */
static vreal load_or_ones(const real *x, ptrdiff_t i, ptrdiff_t count)
{
    return x ? load_part(x + i, count) : vset(1);
}

static void loss_samples(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const loss_args a = *(const loss_args *)args;
    for (ptrdiff_t n = first; n < last; ++n) {
        const double share = a.share ? a.share[n] : 1;
        const vint counted = (vint){0} - (lane_int)((real)share != 0);
        const vreal scale = vset((real)a.scale);
        loss_sums sums = {{0}, {0}};
        for (ptrdiff_t i = n * a.size, end = i + a.size; i < end; i += VL) {
            const ptrdiff_t count = fcn_min(VL, end - i);
            const vreal weight = load_or_ones(a.weight, i, count) * (real)share;
            const vint lanes = counted & ((vint){FIRST_LANES} < (lane_int)count);
            loss_parts y;
            take_losses(&y, &sums, &a.row, load_part(a.x + i, count), load_part(a.t + i, count),
                        load_or_ones(a.k, i, count), weight, scale, lanes);
            store_part(a.dx + i, y.gradient, count);
            if (a.losses)
                store_part(a.losses + i, y.value, count);
            if (a.dk)
                store_part(a.dk + i, y.other, count);
        }
        a.sums[2 * n] = a.sums[2 * n + 1] = 0;
        for (int i = 0; i < VL; ++i) {
            a.sums[2 * n] += sums.loss[i];
            a.sums[2 * n + 1] += sums.refused[i];
        }
    }
}

void FCN(elementwise_loss)(double *sums, void *losses, void *dx, void *dk, const void *x, const void *t,
                           const void *k, const void *weight, const double *share, ptrdiff_t samples,
                           ptrdiff_t size, int number, double alpha, double beta, double scale)
{
    OWN_FLOAT_MODE;
    const loss_args a = {
        sums, losses, dx, dk, x, t, k, weight, share, size, {number, (real)alpha, (real)beta}, scale};
    fcn_parallel_for(samples, (double)size, fcn_get_threads(), loss_samples, &a);
}
