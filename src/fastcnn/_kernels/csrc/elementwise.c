/* ReLU and the mask of dropout.
 *
 * Equation  relu: y = max(x, 0)      dx = dy where x > 0, else 0       (NaN propagates in both)
 *           dropout mask: 1 / (1 - p) with probability 1 - p, else 0
 * Method    The mask is a function of (key, row, element) alone: a 32-bit integer hash (two rounds of xor-shift
 *           and multiply, constants of the "lowbias32" search by C. Wellons) is compared with p 2^32. Any part
 *           of it can be made by any thread in any order with the same result.
 * Edges     p = 0 keeps all, p = 1 drops all; empty arrays are fine.
 */
#include "kernels.h"

void FCN(relu)(void *y_, const void *x_, ptrdiff_t size)
{
    real *restrict y = y_;
    const real *restrict x = x_;
    for (ptrdiff_t i = 0; i < size; ++i)
        y[i] = x[i] < 0 ? 0 : x[i];
}

void FCN(relu_backward)(void *dx_, const void *dy_, const void *x_, ptrdiff_t size)
{
    real *restrict dx = dx_;
    const real *restrict dy = dy_, *restrict x = x_;
    for (ptrdiff_t i = 0; i < size; ++i)
        dx[i] = x[i] <= 0 ? 0 : dy[i];
}

static inline uint32_t mix(uint32_t h)
{
    h = (h ^ (h >> 16)) * 0x7feb352du;
    h = (h ^ (h >> 15)) * 0x846ca68bu;
    return h ^ (h >> 16);
}

void FCN(dropout_mask)(void *mask_, ptrdiff_t rows, ptrdiff_t size, uint64_t key, double p)
{
    real *restrict mask = mask_;
    const real kept = (real)(p < 1 ? 1 / (1 - p) : 0);
    const uint64_t threshold = (uint64_t)(p * 4294967296.0);
    FCN_PARALLEL_FOR(fcn_threads_for(rows * size))
    for (ptrdiff_t row = 0; row < rows; ++row) {
        uint32_t low = mix((uint32_t)key ^ mix((uint32_t)row)), high = mix((uint32_t)(key >> 32) + low);
        for (ptrdiff_t i = 0; i < size; ++i) {
            uint32_t bits = mix(mix((uint32_t)i + low) ^ high);
            mask[row * size + i] = bits < threshold ? 0 : kept;
        }
    }
}
