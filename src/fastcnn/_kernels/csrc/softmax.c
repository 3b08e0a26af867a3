/* Softmax, log-softmax and cross-entropy with its gradient in one pass.
 *
 * Equation  p_c = exp(x_c - max) / sum_k exp(x_k - max)         log p_c = x_c - max - log sum_k exp(x_k - max)
 *           softmax:     dx_c = p_c (dy_c - sum_k dy_k p_k)
 *           log-softmax: dx_c = dy_c - p_c sum_k dy_k
 *           cross-entropy with targets q (one-hot or probabilities, smoothed by (1 - s) q + s / C) and class
 *           weights w:   loss = -sum_c w_c q_c log p_c         dx_c = p_c sum_k w_k q_k - w_c q_c
 * Layout    x, y, dy, dx (outer, classes, inner); losses, target (outer, inner); weight (classes) or NULL.
 *           `scale` multiplies the gradient (1 / the divisor of the mean).
 * Method    see softmax.h: classes that are neighbours fill the lanes of vectors, else samples do.
 * Edges     The maximum is taken out first, so nothing overflows; a row of ignore_index has loss and gradient 0.
 *           Targets were checked by the caller.
 */
#include "softmax.h"

/* The rows of an (outer, classes, inner) array: with inner = 1 one for each sample, else VL samples at a time. */
typedef struct {
    ptrdiff_t outer, classes, inner, blocks;
} grid;

static grid grid_of(ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner)
{
    return (grid){outer, classes, inner, inner == 1 ? 1 : fcn_divide_up(inner, VL)};
}

/* The number of the first sample of row i. */
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

void FCN(softmax)(void *y_, const void *x_, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner, int log)
{
    const grid g = grid_of(outer, classes, inner);
    FCN_PARALLEL_FOR(fcn_threads_for(outer * classes * inner))
    for (ptrdiff_t i = 0; i < outer * g.blocks; ++i) {
        row y = row_of(y_, &g, i), x = row_of(x_, &g, i);
        if (inner == 1)
            row_softmax(&y, &x, TOGETHER, log);
        else
            row_softmax(&y, &x, APART, log);
    }
}

void FCN(softmax_backward)(void *dx_, const void *dy_, const void *y_, ptrdiff_t outer, ptrdiff_t classes,
                           ptrdiff_t inner, int log)
{
    const grid g = grid_of(outer, classes, inner);
    FCN_PARALLEL_FOR(fcn_threads_for(outer * classes * inner))
    for (ptrdiff_t i = 0; i < outer * g.blocks; ++i) {
        row dx = row_of(dx_, &g, i), dy = row_of(dy_, &g, i), y = row_of(y_, &g, i);
        if (inner == 1)
            row_softmax_grad(&dx, &dy, &y, TOGETHER, log);
        else
            row_softmax_grad(&dx, &dy, &y, APART, log);
    }
}

/* `target` are labels, or NULL with probabilities `soft`. */
static void cross_entropy(double *losses, void *dlogits, const void *logits, const int64_t *target,
                          const void *soft, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                          const loss_options *options)
{
    const grid g = grid_of(outer, classes, inner);
    FCN_PARALLEL_FOR(fcn_threads_for(outer * classes * inner))
    for (ptrdiff_t i = 0; i < outer * g.blocks; ++i) {
        row dx = row_of(dlogits, &g, i), x = row_of(logits, &g, i);
        const row q = soft ? row_of(soft, &g, i) : (row){0};
        const ptrdiff_t sample = first_sample(&g, i);
        const int64_t *label = target ? target + sample : NULL;
        if (inner == 1)
            row_cross_entropy(losses + sample, NULL, 1, &dx, &x, label, &q, options, 1, TOGETHER);
        else
            row_cross_entropy(losses + sample, NULL, 1, &dx, &x, label, &q, options, x.lanes, APART);
    }
}

void FCN(cross_entropy)(double *losses, void *dlogits, const void *logits, const int64_t *target,
                        const void *weight, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                        int64_t ignore_index, double smoothing, double scale)
{
    const loss_options options = {(real *)weight, ignore_index, smoothing, scale};
    cross_entropy(losses, dlogits, logits, target, NULL, outer, classes, inner, &options);
}

void FCN(cross_entropy_soft)(double *losses, void *dlogits, const void *logits, const void *target,
                             const void *weight, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                             double smoothing, double scale)
{
    const loss_options options = {(real *)weight, 0, smoothing, scale};
    cross_entropy(losses, dlogits, logits, NULL, target, outer, classes, inner, &options);
}
