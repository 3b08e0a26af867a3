/* Elementwise work in the engine's layouts, and sums of gradients. */
#include "engine/dropout.h"

typedef struct {
    real *z;
    const real *y, *state, *r;
    const int32_t *z_at, *y_at, *r_at;
    ptrdiff_t pixels, vectors;
    dropout_mask mask;
} elements;

INLINE void apply(const elements *e, const int normed, const int added, const int relu, const int dropout)
{
    for (ptrdiff_t p0 = 0, p1; p0 < e->pixels; p0 = p1) {
        p1 = tile_end(p0, e->pixels, added ? 1 : FEW_PIXELS);
        for (ptrdiff_t v = 0; v < e->vectors; ++v) {
            vreal center = {0}, scale = {0}, offset = {0};
            if (normed) {
                center = state_row(e->state, MEAN, e->vectors, v);
                scale = state_row(e->state, SCALE, e->vectors, v);
                offset = state_row(e->state, OFFSET, e->vectors, v);
            }
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p) {
                vreal value = vload(e->y + e->y_at[p] + v * VL);
                if (normed)
                    value = (value - center) * scale + offset;
                if (added)
                    value += vload(e->r + e->r_at[p] + v * VL);
                if (relu)
                    value = clip(value);
                if (dropout)
                    value *= dropout_factor(&e->mask, v, p);
                vstore(e->z + e->z_at[p] + v * VL, value);
            }
        }
    }
}

/* z = relu((y - mean) * scale + offset + r) * dropout, each part optional; z may be y. In the gradient of dropout alone,
 * y and z are gradients.
 * Buffers: z, y, state, r. Tables: z_at, y_at, r_at.
 * Sizes: pixels, vectors, relu, number of the dropout layer + 1 or 0. Scalars: p of dropout. */
void KERNEL(apply)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t dropout = op->size[3];
    const int relu = (int)op->size[2];
    elements e = {
        .z = op_buffer(op, run, 0, group),
        .y = op_buffer(op, run, 1, group),
        .state = op_buffer(op, run, 2, 0),
        .r = op_buffer(op, run, 3, group),
        .z_at = op->table[0],
        .y_at = op->table[1],
        .r_at = op->table[2],
        .pixels = op->size[0],
        .vectors = op->size[1],
    };
    if (dropout)
        e.mask = dropout_of_group(op->scalar[0], run->keys[dropout - 1], group, e.pixels);
    if (e.state && !e.r && relu && !dropout)
        apply(&e, 1, 0, 1, 0);
    else if (e.state && !e.r && !dropout)
        apply(&e, 1, 0, 0, 0);
    else if (!e.state && !relu && !dropout)
        apply(&e, 0, e.r != NULL, 0, 0);
    else
        apply(&e, e.state != NULL, e.r != NULL, relu, dropout != 0);
}

/* dx = g where z > 0, else 0. Buffers: dx, g, z. Tables: dx_at, g_at, z_at. Sizes: pixels, vectors.
 * Scalars: factor of g. */
void KERNEL(relu_grad)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1];
    real *dx = op_buffer(op, run, 0, group);
    const real *g = op_buffer(op, run, 1, group), *z = op_buffer(op, run, 2, group);
    const int32_t *dx_at = op->table[0], *g_at = op->table[1], *z_at = op->table[2];
    const vreal factor = vset((real)op->scalar[0]);
    for (ptrdiff_t p0 = 0, p1; p0 < pixels; p0 = p1) {
        p1 = tile_end(p0, pixels, FEW_PIXELS);
        for (ptrdiff_t v = 0; v < vectors; ++v)
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p)
                vstore(dx + dx_at[p] + v * VL,
                       keep(vload(z + z_at[p] + v * VL) > 0, vload(g + g_at[p] + v * VL) * factor));
    }
}

/* Pixels that are summed by themselves before they are added to those before. */
#define PIXELS_TOGETHER 256
/* Vectors whose sums over a block of pixels are made together, see tile_end. */
#define SUMS_TOGETHER (GROUP_IMAGES == 1 ? 1 : 16)

/* Add `count` pixels, summed by themselves, to the sums of the vectors v0 .. v1 - 1. */
static void add_pixels(real *sums, const real *g, const int32_t *g_at, ptrdiff_t count, ptrdiff_t v0,
                       ptrdiff_t v1, int fresh)
{
    vreal sum[SUMS_TOGETHER];
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
        vstore(sums + v * VL, fresh ? sum[v - v0] : vload(sums + v * VL) + sum[v - v0]);
}

/* sums[slot][vector] += sum over pixels of g, or with by_position sums[slot][pixel][vector] += g.
 * Buffers: sums, g. Tables: g_at. Sizes: pixels, vectors, by_position. */
