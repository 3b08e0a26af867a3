/* Softmax, log-softmax and cross-entropy with its gradient in one pass.
 *
 * Equation  p_c = exp(x_c - max) / sum_k exp(x_k - max)         log p_c = x_c - max - log sum_k exp(x_k - max)
 *           softmax:     dx_c = p_c (dy_c - sum_k dy_k p_k)
 *           log-softmax: dx_c = dy_c - p_c sum_k dy_k
 *           cross-entropy with targets q (one-hot or probabilities, smoothed by (1 - s) q + s / C) and class
 *           weights w:   loss = -sum_c w_c q_c log p_c         dx_c = p_c sum_k w_k q_k - w_c q_c
 * Layout    x, y, dy, dx (outer, classes, inner); losses, target (outer, inner); weight (classes) or NULL.
 *           `scale` multiplies the gradient (1 / the divisor of the mean).
 * Edges     The maximum is taken out first, so nothing overflows; a row of ignore_index has loss and gradient 0.
 *           Targets were checked by the caller.
 */
#include "kernels.h"
#include <math.h>

#if defined(FCN_IS_F32)
#define EXP expf
#define LOG logf
#else
#define EXP exp
#define LOG log
#endif

typedef struct {
    real max, log_sum;
} normaliser;

/* The maximum of one row (classes `stride` apart) and log sum exp(x - max). */
static inline normaliser row_normaliser(const real *x, ptrdiff_t classes, ptrdiff_t stride)
{
    normaliser n = {x[0], 0};
    real sum = 0;
    for (ptrdiff_t c = 1; c < classes; ++c)
        if (x[c * stride] > n.max || x[c * stride] != x[c * stride])
            n.max = x[c * stride];
    for (ptrdiff_t c = 0; c < classes; ++c)
        sum += EXP(x[c * stride] - n.max);
    n.log_sum = LOG(sum);
    return n;
}

void FCN(softmax)(void *y_, const void *x_, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner, int log)
{
    real *y = y_;
    const real *x = x_;
    FCN_PARALLEL_FOR(fcn_threads_for(outer * classes * inner))
    for (ptrdiff_t row = 0; row < outer * inner; ++row) {
        ptrdiff_t at = row / inner * classes * inner + row % inner;
        normaliser n = row_normaliser(x + at, classes, inner);
        for (ptrdiff_t c = 0; c < classes; ++c) {
            real log_p = x[at + c * inner] - n.max - n.log_sum;
            y[at + c * inner] = log ? log_p : EXP(log_p);
        }
    }
}

void FCN(softmax_backward)(void *dx_, const void *dy_, const void *y_, ptrdiff_t outer, ptrdiff_t classes,
                           ptrdiff_t inner, int log)
{
    real *dx = dx_;
    const real *dy = dy_, *y = y_;
    FCN_PARALLEL_FOR(fcn_threads_for(outer * classes * inner))
    for (ptrdiff_t row = 0; row < outer * inner; ++row) {
        ptrdiff_t at = row / inner * classes * inner + row % inner;
        real sum = 0;
        for (ptrdiff_t c = 0; c < classes; ++c)
            sum += log ? dy[at + c * inner] : dy[at + c * inner] * y[at + c * inner];
        for (ptrdiff_t i = at; i < at + classes * inner; i += inner)
            dx[i] = log ? dy[i] - EXP(y[i]) * sum : y[i] * (dy[i] - sum);
    }
}

void FCN(cross_entropy)(double *losses, void *dlogits_, const void *logits_, const int64_t *target,
                        const void *weight_, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                        int64_t ignore_index, double smoothing, double scale)
{
    real *dlogits = dlogits_;
    const real *logits = logits_, *weight = weight_;
    const real smooth = (real)(smoothing / (double)classes);
    double total_weight = 0;
    for (ptrdiff_t c = 0; c < classes; ++c)
        total_weight += weight ? (double)weight[c] : 1.0;
    FCN_PARALLEL_FOR(fcn_threads_for(outer * classes * inner))
    for (ptrdiff_t row = 0; row < outer * inner; ++row) {
        const real *x = logits + row / inner * classes * inner + row % inner;
        real *dx = dlogits + (x - logits);
        int64_t label = target[row];
        losses[row] = 0;
        if (label == ignore_index) {
            for (ptrdiff_t c = 0; c < classes; ++c)
                dx[c * inner] = 0;
            continue;
        }
        normaliser n = row_normaliser(x, classes, inner);
        real hard = (real)(1 - smoothing) * (weight ? weight[label] : 1);
        real mass = hard + smooth * (real)total_weight;
        double loss = 0;
        for (ptrdiff_t c = 0; c < classes; ++c) {
            real log_p = x[c * inner] - n.max - n.log_sum;
            real share = (c == label ? hard : 0) + (smooth != 0 ? smooth * (weight ? weight[c] : 1) : 0);
            if (share != 0)
                loss -= (double)share * (double)log_p;
            dx[c * inner] = (real)scale * (EXP(log_p) * mass - share);
        }
        losses[row] = loss;
    }
}

void FCN(cross_entropy_soft)(double *losses, void *dlogits_, const void *logits_, const void *target_,
                             const void *weight_, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                             double smoothing, double scale)
{
    real *dlogits = dlogits_;
    const real *logits = logits_, *target = target_, *weight = weight_;
    const real smooth = (real)(smoothing / (double)classes);
    FCN_PARALLEL_FOR(fcn_threads_for(outer * classes * inner))
    for (ptrdiff_t row = 0; row < outer * inner; ++row) {
        ptrdiff_t at = row / inner * classes * inner + row % inner;
        normaliser n = row_normaliser(logits + at, classes, inner);
        real mass = 0;
        for (ptrdiff_t c = 0, i = at; c < classes; ++c, i += inner)
            mass += (target[i] * (real)(1 - smoothing) + smooth) * (weight ? weight[c] : 1);
        double loss = 0;
        for (ptrdiff_t c = 0, i = at; c < classes; ++c, i += inner) {
            real log_p = logits[i] - n.max - n.log_sum;
            real share = (target[i] * (real)(1 - smoothing) + smooth) * (weight ? weight[c] : 1);
            if (share != 0)
                loss -= (double)share * (double)log_p;
            dlogits[i] = (real)scale * (EXP(log_p) * mass - share);
        }
        losses[row] = loss;
    }
}
