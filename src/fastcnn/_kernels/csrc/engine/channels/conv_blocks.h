/* Register blocks of products where channels are in the lanes. Part of conv.c.
 *
 * Equation  as in conv.c, of one block of vectors of output channels by pixels
 * Layout    as in conv.c; sums that are put aside [pixel][vectors of the block][VL].
 */
#ifndef FCN_CONV_BLOCKS_H
#define FCN_CONV_BLOCKS_H

#include "conv_product.h"
#include "register_blocks.h"

#include <math.h>

#define MAX_SUMS 24

/* Add to a block's sums what one step multiplies: TERMS elements of x from `at` on, or only the last one of a
 * span, by a row of weights. */
INLINE void add_step(vreal *sum, const stored *const *x, ptrdiff_t at, const stored *w, const int vectors,
                     const int pixels, const int apart, const int last)
{
    vterms weight[8];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
        weight[v] = load_terms(w + v * VL * TERMS);
        PIN(weight[v]);
    }
#pragma GCC unroll 32
    for (int p = 0; p < pixels; ++p) {
        const stored *element = apart ? x[0] + at + p * apart : x[p] + at;
        vterms value = last ? set_last_term(element) : set_terms(element);
        if (vectors > 1 || !apart)
            PIN(value);
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v)
            sum[p * vectors + v] = multiply_add(sum[p * vectors + v], value, weight[v]);
    }
}

/* With `apart` each pixel's window begins so many elements behind that of the pixel before, else anywhere. */
INLINE void forward(const product *f, const portion *t, const int vectors, const int pixels, const int apart)
{
    vreal sum[MAX_SUMS];
    const stored *x[MAX_SUMS];
    const int32_t *x_at = f->x_at + t->p0, *y_at = f->y_at + t->p0;
#pragma GCC unroll 32
    for (int p = 0; p < pixels; ++p)
        if (p == 0 || !apart) {
            x[p] = f->x + x_at[p];
            PIN_INTEGER(x[p]);
        }
    if (t->before) {
#pragma GCC unroll 32
        for (int i = 0; i < pixels * vectors; ++i)
            sum[i] = rload(t->before + i * VL);
    } else if (f->position_bias) {
        const real *start = f->position_bias + t->p0 * f->row + t->o0;
        const ptrdiff_t row = f->row;
#pragma GCC unroll 32
        for (int p = 0; p < pixels; ++p, start += row)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                sum[p * vectors + v] = rload(start + v * VL);
    } else {
#pragma GCC unroll 32
        for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                sum[p * vectors + v] = f->bias ? rload(f->bias + t->o0 + v * VL) : (vreal){0};
    }
    if (vectors > 2) { /* lines that are in no cache would hold up what is written into them */
#pragma GCC unroll 32
        for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                __builtin_prefetch(f->y + t->o0 + y_at[p] + v * VL, 1, 3);
    }
    const char *ahead = t->ahead;
    const ptrdiff_t ahead_step = t->ahead_step;
    for (ptrdiff_t span = t->span0; span < t->span1; ++span) {
        ptrdiff_t at = f->span_at[span] + t->from;
        const ptrdiff_t end = at + t->length;
        const stored *w = t->w + (f->k_at[span] + t->from) * (vectors * VL);
        for (; at < end - (TERMS - 1); at += TERMS, w += vectors * VL * TERMS) {
            PIN_INTEGER(at);
            if (vectors > 2) {
                __builtin_prefetch(ahead, 0, 2);
                ahead += ahead_step;
            }
            add_step(sum, x, at, w, vectors, pixels, apart, 0);
        }
        if (TERMS > 1 && at < end)
            add_step(sum, x, at, w, vectors, pixels, apart, 1);
    }
    if (t->after) {
#pragma GCC unroll 32
        for (int i = 0; i < pixels * vectors; ++i)
            rstore(t->after + i * VL, sum[i]);
        return;
    }
    finish(f, t, sum, vectors, pixels);
}

/* One pixel of a deep window, FCN_CHAINS parts of the depth side by side: a chain of multiply-adds waits for
 * itself. */
INLINE void forward_chains(const product *f, const portion *t, const int vectors)
{
    vreal sum[FCN_CHAINS * 4];
    const ptrdiff_t length = f->span_length;
    const stored *x = f->x + f->x_at[t->p0], *w = t->w;
    const ptrdiff_t part = whole_terms(length) * vectors * VL;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v)
        sum[v] = f->bias ? rload(f->bias + t->o0 + v * VL) : (vreal){0};
#pragma GCC unroll 16
    for (int i = vectors; i < FCN_CHAINS * vectors; ++i)
        sum[i] = (vreal){0};
    for (ptrdiff_t k = 0; k < length; k += TERMS, w += vectors * VL * TERMS)
#pragma GCC unroll 4
        for (int c = 0; c < FCN_CHAINS; ++c) {
            const stored *element = x + k + c * length;
            vterms value = TERMS > 1 && k + 1 == length ? set_last_term(element) : set_terms(element);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v)
                sum[c * vectors + v] =
                    multiply_add(sum[c * vectors + v], value, load_terms(w + c * part + v * VL * TERMS));
        }
    const vreal least = vset(f->end.least), most = vset(f->end.most);
    stored *y = f->y + f->y_at[t->p0] + t->o0;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
        vreal total = sum[v];
#pragma GCC unroll 4
        for (int c = 1; c < FCN_CHAINS; ++c)
            total += sum[c * vectors + v];
        vstore(y + v * VL, vmin(most, vmax(least, total)));
    }
}

#define DEFINE(v, p)                                                                                         \
    static void forward_##v##_##p(const product *f, const portion *t) { forward(f, t, v, p, 0); }
BLOCKS(DEFINE)

#define ENTRY(v, p) [v][p] = forward_##v##_##p,
static void (*const blocks[MAX_VECTORS + 1][13])(const product *, const portion *) = {BLOCKS(ENTRY)};

#endif
