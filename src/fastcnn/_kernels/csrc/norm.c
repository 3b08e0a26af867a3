/* Batch normalisation over (batch, channels, size) arrays, and sums per channel.
 *
 * Equation  y = (x - mean) * invstd * weight + bias         with xhat = (x - mean) * invstd
 *           dbias = sum dy      dweight = sum dy xhat
 *           dx = weight invstd (dy - dbias / m - xhat dweight / m), m = batch * size   (training)
 *           dx = weight invstd dy                                                      (evaluation)
 *           Ioffe and Szegedy, "Batch Normalization" (2015).
 * Method    Each plane is summed in vector lanes and added to a double, so that float32 statistics are exact to
 *           rounding; the variance is taken in a second pass around the mean.
 * Threads   Over channels: every sum is taken by one thread in a fixed order.
 * Edges     weight and bias may be NULL (1 and 0). An empty channel has the statistics NaN
 *           and gradients of 0.
 */
#include "kernels.h"

/* sum of f over one row of `size` elements: lanes first, then the rest. */
#define ROW_SUM(result, size, vector_term, scalar_term)                                                      \
    do {                                                                                                     \
        vreal lanes = {0};                                                                                   \
        ptrdiff_t i = 0;                                                                                     \
        for (; i + VL <= (size); i += VL)                                                                    \
            lanes += vector_term;                                                                            \
        (result) = vsum(lanes);                                                                              \
        for (; i < (size); ++i)                                                                              \
            (result) += scalar_term;                                                                         \
    } while (0)

static double row_sum(const real *x, ptrdiff_t size)
{
    real sum;
    ROW_SUM(sum, size, vload(x + i), x[i]);
    return (double)sum;
}

static double row_square_sum(const real *x, real mean, ptrdiff_t size)
{
    real sum;
    ROW_SUM(sum, size, (vload(x + i) - mean) * (vload(x + i) - mean), (x[i] - mean) * (x[i] - mean));
    return (double)sum;
}

static double row_product_sum(const real *dy, const real *x, real mean, ptrdiff_t size)
{
    real sum;
    ROW_SUM(sum, size, vload(dy + i) * (vload(x + i) - mean), dy[i] * (x[i] - mean));
    return (double)sum;
}

void FCN(channel_sums)(void *sums_, const void *x_, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size)
{
    real *sums = sums_;
    const real *x = x_;
    FCN_PARALLEL_FOR(fcn_threads_for(batch * channels * size))
    for (ptrdiff_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (ptrdiff_t n = 0; n < batch; ++n)
            sum += row_sum(x + (n * channels + c) * size, size);
        sums[c] = (real)sum;
    }
}

void FCN(batch_norm_statistics)(double *mean, double *var, const void *x_, ptrdiff_t batch,
                                ptrdiff_t channels, ptrdiff_t size)
{
    const real *x = x_;
    const double count = (double)batch * (double)size;
    FCN_PARALLEL_FOR(fcn_threads_for(batch * channels * size))
    for (ptrdiff_t c = 0; c < channels; ++c) {
        double sum = 0, squares = 0;
        for (ptrdiff_t n = 0; n < batch; ++n)
            sum += row_sum(x + (n * channels + c) * size, size);
        mean[c] = sum / count;
        for (ptrdiff_t n = 0; n < batch; ++n)
            squares += row_square_sum(x + (n * channels + c) * size, (real)mean[c], size);
        /* The mean was rounded to `real` above: take that shift out again. */
        double shift = mean[c] - (double)(real)mean[c];
        double variance = squares / count - shift * shift;
        var[c] = variance < 0 ? 0 : variance; /* a NaN stays one */
    }
}

void FCN(batch_norm)(void *y_, const void *x_, const double *mean, const double *invstd, const void *weight_,
                     const void *bias_, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size)
{
    real *y = y_;
    const real *x = x_, *weight = weight_, *bias = bias_;
    FCN_PARALLEL_FOR(fcn_threads_for(batch * channels * size))
    for (ptrdiff_t row = 0; row < batch * channels; ++row) {
        ptrdiff_t c = row % channels;
        real center = (real)mean[c], shift = bias ? bias[c] : 0;
        real scale = (real)(invstd[c] * (weight ? (double)weight[c] : 1.0));
        for (ptrdiff_t i = row * size; i < (row + 1) * size; ++i)
            y[i] = (x[i] - center) * scale + shift;
    }
}

void FCN(batch_norm_backward)(void *dx_, void *dweight_, void *dbias_, const void *dy_, const void *x_,
                              const double *mean, const double *invstd, const void *weight_, int training,
                              ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size)
{
    real *dx = dx_, *dweight = dweight_, *dbias = dbias_;
    const real *dy = dy_, *x = x_, *weight = weight_;
    const double count = (double)batch * (double)size;
    FCN_PARALLEL_FOR(fcn_threads_for(batch * channels * size))
    for (ptrdiff_t c = 0; c < channels; ++c) {
        double sum = 0, products = 0;
        real center = (real)mean[c];
        for (ptrdiff_t n = 0; n < batch; ++n) {
            ptrdiff_t row = (n * channels + c) * size;
            sum += row_sum(dy + row, size);
            products += row_product_sum(dy + row, x + row, center, size);
        }
        dbias[c] = (real)sum;
        dweight[c] = count > 0 ? (real)(products * invstd[c]) : 0;
        double scale = invstd[c] * (weight ? (double)weight[c] : 1.0);
        real a = (real)scale, b = 0, shift = 0;
        if (training) {
            b = (real)(scale * products * invstd[c] * invstd[c] / count);
            shift = (real)(scale * sum / count);
        }
        for (ptrdiff_t n = 0; n < batch; ++n) {
            ptrdiff_t row = (n * channels + c) * size;
            for (ptrdiff_t i = row; i < row + size; ++i)
                dx[i] = a * dy[i] - b * (x[i] - center) - shift;
        }
    }
}
