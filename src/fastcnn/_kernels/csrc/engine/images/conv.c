/* Direct convolution in the engine's layout: forward, backward-input and backward-weight; linear layers too.
 *
 * Equation  y[p][o] = bias[o] + sum_k x[x_at[p] + tap_at[k]] * w[k][o]
 *           k runs over the taps and input channels of a window (a linear layer has one pixel, and its taps are
 *           all elements of the sample); tables hold the places. The gradient with respect to x is the same sum
 *           over dy with the weights of each phase of the stride, so it is this kernel with other tables.
 *           dw[k][o] = sum over images and pixels of x[x_at[p] + tap_at[k]] * dy[dy_at[p]][o]
 * Layout    see program.h; packed weights [block][k][channels of the block].
 * Method    Register blocks of BLOCK channels by PIXELS pixels: each step loads PIXELS vectors and broadcasts
 *           BLOCK weights for BLOCK * PIXELS fused multiply-adds. Weight gradients are kept as vectors of VL
 *           partial sums, one set for each slot, and reduced after the phase.
 * Order     Each y is one chain of fused multiply-adds over ascending k, whatever its block: bitwise the same in
 *           every batch, position and thread.
 */
#include "engine/kernel.h"

#include <math.h>

typedef struct {
    real *y;
    const real *x, *bias, *position_bias;
    const int32_t *y_at, *x_at, *tap_at;
    ptrdiff_t all_channels;
    real least; /* y is at least this: 0 with ReLU */
    int add;
} fwd;

typedef struct {
    const real *x, *dy;
    const int32_t *dy_at, *x_at, *tap_at;
    ptrdiff_t groups, x_stride, dy_stride; /* from one group to the next, in reals */
} grad;

#define BLOCK 1
#define PIXELS 8
#include "conv_block.h"
#define BLOCK 2
#define PIXELS 1
#include "conv_block.h"
#define BLOCK 1
#define PIXELS 1
#include "conv_block.h"
#define BLOCK 3
#define PIXELS 1
#include "conv_block.h"
#define BLOCK 4
#define PIXELS 1
#include "conv_block.h"
#if MAX_BLOCK == 8
#define BLOCK 2
#define PIXELS 8
#include "conv_block.h"
#define BLOCK 3
#define PIXELS 7
#include "conv_block.h"
#define BLOCK 4
#define PIXELS 6
#include "conv_block.h"
#define BLOCK 5
#define PIXELS 4
#include "conv_block.h"
#define BLOCK 6
#define PIXELS 4
#include "conv_block.h"
#define BLOCK 7
#define PIXELS 3
#include "conv_block.h"
#define BLOCK 8
#define PIXELS 3
#include "conv_block.h"
#define BLOCK 5
#define PIXELS 1
#include "conv_block.h"
#define BLOCK 6
#define PIXELS 1
#include "conv_block.h"
#define BLOCK 7
#define PIXELS 1
#include "conv_block.h"
#define BLOCK 8
#define PIXELS 1
#include "conv_block.h"
#else
#define BLOCK 2
#define PIXELS 5
#include "conv_block.h"
#define BLOCK 3
#define PIXELS 4
#include "conv_block.h"
#define BLOCK 4
#define PIXELS 3
#include "conv_block.h"
#endif

typedef void forward_block(const fwd *, const real *, ptrdiff_t o0, ptrdiff_t p0, ptrdiff_t k0, ptrdiff_t k1);
typedef void weight_block(real *, const grad *, ptrdiff_t k0, ptrdiff_t o0, ptrdiff_t p0, ptrdiff_t p1,
                          int fresh);

/* For each number of channels in a block: the wide block, the number of its pixels, and the one-pixel block. */
static const struct {
    int pixels;
    forward_block *wide, *single;
    weight_block *weight_wide, *weight_single;
} blocks[MAX_BLOCK + 1] = {
#define ENTRY(b, p) [b] = {p, forward_##b##_##p, forward_##b##_1, weight_##b##_##p, weight_##b##_1}
#if MAX_BLOCK == 8
    ENTRY(1, 8), ENTRY(2, 8), ENTRY(3, 7), ENTRY(4, 6), ENTRY(5, 4), ENTRY(6, 4), ENTRY(7, 3), ENTRY(8, 3),
#else
    ENTRY(1, 8),
    ENTRY(2, 5),
    ENTRY(3, 4),
    ENTRY(4, 3),
#endif
};

/* Buffers: y, x, packed weights, bias, position bias (pixels, channels).
 * Tables: y_at, x_at, tap_at, segments. Sizes: pixels, depth, channels, relu, add, all channels, first channel (the
 * biases are those of all channels, of which this operation makes `channels` from the first on), segments.
 * A segment (first pixel, last pixel + 1, first tap, last tap + 1) leaves out taps that all read the halo. */
