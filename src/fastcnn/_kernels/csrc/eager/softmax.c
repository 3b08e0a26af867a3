/* Softmax, log-softmax and cross-entropy with its gradient in one pass.
 *
 * Equation  p_c = exp(x_c - max) / sum_k exp(x_k - max)      log p_c = x_c - max - log sum_k exp(x_k - max)
 *           softmax:     dx_c = p_c (dy_c - sum_k dy_k p_k)
 *           log-softmax: dx_c = dy_c - p_c sum_k dy_k
 *           cross-entropy with targets q (one-hot or probabilities, smoothed by (1 - s) q + s / C) and class
 *           weights w:   loss = -sum_c w_c q_c log p_c         dx_c = p_c sum_k w_k q_k - w_c q_c
 * Layout    x, y, dy, dx (outer, classes, inner); losses, target (outer, inner); weight (classes) or NULL.
 *           The gradient is multiplied by `scale`, which is 1 / n for the mean of n losses.
 * Method    See common/softmax.h. If the classes of a sample are neighbours (inner = 1) they fill the lanes
 *           of vectors, otherwise neighbouring samples do.
 * Threads   Over rows.
 * Edges     The maximum is subtracted first, so nothing overflows. A sample whose target is ignore_index, or
 *           a class of weight 0 without smoothing, has loss and gradient 0 whatever its logits are. The
 *           caller has checked the targets.
 */
#include "common/softmax.h"
#include "eager/eager.h"

/* The rows (common/rows.h) of an (outer, classes, inner) array: one for each sample if inner is 1, and else
 * one for up to VL neighbouring samples. */
typedef struct {
    ptrdiff_t outer, classes, inner;
    ptrdiff_t blocks; /* rows for each outer index */
} grid;

static grid grid_of(ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner)
{
    return (grid){outer, classes, inner, inner == 1 ? 1 : fcn_divide_up(inner, VL)};
}

/* The index of the first sample of row i. */
static ptrdiff_t first_sample(const grid *g, ptrdiff_t i)
{
    return i / g->blocks * g->inner + i % g->blocks * VL;
}

static row row_of(const void *data, const grid *g, ptrdiff_t i)
{
    const ptrdiff_t at = i / g->blocks * g->classes * g->inner + i % g->blocks * VL;
    return (row){
        .data = (real *)data + at,
        .step = g->inner,
        .classes = g->classes,
        .lanes = fcn_min(VL, g->inner - i % g->blocks * VL),
        .end = (const real *)data + g->outer * g->classes * g->inner,
    };
}

/* How many elements a row is worth to fcn_parallel_for. */
static double row_elements(const grid *g) { return (double)g->classes * (g->inner == 1 ? 1 : VL); }

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
    const softmax_args a = {y, x, NULL, grid_of(outer, classes, inner), log};
    fcn_parallel_for(outer * a.g.blocks, row_elements(&a.g), fcn_get_threads(), softmax_rows, &a);
}

void FCN(softmax_backward)(void *dx, const void *dy, const void *y, ptrdiff_t outer, ptrdiff_t classes,
                           ptrdiff_t inner, int log)
{
    OWN_FLOAT_MODE;
    const softmax_args a = {dx, dy, y, grid_of(outer, classes, inner), log};
    fcn_parallel_for(outer * a.g.blocks, row_elements(&a.g), fcn_get_threads(), softmax_grad_rows, &a);
}

/* The targets are the labels `target`, or if that is NULL the probabilities `soft`. */
typedef struct {
    double *losses;
    void *dlogits;
    const void *logits;
    const int64_t *target;
    const void *soft;
    grid g;
    loss_options options;
} loss_args;

static void cross_entropy_rows(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const loss_args a = *(const loss_args *)args;
    for (ptrdiff_t i = first; i < last; ++i) {
        row dx = row_of(a.dlogits, &a.g, i), x = row_of(a.logits, &a.g, i);
        const row q = a.soft ? row_of(a.soft, &a.g, i) : (row){0};
        const ptrdiff_t sample = first_sample(&a.g, i);
        const int64_t *label = a.target ? a.target + sample : NULL;
        double *losses = a.losses + sample;
        if (a.g.inner == 1)
            row_cross_entropy(losses, NULL, 1, &dx, &x, label, &q, &a.options, 1, CLASSES_IN_LANES);
        else
            row_cross_entropy(losses, NULL, 1, &dx, &x, label, &q, &a.options, x.lanes, SAMPLES_IN_LANES);
    }
}

static void cross_entropy(const loss_args *a)
{
    fcn_parallel_for(a->g.outer * a->g.blocks, row_elements(&a->g), fcn_get_threads(), cross_entropy_rows, a);
}

void FCN(cross_entropy)(double *losses, void *dlogits, const void *logits, const int64_t *target,
                        const void *weight, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                        int64_t ignore_index, double smoothing, double scale)
{
    OWN_FLOAT_MODE;
    cross_entropy(&(loss_args){losses,
                               dlogits,
                               logits,
                               target,
                               NULL,
                               grid_of(outer, classes, inner),
                               {(real *)weight, ignore_index, smoothing, scale}});
}

void FCN(cross_entropy_soft)(double *losses, void *dlogits, const void *logits, const void *target,
                             const void *weight, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                             double smoothing, double scale)
{
    OWN_FLOAT_MODE;
    cross_entropy(&(loss_args){losses,
                               dlogits,
                               logits,
                               NULL,
                               target,
                               grid_of(outer, classes, inner),
                               {(real *)weight, 0, smoothing, scale}});
}
