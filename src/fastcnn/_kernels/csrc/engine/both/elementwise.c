/* Elementwise operations in the engine's layouts: batch normalisation, sums, ReLU, dropout, copies. */
#include "engine/batch_norm.h"
#include "engine/dropout.h"

typedef struct {
    stored *z;
    const stored *y, *r;
    const real *state;
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

/* z = relu((y - mean) * scale + offset + r) * dropout, each part optional. */
void KERNEL(apply)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_apply *a = &op->apply;
    const ptrdiff_t dropout = a->dropout;
    const int relu = (int)a->relu;
    elements e = {
        .z = of_group(&a->z, batch, group),
        .y = of_group(&a->y, batch, group),
        .state = the(&a->state),
        .r = of_group(&a->r, batch, group),
        .z_at = a->z_at,
        .y_at = a->y_at,
        .r_at = a->r_at,
        .pixels = a->pixels,
        .vectors = a->vectors,
    };
    if (dropout)
        e.mask = dropout_of_group(a->p, batch->keys[dropout - 1], group, e.pixels);
    if (e.state && !e.r && relu && !dropout)
        apply(&e, 1, 0, 1, 0);
    else if (e.state && !e.r && !dropout)
        apply(&e, 1, 0, 0, 0);
    else if (!e.state && !relu && !dropout)
        apply(&e, 0, e.r != NULL, 0, 0);
    else
        apply(&e, e.state != NULL, e.r != NULL, relu, dropout != 0);
}

/* dx = factor * g where z > 0, else 0 */
void KERNEL(relu_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_relu_grad *a = &op->relu_grad;
    const ptrdiff_t pixels = a->pixels, vectors = a->vectors;
    stored *dx = of_group(&a->dx, batch, group);
    const stored *g = of_group(&a->g, batch, group), *z = of_group(&a->z, batch, group);
    const int32_t *dx_at = a->dx_at, *g_at = a->g_at, *z_at = a->z_at;
    const vreal factor = vset((real)a->factor);
    for (ptrdiff_t p0 = 0, p1; p0 < pixels; p0 = p1) {
        p1 = tile_end(p0, pixels, FEW_PIXELS);
        for (ptrdiff_t v = 0; v < vectors; ++v)
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p)
                vstore(dx + dx_at[p] + v * VL,
                       keep(vload(z + z_at[p] + v * VL) > 0, vload(g + g_at[p] + v * VL) * factor));
    }
}

/* Channels of each pixel, and nothing beside them. */
void KERNEL(copy)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_copy *a = &op->copy;
    const size_t bytes = (size_t)(a->channels * GROUP_IMAGES) * sizeof(stored);
    stored *z = of_group(&a->z, batch, group);
    const stored *y = of_group(&a->y, batch, group);
    for (ptrdiff_t p = 0; p < a->pixels; ++p)
        memcpy(z + a->z_at[p], y + a->y_at[p], bytes);
}

/* out[i] = source[place[i]] */
void KERNEL(gather)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_gather *a = &op->gather;
    (void)batch, (void)task;
    real *out = the(&a->out);
    const real *source = the(&a->source);
    for (ptrdiff_t i = 0; i < a->count; ++i)
        out[i] = source[a->place[i]];
}
