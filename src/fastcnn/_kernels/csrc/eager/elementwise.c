/* ReLU and the mask of dropout.
 *
 * Equation  relu: y = max(x, 0)      dx = dy where x > 0, else 0       (NaN propagates in both)
 *           dropout mask: 1 / (1 - p) with probability 1 - p, else 0
 * Method    The mask is a function of (key, row, element) alone: a 32-bit integer hash (two rounds of xor-shift
 *           and multiply, constants of the "lowbias32" search by C. Wellons) is compared with p 2^32. Any part
 *           of it can be made by any thread in any order with the same result.
 * Edges     p = 0 keeps all, p = 1 drops all; empty arrays are fine.
 */
#include "eager/eager.h"

void FCN(relu)(void *y_, const void *x_, ptrdiff_t size)
{
    FLUSH_DENORMALS;
    real *restrict y = y_;
    const real *restrict x = x_;
    for (ptrdiff_t i = 0; i < size; ++i)
        y[i] = x[i] < 0 ? 0 : x[i];
}

void FCN(relu_backward)(void *dx_, const void *dy_, const void *x_, ptrdiff_t size)
{
    FLUSH_DENORMALS;
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

typedef struct {
    real *mask;
    ptrdiff_t size;
    uint64_t key, threshold;
    real kept;
} mask_args;

static void mask_rows(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const mask_args a = *(const mask_args *)args;
    for (ptrdiff_t row = first; row < last; ++row) {
        uint32_t low = mix((uint32_t)a.key ^ mix((uint32_t)row)), high = mix((uint32_t)(a.key >> 32) + low);
        for (ptrdiff_t i = 0; i < a.size; ++i) {
            uint32_t bits = mix(mix((uint32_t)i + low) ^ high);
            a.mask[row * a.size + i] = bits < a.threshold ? 0 : a.kept;
        }
    }
}

void FCN(dropout_mask)(void *mask, ptrdiff_t rows, ptrdiff_t size, uint64_t key, double p)
{
    FLUSH_DENORMALS;
    const real kept = (real)(p < 1 ? 1 / (1 - p) : 0);
    const mask_args a = {mask, size, key, (uint64_t)(p * 4294967296.0), kept};
    fcn_parallel_for(rows, (double)size, fcn_get_threads(), mask_rows, &a);
}
