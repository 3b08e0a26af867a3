/* Depthwise convolution in the layout "channels": each channel has a window of its own.
 *
 * Equation  y[p][c] = f(bias[c] + sum_k x[x_at[p] + tap_at[k]][c] * w[k][c]), f what ending.h says; the
 *           gradient with respect to x is the same sum over dy, with other tables.  dw[k][c] = sum over images and pixels of x[..][c] *
 *           dy[dy_at[p]][c]
 * Layout    see program.h; packed weights and sums as in conv.c and conv_weight.c.
 * Method    A vector of channels at a time: PIXELS sums of the pixels of a block, or TAPS sums of the taps.
 *           Forward takes so few pixels through all channels before the next ones that they stay in a cache.
 * Order     Each y is one chain of fused multiply-adds over ascending k, as in every layout.
 */
#include "engine/ending.h"

#define PIXELS 8
#define TAPS 9
#define LEAST_BLOCKS 4 /* that are taken through all channels, however large a pixel is */
/* As in conv_weight.c. */
#define MAX_WIDTH 2

typedef struct {
    stored *y;
    const stored *x, *w;
    const real *start;
    const int32_t *y_at, *x_at, *tap_at;
    ptrdiff_t start_step; /* reals from one pixel's start to the next */
    ptrdiff_t width;      /* vectors from one tap to the next */
    ending end;           /* of the vector in hand */
    int add;
} product;

INLINE void forward(const product *f, ptrdiff_t p0, ptrdiff_t k0, ptrdiff_t k1, const int pixels)
{
    vreal sum[PIXELS];
    const stored *x[PIXELS];
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) {
        x[p] = f->x + f->x_at[p0 + p];
        sum[p] = f->start ? rload(f->start + (p0 + p) * f->start_step) : (vreal){0};
    }
    const stored *w = f->w + k0 * f->width * VL;
    for (ptrdiff_t k = k0; k < k1; ++k, w += f->width * VL) {
        const ptrdiff_t at = f->tap_at[k];
        vreal weight = vload(w);
        PIN(weight);
#pragma GCC unroll 8
        for (int p = 0; p < pixels; ++p)
            sum[p] += vload(x[p] + at) * weight;
    }
    const int scaled = scales(&f->end);
    const vreal least = vset(f->end.least), most = vset(f->end.most);
    const vreal scale = scaled ? rload(f->end.scale) : (vreal){0};
    const vreal shift = scaled ? rload(f->end.shift) : (vreal){0};
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) {
        stored *y = f->y + f->y_at[p0 + p];
        if (f->add)
            sum[p] += vload(y);
        sum[p] = vmin(most, vmax(least, sum[p]));
        vstore(y, scaled ? sum[p] * scale + shift : sum[p]);
    }
}