void KERNEL(conv)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t depth = op->size[1], channels = op->size[2];
    const ptrdiff_t all_channels = op->size[5], first = op->size[6];
    const real *w = op_buffer(op, run, 2, 0), *bias = op_buffer(op, run, 3, 0);
    const real *position_bias = op_buffer(op, run, 4, 0);
    const fwd f = {
        .y = op_buffer(op, run, 0, group),
        .x = op_buffer(op, run, 1, group),
        .bias = bias ? bias + first : NULL,
        .position_bias = position_bias ? position_bias + first : NULL,
        .y_at = op->table[0],
        .x_at = op->table[1],
        .tap_at = op->table[2],
        .all_channels = all_channels,
        .least = op->size[3] ? 0 : -INFINITY,
        .add = (int)op->size[4],
    };
    for (ptrdiff_t b = 0; b < block_count(channels); ++b) {
        const ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0;
        const ptrdiff_t pixels = blocks[width].pixels;
        const real *block = w + o0 * depth;
        for (ptrdiff_t s = 0; s < op->size[7]; ++s) {
            const int32_t *segment = op->table[3] + 4 * s;
            ptrdiff_t p = segment[0];
            for (; p + pixels <= segment[1]; p += pixels)
                blocks[width].wide(&f, block, o0, p, segment[2], segment[3]);
            for (; p < segment[1]; ++p)
                blocks[width].single(&f, block, o0, p, segment[2], segment[3]);
        }
    }
}

/* sums of the taps k0 .. k1 - 1 for one block of channels and the pixels p0 .. p1 - 1. */
static void add_taps(real *sums, const grad *f, ptrdiff_t k0, ptrdiff_t k1, ptrdiff_t o0, ptrdiff_t width,
                     ptrdiff_t p0, ptrdiff_t p1, int fresh)
{
    ptrdiff_t k = k0;
    for (; k + blocks[width].pixels <= k1; k += blocks[width].pixels)
        blocks[width].weight_wide(sums + (k - k0) * width * VL, f, k, o0, p0, p1, fresh);
    for (; k < k1; ++k)
        blocks[width].weight_single(sums + (k - k0) * width * VL, f, k, o0, p0, p1, fresh);
}

/* Arrays of a group that together pass this many bytes come from beyond the second cache. */
#define SECOND_CACHE (1024 * 1024)

/* Fetch what the pixels p0 .. p1 - 1 read first: their gradients, and the last kernel row's last pixel of x. The
 * steps from pixel to pixel are too long for the processor to foresee. */
static void prefetch_pixels(const grad *f, ptrdiff_t depth, ptrdiff_t in_channels, ptrdiff_t channels,
                            ptrdiff_t p0, ptrdiff_t p1)
{
    const ptrdiff_t line = 64 / (ptrdiff_t)sizeof(real);
    const real *x = f->x + f->tap_at[depth - in_channels];
    for (ptrdiff_t p = p0; p < p1; ++p) {
        for (ptrdiff_t i = 0; i < channels * VL; i += line)
            __builtin_prefetch(f->dy + f->dy_at[p] + i, 0, 2);
        for (ptrdiff_t i = 0; i < in_channels * VL; i += line)
            __builtin_prefetch(x + f->x_at[p] + i, 0, 2);
    }
}

/* Buffers: sums [slot][block][k][channels of the block][VL], x, dy. Tables: dy_at, x_at, tap_at.
 * Sizes: pixels, depth, channels, input channels. */
void KERNEL(conv_weight)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], depth = op->size[1], channels = op->size[2];
    const grad f = {
        .x = op_buffer(op, run, 1, group),
        .dy = op_buffer(op, run, 2, group),
        .dy_at = op->table[0],
        .x_at = op->table[1],
        .tap_at = op->table[2],
        .groups = 1,
    };
    real *sums = op_buffer(op, run, 0, fcn_slot_of(run, group));
    /* A tile of pixels is short enough that its gradients stay in the first cache. */
    const ptrdiff_t tile = pixels <= 64 ? pixels : 48;
    const int streamed = pixels * (channels + op->size[3]) * VL * (ptrdiff_t)sizeof(real) > SECOND_CACHE;
    for (ptrdiff_t p = 0; p < pixels; p += tile) {
        int fresh = p == 0 && fcn_is_slot_start(run, group);
        if (streamed)
            prefetch_pixels(&f, depth, op->size[3], channels, fcn_min(pixels, p + tile),
                            fcn_min(pixels, p + 2 * tile));
        for (ptrdiff_t b = 0; b < block_count(channels); ++b) {
            ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0;
            add_taps(sums + o0 * depth * VL, &f, 0, depth, o0, width, p, fcn_min(pixels, p + tile), fresh);
        }
    }
}

/* Write the lane sums of the taps k0 .. k1 - 1 of one block of channels, added over slots, to their places in dweight.
 * VL taps of one channel are reduced at a time; with `dense` they are neighbours in dweight. */
