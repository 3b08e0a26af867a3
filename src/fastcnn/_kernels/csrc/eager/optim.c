/* Steps of optimizers: one pass over the arrays of one parameter, which are updated in place.
 *
 * Equation  SGD:   g += weight_decay p;  b = momentum b + (1 - dampening) g (b = g in the first step);
 *                  p -= lr b             (nesterov: p -= lr (g + momentum b))
 *           Adam:  m += (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g^2;
 *                  p -= lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)
 *                  Weight decay is added to g (Adam) or shrinks p by lr weight_decay first (AdamW).
 *           Kingma and Ba, "Adam" (2015).
 *           Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019).
 *           dw[o][k] = sum_n dy[n][o] x[n][k], the gradient of a linear layer's weights, for some elements in
 *           the order of memory: a step that has the factors need not have the whole gradient in memory.
 *           largest = max |x[i]|, infinite if one of them is not finite.
 * Threads   None: optim.pyx cuts all parameters of a step into chunks, which threads share.
 * Edges     momentum_buffer and max_exp_avg_sq may be NULL if momentum and amsgrad are off. With maximize the
 *           gradient is negated first. Factors are of one image or more. The largest of none is 0.
 */
#include "eager/eager.h"
#include <math.h>
#include <string.h>

#if FCN_REAL_BYTES == 4
#define SQRT sqrtf
typedef int32_t bits;
#else
#define SQRT sqrt
typedef int64_t bits;
#endif

/* The loops are compiled with and without a decay: 0 times an infinite parameter would be NaN. */
INLINE void sgd_loop(real *restrict param, real *restrict buffer, const real *restrict grad, const fcn_sgd *o,
                     ptrdiff_t size, const int decays)
{
    const real sign = o->maximize ? -1 : 1, decay = (real)o->weight_decay, lr = (real)o->lr;
    const real momentum = (real)o->momentum, fresh = o->first_step ? 1 : (real)(1 - o->dampening);
    const real kept = o->first_step ? 0 : momentum;
    if (!buffer) {
        for (ptrdiff_t i = 0; i < size; ++i)
            param[i] -= lr * (decays ? sign * grad[i] + decay * param[i] : sign * grad[i]);
        return;
    }
    for (ptrdiff_t i = 0; i < size; ++i) {
        real g = decays ? sign * grad[i] + decay * param[i] : sign * grad[i];
        real b = kept * buffer[i] + fresh * g;
        buffer[i] = b;
        param[i] -= lr * (o->nesterov ? g + momentum * b : b);
    }
}

void FCN(sgd_step)(void *param, void *momentum_buffer, const void *grad, const fcn_sgd *o, ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    if (o->weight_decay != 0)
        sgd_loop(param, momentum_buffer, grad, o, size, 1);
    else
        sgd_loop(param, momentum_buffer, grad, o, size, 0);
}

INLINE void adam_loop(real *restrict param, real *restrict m, real *restrict v, real *restrict top,
                      const real *restrict grad, const fcn_adam *o, ptrdiff_t size, const int coupled)
{
    const real sign = o->maximize ? -1 : 1, decay = (real)o->weight_decay;
    const real shrink = o->decoupled ? (real)(1 - o->lr * o->weight_decay) : 1;
    const real fresh1 = (real)(1 - o->beta1), beta2 = (real)o->beta2, fresh2 = (real)(1 - o->beta2);
    const real step = (real)(o->lr / o->bias_correction1), root = (real)sqrt(o->bias_correction2);
    const real eps = (real)o->eps;
    for (ptrdiff_t i = 0; i < size; ++i) {
        real p = param[i] * shrink, g = coupled ? sign * grad[i] + decay * p : sign * grad[i];
        real mean = m[i] + fresh1 * (g - m[i]), square = beta2 * v[i] + fresh2 * g * g;
        m[i] = mean;
        v[i] = square;
        if (o->amsgrad) {
            square = top[i] > square ? top[i] : square;
            top[i] = square;
        }
        param[i] = p - step * mean / (SQRT(square) / root + eps);
    }
}

void FCN(adam_step)(void *param, void *exp_avg, void *exp_avg_sq, void *max_exp_avg_sq, const void *grad,
                    const fcn_adam *o, ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    if (!o->decoupled && o->weight_decay != 0)
        adam_loop(param, exp_avg, exp_avg_sq, max_exp_avg_sq, grad, o, size, 1);
    else
        adam_loop(param, exp_avg, exp_avg_sq, max_exp_avg_sq, grad, o, size, 0);
}

void FCN(gradient_of_factors)(void *dweight_, const void *dy_, const void *x_, ptrdiff_t batch,
                              ptrdiff_t outputs, ptrdiff_t depth, ptrdiff_t first, ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    real *restrict dweight = dweight_;
    for (ptrdiff_t done = 0, length; done < size; done += length) {
        const ptrdiff_t o = (first + done) / depth, k = (first + done) % depth;
        const real *restrict dy = (const real *)dy_ + o, *restrict x = (const real *)x_ + k;
        length = fcn_min(size - done, depth - k);
        for (ptrdiff_t i = 0; i < length; ++i)
            dweight[done + i] = dy[0] * x[i];
        for (ptrdiff_t n = 1; n < batch; ++n)
            for (ptrdiff_t i = 0; i < length; ++i)
                dweight[done + i] += dy[n * outputs] * x[n * depth + i];
    }
}

double FCN(largest)(const void *x_, ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    /* Without their sign, numbers are ordered as the integers of their bits; infinity and NaN come last. */
    const bits magnitude = (bits)(((uint64_t)1 << (8 * sizeof(bits) - 1)) - 1);
    const real *x = x_;
    bits most = 0;
    for (ptrdiff_t i = 0; i < size; ++i) {
        bits each;
        memcpy(&each, &x[i], sizeof(each));
        each &= magnitude;
        most = each > most ? each : most;
    }
    real found;
    memcpy(&found, &most, sizeof(found));
    return isfinite(found) ? (double)found : HUGE_VAL;
}
