/* Steps of optimizers: one pass over the arrays of one parameter, which are updated in place.
 *
 * Equation  With g the gradient, negated by `maximize`, plus weight_decay p; where the decay is decoupled,
 *           and in Lion and Muon, p is multiplied by 1 - lr weight_decay first instead.
 *           m += (1 - beta1) (g - m),  v = beta2 v + (1 - beta2) g^2,  c_i = 1 - beta_i^t:
 *           SGD       b = momentum b + (1 - dampening) g (b = g in the first step);
 *                     p -= lr b                   (nesterov: p -= lr (g + momentum b))
 *           Adam      p -= lr / c_1 m / (sqrt(v / c_2) + eps)
 *           NAdam     p -= (grad_rate g + mean_rate m) / (sqrt(v / c_2) + eps)
 *           RAdam     p -= rate m / (sqrt(v) + eps), or rate m in the first steps
 *           Adamax    u = max(beta2 u, |g| + eps);  p -= rate m / u
 *           RMSprop   v = alpha v + (1 - alpha) g^2;  d = g / (sqrt(v - mean^2) + eps), mean 0 or that of g;
 *                     b = momentum b + d;  p -= lr b
 *           Adagrad   s += g^2;  p -= rate g / (sqrt(s) + eps)
 *           Adadelta  v as in RMSprop;  x = sqrt(d + eps) / sqrt(v + eps) g;  d = rho d + (1 - rho) x^2;
 *                     p -= lr x
 *           Lion      p -= lr sign(m + (1 - beta1) (g - m));  m += (1 - beta2) (g - m)
 *           Muon      b += (1 - momentum) (g - b);  u = b (nesterov: g + momentum (b - g)), which
 *                     optim/muon.py makes orthogonal;  p -= rate u
 *           average   p += share (x - p);  total  p += x
 *           What depends on the step alone (rate, grad_rate, mean_rate) is computed by the classes, which
 *           name the papers.
 *           dw[o][k] = sum_n dy[n][o] x[n][k], the gradient of a linear layer's weights, for some elements in
 *           the order of memory: a step that has the factors need not have the whole gradient in memory.
 *           largest = max |x[i]|, infinite if one of them is not finite.
 * Threads   None: optim.pyx cuts all parameters of a step into chunks, which threads share.
 * Edges     Arrays that options switch off are NULL: momentum buffers, RMSprop's mean, max_exp_avg_sq. The
 *           variance of RMSprop, a difference, is 0 where rounding makes it less. Factors are of one image or
 *           more. The largest of none is 0.
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

/* A step of an optimizer: a = arrays, o = numbers. */
#define STEP(name)                                                                                           \
    static void FCN(name##_step)(const fcn_##name##_arrays *a, const fcn_##name##_numbers *o,                \
                                 const real *restrict grad, ptrdiff_t size)
/* The same, compiled with and without a decay that is added to the gradient: 0 times an infinite parameter
 * would be NaN. */