void KERNEL(depthwise)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_depthwise *a = &op->depthwise;
    const ptrdiff_t vectors = a->vectors, depth = a->depth, row = row_size(vectors);
    const stored *w = the(&a->weight);
    const real *bias = the(&a->bias), *position_bias = the(&a->position_bias);
    const real *start = position_bias ? position_bias : bias;
    stored *y = of_group(&a->y, batch, group);
    const stored *x = of_group(&a->x, batch, group);
    const ending end = ending_of(ACTIVATION_OF(a), the(&a->scale), the(&a->shift), the(&a->slope));
    product f = {
        .y_at = a->y_at,
        .x_at = a->x_at,
        .tap_at = a->tap_at,
        .start_step = position_bias ? row : 0,
        .end = end,
        .add = (int)a->add,
    };
    const ptrdiff_t bytes = row * (ptrdiff_t)sizeof(stored);
    const ptrdiff_t most = PIXELS * fcn_max(BYTES_AT_A_TIME / (PIXELS * bytes), LEAST_BLOCKS);
    for (ptrdiff_t s = 0; s < a->segment_count; ++s) {
        const int32_t *segment = a->segments + 4 * s;
        for (ptrdiff_t p0 = segment[0], p1; p0 < segment[1]; p0 = p1) {
            p1 = fcn_min(segment[1], p0 + most);
            for (ptrdiff_t b = 0; b < vector_block_count(vectors); ++b) {
                const ptrdiff_t v0 = vector_block_start(vectors, b), v1 = vector_block_start(vectors, b + 1);
                f.width = v1 - v0;
                for (ptrdiff_t v = v0; v < v1; ++v) {
                    f.y = y + v * VL;
                    f.x = x + v * VL;
                    f.w = w + (v0 * depth + v - v0) * VL;
                    f.start = start ? start + v * VL : NULL;
                    f.end.scale = end.scale ? end.scale + v * VL : NULL;
                    f.end.shift = end.scale ? end.shift + v * VL : NULL;
                    ptrdiff_t p = p0;
                    for (; p + PIXELS <= p1; p += PIXELS)
                        forward(&f, p, segment[2], segment[3], PIXELS);
                    for (; p < p1; ++p)
                        forward(&f, p, segment[2], segment[3], 1);
                }
            }
            end_pixels(&end, y, f.y_at, p0, p1, vectors);
        }
    }
}

typedef struct {
    const stored *x, *dy;
    const int32_t *x_at, *dy_at, *tap_at;
    ptrdiff_t p0, p1, width; /* width: vectors from one sum to the next */
    int fresh;
} pixel_tile;

INLINE void add_taps(real *sums, const pixel_tile *f, ptrdiff_t k0, const int taps)
{
    vreal sum[TAPS];
    const stored *tap[TAPS];
#pragma GCC unroll 16
    for (int t = 0; t < taps; ++t) {
        tap[t] = f->x + f->tap_at[k0 + t];
        sum[t] = (vreal){0};
    }
    for (ptrdiff_t p = f->p0; p < f->p1; ++p) {
        const ptrdiff_t at = f->x_at[p];
        vreal dy = vload(f->dy + f->dy_at[p]);
        PIN(dy);
#pragma GCC unroll 16
        for (int t = 0; t < taps; ++t)
            sum[t] += vload(tap[t] + at) * dy;
    }
#pragma GCC unroll 16
    for (int t = 0; t < taps; ++t) {
        real *at = sums + t * f->width * VL;
        rstore(at, f->fresh ? sum[t] : rload(at) + sum[t]);
    }
}

void KERNEL(depthwise_weight)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_depthwise_weight *a = &op->depthwise_weight;
    const ptrdiff_t pixels = a->pixels, depth = a->depth, vectors = a->vectors;
    const ptrdiff_t end = group + (op->whole_chunk ? batch->count : 1);
    for (ptrdiff_t image = group; image < end; ++image) {
        int fresh;
        real *sums = sums_of_group(op, &a->sums, batch, image, &fresh);
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const ptrdiff_t v0 = v / MAX_WIDTH * MAX_WIDTH;
            pixel_tile f = {
                .x = (const stored *)of_group(&a->x, batch, image) + v * VL,
                .dy = (const stored *)of_group(&a->dy, batch, image) + v * VL,
                .dy_at = a->dy_at,
                .x_at = a->x_at,
                .tap_at = a->tap_at,
                .width = fcn_min(MAX_WIDTH, vectors - v0),
            };
            real *to = sums + (v0 * depth + v - v0) * VL;
            for (; f.p0 < pixels; f.p0 = f.p1) {
                f.p1 = fcn_min(pixels, f.p0 + FCN_SUM_BLOCK);
                f.fresh = f.p0 == 0 && fresh;
                ptrdiff_t k = 0;
                for (; k + TAPS <= depth; k += TAPS)
                    add_taps(to + k * f.width * VL, &f, k, TAPS);
                for (; k < depth; ++k)
                    add_taps(to + k * f.width * VL, &f, k, 1);
            }
        }
    }
}
