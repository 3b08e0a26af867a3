/* Elementwise operations in the engine's layouts: batch normalisation, sums, products, quotients,
 * activations, dropout, copies. */
#include "common/activation.h"
#include "engine/batch_norm.h"
#include "engine/dropout.h"

#define FEW_BYTES (16 * 1024) /* of a tile of y, where channels are in the lanes */

typedef struct {
    stored *z, *kept;
    const stored *y, *r;
    const real *state, *slope;
    const int32_t *z_at, *kept_at, *y_at, *r_at;
    ptrdiff_t pixels, vectors;
    activation f;
    dropout_mask mask;
    vreal factor; /* of dropout that takes whole images */
    vint there;   /* the lanes of images that exist: others might become NaN */
} elements;

enum { KEEPS = 0, DROPS_ELEMENTS, DROPS_CHANNELS, DROPS_IMAGES };

INLINE void apply(const elements *e, const int normed, const int added, const activation_kind kind,
                  const int dropout)
{
    /* Three rows of the state are read for each tile, which is to stay in the first cache. */
    const ptrdiff_t row = row_size(e->vectors) * (ptrdiff_t)sizeof(stored);
    const ptrdiff_t few = GROUP_IMAGES == 1 ? fcn_max(FEW_BYTES / row, 2 * FEW_PIXELS)
                          : added           ? 1
                                            : 2 * FEW_PIXELS;
    for (ptrdiff_t p0 = 0, p1; p0 < e->pixels; p0 = p1) {
        p1 = fcn_min(e->pixels, p0 + few);
        for (ptrdiff_t v = 0; v < e->vectors; ++v) {
            vreal center = {0}, scale = {0}, offset = {0};
            if (normed) {
                center = state_row(e->state, MEAN, e->vectors, v);
                scale = state_row(e->state, SCALE, e->vectors, v);
                offset = state_row(e->state, OFFSET, e->vectors, v);
            }
            const vreal slope = kind == SLOPES ? per_channel(e->slope, v) : (vreal){0};
            const vreal factor = dropout == DROPS_CHANNELS ? dropout_factor(&e->mask, v, 0) : e->factor;
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p) {
                vreal value = vload(e->y + e->y_at[p] + v * VL);
                if (normed)
                    value = (value - center) * scale + offset;
                if (added)
                    value += vload(e->r + e->r_at[p] + v * VL);
                if (kind == SLOPES && e->kept)
                    vstore(e->kept + e->kept_at[p] + v * VL, value);
                value = kind == SLOPES ? sloped(value, slope) : activated(&e->f, kind, value);
                if (changes_zero(kind))
                    value = keep(e->there, value);
                if (dropout == DROPS_ELEMENTS)
                    value *= dropout_factor(&e->mask, v, p);
                else if (dropout)
                    value *= factor;
                vstore(e->z + e->z_at[p] + v * VL, value);
            }
        }
    }
}

/* z = f((y - mean) * scale + offset + r) * dropout, each part optional. */
void KERNEL(apply)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_apply *a = &op->apply;
    enum { OF_ELEMENTS, OF_IMAGES, OF_BATCHES, OF_CHANNELS }; /* what a draw is shared by */
    const int dropout = !a->dropout                ? KEEPS
                        : a->shared == OF_ELEMENTS ? DROPS_ELEMENTS
                        : a->shared == OF_CHANNELS ? DROPS_CHANNELS
                                                   : DROPS_IMAGES;
    elements e = {
        .z = of_group(&a->z, batch, group),
        .kept = of_group(&a->kept, batch, group),
        .y = of_group(&a->y, batch, group),
        .state = the(&a->state),
        .slope = the(&a->slope),
        .r = of_group(&a->r, batch, group),
        .z_at = a->z_at,
        .kept_at = a->kept_at,
        .y_at = a->y_at,
        .r_at = a->r_at,
        .pixels = a->pixels,
        .vectors = a->vectors,
        .f = ACTIVATION_OF(a),
        .there = lane_mask(batch, group) != 0,
    };
    if (dropout == DROPS_ELEMENTS || dropout == DROPS_CHANNELS)
        e.mask = dropout_of_group(a->p, batch->keys[a->dropout - 1], group,
                                  dropout == DROPS_CHANNELS ? 1 : e.pixels);
    if (dropout == DROPS_IMAGES)
        e.factor = dropout_of_images(a->p, batch->keys[a->dropout - 1], group, a->shared == OF_BATCHES);
    if (e.slope)
        apply(&e, e.state != NULL, e.r != NULL, SLOPES, KEEPS);
    else if (e.state && !e.r && !dropout)
        BY_KIND(&e.f, apply(&e, 1, 0, kind, KEEPS));
    else if (!e.state && !dropout)
        BY_KIND(&e.f, apply(&e, 0, e.r != NULL, kind, KEEPS));
    else
        BY_KIND(&e.f, apply(&e, e.state != NULL, e.r != NULL, kind, dropout));
}

