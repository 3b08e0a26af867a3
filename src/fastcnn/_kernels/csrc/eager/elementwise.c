/* ReLU and the mask of dropout.
 *
 * Equation  relu: y = max(x, 0)      dx = dy where x > 0, else 0       (NaN propagates in both)
 *           dropout mask: 1 / (1 - p) with probability 1 - p, else 0; see common/dropout.h
 * Threads   ReLU: none. The mask: over rows.
 * Edges     Arrays may be empty.
 */
#include "common/dropout.h"
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

typedef struct {
    real *mask;
    ptrdiff_t size;
    uint64_t key;
    uint32_t threshold;
    real scale;
} mask_args;

static void mask_rows(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const mask_args a = *(const mask_args *)args;
    for (ptrdiff_t row = first; row < last; ++row) {
        const hash_row hashed = hash_of_row(a.key, (uint32_t)row);
        for (ptrdiff_t i = 0; i < a.size; ++i)
            a.mask[row * a.size + i] = hash_bits(hashed, (uint32_t)i) < a.threshold ? 0 : a.scale;
    }
}

void FCN(dropout_mask)(void *mask, ptrdiff_t rows, ptrdiff_t size, uint64_t key, double p)
{
    FLUSH_DENORMALS;
    const mask_args a = {mask, size, key, dropout_threshold(p), dropout_scale(p)};
    fcn_parallel_for(rows, (double)size, fcn_get_threads(), mask_rows, &a);
}
