/* Sums of gradients over pixels and images: those of biases. */
#include "engine/kernel.h"

/* Pixels that are summed by themselves before they are added to those before. */
#define BLOCK_PIXELS 256
/* Vectors whose sums over such a block are made at the same time, see tile_end. */
#define BLOCK_VECTORS (GROUP_IMAGES == 1 ? 1 : 16)

/* Add `count` pixels, summed by themselves, to the sums of the vectors v0 .. v1 - 1. */
static void add_pixels(real *sums, const stored *g, const int32_t *g_at, ptrdiff_t count, ptrdiff_t v0,
                       ptrdiff_t v1, int fresh)
{
    vreal sum[BLOCK_VECTORS];
    for (ptrdiff_t v = v0; v < v1; ++v)
        sum[v - v0] = vset((real)-0.0); /* -0 + x is x, whatever x is */
    for (ptrdiff_t p0 = 0, p1; p0 < count; p0 = p1) {
        p1 = tile_end(p0, count, FEW_PIXELS);
        for (ptrdiff_t v = v0; v < v1; ++v) {
            vreal total = sum[v - v0];
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p)
                total += vload(g + g_at[p] + v * VL);
            sum[v - v0] = total;
        }
    }
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
        for (ptrdiff_t v = 0; v < vectors; v += BLOCK_VECTORS)
            add_pixels(sums, g, g_at + p, fcn_min(BLOCK_PIXELS, pixels - p), v,
                       fcn_min(vectors, v + BLOCK_VECTORS), fresh && p == 0);
}
