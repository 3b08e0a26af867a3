/* What blocks of products have in common, by registers (conv.c) and by tiles (conv_tiles.c), where channels
 * are in the lanes: what they are given, and how they end.
 *
 * Equation  as in conv.c, of one block of vectors of output channels by pixels
 * Layout    as in conv.c; sums that are put aside [pixel][vectors of the block][VL].
 */
#ifndef FCN_CONV_PRODUCT_H
#define FCN_CONV_PRODUCT_H

#include "engine/ending.h"

typedef struct {
    stored *y;
    const stored *x;
    const real *bias, *position_bias;
    const int32_t *y_at, *x_at, *span_at, *k_at; /* k_at: the first tap of each span */
    ptrdiff_t span_length, row;                  /* row: biases of a pixel of y */
    ending end;
    int add;
    ptrdiff_t row_pixels;    /* pixels of a row of y */
    struct fcn_tiles *tiles; /* of products by tiles, see common/tiles.h */
} product;

/* Of one register block: the weights of its channels, its first channel and pixel, its spans, and what it
 * takes of each: `length` elements from `from` on. If `before` is given, sums go on from there; if `after`
 * is, they are left there. */
typedef struct {
    const stored *w;
    ptrdiff_t o0, p0, span0, span1, from, length;
    const real *before;
    real *after;
    const char *ahead; /* weights that come next: each step fetches from there, and goes on by ahead_step */
    ptrdiff_t ahead_step;
} portion;

/* Pixels that are in hand at a time. */
#define MOST_IN_HAND 64

/* The same of pixels of several images, which stand so far apart in y and x: their places are numbers of 32
 * bits, which count from the first one's image. */
static inline ptrdiff_t most_in_hand(ptrdiff_t y_image, ptrdiff_t x_image)
{
    return fcn_min(MOST_IN_HAND, fcn_max(INT32_MAX / (fcn_max(y_image, x_image) + 1), 1));
}

/* Write the places of `count` pixels, of the pixels first .. end - 1 of one image after the other, from *p
 * on; return how many images have ended. */
static inline ptrdiff_t place_pixels(int32_t *y_at, int32_t *x_at, const product *f, ptrdiff_t first,
                                     ptrdiff_t end, ptrdiff_t *p, ptrdiff_t count, ptrdiff_t y_image,
                                     ptrdiff_t x_image)
{
    ptrdiff_t image = 0;
    for (ptrdiff_t j = 0; j < count; ++j) {
        y_at[j] = (int32_t)(image * y_image + f->y_at[*p]);
        x_at[j] = (int32_t)(image * x_image + f->x_at[*p]);
        if (++*p == end) {
            *p = first;
            ++image;
        }
    }
    return image;
}

/* What the sums of a pixel start from, for vector v of a block. */
INLINE vreal start_of(const product *f, const portion *t, ptrdiff_t v)
{
    if (f->position_bias)
        return rload(f->position_bias + t->p0 * f->row + t->o0 + v * VL);
    return f->bias ? rload(f->bias + t->o0 + v * VL) : (vreal){0};
}

/* Write what a block's sums end as. */
INLINE void finish(const product *f, const portion *t, vreal *sum, const int vectors, const int pixels)
{
    const int32_t *y_at = f->y_at + t->p0;
    stored *y = f->y + t->o0;
    if (f->add) {
#pragma GCC unroll 32
        for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                sum[p * vectors + v] += vload(y + y_at[p] + v * VL);
    }
    const vreal least = vset(f->end.least), most = vset(f->end.most);
    if (scales(&f->end)) {
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v) {
            const vreal scale = rload(f->end.scale + t->o0 + v * VL);
            const vreal shift = rload(f->end.shift + t->o0 + v * VL);
#pragma GCC unroll 32
            for (int p = 0; p < pixels; ++p)
                vstore(y + y_at[p] + v * VL, vmin(most, vmax(least, sum[p * vectors + v])) * scale + shift);
        }
        return;
    }
    if (limits(&f->end)) {
#pragma GCC unroll 32
        for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
            for (int v = 0; v < vectors; ++v)
                vstore(y + y_at[p] + v * VL, vmin(most, vmax(least, sum[p * vectors + v])));
        return;
    }
#pragma GCC unroll 32
    for (int p = 0; p < pixels; ++p)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; ++v)
            vstore(y + y_at[p] + v * VL, vmax(least, sum[p * vectors + v]));
}

#endif