static void write_sums(real *dweight, const real *sums, ptrdiff_t slot_stride, ptrdiff_t slots, ptrdiff_t k0,
                       ptrdiff_t k1, ptrdiff_t width, const int32_t *weight_at, const int32_t *channel_at,
                       int dense)
{
    for (ptrdiff_t k = k0; k < k1; k += VL)
        for (ptrdiff_t o = 0; o < width; ++o) {
            vreal vectors[VL] = {{0}};
            const ptrdiff_t valid = fcn_min(VL, k1 - k);
            for (ptrdiff_t v = 0; v < valid; ++v) {
                const real *at = sums + ((k - k0 + v) * width + o) * VL;
                vectors[v] = vload(at);
                for (ptrdiff_t slot = 1; slot < slots; ++slot)
                    vectors[v] += vload(at + slot * slot_stride);
            }
            vreal totals = sum_each(vectors);
            real *target = dweight + channel_at[o];
            if (dense && valid == VL) {
                vstore(target + weight_at[k], totals);
                continue;
            }
            real lanes[VL];
            vstore(lanes, totals);
            for (ptrdiff_t v = 0; v < valid; ++v)
                target[weight_at[k + v]] = lanes[v];
        }
}

/* One task reduces one block of channels of the sums of lanes_conv_weight.
 * Buffers: dweight, sums. Tables: weight_at, channel_at (tap k of channel o stands at their sum in dweight).
 * Sizes: depth, channels. */
void KERNEL(conv_weight_sum)(const fcn_op *op, const fcn_run *run, ptrdiff_t b)
{
    const ptrdiff_t depth = op->size[0], channels = op->size[1];
    const ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0;
    write_sums(op_buffer(op, run, 0, 0), op_buffer(op, run, 1, 0) + o0 * depth * VL,
               op->stride[1] / (ptrdiff_t)sizeof(real), run->slots, 0, depth, width, op->table[0],
               op->table[1] + o0, 0);
}

/* Weight gradient of a layer with few pixels (a linear layer has one) over all groups at once, so that no partial
 * sums are kept. One task takes FCN_TASK_TAPS taps.
 * Buffers: dweight, x, dy. Tables: dy_at, x_at, tap_at, places (weight_at, then channel_at).
 * Sizes: pixels, depth, channels, dense (taps are neighbours in dweight). */
void KERNEL(weight_of_all)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    const ptrdiff_t pixels = op->size[0], depth = op->size[1], channels = op->size[2];
    const int dense = (int)op->size[3];
    const ptrdiff_t k0 = task * FCN_TASK_TAPS, k1 = fcn_min(depth, k0 + FCN_TASK_TAPS);
    const int32_t *weight_at = op->table[3], *channel_at = weight_at + depth;
    const grad f = {
        .x = op_buffer(op, run, 1, 0),
        .dy = op_buffer(op, run, 2, 0),
        .dy_at = op->table[0],
        .x_at = op->table[1],
        .tap_at = op->table[2],
        .x_stride = op->stride[1] / (ptrdiff_t)sizeof(real),
        .dy_stride = op->stride[2] / (ptrdiff_t)sizeof(real),
    };
    /* So many groups that their gradients stay in the first cache while all taps pass over them. */
    const ptrdiff_t tile = fcn_max(1, 40 / pixels);
    real sums[FCN_TASK_TAPS * MAX_BLOCK * VL];
    for (ptrdiff_t b = 0; b < block_count(channels); ++b) {
        ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0;
        for (ptrdiff_t g = 0; g < run->groups; g += tile) {
            grad part = f;
            part.x += g * f.x_stride;
            part.dy += g * f.dy_stride;
            part.groups = fcn_min(tile, run->groups - g);
            add_taps(sums, &part, k0, k1, o0, width, 0, pixels, g == 0);
        }
        write_sums(op_buffer(op, run, 0, 0), sums, 0, 1, k0, k1, width, weight_at, channel_at + o0, dense);
    }
}

/* One task packs one block of channels: packed[block][k][channels of the block] = weight * scale.
 * Buffers: packed, weight, scale (channels, or NULL). Tables: weight_at, channel_at. Sizes: depth, channels. */
void KERNEL(conv_pack)(const fcn_op *op, const fcn_run *run, ptrdiff_t b)
{
    const ptrdiff_t depth = op->size[0], channels = op->size[1];
    const ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0;
    const real *weight = op_buffer(op, run, 1, 0), *scale = op_buffer(op, run, 2, 0);
    const int32_t *weight_at = op->table[0], *channel_at = op->table[1];
    real *packed = op_buffer(op, run, 0, 0) + o0 * depth;
    for (ptrdiff_t k = 0; k < depth; ++k)
        for (ptrdiff_t o = 0; o < width; ++o)
            packed[k * width + o] = weight[weight_at[k] + channel_at[o0 + o]] * (scale ? scale[o0 + o] : 1);
}
