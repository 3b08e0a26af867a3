/* What products end with: an activation, and behind it a normalisation with fixed statistics.
 *
 * Equation  y[p][o] = f(sum) * scale[o] + shift[o]; with slopes f is x where x > 0, else slope[o] x
 * Method    Without an activation and with limits, products write just that. Any other activation is a call:
 *           they write their sums, and `end_pixels` goes over them while they are in the caches. So it does
 *           with slopes, whose activation is leaky_relu by its number.
 */
#ifndef FCN_ENDING_H
#define FCN_ENDING_H

#include "common/activation.h"
#include "engine/kernel.h"

/* Of an image that does not stay in the caches, so many bytes of y are taken through all channels, and ended,
 * before the next ones. */
#define BYTES_AT_A_TIME (128 * 1024)

typedef struct {
    activation f;
    int later;                 /* whether products write their sums */
    real least, most;          /* what products clip at: 0 with ReLU, 0 and 6 with ReLU6 */
    const real *scale, *shift; /* rows with a number for each channel; NULL without a normalisation */
    const real *slope;         /* such a row, or NULL */
} ending;

static inline ending ending_of(activation f, const real *scale, const real *shift, const real *slope)
{
    const activation_kind kind = kind_of(&f);
    const real least = kind == CLIP ? 0 : kind == BETWEEN ? f.alpha : -INFINITY;
    const real most = kind == BETWEEN ? f.beta : INFINITY;
    return (ending){f, kind == ANY_ACTIVATION, least, most, scale, shift, slope};
}

/* The same without what is left for the last part of a sum. */
static inline ending part_of_sum(ending end)
{
    end.least = -INFINITY;
    end.most = INFINITY;
    end.scale = end.shift = NULL;
    return end;
}

/* Whether products have an upper limit. */
INLINE int limits(const ending *end) { return __builtin_expect(end->most < INFINITY, 0); }

/* Whether products normalise what they write. */
INLINE int scales(const ending *end) { return __builtin_expect(end->scale && !end->later, 0); }

/* f(x) of what products have left; slope is that of x's channels, if there are slopes. */
INLINE vreal left_activation(const ending *end, vreal x, vreal slope)
{
    return end->slope ? sloped(x, slope) : any_activation(&end->f, x);
}

/* End what products have left: `vectors` vectors of each of the pixels p0 .. p1 - 1 of y. A call, lest it
 * take registers from products. */
CALLED void end_pixels(const ending *end, stored *y, const int32_t *y_at, ptrdiff_t p0, ptrdiff_t p1,
                       ptrdiff_t vectors)
{
    if (!end->later)
        return;
    for (ptrdiff_t p = p0, next = p0; p < p1; p = next) {
        stored *pixels = y + y_at[p];
        do
            ++next;
        while (next < p1 && y_at[next] - y_at[p] == (next - p) * vectors * VL); /* they follow each other */
        if (!end->slope)
            activate(&end->f, pixels, (next - p) * vectors);
        for (; p < next && (end->slope || end->scale); ++p)
            for (ptrdiff_t v = 0; v < vectors; ++v) {
                vreal value = vload(y + y_at[p] + v * VL);
                if (end->slope)
                    value = sloped(value, per_channel(end->slope, v));
                if (end->scale)
                    value = value * per_channel(end->scale, v) + per_channel(end->shift, v);
                vstore(y + y_at[p] + v * VL, value);
            }
    }
}

/* The same for all pixels of a product's segments, which follow each other or are of the same pixels. */
INLINE void end_segments(const ending *end, stored *y, const int32_t *y_at, const int32_t *segments,
                         ptrdiff_t segment_count, ptrdiff_t vectors)
{
    if (segment_count)
        end_pixels(end, y, y_at, segments[0], segments[4 * segment_count - 3], vectors);
}

#endif
