/* Local response normalisation of (batch, channels, size) arrays: over neighbouring channels.
 *
 * Equation  y_c = x_c s_c^-beta        s_c = k + share sum of x_j^2 over c - before <= j <= c + behind
 *           dx_c = dy_c s_c^-beta - 2 share beta x_c sum of dy_j x_j s_j^(-beta - 1)
 *                                                    over c - behind <= j <= c + before
 *           with share = alpha / window; channels that are not there add nothing. Krizhevsky, Sutskever and
 *           Hinton, "ImageNet classification with deep convolutional neural networks" (2012).
 * Method    A vector holds a channel of VL positions. A sum adds its own window's squares, channel by
 *           channel, and is no difference of running sums, which would lose digits. Backward keeps what its
 *           sums are made of in `products`, an array like x.
 * Threads   Over vectors of positions of all images.
 * Edges     Powers: see common/response.h. The last positions of an image fill a part of a vector.
 */
#include "common/response.h"
#include "eager/eager.h"

typedef struct {
    real *y, *dx, *products;
    const real *x, *dy;
    ptrdiff_t channels, size, before, behind;
    double share, beta, k;
} lrn_args;

static lrn_args numbers(ptrdiff_t channels, ptrdiff_t size, ptrdiff_t before, ptrdiff_t behind, double share,
                        double beta, double k)
{
    return (lrn_args){.channels = channels,
                      .size = size,
                      .before = before,
                      .behind = behind,
                      .share = share,
                      .beta = beta,
                      .k = k};
}

/* Of a row of channels, `count` positions. */
typedef struct {
    ptrdiff_t at, size, count;
} positions;

static positions positions_of(const lrn_args *a, ptrdiff_t task)
{
    const ptrdiff_t blocks = fcn_divide_up(a->size, VL), first = task % blocks * VL;
    return (positions){task / blocks * a->channels * a->size + first, a->size, fcn_min(VL, a->size - first)};
}

static vreal load_channel(const real *x, const positions *p, ptrdiff_t channel)
{
    x += p->at + channel * p->size;
    if (p->count == VL)
        return rload(x);
    real part[VL] = {0};
    memcpy(part, x, (size_t)p->count * sizeof(real));
    return rload(part);
}

static void store_channel(real *y, const positions *p, ptrdiff_t channel, vreal value)
{
    memcpy(y + p->at + channel * p->size, &value, (size_t)p->count * sizeof(real));
}

/* s_c */
static vreal response(const lrn_args *a, const positions *p, ptrdiff_t c)
{
    vreal sum = {0};
    for (ptrdiff_t j = fcn_max(0, c - a->before); j <= fcn_min(a->channels - 1, c + a->behind); ++j) {
        const vreal x = load_channel(a->x, p, j);
        sum += x * x;
    }
    return (real)a->share * sum + (real)a->k;
}

static void normalize(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const lrn_args a = *(const lrn_args *)args;
    for (ptrdiff_t task = first; task < last; ++task) {
        const positions p = positions_of(&a, task);
        for (ptrdiff_t c = 0; c < a.channels; ++c)
            store_channel(a.y, &p, c, load_channel(a.x, &p, c) * inverse_power(response(&a, &p, c), a.beta));
    }
}

void FCN(local_response_norm)(void *y, const void *x, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size,
                              ptrdiff_t before, ptrdiff_t behind, double share, double beta, double k)
{
    OWN_FLOAT_MODE;
    lrn_args a = numbers(channels, size, before, behind, share, beta, k);
    a.y = y;
    a.x = x;
    const double cost = (double)VL * (double)channels * (double)(before + behind + 8);
    fcn_parallel_for(batch * fcn_divide_up(size, VL), cost, fcn_get_threads(), normalize, &a);
}

static void gradient(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const lrn_args a = *(const lrn_args *)args;
    const real slope = (real)(2 * a.share * a.beta);
    for (ptrdiff_t task = first; task < last; ++task) {
        const positions p = positions_of(&a, task);
        for (ptrdiff_t c = 0; c < a.channels; ++c) {
            const vreal s = response(&a, &p, c);
            const vreal g = load_channel(a.dy, &p, c) * inverse_power(s, a.beta);
            store_channel(a.dx, &p, c, g);
            store_channel(a.products, &p, c, g * load_channel(a.x, &p, c) / s);
        }
        for (ptrdiff_t c = 0; c < a.channels; ++c) {
            vreal sum = {0};
            for (ptrdiff_t j = fcn_max(0, c - a.behind); j <= fcn_min(a.channels - 1, c + a.before); ++j)
                sum += load_channel(a.products, &p, j);
            const vreal rest = slope * load_channel(a.x, &p, c) * sum;
            store_channel(a.dx, &p, c, load_channel(a.dx, &p, c) - rest);
        }
    }
}

void FCN(local_response_norm_backward)(void *dx, void *products, const void *dy, const void *x,
                                       ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size, ptrdiff_t before,
                                       ptrdiff_t behind, double share, double beta, double k)
{
    OWN_FLOAT_MODE;
    lrn_args a = numbers(channels, size, before, behind, share, beta, k);
    a.dx = dx;
    a.products = products;
    a.dy = dy;
    a.x = x;
    const double cost = (double)VL * (double)channels * (double)(2 * (before + behind) + 12);
    fcn_parallel_for(batch * fcn_divide_up(size, VL), cost, fcn_get_threads(), gradient, &a);
}
