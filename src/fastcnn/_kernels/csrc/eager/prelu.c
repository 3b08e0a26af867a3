/* Rectification with learned slopes, of (batch, channels, size) arrays.
 *
 * Equation  y = x where x > 0, else weight x        dx = dy where x > 0, else weight dy
 *           dweight[c] = the sum of dy x over the elements of channel c that are not above 0
 * Layout    weight: a slope for each channel, or with `shared` one for all; dweight: a sum for each channel.
 * Method    Sums in blocks that are added in double, by slots of images (common/slots.h).
 * Threads   Over images and channels; sums over channels.
 * Edges     A NaN is not above 0, and propagates.
 */
#include "common/sums.h"
#include "eager/eager.h"

typedef struct {
    real *y;
    const real *x, *dy, *weight;
    ptrdiff_t batch, channels, size;
    int shared;
} prelu_args;

/* y = dy where x > 0, else slope dy, of `count` neighbours; slopes are `step` (0 or 1) apart. */
INLINE void rectify(real *y, const real *x, const real *dy, const real *slopes, ptrdiff_t count,
                    const int step)
{
    for (ptrdiff_t i = 0; i < count; ++i) {
        const real less = dy[i] * slopes[step ? i : 0];
        y[i] = x[i] > 0 ? dy[i] : less;
    }
}

static void rectify_images(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const prelu_args a = *(const prelu_args *)args;
    for (ptrdiff_t task = first; task < last; ++task) {
        const ptrdiff_t channel = a.shared || a.size == 1 ? 0 : task % a.channels;
        const ptrdiff_t count = a.size == 1 ? a.channels : a.size, at = task * count;
        if (a.size == 1 && !a.shared)
            rectify(a.y + at, a.x + at, a.dy + at, a.weight, count, 1);
        else
            rectify(a.y + at, a.x + at, a.dy + at, a.weight + channel, count, 0);
    }
}

/* A task is the channels of an image that are one element each, or one channel of an image. */
static void run(const prelu_args *a)
{
    const int whole = a->size == 1;
    fcn_parallel_for(a->batch * (whole ? 1 : a->channels), 2.0 * (double)(whole ? a->channels : a->size),
                     fcn_get_threads(), rectify_images, a);
}

void FCN(prelu)(void *y, const void *x, const void *weight, ptrdiff_t batch, ptrdiff_t channels,
                ptrdiff_t size, int shared)
{
    OWN_FLOAT_MODE;
    const prelu_args a = {y, x, x, weight, batch, channels, size, shared};
    run(&a);
}

void FCN(prelu_backward_input)(void *dx, const void *dy, const void *x, const void *weight, ptrdiff_t batch,
                               ptrdiff_t channels, ptrdiff_t size, int shared)
{
    OWN_FLOAT_MODE;
    const prelu_args a = {dx, x, dy, weight, batch, channels, size, shared};
    run(&a);
}

/* The sum of dy x where x is not above 0, of `count` neighbours. */
static double slope_sum(const real *dy, const real *x, ptrdiff_t count)
{
    double sum;
    FCN_ROW_SUM(sum, count, keep(~(vload(x + i) > (vreal){0}), vload(dy + i) * vload(x + i)),
                x[i] > 0 ? 0 : dy[i] * x[i]);
    return sum;
}

static void sum_channels(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const prelu_args a = *(const prelu_args *)args;
    const ptrdiff_t slots = fcn_slots(a.batch);
    for (ptrdiff_t c = first; c < last; ++c) {
        double sum = 0;
        for (ptrdiff_t slot = 0; slot < slots; ++slot) {
            double part = 0;
            for (ptrdiff_t n = fcn_slot_image(slot, a.batch); n < fcn_slot_image(slot + 1, a.batch); ++n) {
                const ptrdiff_t at = (n * a.channels + c) * a.size;
                part += slope_sum(a.dy + at, a.x + at, a.size);
            }
            sum += part;
        }
        a.y[c] = (real)sum;
    }
}

void FCN(prelu_backward_weight)(void *dweight, const void *dy, const void *x, ptrdiff_t batch,
                                ptrdiff_t channels, ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    const prelu_args a = {dweight, x, dy, NULL, batch, channels, size, 0};
    fcn_parallel_for(channels, 2.0 * (double)batch * (double)size, fcn_get_threads(), sum_channels, &a);
}
