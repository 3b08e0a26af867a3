/* Batch normalisation over (batch, channels, size) arrays, and sums per channel.
 *
 * Equation  y = (x - mean) * invstd * weight + bias         with xhat = (x - mean) * invstd
 *           dbias = sum dy      dweight = sum dy xhat
 *           dx = weight invstd (dy - dbias / m - xhat dweight / m), m = batch * size   (training)
 *           dx = weight invstd dy                                                      (evaluation)
 *           Ioffe and Szegedy, "Batch Normalization" (2015).
 * Method    Sums are taken in blocks, and the blocks added in double (common/sums.h), so that statistics in
 *           float32 are exact but for rounding. The variance is summed around the mean as rounded to float32.
 *           The same pass sums what that rounding took from the mean, so data far from 0 have statistics as
 *           exact as others.
 *           Sums over images go by slots (common/slots.h).
 * Threads   Over channels, each of whose sums one thread takes in a fixed order; the normalisation itself,
 *           which has no sums, over rows.
 * Edges     weight and bias may be NULL (1 and 0). An empty channel has statistics of NaN and gradients of 0.
 */
#include "eager/eager.h"
#include "common/sums.h"

typedef struct {
    real *sums;
    const real *x;
    ptrdiff_t batch, channels, size;
} sums_args;

static void sum_channels(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const sums_args a = *(const sums_args *)args;
    const ptrdiff_t slots = fcn_slots(a.batch);
    for (ptrdiff_t c = first; c < last; ++c) {
        double sum = 0;
        for (ptrdiff_t slot = 0; slot < slots; ++slot) {
            double part = 0;
            for (ptrdiff_t n = fcn_slot_image(slot, a.batch); n < fcn_slot_image(slot + 1, a.batch); ++n)
                part += fcn_row_sum(a.x + (n * a.channels + c) * a.size, a.size);
            sum += part;
        }
        a.sums[c] = (real)sum;
    }
}

void FCN(channel_sums)(void *sums, const void *x, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    const sums_args a = {sums, x, batch, channels, size};
    fcn_parallel_for(channels, (double)(batch * size), fcn_get_threads(), sum_channels, &a);
}

typedef struct {
    double *mean, *var;
    const real *x;
    ptrdiff_t batch, channels, size;
} statistics_args;

static void channel_statistics(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const statistics_args a = *(const statistics_args *)args;
    const ptrdiff_t slots = fcn_slots(a.batch);
    const double count = (double)a.batch * (double)a.size;
    for (ptrdiff_t c = first; c < last; ++c) {
        double sum = 0, rest = 0, squares = 0;
        for (ptrdiff_t slot = 0; slot < slots; ++slot) {
            double part = 0;
            for (ptrdiff_t n = fcn_slot_image(slot, a.batch); n < fcn_slot_image(slot + 1, a.batch); ++n)
                part += fcn_row_sum(a.x + (n * a.channels + c) * a.size, a.size);
            sum += part;
        }
        const real center = (real)(sum / count);
        for (ptrdiff_t slot = 0; slot < slots; ++slot) {
            double rest_part = 0, squares_part = 0;
            for (ptrdiff_t n = fcn_slot_image(slot, a.batch); n < fcn_slot_image(slot + 1, a.batch); ++n) {
                const real *row = a.x + (n * a.channels + c) * a.size;
                rest_part += fcn_row_difference_sum(row, center, a.size);
                squares_part += fcn_row_square_sum(row, center, a.size);
            }
            rest += rest_part;
            squares += squares_part;
        }
        rest /= count; /* what rounding took from the mean */
        double variance = squares / count - rest * rest;
        a.mean[c] = (double)center + (center - center == 0 ? rest : 0); /* around an infinity rest is NaN */
        a.var[c] = variance < 0 ? 0 : variance;                         /* and NaN stays NaN */
    }
}

