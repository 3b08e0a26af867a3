/* Group normalisation over (batch, channels, size) arrays: each image's groups of channels by themselves.
 *
 * Equation  y = (x - mean) * invstd * weight + bias        with xhat = (x - mean) * invstd
 *           dbias = sum dy      dweight = sum dy xhat      over images and size
 *           dx = invstd (weight dy - sum(weight dy) / m - xhat sum(weight dy xhat) / m)
 *           over the m = channels / groups * size elements of an image's group, which follow each other.
 *           Wu and He, "Group Normalization" (2018). With one group for each channel it is instance
 *           normalisation; with one group, a size of 1 and rows in the place of images, layer normalisation.
 * Method    As in norm.c: sums in blocks that are added in double, the variance around the rounded mean.
 * Threads   Over the groups of all images, each of which is made of itself; gradients of weight and bias over
 *           channels, VL at a time where the size is 1.
 * Edges     weight and bias may be NULL (1 and 0). Empty groups have statistics of NaN, channels of no
 *           elements gradients of 0.
 */
#include "eager/eager.h"
#include "common/sums.h"

typedef struct {
    double *mean, *var;
    const real *x;
    ptrdiff_t size;
} statistics_args;

static void row_statistics(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const statistics_args a = *(const statistics_args *)args;
    for (ptrdiff_t row = first; row < last; ++row) {
        const real *x = a.x + row * a.size;
        const double count = (double)a.size;
        const real center = (real)(fcn_row_sum(x, a.size) / count);
        const double rest = fcn_row_difference_sum(x, center, a.size) / count;
        const double variance = fcn_row_square_sum(x, center, a.size) / count - rest * rest;
        a.mean[row] = (double)center + (center - center == 0 ? rest : 0); /* around an infinity rest is NaN */
        a.var[row] = variance < 0 ? 0 : variance;                         /* and NaN stays NaN */
    }
}

void FCN(row_statistics)(double *mean, double *var, const void *x, ptrdiff_t rows, ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    const statistics_args a = {mean, var, x, size};
    fcn_parallel_for(rows, 3.0 * (double)size, fcn_get_threads(), row_statistics, &a);
}

typedef struct {
    real *y, *dx;
    const real *x, *dy, *weight, *bias;
    const double *mean, *invstd;
    ptrdiff_t channels, size, groups;
} group_args;

static double factor_of(const real *weight, ptrdiff_t channel)
{
    return weight ? (double)weight[channel] : 1.0;
}

/* Normalise `count` channels from `first` on; elements of a channel follow each other. */
static void norm_channels(const group_args *a, real *y, const real *x, double mean, double invstd,
                          ptrdiff_t first, ptrdiff_t count)
{
    const real center = (real)mean;
    const double rest = mean - (double)center;
    for (ptrdiff_t c = first; c < first + count; ++c, x += a->size, y += a->size) {
        const double factor = invstd * factor_of(a->weight, c), bias = a->bias ? (double)a->bias[c] : 0.0;
        const real scale = (real)factor, shift = (real)(bias - rest * factor);
        for (ptrdiff_t i = 0; i < a->size; ++i)
            y[i] = (x[i] - center) * scale + shift;
    }
}

/* The same where a channel is one element. */
static void norm_elements(const group_args *a, real *y, const real *x, double mean, double invstd,
                          ptrdiff_t first, ptrdiff_t count)
{
    const real center = (real)mean, scale = (real)invstd, shift = (real)(((double)center - mean) * invstd);
    for (ptrdiff_t i = 0; i < count; ++i)
        y[i] = (x[i] - center) * scale + shift;
    for (ptrdiff_t i = 0; a->weight && i < count; ++i)
        y[i] *= a->weight[first + i];
    for (ptrdiff_t i = 0; a->bias && i < count; ++i)
        y[i] += a->bias[first + i];
}

static void norm_groups(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const group_args a = *(const group_args *)args;
    const ptrdiff_t count = a.channels / a.groups;
    for (ptrdiff_t row = first; row < last; ++row) {
        const ptrdiff_t at = row * count * a.size, channel = row % a.groups * count;
        if (a.size == 1)
            norm_elements(&a, a.y + at, a.x + at, a.mean[row], a.invstd[row], channel, count);
        else
            norm_channels(&a, a.y + at, a.x + at, a.mean[row], a.invstd[row], channel, count);
    }
}

