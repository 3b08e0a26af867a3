/* Sums of gradients over pixels and images: those of biases, and of the slopes of prelu.c. */
#include "engine/kernel.h"

/* Pixels that are summed by themselves before they are added to those before. */
#define BLOCK_PIXELS 256
/* Vectors whose sums over such a block are made at the same time, see tile_end. */
#define BLOCK_VECTORS (GROUP_IMAGES == 1 ? 1 : 16)

/* Sum `count` pixels of the vectors v0 .. v1 - 1 of g or, with y, of g y where y is not above 0. */
INLINE void sum_pixels(vreal sum[BLOCK_VECTORS], const stored *g, const int32_t *g_at, const stored *y,
                       const int32_t *y_at, ptrdiff_t count, ptrdiff_t v0, ptrdiff_t v1)
{
    for (ptrdiff_t v = v0; v < v1; ++v)
        sum[v - v0] = vset((real)-0.0); /* -0 + x is x, whatever x is */
    for (ptrdiff_t p0 = 0, p1; p0 < count; p0 = p1) {
        p1 = tile_end(p0, count, FEW_PIXELS);
        for (ptrdiff_t v = v0; v < v1; ++v) {
            vreal total = sum[v - v0];
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p) {
                vreal value = vload(g + g_at[p] + v * VL);
                if (y) {
                    const vreal before = vload(y + y_at[p] + v * VL);
                    value = keep(~(before > (vreal){0}), value * before);
                }
                total += value;
            }
            sum[v - v0] = total;
        }
    }
}

/* Add sums to those of the vectors v0 .. v1 - 1, or with `fresh` write them. */
INLINE void add_sums(real *sums, const vreal sum[BLOCK_VECTORS], ptrdiff_t v0, ptrdiff_t v1, int fresh)
{
    for (ptrdiff_t v = v0; v < v1; ++v)
        rstore(sums + v * VL, fresh ? sum[v - v0] : rload(sums + v * VL) + sum[v - v0]);
}

/* sums[slot][vector] += sum over pixels of g, or with by_position sums[slot][pixel][vector] += g */
void KERNEL(grad_sums)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_grad_sums *a = &op->grad_sums;
    const ptrdiff_t pixels = a->pixels, vectors = a->vectors, by_position = a->by_position;
    int fresh;
    real *sums = sums_of_group(op, &a->sums, batch, group, &fresh);
    const stored *g = of_group(&a->g, batch, group);
    const int32_t *g_at = a->g_at;
    for (ptrdiff_t p = 0; by_position && p < pixels; ++p)
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            real *at = sums + (p * vectors + v) * VL;
            const vreal value = vload(g + g_at[p] + v * VL);
            rstore(at, fresh ? value : rload(at) + value);
        }
    for (ptrdiff_t p = 0; !by_position && p < pixels; p += BLOCK_PIXELS)
        for (ptrdiff_t v = 0, last; v < vectors; v = last) {
            vreal sum[BLOCK_VECTORS];
            last = fcn_min(vectors, v + BLOCK_VECTORS);
            sum_pixels(sum, g, g_at + p, NULL, NULL, fcn_min(BLOCK_PIXELS, pixels - p), v, last);
            add_sums(sums, sum, v, last, fresh && p == 0);
        }
}

/* Add the vectors v0 .. v1 - 1 to one vector, channel by channel; in "channels" to its first lane. */
INLINE void add_channels(real *sums, const vreal sum[BLOCK_VECTORS], ptrdiff_t v0, ptrdiff_t v1,
                         ptrdiff_t channels, int fresh)
{
    vreal total = fresh ? (vreal){0} : rload(sums);
    for (ptrdiff_t v = v0; v < v1; ++v)
        if (GROUP_IMAGES == 1) {
            /* What lanes behind the last channel hold does not count. */
            real lanes[VL];
            rstore(lanes, sum[v - v0]);
            for (ptrdiff_t i = 0; i < fcn_min(VL, channels - v * VL); ++i)
                total[0] += lanes[i];
        } else
            total += sum[v - v0];
    rstore(sums, total);
}

/* sums[slot][vector] += the sum over pixels of g y where y is not above 0; whole: of all vectors */
void KERNEL(prelu_sums)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_prelu_sums *a = &op->prelu_sums;
    const ptrdiff_t pixels = a->pixels, vectors = a->vectors;
    int fresh;
    real *sums = sums_of_group(op, &a->sums, batch, group, &fresh);
    const stored *g = of_group(&a->g, batch, group), *y = of_group(&a->y, batch, group);
    for (ptrdiff_t p = 0; p < pixels; p += BLOCK_PIXELS)
        for (ptrdiff_t v = 0, last; v < vectors; v = last) {
            vreal sum[BLOCK_VECTORS];
            last = fcn_min(vectors, v + BLOCK_VECTORS);
            sum_pixels(sum, g, a->g_at + p, y, a->y_at + p, fcn_min(BLOCK_PIXELS, pixels - p), v, last);
            if (a->whole)
                add_channels(sums, sum, v, last, a->channels, fresh && p == 0 && v == 0);
            else
                add_sums(sums, sum, v, last, fresh && p == 0);
        }
}