#define STEP_WITH_DECAY(name, decays)                                                                        \
    INLINE void FCN(name##_loop)(const fcn_##name##_arrays *a, const fcn_##name##_numbers *o,                \
                                 const real *restrict grad, ptrdiff_t size, const int coupled);              \
    STEP(name)                                                                                               \
    {                                                                                                        \
        if (decays)                                                                                          \
            FCN(name##_loop)(a, o, grad, size, 1);                                                           \
        else                                                                                                 \
            FCN(name##_loop)(a, o, grad, size, 0);                                                           \
    }                                                                                                        \
    INLINE void FCN(name##_loop)(const fcn_##name##_arrays *a, const fcn_##name##_numbers *o,                \
                                 const real *restrict grad, ptrdiff_t size, const int coupled)
#define GRADIENT(p) (coupled ? sign * grad[i] + decay * (p) : sign * grad[i])

STEP_WITH_DECAY(sgd, o->weight_decay != 0)
{
    real *restrict param = a->param, *restrict buffer = a->momentum_buffer;
    const real sign = o->maximize ? -1 : 1, decay = (real)o->weight_decay, lr = (real)o->lr;
    const int first_step = o->first_step != 0, nesterov = o->nesterov != 0;
    const real momentum = (real)o->momentum, fresh = first_step ? 1 : (real)(1 - o->dampening);
    const real kept = first_step ? 0 : momentum;
    if (!buffer) {
        for (ptrdiff_t i = 0; i < size; ++i)
            param[i] -= lr * GRADIENT(param[i]);
        return;
    }
    for (ptrdiff_t i = 0; i < size; ++i) {
        real g = GRADIENT(param[i]);
        real b = kept * buffer[i] + fresh * g;
        buffer[i] = b;
        param[i] -= lr * (nesterov ? g + momentum * b : b);
    }
}

STEP_WITH_DECAY(adam, !o->decoupled_weight_decay && o->weight_decay != 0)
{
    real *restrict param = a->param, *restrict m = a->exp_avg, *restrict v = a->exp_avg_sq;
    real *restrict top = a->max_exp_avg_sq;
    const real sign = o->maximize ? -1 : 1, decay = (real)o->weight_decay;
    const real shrink = o->decoupled_weight_decay ? (real)(1 - o->lr * o->weight_decay) : 1;
    const real fresh1 = (real)(1 - o->beta1), beta2 = (real)o->beta2, fresh2 = (real)(1 - o->beta2);
    const real step = (real)(o->lr / o->bias_correction1), root = (real)sqrt(o->bias_correction2);
    const real eps = (real)o->eps;
    const int amsgrad = top != NULL;
    for (ptrdiff_t i = 0; i < size; ++i) {
        real p = param[i] * shrink, g = GRADIENT(p);
        real mean = m[i] + fresh1 * (g - m[i]), square = beta2 * v[i] + fresh2 * g * g;
        m[i] = mean;
        v[i] = square;
        if (amsgrad) {
            square = top[i] > square ? top[i] : square;
            top[i] = square;
        }
        param[i] = p - step * mean / (SQRT(square) / root + eps);
    }
}

STEP_WITH_DECAY(nadam, !o->decoupled_weight_decay && o->weight_decay != 0)
{
    real *restrict param = a->param, *restrict m = a->exp_avg, *restrict v = a->exp_avg_sq;
    const real sign = o->maximize ? -1 : 1, decay = (real)o->weight_decay;
    const real shrink = o->decoupled_weight_decay ? (real)(1 - o->lr * o->weight_decay) : 1;
    const real fresh1 = (real)(1 - o->beta1), beta2 = (real)o->beta2, fresh2 = (real)(1 - o->beta2);
    const real grad_rate = (real)o->grad_rate, mean_rate = (real)o->mean_rate;
    const real root = (real)sqrt(o->bias_correction2), eps = (real)o->eps;
    for (ptrdiff_t i = 0; i < size; ++i) {
        real p = param[i] * shrink, g = GRADIENT(p);
        real mean = m[i] + fresh1 * (g - m[i]), square = beta2 * v[i] + fresh2 * g * g;
        m[i] = mean;
        v[i] = square;
        param[i] = p - (grad_rate * g + mean_rate * mean) / (SQRT(square) / root + eps);
    }
}

STEP_WITH_DECAY(radam, !o->decoupled_weight_decay && o->weight_decay != 0)
{
    real *restrict param = a->param, *restrict m = a->exp_avg, *restrict v = a->exp_avg_sq;
    const real sign = o->maximize ? -1 : 1, decay = (real)o->weight_decay;
    const real shrink = o->decoupled_weight_decay ? (real)(1 - o->lr * o->weight_decay) : 1;
    const real fresh1 = (real)(1 - o->beta1), beta2 = (real)o->beta2, fresh2 = (real)(1 - o->beta2);
    const real rate = (real)o->rate, eps = (real)o->eps;
    const int rectified = o->rectified != 0;
    for (ptrdiff_t i = 0; i < size; ++i) {
        real p = param[i] * shrink, g = GRADIENT(p);
        real mean = m[i] + fresh1 * (g - m[i]), square = beta2 * v[i] + fresh2 * g * g;
        m[i] = mean;
        v[i] = square;
        param[i] = p - (rectified ? rate * mean / (SQRT(square) + eps) : rate * mean);
    }
}

STEP_WITH_DECAY(adamax, o->weight_decay != 0)
{
    real *restrict param = a->param, *restrict m = a->exp_avg, *restrict u = a->exp_inf;
    const real sign = o->maximize ? -1 : 1, decay = (real)o->weight_decay;
    const real fresh1 = (real)(1 - o->beta1), beta2 = (real)o->beta2;
    const real rate = (real)o->rate, eps = (real)o->eps;
    for (ptrdiff_t i = 0; i < size; ++i) {
        real g = GRADIENT(param[i]);
        real mean = m[i] + fresh1 * (g - m[i]), before = beta2 * u[i], now = (g < 0 ? -g : g) + eps;
        /* NaN on either side stays. */
        real most = now <= before || before != before ? before : now;
        m[i] = mean;
        u[i] = most;
        param[i] -= rate * mean / most;
    }
}

STEP_WITH_DECAY(rmsprop, o->weight_decay != 0)
{
    real *restrict param = a->param, *restrict v = a->square_avg, *restrict m = a->grad_avg;
    real *restrict buffer = a->momentum_buffer;
    const real sign = o->maximize ? -1 : 1, decay = (real)o->weight_decay, lr = (real)o->lr;
    const real alpha = (real)o->alpha, fresh = (real)(1 - o->alpha), eps = (real)o->eps;
    const real momentum = (real)o->momentum;
    const int centered = m != NULL, moves = buffer != NULL;
    for (ptrdiff_t i = 0; i < size; ++i) {
        real g = GRADIENT(param[i]), square = alpha * v[i] + fresh * g * g;
        v[i] = square;
        if (centered) {
            real mean = m[i] + fresh * (g - m[i]);
            m[i] = mean;
            square -= mean * mean;
            square = square < 0 ? 0 : square;
        }
        real move = g / (SQRT(square) + eps);
        if (moves) {
            move = momentum * buffer[i] + move;
            buffer[i] = move;
        }
        param[i] -= lr * move;
    }
}

STEP_WITH_DECAY(adagrad, o->weight_decay != 0)
{
    real *restrict param = a->param, *restrict sum = a->sum;
    const real sign = o->maximize ? -1 : 1, decay = (real)o->weight_decay;
    const real rate = (real)o->rate, eps = (real)o->eps;
    for (ptrdiff_t i = 0; i < size; ++i) {
        real g = GRADIENT(param[i]), square = sum[i] + g * g;
        sum[i] = square;
        param[i] -= rate * g / (SQRT(square) + eps);
    }
}

STEP_WITH_DECAY(adadelta, o->weight_decay != 0)
{
    real *restrict param = a->param, *restrict v = a->square_avg, *restrict d = a->acc_delta;
    const real sign = o->maximize ? -1 : 1, decay = (real)o->weight_decay, lr = (real)o->lr;
    const real rho = (real)o->rho, fresh = (real)(1 - o->rho), eps = (real)o->eps;
    for (ptrdiff_t i = 0; i < size; ++i) {
        real g = GRADIENT(param[i]), square = rho * v[i] + fresh * g * g;
        real delta = SQRT(d[i] + eps) / SQRT(square + eps) * g;
        v[i] = square;
        d[i] = rho * d[i] + fresh * delta * delta;
        param[i] -= lr * delta;
    }
}

STEP(lion)
{
    real *restrict param = a->param, *restrict m = a->exp_avg;
    const real sign = o->maximize ? -1 : 1, shrink = (real)(1 - o->lr * o->weight_decay), lr = (real)o->lr;
    const real fresh1 = (real)(1 - o->beta1), fresh2 = (real)(1 - o->beta2);
    for (ptrdiff_t i = 0; i < size; ++i) {
        real g = sign * grad[i], c = m[i] + fresh1 * (g - m[i]);
        real move = c > 0 ? lr : c < 0 ? -lr : c; /* 0 and NaN stay what they are */
        m[i] += fresh2 * (g - m[i]);
        param[i] = param[i] * shrink - move;
    }
}

STEP(muon_average)
{
    real *restrict update = a->param, *restrict buffer = a->momentum_buffer;
    const real momentum = (real)o->momentum, fresh = (real)(1 - o->momentum);
    const int nesterov = o->nesterov != 0;
    for (ptrdiff_t i = 0; i < size; ++i) {
        real b = buffer[i] + fresh * (grad[i] - buffer[i]);
        buffer[i] = b;
        update[i] = nesterov ? grad[i] + momentum * (b - grad[i]) : b;
    }
}

STEP(muon_apply)
{
    real *restrict param = a->param;
    const real shrink = (real)(1 - o->lr * o->weight_decay), rate = (real)o->rate;
    for (ptrdiff_t i = 0; i < size; ++i)
        param[i] = param[i] * shrink - rate * grad[i];
}

STEP(average)
{
    real *restrict param = a->param;
    const real share = (real)o->share;
    for (ptrdiff_t i = 0; i < size; ++i)
        param[i] += share * (grad[i] - param[i]);
}

STEP(total)
{
    real *restrict param = a->param;
    (void)o;
    for (ptrdiff_t i = 0; i < size; ++i)
        param[i] += grad[i];
}

void FCN(optimizer_step)(int optimizer, const void *arrays, const void *grad, const double *numbers,
                         ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    switch (optimizer) {
#define ARRAY(name)
#define NUMBER(name)
#define OPTIMIZER(name, fields, options, own)                                                                \
    case FCN_OPTIMIZER_##name:                                                                               \
        FCN(name##_step)(arrays, (const void *)numbers, grad, size);                                         \
        return;
#include "eager/optimizers.inc"
    }
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