void FCN(group_norm)(void *y, const void *x, const double *mean, const double *invstd, const void *weight,
                     const void *bias, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size, ptrdiff_t groups)
{
    OWN_FLOAT_MODE;
    const group_args a = {.y = y,
                          .x = x,
                          .weight = weight,
                          .bias = bias,
                          .mean = mean,
                          .invstd = invstd,
                          .channels = channels,
                          .size = size,
                          .groups = groups};
    const double cost = (double)(channels / fcn_max(groups, 1) * size);
    fcn_parallel_for(batch * groups, cost, fcn_get_threads(), norm_groups, &a);
}

typedef struct {
    double sum, products; /* of weight dy, and of weight dy (x - center) */
} group_sums;

static group_sums sums_of_elements(const real *dy, const real *x, const real *weight, real center,
                                   ptrdiff_t count)
{
    group_sums s;
    if (!weight)
        return (group_sums){fcn_row_sum(dy, count), fcn_row_product_sum(dy, x, center, count)};
    FCN_ROW_SUM(s.sum, count, vload(dy + i) * vload(weight + i), dy[i] * weight[i]);
    FCN_ROW_SUM(s.products, count, vload(dy + i) * vload(weight + i) * (vload(x + i) - center),
                dy[i] * weight[i] * (x[i] - center));
    return s;
}

static group_sums sums_of_channels(const group_args *a, const real *dy, const real *x, real center,
                                   ptrdiff_t first, ptrdiff_t count)
{
    group_sums s = {0};
    for (ptrdiff_t c = first; c < first + count; ++c, x += a->size, dy += a->size) {
        const double factor = factor_of(a->weight, c);
        s.sum += factor * fcn_row_sum(dy, a->size);
        s.products += factor * fcn_row_product_sum(dy, x, center, a->size);
    }
    return s;
}

static void input_grad(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const group_args a = *(const group_args *)args;
    const ptrdiff_t count = a.channels / a.groups;
    const double elements = (double)count * (double)a.size;
    for (ptrdiff_t row = first; row < last; ++row) {
        const ptrdiff_t at = row * count * a.size, channel = row % a.groups * count;
        const real *dy = a.dy + at, *x = a.x + at, center = (real)a.mean[row];
        const real *weight = a.weight ? a.weight + channel : NULL;
        const double invstd = a.invstd[row], rest = a.mean[row] - (double)center;
        group_sums s = a.size == 1 ? sums_of_elements(dy, x, weight, center, count)
                                   : sums_of_channels(&a, dy, x, center, channel, count);
        s.products -= s.sum * rest; /* they were taken with the rounded mean */
        const real slope = (real)(invstd * invstd * invstd * s.products / elements);
        const real shift = (real)(invstd * s.sum / elements - (double)slope * rest);
        real *dx = a.dx + at;
        if (a.size == 1) {
            const real scale = (real)invstd;
            for (ptrdiff_t i = 0; i < count; ++i)
                dx[i] = (weight ? weight[i] * dy[i] : dy[i]) * scale - slope * (x[i] - center) - shift;
            continue;
        }
        for (ptrdiff_t c = 0; c < count; ++c) {
            const real factor = (real)(invstd * factor_of(weight, c));
            for (ptrdiff_t i = c * a.size; i < (c + 1) * a.size; ++i)
                dx[i] = factor * dy[i] - slope * (x[i] - center) - shift;
        }
    }
}

void FCN(group_norm_backward_input)(void *dx, const void *dy, const void *x, const double *mean,
                                    const double *invstd, const void *weight, ptrdiff_t batch,
                                    ptrdiff_t channels, ptrdiff_t size, ptrdiff_t groups)
{
    OWN_FLOAT_MODE;
    const group_args a = {.dx = dx,
                          .x = x,
                          .dy = dy,
                          .weight = weight,
                          .mean = mean,
                          .invstd = invstd,
                          .channels = channels,
                          .size = size,
                          .groups = groups};
    const double cost = 3.0 * (double)(channels / fcn_max(groups, 1) * size);
    fcn_parallel_for(batch * groups, cost, fcn_get_threads(), input_grad, &a);
}

