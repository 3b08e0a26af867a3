/* Blocks of pairs of pixels, for one vector of output channels where there are 32 vector registers. Part of
 * conv.c, which has the types.
 *
 * Equation  as in conv.c
 * Method    A pair is two pixels of y, one below the other. What both read in x stands at the same distance
 *           for all pairs, so a pair needs one pointer; with a pointer for each pixel, registers for
 *           addresses would end before those for sums. A block of 10 pairs loads 21 numbers for 20 products,
 *           where one of 12 pixels loads 13 for 12.
 * Edges     Rows that have no row below them, and short windows, are left to the blocks of conv.c.
 */
#include "conv_blocks.h"

#if MAX_BLOCK == 8
#define MOST_PAIRS 10
#define FEWEST_PAIRS 5
/* In windows of fewer elements the longer start of a block outweighs what it saves. */
#define LEAST_DEPTH 48

/* As add_step of conv.c, for pixels and those below them. */
INLINE void add_pair_step(vreal *upper, vreal *lower, const stored *const *x, ptrdiff_t at, ptrdiff_t below,
                          const stored *w, const int pairs, const int last)
{
    ptrdiff_t at_below = at + below;
    PIN_INTEGER(at);
    PIN_INTEGER(at_below);
    vterms weight = load_terms(w);
    PIN(weight);
#pragma GCC unroll 32
    for (int p = 0; p < pairs; ++p) {
        vterms value = last ? set_last_term(x[p] + at) : set_terms(x[p] + at);
        PIN(value);
        upper[p] = multiply_add(upper[p], value, weight);
    }
#pragma GCC unroll 32
    for (int p = 0; p < pairs; ++p) {
        vterms value = last ? set_last_term(x[p] + at_below) : set_terms(x[p] + at_below);
        PIN(value);
        lower[p] = multiply_add(lower[p], value, weight);
    }
}

/* Blocks of one vector by pairs of pixels, one below the other; `at` holds the places of the upper ones in
 * the tables, `width` is the pixels of a row. */
INLINE void forward_pairs(const product *f, const portion *t, const int32_t *at_, ptrdiff_t width,
                          const int pairs)
{
    vreal upper[MOST_PAIRS], lower[MOST_PAIRS];
    const stored *x[MOST_PAIRS];
    const stored *w = t->w + f->k_at[t->span0] * VL;
    const ptrdiff_t below = f->x_at[at_[0] + width] - f->x_at[at_[0]];
#pragma GCC unroll 32
    for (int p = 0; p < pairs; ++p) {
        x[p] = f->x + f->x_at[at_[p]];
        PIN_INTEGER(x[p]);
        const real *start = f->position_bias ? f->position_bias + at_[p] * f->row + t->o0
                            : f->bias        ? f->bias + t->o0
                                             : NULL;
        upper[p] = start ? rload(start) : (vreal){0};
        lower[p] = start ? rload(start + (f->position_bias ? width * f->row : 0)) : (vreal){0};
    }
    for (ptrdiff_t span = t->span0; span < t->span1; ++span) {
        ptrdiff_t at = f->span_at[span];
        const ptrdiff_t end = at + f->span_length;
        for (; at < end - (TERMS - 1); at += TERMS, w += VL * TERMS)
            add_pair_step(upper, lower, x, at, below, w, pairs, 0);
        if (TERMS > 1 && at < end) {
            add_pair_step(upper, lower, x, at, below, w, pairs, 1);
            w += VL * TERMS;
        }
    }
    stored *y = f->y + t->o0;
    const int32_t *y_at = f->y_at;
    const vreal least = vset(f->end.least), most = vset(f->end.most);
    const int scaled = scales(&f->end);
    const vreal scale = scaled ? rload(f->end.scale + t->o0) : (vreal){0};
    const vreal shift = scaled ? rload(f->end.shift + t->o0) : (vreal){0};
    for (int half = 0; half < 2; ++half) {
        if (f->add) {
#pragma GCC unroll 32
            for (int p = 0; p < pairs; ++p)
                upper[p] += vload(y + y_at[at_[p]]);
        }
#pragma GCC unroll 32
        for (int p = 0; p < pairs; ++p) {
            const vreal clipped = vmin(most, vmax(least, upper[p]));
            vstore(y + y_at[at_[p]], scaled ? clipped * scale + shift : clipped);
            upper[p] = lower[p];
        }
        y_at += width;
    }
}

#define PAIR_BLOCKS(K) K(5) K(6) K(7) K(8) K(9) K(10)
#define DEFINE_PAIRS(p)                                                                                      \
    static void pairs_##p(const product *f, const portion *t, const int32_t *at, ptrdiff_t width)            \
    {                                                                                                        \
        forward_pairs(f, t, at, width, p);                                                                   \
    }
PAIR_BLOCKS(DEFINE_PAIRS)
#define ENTRY_PAIRS(p) [p] = pairs_##p,
static void (*const pair_blocks[])(const product *, const portion *, const int32_t *,
                                   ptrdiff_t) = {PAIR_BLOCKS(ENTRY_PAIRS)};

/* Take the pixels from t->p0 up to `end` by pairs of rows of `width`; return how many were taken. */
static ptrdiff_t take_pairs(const product *f, const portion *t, ptrdiff_t end, ptrdiff_t width)
{
    const ptrdiff_t count = (end - t->p0) / (2 * width) * width,
                    depth = (t->span1 - t->span0) * f->span_length;
    if (count < FEWEST_PAIRS || depth < LEAST_DEPTH)
        return 0;
    const ptrdiff_t parts = fcn_divide_up(count, MOST_PAIRS);
    ptrdiff_t next = t->p0, left = width; /* in the row */
    for (ptrdiff_t part = 0; part < parts; ++part) {
        const ptrdiff_t size = count / parts + (part < count % parts);
        int32_t at[MOST_PAIRS];
        for (ptrdiff_t i = 0; i < size; ++i) {
            at[i] = (int32_t)next++;
            if (--left == 0) {
                next += width;
                left = width;
            }
        }
        pair_blocks[size](f, t, at, width);
    }
    return 2 * count;
}
#else
static ptrdiff_t take_pairs(const product *f, const portion *t, ptrdiff_t end, ptrdiff_t width)
{
    return (void)f, (void)t, (void)end, (void)width, 0;
}
#endif
