/* Sums of gradients over pixels and images: those of biases, and those of slopes, with the gradient in front
 * of them.
 *
 * Equation  of y = x where x > 0, else slope x: dx = g where x > 0, else slope g; dslope = the sum of g x
 *           where x is not above 0
 * Edges     A NaN of x is not above 0. Lanes without an image get 0, whatever the slope.
 */
#include "common/activation.h"
#include "engine/kernel.h"

/* Pixels that are summed by themselves before they are added to those before. */
#define BLOCK_PIXELS 256
/* Vectors whose sums over such a block are made at the same time, see tile_end. */
#define BLOCK_VECTORS (GROUP_IMAGES == 1 ? 1 : 16)

/* What sums begin with: -0 + x is x, whatever x is. */
INLINE vreal nothing(void) { return vset((real)-0.0); }

/* Sum `count` pixels of the vectors v0 .. v1 - 1 of g. */
static void sum_pixels(vreal sum[BLOCK_VECTORS], const stored *g, const int32_t *g_at, ptrdiff_t count,
                       ptrdiff_t v0, ptrdiff_t v1)
{
    for (ptrdiff_t v = v0; v < v1; ++v)
        sum[v - v0] = nothing();
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
            sum_pixels(sum, g, g_at + p, fcn_min(BLOCK_PIXELS, pixels - p), v, last);
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

typedef struct {
    stored *dx;
    const stored *g, *x;
    const real *slope;
    const int32_t *dx_at, *g_at, *x_at;
    vint there; /* the lanes of images that exist */
} slopes;

/* Write dx of the pixels first .. end - 1 in the vectors v0 .. v1 - 1, if it is given, and sum the slopes'
 * gradient. */
INLINE void pass_slopes(vreal sum[BLOCK_VECTORS], const slopes *f, ptrdiff_t first, ptrdiff_t end,
                        ptrdiff_t v0, ptrdiff_t v1, const int writes)
{
    for (ptrdiff_t v = v0; v < v1; ++v)
        sum[v - v0] = nothing();
    for (ptrdiff_t p0 = first, p1; p0 < end; p0 = p1) {
        p1 = tile_end(p0, end, FEW_PIXELS);
        for (ptrdiff_t v = v0; v < v1; ++v) {
            const vreal slope = per_channel(f->slope, v);
            vreal total = sum[v - v0];
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p) {
                const vreal g = vload(f->g + f->g_at[p] + v * VL), x = vload(f->x + f->x_at[p] + v * VL);
                total += slope_grad(g, x);
                if (writes)
                    vstore(f->dx + f->dx_at[p] + v * VL, keep(f->there, sloped_grad(g, x, slope)));
            }
            sum[v - v0] = total;
        }
    }
}

/* dx = g where x > 0, else slope g; sums += g x where x is not above 0; whole: of all vectors */
void KERNEL(prelu_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_prelu_grad *a = &op->prelu_grad;
    const ptrdiff_t pixels = a->pixels, vectors = a->vectors;
    int fresh = 0;
    real *sums = the(&a->sums) ? sums_of_group(op, &a->sums, batch, group, &fresh) : NULL;
    const slopes f = {
        .dx = of_group(&a->dx, batch, group),
        .g = of_group(&a->g, batch, group),
        .x = of_group(&a->x, batch, group),
        .slope = the(&a->slope),
        .dx_at = a->dx_at,
        .g_at = a->g_at,
        .x_at = a->x_at,
        .there = lane_mask(batch, group) != 0,
    };
    for (ptrdiff_t p = 0; p < pixels; p += BLOCK_PIXELS)
        for (ptrdiff_t v = 0, last; v < vectors; v = last) {
            vreal sum[BLOCK_VECTORS];
            const ptrdiff_t end = fcn_min(pixels, p + BLOCK_PIXELS);
            last = fcn_min(vectors, v + BLOCK_VECTORS);
            if (f.dx)
                pass_slopes(sum, &f, p, end, v, last, 1);
            else
                pass_slopes(sum, &f, p, end, v, last, 0);
            if (sums && a->whole)
                add_channels(sums, sum, v, last, a->channels, fresh && p == 0 && v == 0);
            else if (sums)
                add_sums(sums, sum, v, last, fresh && p == 0);
        }
}

/* out[0] = the sum of a row of numbers for channels */
void KERNEL(row_sum)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_row_sum *a = &op->row_sum;
    (void)batch, (void)task;
    const real *row = the(&a->row);
    double total = 0;
    for (ptrdiff_t i = 0; i < a->channels; ++i)
        total += (double)row[i];
    *(real *)the(&a->out) = (real)total;
}