/* z = factor * y + kept where dropout keeps an element, else dropped */
void KERNEL(drop)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_drop *a = &op->drop;
    stored *z = of_group(&a->z, batch, group);
    const stored *y = of_group(&a->y, batch, group);
    const vreal kept = vset((real)a->kept), dropped = vset((real)a->dropped);
    const int by_channel = (int)a->by_channel;
    dropout_mask mask =
        dropout_of_group(a->p, batch->keys[a->dropout - 1], group, by_channel ? 1 : a->pixels);
    mask.scale = vset((real)a->factor);
    for (ptrdiff_t p = 0; p < a->pixels; ++p)
        for (ptrdiff_t v = 0; v < a->vectors; ++v) {
            const vreal factor = dropout_factor(&mask, v, by_channel ? 0 : p);
            const vreal shift = keep(factor != 0, kept) + keep(factor == 0, dropped);
            vstore(z + a->z_at[p] + v * VL, vload(y + a->y_at[p] + v * VL) * factor + shift);
        }
}

/* z = y * r */
void KERNEL(multiply)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_multiply *a = &op->multiply;
    stored *z = of_group(&a->z, batch, group);
    const stored *y = of_group(&a->y, batch, group), *r = of_group(&a->r, batch, group);
    for (ptrdiff_t p = 0; p < a->pixels; ++p)
        for (ptrdiff_t v = 0; v < a->vectors; ++v)
            vstore(z + a->z_at[p] + v * VL, vload(y + a->y_at[p] + v * VL) * vload(r + a->r_at[p] + v * VL));
}

/* z = y / r, or numerator / r */
void KERNEL(divide)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_divide *a = &op->divide;
    stored *z = of_group(&a->z, batch, group);
    const stored *y = of_group(&a->y, batch, group), *r = of_group(&a->r, batch, group);
    const vint there = lane_mask(batch, group) != 0;
    const vreal numerator = vset((real)a->numerator);
    for (ptrdiff_t p = 0; p < a->pixels; ++p)
        for (ptrdiff_t v = 0; v < a->vectors; ++v) {
            const vreal above = y ? vload(y + a->y_at[p] + v * VL) : numerator;
            vstore(z + a->z_at[p] + v * VL, keep(there, above / vload(r + a->r_at[p] + v * VL)));
        }
}

/* z = rows, in every image */
void KERNEL(spread)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_spread *a = &op->spread;
    stored *z = of_group(&a->z, batch, group);
    const real *rows = the(&a->rows);
    for (ptrdiff_t p = 0; p < a->pixels; ++p, rows += row_size(a->vectors))
        for (ptrdiff_t v = 0; v < a->vectors; ++v)
            vstore(z + a->z_at[p] + v * VL, per_channel(rows, v));
}

/* z = factor * y + shift */
void KERNEL(affine)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_affine *a = &op->affine;
    stored *z = of_group(&a->z, batch, group);
    const stored *y = of_group(&a->y, batch, group);
    const vreal factor = vset((real)a->factor), shift = vset((real)a->shift);
    for (ptrdiff_t p = 0; p < a->pixels; ++p)
        for (ptrdiff_t v = 0; v < a->vectors; ++v)
            vstore(z + a->z_at[p] + v * VL, vload(y + a->y_at[p] + v * VL) * factor + shift);
}

typedef struct {
    stored *dx;
    const stored *g, *kept;
    const int32_t *dx_at, *g_at, *kept_at;
    ptrdiff_t pixels, vectors;
    vreal factor;
    activation f;
    vint there;
} gradients;

INLINE void grads(const gradients *e, const activation_kind kind)
{
    for (ptrdiff_t p0 = 0, p1; p0 < e->pixels; p0 = p1) {
        p1 = tile_end(p0, e->pixels, FEW_PIXELS);
        for (ptrdiff_t v = 0; v < e->vectors; ++v)
#pragma GCC unroll 4
            for (ptrdiff_t p = p0; p < p1; ++p) {
                const vreal g = vload(e->g + e->g_at[p] + v * VL) * e->factor;
                const vreal kept = vload(e->kept + e->kept_at[p] + v * VL);
                const vreal dx = activation_grad(&e->f, kind, g, kept);
                vstore(e->dx + e->dx_at[p] + v * VL, changes_zero(kind) ? keep(e->there, dx) : dx);
            }
    }
}

/* dx = factor * g f'(x) */
void KERNEL(activation_grad)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_activation_grad *a = &op->activation_grad;
    const gradients e = {
        .dx = of_group(&a->dx, batch, group),
        .g = of_group(&a->g, batch, group),
        .kept = of_group(&a->kept, batch, group),
        .dx_at = a->dx_at,
        .g_at = a->g_at,
        .kept_at = a->kept_at,
        .pixels = a->pixels,
        .vectors = a->vectors,
        .factor = vset((real)a->factor),
        .f = ACTIVATION_OF(a),
        .there = lane_mask(batch, group) != 0,
    };
    BY_KIND(&e.f, grads(&e, kind));
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
