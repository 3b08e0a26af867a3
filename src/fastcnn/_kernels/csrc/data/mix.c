/* Kernel of data augmentation that mixes two batches.
 *
 * Equation  y[n, i] = weight a[n, i] + (1 - weight) b[n, i]
 * Layout    y, a, b (N, size)
 * Method    b + weight (a - b), in real, also for bytes.
 * Threads   Over images.
 * Edges     weight lies in [0, 1]. Bytes are rounded to nearest, halves up.
 */
#include "eager/eager.h"

typedef struct {
    void *y;
    const void *a, *b;
    real weight;
    ptrdiff_t size;
} mix_args;

static void mix_reals(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const mix_args m = *(const mix_args *)args;
    real *restrict y = m.y;
    const real *a = m.a, *b = m.b;
    for (ptrdiff_t i = first * m.size; i < last * m.size; ++i)
        y[i] = b[i] + m.weight * (a[i] - b[i]);
}

static void mix_bytes(const void *args, ptrdiff_t first, ptrdiff_t last, int thread)
{
    (void)thread;
    const mix_args m = *(const mix_args *)args;
    uint8_t *restrict y = m.y;
    const uint8_t *a = m.a, *b = m.b;
    for (ptrdiff_t i = first * m.size; i < last * m.size; ++i)
        y[i] = (uint8_t)(int32_t)((real)b[i] + m.weight * (real)(a[i] - b[i]) + (real)0.5);
}

void FCN(mix)(void *y, const void *a, const void *b, double weight, ptrdiff_t batch, ptrdiff_t size,
              int threads)
{
    OWN_FLOAT_MODE;
    const mix_args m = {y, a, b, (real)weight, size};
    fcn_parallel_for(batch, (double)size, threads, mix_reals, &m);
}

void FCN(mix_u8)(uint8_t *y, const uint8_t *a, const uint8_t *b, double weight, ptrdiff_t batch,
                 ptrdiff_t size, int threads)
{
    OWN_FLOAT_MODE;
    const mix_args m = {y, a, b, (real)weight, size};
    fcn_parallel_for(batch, (double)size, threads, mix_bytes, &m);
}