void KERNEL(grad_sums)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], vectors = op->size[1], by_position = op->size[2];
    const int fresh = fcn_is_slot_start(run, group);
    real *sums = op_buffer(op, run, 0, fcn_slot_of(run, group));
    const real *g = op_buffer(op, run, 1, group);
    const int32_t *g_at = op->table[0];
    for (ptrdiff_t p = 0; by_position && p < pixels; ++p)
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            real *at = sums + (p * vectors + v) * VL;
            const vreal value = vload(g + g_at[p] + v * VL);
            vstore(at, fresh ? value : vload(at) + value);
        }
    for (ptrdiff_t p = 0; !by_position && p < pixels; p += PIXELS_TOGETHER)
        for (ptrdiff_t v = 0; v < vectors; v += SUMS_TOGETHER)
            add_pixels(sums, g, g_at + p, fcn_min(PIXELS_TOGETHER, pixels - p), v,
                       fcn_min(vectors, v + SUMS_TOGETHER), fresh && p == 0);
}

#ifdef FCN_LAYOUT_CHANNELS

/* out[place[i]] = sum over slots of sums[slot][source[i]]; one task takes FCN_TASK_TOTALS sums.
 * Buffers: out, sums. Tables: place, source. Sizes: count. */
void KERNEL(total)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    real *out = op_buffer(op, run, 0, 0);
    const ptrdiff_t slots = run->slots, first = task * FCN_TASK_TOTALS;
    const ptrdiff_t count = fcn_min(op->size[0], first + FCN_TASK_TOTALS);
    const int32_t *place = op->table[0], *source = op->table[1];
    for (ptrdiff_t i = first; i < count; ++i) {
        real sum = op_buffer(op, run, 1, 0)[source[i]];
        for (ptrdiff_t slot = 1; slot < slots; ++slot)
            sum += op_buffer(op, run, 1, slot)[source[i]];
        out[place[i]] = sum;
    }
}

/* Channels of each pixel, as many as may be, and nothing beside them. Buffers: z, y. Tables: z_at, y_at. Sizes: pixels,
 * channels (true). */
void KERNEL(copy)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    real *z = op_buffer(op, run, 0, group);
    const real *y = op_buffer(op, run, 1, group);
    for (ptrdiff_t p = 0; p < op->size[0]; ++p)
        memcpy(z + op->table[0][p], y + op->table[1][p], (size_t)op->size[1] * sizeof(real));
}

/* out[i] = sum over slots of sums[slot][i]; one task takes FCN_TASK_TOTALS. Buffers: out, sums. Sizes: count, a number
 * of whole vectors. */
void KERNEL(slot_sum)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    real *out = op_buffer(op, run, 0, 0);
    const ptrdiff_t slots = run->slots, first = task * FCN_TASK_TOTALS;
    const ptrdiff_t count = fcn_min(op->size[0], first + FCN_TASK_TOTALS);
    for (ptrdiff_t i = first; i < count; i += VL) {
        vreal sum = vload(op_buffer(op, run, 1, 0) + i);
        for (ptrdiff_t slot = 1; slot < slots; ++slot)
            sum += vload(op_buffer(op, run, 1, slot) + i);
        vstore(out + i, sum);
    }
}

#else

/* out[place[i]] = sum over slots and lanes of sums[slot][i]; one task takes FCN_TASK_TOTALS sums.
 * Buffers: out, sums. Tables: place. Sizes: count. */
void KERNEL(total)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    real *out = op_buffer(op, run, 0, 0);
    const ptrdiff_t slots = run->slots, first = task * FCN_TASK_TOTALS;
    const ptrdiff_t count = fcn_min(op->size[0], first + FCN_TASK_TOTALS);
    for (ptrdiff_t i = first; i < count; i += VL) {
        vreal vectors[VL] = {{0}};
        const ptrdiff_t valid = fcn_min(VL, count - i);
        for (ptrdiff_t v = 0; v < valid; ++v) {
            vectors[v] = vload(op_buffer(op, run, 1, 0) + (i + v) * VL);
            for (ptrdiff_t slot = 1; slot < slots; ++slot)
                vectors[v] += vload(op_buffer(op, run, 1, slot) + (i + v) * VL);
        }
        real totals[VL];
        vstore(totals, sum_each(vectors));
        for (ptrdiff_t v = 0; v < valid; ++v)
            out[op->table[0][i + v]] = totals[v];
    }
}

#endif

/* out[i] = in[place[i]]. Buffers: out, in. Tables: place. Sizes: count. */
void KERNEL(gather)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    (void)task;
    real *out = op_buffer(op, run, 0, 0);
    const real *in = op_buffer(op, run, 1, 0);
    for (ptrdiff_t i = 0; i < op->size[0]; ++i)
        out[i] = in[op->table[0][i]];
}
