/* Softmax of one row (common/rows.h), for eager mode and the engine. The equations stand in
 * eager/softmax.c. */
#ifndef FCN_SOFTMAX_H
#define FCN_SOFTMAX_H

#include "common/rows.h"
#include "common/vexp.h"
#include <math.h>

#if FCN_REAL_BYTES == 4
#define LOG logf
#else
#define LOG log
#endif

/* The logarithm of what merge_sum returned, in each lane. */
INLINE vreal log_of(vreal v, const row_kind kind)
{
    for (int i = 0; i < (kind == CLASSES_IN_LANES ? 1 : VL); ++i)
        v[i] = LOG(v[i]);
    return kind == CLASSES_IN_LANES ? vset(v[0]) : v;
}

/* y = softmax(x), or the logarithm of that. */
INLINE void row_softmax(row *y, row *x, const row_kind kind, const int log)
{
    const ptrdiff_t vectors = row_vectors(x, kind);
    row_begin(x, kind, (real)-INFINITY);
    vreal max = row_load(x, 0, kind);
    row_sum parts = {0};
    for (ptrdiff_t k = 1; k < vectors; ++k)
        max = larger(row_load(x, k, kind), max);
    max = merge_larger(max, kind);
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal e = vexp(row_load(x, k, kind) - max);
        if (!log)
            row_store(y, k, kind, e);
        add_class(&parts, k, kind, e);
    }
    const vreal sum = merge_sum(&parts, kind), log_sum = log ? log_of(sum, kind) : sum, inverse = 1 / sum;
    for (ptrdiff_t k = 0; k < vectors; ++k)
        row_store(y, k, kind, log ? row_load(x, k, kind) - max - log_sum : row_load(y, k, kind) * inverse);
    row_end(y, kind);
}

/* dx from dy and the y of row_softmax. */
INLINE void row_softmax_grad(row *dx, row *dy, row *y, const row_kind kind, const int log)
{
    const ptrdiff_t vectors = row_vectors(dy, kind);
    row_begin(dy, kind, 0);
    row_begin(y, kind, 0);
    row_sum parts = {0};
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal g = row_load(dy, k, kind);
        add_class(&parts, k, kind, log ? g : g * row_load(y, k, kind));
    }
    const vreal sum = merge_sum(&parts, kind);
    for (ptrdiff_t k = 0; k < vectors; ++k) {
        const vreal g = row_load(dy, k, kind), value = row_load(y, k, kind);
        row_store(dx, k, kind, log ? g - vexp(value) * sum : value * (g - sum));
    }
    row_end(dx, kind);
}

#endif