typedef struct {
    real *dweight, *dbias;
    const real *dy, *x;
    const double *mean, *invstd;
    ptrdiff_t batch, channels, size, groups;
} weight_args;

/* Add what the images n0 .. n1 - 1 give VL channels or fewer, of one element each. */
static void add_elements(const weight_args *a, double *sums, double *products, ptrdiff_t channel,
                         ptrdiff_t some, ptrdiff_t n0, ptrdiff_t n1)
{
    const ptrdiff_t in_group = a->channels / a->groups;
    for (ptrdiff_t first = n0, last; first < n1; first = last) {
        real sum[VL] = {0}, product[VL] = {0};
        last = fcn_min(n1, first + FCN_SUM_BLOCK / VL);
        for (ptrdiff_t n = first; n < last; ++n) {
            const real *dy = a->dy + n * a->channels + channel, *x = a->x + n * a->channels + channel;
            for (ptrdiff_t i = 0; i < some; ++i) {
                const ptrdiff_t row = n * a->groups + (channel + i) / in_group;
                const real xhat = (real)(((double)x[i] - a->mean[row]) * a->invstd[row]);
                sum[i] += dy[i];
                product[i] += dy[i] * xhat;
            }
        }
        for (ptrdiff_t i = 0; i < some; ++i) {
            sums[i] += (double)sum[i];
            products[i] += (double)product[i];
        }
    }
}

/* Add what those images give one channel. */
static void add_channel(const weight_args *a, double *sums, double *products, ptrdiff_t channel, ptrdiff_t n0,
                        ptrdiff_t n1)
{
    for (ptrdiff_t n = n0; n < n1; ++n) {
        const ptrdiff_t at = (n * a->channels + channel) * a->size;
        const ptrdiff_t row = n * a->groups + channel / (a->channels / a->groups);
        const real center = (real)a->mean[row];
        const double sum = fcn_row_sum(a->dy + at, a->size);
        const double product = fcn_row_product_sum(a->dy + at, a->x + at, center, a->size);
        *sums += sum;
        *products += (product - sum * (a->mean[row] - (double)center)) * a->invstd[row];
    }
}

/* A task is VL channels. */
static void weight_grad(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const weight_args a = *(const weight_args *)args;
    const ptrdiff_t slots = fcn_slots(a.batch);
    for (ptrdiff_t task = first; task < last; ++task) {
        const ptrdiff_t channel = task * VL, some = fcn_min(VL, a.channels - channel);
        double sums[VL] = {0}, products[VL] = {0};
        for (ptrdiff_t slot = 0; slot < slots; ++slot) {
            const ptrdiff_t n0 = fcn_slot_image(slot, a.batch), n1 = fcn_slot_image(slot + 1, a.batch);
            double slot_sums[VL] = {0}, slot_products[VL] = {0};
            if (a.size == 1)
                add_elements(&a, slot_sums, slot_products, channel, some, n0, n1);
            for (ptrdiff_t i = 0; a.size != 1 && i < some; ++i)
                add_channel(&a, slot_sums + i, slot_products + i, channel + i, n0, n1);
            for (ptrdiff_t i = 0; i < some; ++i) {
                sums[i] += slot_sums[i];
                products[i] += slot_products[i];
            }
        }
        for (ptrdiff_t i = 0; i < some; ++i) {
            a.dbias[channel + i] = (real)sums[i];
            a.dweight[channel + i] = (real)products[i];
        }
    }
}

void FCN(group_norm_backward_weight)(void *dweight, void *dbias, const void *dy, const void *x,
                                     const double *mean, const double *invstd, ptrdiff_t batch,
                                     ptrdiff_t channels, ptrdiff_t size, ptrdiff_t groups)
{
    OWN_FLOAT_MODE;
    const weight_args a = {dweight, dbias, dy, x, mean, invstd, batch, channels, size, groups};
    const double cost = 2.0 * (double)VL * (double)batch * (double)size;
    fcn_parallel_for(fcn_divide_up(channels, VL), cost, fcn_get_threads(), weight_grad, &a);
}
