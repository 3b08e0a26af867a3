/* Depthwise convolution in the layout "channels": each channel has a window of its own.
 *
 * Equation  y[p][c] = bias[c] + sum_k x[x_at[p] + tap_at[k]][c] * w[k][c]; the gradient with respect to x is the same
 *           sum over dy, with other tables.  dw[k][c] = sum over images and pixels of x[..][c] * dy[dy_at[p]][c]
 * Layout    see program.h; packed weights and sums as in channels_conv.c and channels_conv_weight.c.
 * Method    A vector of channels at a time: PIXELS sums of the pixels of a block, or TAPS sums of the taps.
 * Order     Each y is one chain of fused multiply-adds over ascending k, as in every layout.
 */
#include "engine/kernel.h"

#include <math.h>

#define PIXELS 8
#define TAPS 9
/* As in channels_conv_weight.c. */
#define MAX_WIDTH 2

typedef struct {
    real *y;
    const real *x, *w, *start;
    const int32_t *y_at, *x_at, *tap_at;
    ptrdiff_t start_step,
        width; /* reals from one pixel's start to the next; vectors from one tap to the next */
    real least;
    int add;
} fwd;

INLINE void forward(const fwd *f, ptrdiff_t p0, ptrdiff_t k0, ptrdiff_t k1, const int pixels)
{
    vreal sum[PIXELS];
    const real *x[PIXELS];
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) {
        x[p] = f->x + f->x_at[p0 + p];
        sum[p] = f->start ? vload(f->start + (p0 + p) * f->start_step) : (vreal){0};
    }
    const real *w = f->w + k0 * f->width * VL;
    for (ptrdiff_t k = k0; k < k1; ++k, w += f->width * VL) {
        const ptrdiff_t at = f->tap_at[k];
        vreal weight = vload(w);
        PIN(weight);
#pragma GCC unroll 8
        for (int p = 0; p < pixels; ++p)
            sum[p] += vload(x[p] + at) * weight;
    }
    const vreal least = vset(f->least);
#pragma GCC unroll 8
    for (int p = 0; p < pixels; ++p) {
        real *y = f->y + f->y_at[p0 + p];
        if (f->add)
            sum[p] += vload(y);
        vstore(y, vmax(least, sum[p]));
    }
}

/* Buffers, tables and sizes: those of channels_conv; a run is one tap. */
void KERNEL(depthwise)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t vectors = op->size[2], depth = op->size[5], row = row_size(vectors);
    const real *w = op_buffer(op, run, 2, 0), *bias = op_buffer(op, run, 3, 0);
    const real *position_bias = op_buffer(op, run, 4, 0);
    fwd f = {
        .y_at = op->table[0],
        .x_at = op->table[1],
        .tap_at = op->table[2],
        .start_step = position_bias ? row : 0,
        .least = op->size[3] ? 0 : -INFINITY,
        .add = (int)op->size[4],
    };
    for (ptrdiff_t b = 0; b < vector_block_count(vectors); ++b) {
        const ptrdiff_t v0 = vector_block_start(vectors, b), v1 = vector_block_start(vectors, b + 1);
        f.width = v1 - v0;
        for (ptrdiff_t v = v0; v < v1; ++v) {
            const real *start = position_bias ? position_bias : bias;
            f.y = op_buffer(op, run, 0, group) + v * VL;
            f.x = op_buffer(op, run, 1, group) + v * VL;
            f.w = w + (v0 * depth + v - v0) * VL;
            f.start = start ? start + v * VL : NULL;
            for (ptrdiff_t s = 0; s < op->size[6]; ++s) {
                const int32_t *segment = op->table[3] + 4 * s;
                ptrdiff_t p = segment[0];
                for (; p + PIXELS <= segment[1]; p += PIXELS)
                    forward(&f, p, segment[2], segment[3], PIXELS);
                for (; p < segment[1]; ++p)
                    forward(&f, p, segment[2], segment[3], 1);
            }
        }
    }
}

typedef struct {
    const real *x, *dy;
    const int32_t *x_at, *dy_at, *tap_at;
    ptrdiff_t p0, p1, width; /* width: vectors from one sum to the next */
    int fresh;
} grad;

INLINE void add_taps(real *sums, const grad *f, ptrdiff_t k0, const int taps)
{
    vreal sum[TAPS];
    const real *tap[TAPS];
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
        vstore(at, f->fresh ? sum[t] : vload(at) + sum[t]);
    }
}

/* Buffers, tables and sizes: those of channels_conv_weight. */
void KERNEL(depthwise_weight)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], depth = op->size[1], vectors = op->size[2];
    const ptrdiff_t end = group + (op->together ? run->count : 1);
    real *sums = op_buffer(op, run, 0, fcn_slot_of(run, group));
    for (ptrdiff_t image = group; image < end; ++image)
        for (ptrdiff_t v = 0; v < vectors; ++v) {
            const ptrdiff_t v0 = v / MAX_WIDTH * MAX_WIDTH;
            grad f = {
                .x = op_buffer(op, run, 1, image) + v * VL,
                .dy = op_buffer(op, run, 2, image) + v * VL,
                .dy_at = op->table[0],
                .x_at = op->table[1],
                .tap_at = op->table[2],
                .width = fcn_min(MAX_WIDTH, vectors - v0),
            };
            real *to = sums + (v0 * depth + v - v0) * VL;
            for (; f.p0 < pixels; f.p0 = f.p1) {
                f.p1 = fcn_min(pixels, f.p0 + FCN_SUM_BLOCK);
                f.fresh = f.p0 == 0 && fcn_is_slot_start(run, image);
                ptrdiff_t k = 0;
                for (; k + TAPS <= depth; k += TAPS)
                    add_taps(to + k * f.width * VL, &f, k, TAPS);
                for (; k < depth; ++k)
                    add_taps(to + k * f.width * VL, &f, k, 1);
            }
        }
}