void FCN(batch_norm_statistics)(double *mean, double *var, const void *x, ptrdiff_t batch, ptrdiff_t channels,
                                ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    const statistics_args a = {mean, var, x, batch, channels, size};
    fcn_parallel_for(channels, (double)(batch * size), fcn_get_threads(), channel_statistics, &a);
}

typedef struct {
    real *y;
    const real *x, *weight, *bias;
    const double *mean, *invstd;
    ptrdiff_t channels, size;
} norm_args;

/* A row is one channel of one image. */
static void norm_rows(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const norm_args a = *(const norm_args *)args;
    for (ptrdiff_t row = first; row < last; ++row) {
        ptrdiff_t c = row % a.channels;
        const double factor = a.invstd[c] * (a.weight ? (double)a.weight[c] : 1.0);
        const real center = (real)a.mean[c], scale = (real)factor;
        const double rest = a.mean[c] - (double)center, bias = a.bias ? (double)a.bias[c] : 0.0;
        const real shift = (real)(bias - rest * factor);
        for (ptrdiff_t i = row * a.size; i < (row + 1) * a.size; ++i)
            a.y[i] = (a.x[i] - center) * scale + shift;
    }
}

void FCN(batch_norm)(void *y, const void *x, const double *mean, const double *invstd, const void *weight,
                     const void *bias, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    const norm_args a = {y, x, weight, bias, mean, invstd, channels, size};
    fcn_parallel_for(batch * channels, (double)size, fcn_get_threads(), norm_rows, &a);
}

typedef struct {
    real *dx, *dweight, *dbias;
    const real *dy, *x, *weight;
    const double *mean, *invstd;
    int training;
    ptrdiff_t batch, channels, size;
} norm_grad_args;

static void norm_grad_channels(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const norm_grad_args a = *(const norm_grad_args *)args;
    const ptrdiff_t slots = fcn_slots(a.batch);
    const double count = (double)a.batch * (double)a.size;
    for (ptrdiff_t c = first; c < last; ++c) {
        double sum = 0, products = 0;
        real center = (real)a.mean[c];
        for (ptrdiff_t slot = 0; slot < slots; ++slot) {
            double sum_part = 0, products_part = 0;
            for (ptrdiff_t n = fcn_slot_image(slot, a.batch); n < fcn_slot_image(slot + 1, a.batch); ++n) {
                ptrdiff_t row = (n * a.channels + c) * a.size;
                sum_part += fcn_row_sum(a.dy + row, a.size);
                products_part += fcn_row_product_sum(a.dy + row, a.x + row, center, a.size);
            }
            sum += sum_part;
            products += products_part;
        }
        products -= sum * (a.mean[c] - (double)center); /* the products were taken with the rounded mean */
        a.dbias[c] = (real)sum;
        a.dweight[c] = count > 0 ? (real)(products * a.invstd[c]) : 0;
        double scale = a.invstd[c] * (a.weight ? (double)a.weight[c] : 1.0);
        const real factor = (real)scale;
        const real slope = (real)(scale * products * a.invstd[c] * a.invstd[c] / count);
        const real shift = (real)(scale * sum / count - (double)slope * (a.mean[c] - (double)center));
        for (ptrdiff_t n = 0; n < a.batch; ++n) {
            ptrdiff_t row = (n * a.channels + c) * a.size;
            for (ptrdiff_t i = row; !a.training && i < row + a.size; ++i)
                a.dx[i] = factor * a.dy[i];
            for (ptrdiff_t i = row; a.training && i < row + a.size; ++i)
                a.dx[i] = factor * a.dy[i] - slope * (a.x[i] - center) - shift;
        }
    }
}

void FCN(batch_norm_backward)(void *dx, void *dweight, void *dbias, const void *dy, const void *x,
                              const double *mean, const double *invstd, const void *weight, int training,
                              ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size)
{
    OWN_FLOAT_MODE;
    const norm_grad_args a = {dx,   dweight, dbias,    dy,    x,        weight,
                              mean, invstd,  training, batch, channels, size};
    fcn_parallel_for(channels, (double)(batch * size), fcn_get_threads(), norm_grad_channels, &a);
}
