/* Maxima in the engine's layouts, whose gradient is shared by all elements that have them.
 *
 * Equation  y = the largest x, NaN wins; dx = g / count where x is y, or both are NaN, else 0; count: how
 *           many those are
 * Layout    see program.h. The maximum is over the pixels of each channel; with over_channels it is over the
 *           channels of each pixel or, if y has one pixel, over all elements, and y has one channel.
 * Method    Over pixels, some vectors of all of them at a time. Over channels, vectors lane by lane, then in
 *           "channels" the lanes of one vector.
 * Threads   A call is for a group of images.
 * Edges     What stands behind the last channel is in no maximum of channels, and its gradient is 0.
 */
#include "engine/kernel.h"
#include <math.h>

/* Vectors that are taken at a time over all pixels. */
#define SOME 8

typedef struct {
    const stored *x;
    const int32_t *x_at;
    ptrdiff_t vectors;
    vint last; /* the lanes of the last vector that hold channels */
} source;

static source source_of(const stored *x, const int32_t *x_at, ptrdiff_t vectors, ptrdiff_t channels)
{
    lane_int lanes[VL];
    for (ptrdiff_t i = 0; i < VL; ++i)
        lanes[i] = GROUP_IMAGES > 1 || (vectors - 1) * VL + i < channels ? -1 : 0;
    source s = {.x = x, .x_at = x_at, .vectors = vectors};
    memcpy(&s.last, lanes, sizeof(s.last));
    return s;
}

INLINE vreal x_of(const source *s, ptrdiff_t p, ptrdiff_t v) { return vload(s->x + s->x_at[p] + v * VL); }

/* The lanes of vector v that hold channels. */
INLINE vint lanes_of(const source *s, ptrdiff_t v) { return v + 1 < s->vectors ? ~(vint){0} : s->last; }

/* Where x is the largest. */
INLINE vint is_largest(vreal x, vreal y) { return (x == y) | ((x != x) & (y != y)); }

/* One number for each lane that is an image, from one for each channel: the maximum or the sum, in all
 * lanes. */
INLINE vreal over_lanes(vreal numbers, const int add)
{
#ifdef FCN_LAYOUT_CHANNELS
    real lanes[VL];
    rstore(lanes, numbers);
    real found = lanes[0];
    for (int i = 1; i < VL; ++i)
        found = add ? found + lanes[i] : lanes[i] > found || lanes[i] != lanes[i] ? lanes[i] : found;
    return vset(found);
#else
    return (void)add, numbers;
#endif
}

/* The largest channel of the pixels p0 .. p1 - 1. */
static vreal largest_channel(const source *s, ptrdiff_t p0, ptrdiff_t p1)
{
    vreal best = vset(-INFINITY);
    for (ptrdiff_t p = p0; p < p1; ++p)
        for (ptrdiff_t v = 0; v < s->vectors; ++v)
            best = larger(pick(lanes_of(s, v), x_of(s, p, v), best), best);
    return over_lanes(best, 0);
}

void KERNEL(amax)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_amax *a = &op->amax;
    stored *y = of_group(&a->y, batch, group);
    const source s = source_of(of_group(&a->x, batch, group), a->x_at, a->vectors, a->channels);
    const ptrdiff_t pixels = a->pixels, step = a->y_pixels == 1 ? pixels : 1;
    const vint first = (vint){-1}; /* the lane of y's one channel */
    for (ptrdiff_t p = 0; a->over_channels && p < pixels; p += step) {
        const vreal best = largest_channel(&s, p, p + step);
        vstore(y + a->y_at[p / step], GROUP_IMAGES == 1 ? keep(first, best) : best);
    }
    for (ptrdiff_t v = 0; !a->over_channels && v < s.vectors; v += SOME) {
        const ptrdiff_t some = fcn_min(SOME, s.vectors - v);
        vreal best[SOME];
        for (ptrdiff_t i = 0; i < some; ++i)
            best[i] = vset(-INFINITY);
        for (ptrdiff_t p = 0; p < pixels; ++p)
            for (ptrdiff_t i = 0; i < some; ++i)
                best[i] = larger(x_of(&s, p, v + i), best[i]);
        for (ptrdiff_t i = 0; i < some; ++i)
            vstore(y + a->y_at[0] + (v + i) * VL, best[i]);
    }
}

typedef struct {
    stored *dx;
    const stored *g, *y;
    const int32_t *dx_at;
} gradient;

INLINE void write_share(const gradient *to, const source *s, ptrdiff_t p, ptrdiff_t v, vreal y, vreal share)
{
    vstore(to->dx + to->dx_at[p] + v * VL, keep(is_largest(x_of(s, p, v), y), share));
}

/* dx of the pixels p0 .. p1 - 1, one of whose channels is the largest. */
static void share_among_channels(const gradient *to, const source *s, ptrdiff_t p0, ptrdiff_t p1, vreal y,
                                 vreal g)
{
    vreal count = {0};
    for (ptrdiff_t p = p0; p < p1; ++p)
        for (ptrdiff_t v = 0; v < s->vectors; ++v)
            count += keep(is_largest(x_of(s, p, v), y) & lanes_of(s, v), vset(1));
    const vreal share = g / over_lanes(count, 1);
    for (ptrdiff_t p = p0; p < p1; ++p)
        for (ptrdiff_t v = 0; v < s->vectors; ++v)
            write_share(to, s, p, v, y, keep(lanes_of(s, v), share));
}

/* dx of all pixels in `some` vectors from v on. */
static void share_among_pixels(const gradient *to, const source *s, ptrdiff_t pixels, ptrdiff_t v,
                               ptrdiff_t some)
{
    vreal y[SOME], share[SOME];
    for (ptrdiff_t i = 0; i < some; ++i) {
        y[i] = vload(to->y + (v + i) * VL);
        share[i] = (vreal){0};
    }
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t i = 0; i < some; ++i)
            share[i] += keep(is_largest(x_of(s, p, v + i), y[i]), vset(1));
    for (ptrdiff_t i = 0; i < some; ++i)
        share[i] = vload(to->g + (v + i) * VL) / share[i];
    for (ptrdiff_t p = 0; p < pixels; ++p)
        for (ptrdiff_t i = 0; i < some; ++i)
            write_share(to, s, p, v + i, y[i], share[i]);
}

/* A number of y or its gradient, in all lanes that it is for. */
INLINE vreal one_channel(const stored *at) { return GROUP_IMAGES == 1 ? vset(value_of(at)) : vload(at); }

void KERNEL(amax_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_amax_grad *a = &op->amax_grad;
    const source s = source_of(of_group(&a->x, batch, group), a->x_at, a->vectors, a->channels);
    const stored *g = of_group(&a->g, batch, group), *y = of_group(&a->y, batch, group);
    const ptrdiff_t pixels = a->pixels, step = a->y_pixels == 1 ? pixels : 1;
    const gradient to = {of_group(&a->dx, batch, group), g + a->g_at[0], y + a->y_at[0], a->dx_at};
    for (ptrdiff_t p = 0; a->over_channels && p < pixels; p += step)
        share_among_channels(&to, &s, p, p + step, one_channel(y + a->y_at[p / step]),
                             one_channel(g + a->g_at[p / step]));
    for (ptrdiff_t v = 0; !a->over_channels && v < s.vectors; v += SOME)
        share_among_pixels(&to, &s, pixels, v, fcn_min(SOME, s.vectors - v));
}
