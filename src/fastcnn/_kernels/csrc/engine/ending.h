/* What products end with: an activation, and behind it a normalisation with fixed statistics.
 *
 * Equation  y[p][o] = f(sum) * scale[o] + shift[o]
 * Method    Without an activation and with limits, products write just that. Any other activation is a call:
 *           they write their sums, and `end_pixels` goes over them while they are in the caches.
 */
#ifndef FCN_ENDING_H
#define FCN_ENDING_H

#include "common/activation.h"
#include "engine/kernel.h"

typedef struct {
    activation f;
    int later;                 /* whether products write their sums */
    real least, most;          /* what products clip at: 0 with ReLU, 0 and 6 with ReLU6 */
    const real *scale, *shift; /* rows with a number for each channel; NULL without a normalisation */
} ending;

static inline ending ending_of(activation f, const real *scale, const real *shift)
{
    const activation_kind kind = kind_of(&f);
    const real least = kind == CLIP ? 0 : kind == BETWEEN ? f.alpha : -INFINITY;
    return (ending){f, kind == ANY_ACTIVATION, least, kind == BETWEEN ? f.beta : INFINITY, scale, shift};
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

/* End what products have left: `vectors` vectors of each of the pixels p0 .. p1 - 1 of y. */
INLINE void end_pixels(const ending *end, stored *y, const int32_t *y_at, ptrdiff_t p0, ptrdiff_t p1,
                       ptrdiff_t vectors)
{
    for (ptrdiff_t p = p0; p < p1 && end->later; ++p)
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            vreal value = any_activation(&end->f, vload(y + y_at[p] + v * VL));
            if (end->scale)
                value = value * per_channel(end->scale, v) + per_channel(end->shift, v);
            vstore(y + y_at[p] + v * VL, value);
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
