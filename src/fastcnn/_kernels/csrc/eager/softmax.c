/* Softmax and log-softmax.
 *
 * Equation  p_c = exp(x_c - max) / sum_k exp(x_k - max)      log p_c = x_c - max - log sum_k exp(x_k - max)
 *           softmax:     dx_c = p_c (dy_c - sum_k dy_k p_k)
 *           log-softmax: dx_c = dy_c - p_c sum_k dy_k
 * Layout    x, y, dy, dx (outer, classes, inner)
 * Method    See common/softmax.h. If the classes of a sample are neighbours (inner = 1) they fill the lanes
 *           of vectors, otherwise neighbouring samples do.
 * Threads   Over rows.
 * Edges     The maximum is subtracted first, so nothing overflows. Without classes there is nothing to write.
 */
#include "common/softmax.h"
#include "eager/eager.h"
#include "eager/grid.h"

/* In the backward pass y and x are dx and dy, and `output` is y. */
typedef struct {
    void *y;
    const void *x, *output;
    grid g;
    int log;
} softmax_args;

static void softmax_rows(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const softmax_args a = *(const softmax_args *)args;
    for (ptrdiff_t i = first; i < last; ++i) {
        row y = row_of(a.y, &a.g, i), x = row_of(a.x, &a.g, i);
        if (a.g.inner == 1)
            row_softmax(&y, &x, CLASSES_IN_LANES, a.log);
        else
            row_softmax(&y, &x, SAMPLES_IN_LANES, a.log);
    }
}

static void softmax_grad_rows(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const softmax_args a = *(const softmax_args *)args;
    for (ptrdiff_t i = first; i < last; ++i) {
        row dx = row_of(a.y, &a.g, i), dy = row_of(a.x, &a.g, i), y = row_of(a.output, &a.g, i);
        if (a.g.inner == 1)
            row_softmax_grad(&dx, &dy, &y, CLASSES_IN_LANES, a.log);
        else
            row_softmax_grad(&dx, &dy, &y, SAMPLES_IN_LANES, a.log);
    }
}

void FCN(softmax)(void *y, const void *x, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner, int log)
{
    OWN_FLOAT_MODE;
    if (!classes)
        return;
    const softmax_args a = {y, x, NULL, grid_of(outer, classes, inner), log};
    fcn_parallel_for(outer * a.g.blocks, row_elements(&a.g), fcn_get_threads(), softmax_rows, &a);
}

void FCN(softmax_backward)(void *dx, const void *dy, const void *y, ptrdiff_t outer, ptrdiff_t classes,
                           ptrdiff_t inner, int log)
{
    OWN_FLOAT_MODE;
    if (!classes)
        return;
    const softmax_args a = {dx, dy, y, grid_of(outer, classes, inner), log};
    fcn_parallel_for(outer * a.g.blocks, row_elements(&a.g), fcn_get_threads(), softmax_grad_rows, &a);
}
