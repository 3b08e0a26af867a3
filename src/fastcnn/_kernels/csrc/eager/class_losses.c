/* Losses of classes with their gradients in one pass: cross-entropy, negative log-likelihood, margins.
 *
 * Equation  cross-entropy with p = softmax(x), targets q (one-hot or probabilities, smoothed by
 *           (1 - s) q + s / C) and class weights w:
 *                              loss = -sum_c w_c q_c log p_c    dx_c = p_c sum_k w_k q_k - w_c q_c
 *           log-likelihood:    loss = -w_t x_t                  dx_t = -w_t
 *           margins, p 1 or 2: loss = sum_(c != t) h_c^p w_t / C with h_c = max(0, margin - x_t + x_c)
 *                              dx_c = p h_c^(p - 1) w_t / C where h_c > 0, dx_t = -sum_(c != t) dx_c
 *           for a target t.
 * Layout    x, dx (outer, classes, inner); losses, target (outer, inner), and as x if it is probabilities;
 *           weight (classes), share (outer), the weight of each sample, or NULL. Losses and gradients are
 *           multiplied by the share, gradients by `scale` too, which is 1 / n for the mean of n losses.
 * Method    See common/class_losses.h, and softmax.c on what fills the lanes of vectors.
 * Threads   Over rows.
 * Edges     The maximum is subtracted first, so nothing overflows. What counts for nothing has loss and
 *           gradient 0 whatever its numbers are: a target that is ignore_index, one whose class has weight 0
 *           (in cross-entropy without smoothing), a sample of weight 0. A class that is NaN has no margin.
 *           The caller has checked the targets.
 */
#include "common/class_losses.h"
#include "eager/eager.h"
#include "eager/grid.h"

typedef enum { CROSS_ENTROPY, NLL, MULTI_MARGIN } loss_kind;

/* The targets are the labels `target`, or if that is NULL the probabilities `soft`. */
typedef struct {
    double *losses;
    void *dx;
    const void *x;
    const int64_t *target;
    const void *soft;
    const double *share;
    grid g;
    class_loss loss;
} loss_args;

INLINE void loss_row_of(const loss_args *a, ptrdiff_t i, const loss_kind loss, const row_kind kind)
{
    row dx = row_of(a->dx, &a->g, i), x = row_of(a->x, &a->g, i);
    const row soft = a->soft ? row_of(a->soft, &a->g, i) : (row){0};
    const ptrdiff_t sample = first_sample(&a->g, i), outer = i / a->g.blocks;
    row_samples s = {.count = kind == CLASSES_IN_LANES ? 1 : x.lanes, .step = 1};
    s.label = a->target ? a->target + sample : NULL;
    for (ptrdiff_t k = 0; k < s.count; ++k)
        s.share[k] = a->share ? a->share[outer] : 1;
    if (loss == CROSS_ENTROPY)
        row_cross_entropy(&dx, &x, &soft, &s, &a->loss, 0, kind);
    else if (loss == NLL)
        row_nll(&dx, &x, &s, &a->loss, 0, kind);
    else
        row_multi_margin(&dx, &x, &s, &a->loss, 0, kind);
    memcpy(a->losses + sample, s.loss, (size_t)s.count * sizeof(double));
}

INLINE void loss_rows(const loss_args *a, ptrdiff_t first, ptrdiff_t last, const loss_kind loss)
{
    for (ptrdiff_t i = first; i < last; ++i)
        if (a->g.inner == 1)
            loss_row_of(a, i, loss, CLASSES_IN_LANES);
        else
            loss_row_of(a, i, loss, SAMPLES_IN_LANES);
}

static void cross_entropy_rows(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    loss_rows(args, first, last, CROSS_ENTROPY);
}

static void nll_rows(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    loss_rows(args, first, last, NLL);
}

static void multi_margin_rows(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    loss_rows(args, first, last, MULTI_MARGIN);
}

static void run(fcn_loop *rows, const loss_args *a)
{
    fcn_parallel_for(a->g.outer * a->g.blocks, row_elements(&a->g), fcn_get_threads(), rows, a);
}

void FCN(cross_entropy)(double *losses, void *dx, const void *x, const int64_t *target, const void *soft,
                        const void *weight, const double *share, ptrdiff_t outer, ptrdiff_t classes,
                        ptrdiff_t inner, int64_t ignore_index, double smoothing, double scale)
{
    OWN_FLOAT_MODE;
    const class_loss loss = {
        .weight = (stored *)weight, .ignore_index = ignore_index, .smoothing = smoothing, .scale = scale};
    const loss_args a = {losses, dx, x, target, soft, share, grid_of(outer, classes, inner), loss};
    run(cross_entropy_rows, &a);
}

void FCN(nll_loss)(double *losses, void *dx, const void *x, const int64_t *target, const void *weight,
                   const double *share, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                   int64_t ignore_index, double scale)
{
    OWN_FLOAT_MODE;
    const class_loss loss = {.weight = (stored *)weight, .ignore_index = ignore_index, .scale = scale};
    const loss_args a = {losses, dx, x, target, NULL, share, grid_of(outer, classes, inner), loss};
    run(nll_rows, &a);
}

void FCN(multi_margin_loss)(double *losses, void *dx, const void *x, const int64_t *target,
                            const void *weight, const double *share, ptrdiff_t outer, ptrdiff_t classes,
                            ptrdiff_t power, double margin, double scale)
{
    OWN_FLOAT_MODE;
    const class_loss loss = {
        .weight = (stored *)weight, .ignore_index = -1, .power = power, .margin = margin, .scale = scale};
    const loss_args a = {losses, dx, x, target, NULL, share, grid_of(outer, classes, 1), loss};
    run(multi_margin_rows, &a);
}
