/* Activations and the mask of dropout.
 *
 * Equation  activation: y = f(x); dx = dy f'(x); the rows of common/activations.inc
 *           dropout mask: 1 / (1 - p) with probability 1 - p, else 0; see common/dropout.h
 * Threads   Activations: none. The mask: over rows.
 * Edges     Arrays may be empty.
 */
#include "common/activation.h"
#include "common/dropout.h"
#include "eager/eager.h"
#include "eager/parts.h"

INLINE void values(real *y, const real *x, ptrdiff_t size, const activation *f, const activation_kind kind)
{
    ptrdiff_t i = 0;
    for (; i + VL <= size; i += VL)
        rstore(y + i, activated(f, kind, rload(x + i)));
    store_part(y + i, activated(f, kind, load_part(x + i, size - i)), size - i);
}

void FCN(activation)(void *y, const void *x, ptrdiff_t size, int number, double alpha, double beta)
{
    OWN_FLOAT_MODE;
    const activation f = {number, (real)alpha, (real)beta};
    BY_KIND(&f, values(y, x, size, &f, kind));
}

INLINE void gradients(real *dx, const real *dy, const real *kept, ptrdiff_t size, const activation *f,
                      const activation_kind kind)
{
    ptrdiff_t i = 0;
    for (; i + VL <= size; i += VL)
        rstore(dx + i, activation_grad(f, kind, rload(dy + i), rload(kept + i)));
    const vreal g = load_part(dy + i, size - i), k = load_part(kept + i, size - i);
    store_part(dx + i, activation_grad(f, kind, g, k), size - i);
}

void FCN(activation_backward)(void *dx, const void *dy, const void *kept, ptrdiff_t size, int number,
                              double alpha, double beta)
{
    OWN_FLOAT_MODE;
    const activation f = {number, (real)alpha, (real)beta};
    BY_KIND(&f, gradients(dx, dy, kept, size, &f, kind));
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
    OWN_FLOAT_MODE;
    const mask_args a = {mask, size, key, dropout_threshold(p), dropout_scale(p)};
    fcn_parallel_for(rows, (double)size, fcn_get_threads(), mask_rows, &a);
}
