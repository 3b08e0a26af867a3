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
#include "lanes.h"

typedef struct {
    real *y;
    const real *x, *bias, *position_bias, *mask;
    const int32_t *y_at, *x_at, *tap_at, *mask_at;
    ptrdiff_t depth, all_channels;
    int relu, add;
} fwd;

#define BLOCK 1
#define PIXELS 8
#include "lanes_conv_block.h"
#define BLOCK 2
#define PIXELS 1
#include "lanes_conv_block.h"
#define BLOCK 1
#define PIXELS 1
#include "lanes_conv_block.h"
#define BLOCK 3
#define PIXELS 1
#include "lanes_conv_block.h"
#define BLOCK 4
#define PIXELS 1
#include "lanes_conv_block.h"
#if MAX_BLOCK == 8
#define BLOCK 2
#define PIXELS 8
#include "lanes_conv_block.h"
#define BLOCK 3
#define PIXELS 7
#include "lanes_conv_block.h"
#define BLOCK 4
#define PIXELS 6
#include "lanes_conv_block.h"
#define BLOCK 5
#define PIXELS 4
#include "lanes_conv_block.h"
#define BLOCK 6
#define PIXELS 4
#include "lanes_conv_block.h"
#define BLOCK 7
#define PIXELS 3
#include "lanes_conv_block.h"
#define BLOCK 8
#define PIXELS 3
#include "lanes_conv_block.h"
#define BLOCK 5
#define PIXELS 1
#include "lanes_conv_block.h"
#define BLOCK 6
#define PIXELS 1
#include "lanes_conv_block.h"
#define BLOCK 7
#define PIXELS 1
#include "lanes_conv_block.h"
#define BLOCK 8
#define PIXELS 1
#include "lanes_conv_block.h"
#else
#define BLOCK 2
#define PIXELS 5
#include "lanes_conv_block.h"
#define BLOCK 3
#define PIXELS 4
#include "lanes_conv_block.h"
#define BLOCK 4
#define PIXELS 3
#include "lanes_conv_block.h"
#endif

typedef void forward_block(const fwd *, const real *, ptrdiff_t, ptrdiff_t);
typedef void weight_block(real *, const real *, const real *, const int32_t *, const int32_t *, const int32_t *,
                          ptrdiff_t, int);

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
    ENTRY(1, 8), ENTRY(2, 5), ENTRY(3, 4), ENTRY(4, 3),
#endif
};

/* Buffers: y, x, packed weights, bias, position bias (pixels, channels), mask (y is kept where it is > 0).
 * Tables: y_at, x_at, tap_at, mask_at. Sizes: pixels, depth, channels, relu, add, all channels, first channel (the
 * biases are those of all channels, of which this operation makes `channels` from the first on). */
void FCN(lanes_conv)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], depth = op->size[1], channels = op->size[2];
    const ptrdiff_t all_channels = op->size[5], first = op->size[6];
    const real *w = op_buffer(op, run, 2, 0), *bias = op_buffer(op, run, 3, 0);
    const real *position_bias = op_buffer(op, run, 4, 0);
    const fwd f = {
        .y = op_buffer(op, run, 0, group),
        .x = op_buffer(op, run, 1, group),
        .bias = bias ? bias + first : NULL,
        .position_bias = position_bias ? position_bias + first : NULL,
        .mask = op_buffer(op, run, 5, group),
        .y_at = op->table[0],
        .x_at = op->table[1],
        .tap_at = op->table[2],
        .mask_at = op->table[3],
        .depth = depth,
        .all_channels = all_channels,
        .relu = (int)op->size[3],
        .add = (int)op->size[4],
    };
    for (ptrdiff_t b = 0; b < block_count(channels); ++b) {
        ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0, p = 0;
        for (; p + blocks[width].pixels <= pixels; p += blocks[width].pixels)
            blocks[width].wide(&f, w + o0 * depth, o0, p);
        for (; p < pixels; ++p)
            blocks[width].single(&f, w + o0 * depth, o0, p);
    }
}

/* Buffers: sums [slot][block][k][channels of the block][VL], x, dy. Tables: dy_at, x_at, tap_at.
 * Sizes: pixels, depth, channels. */
void FCN(lanes_conv_weight)(const fcn_op *op, const fcn_run *run, ptrdiff_t group)
{
    const ptrdiff_t pixels = op->size[0], depth = op->size[1], channels = op->size[2];
    const ptrdiff_t slot = group / run->groups_per_slot;
    real *sums = op_buffer(op, run, 0, slot);
    const real *x = op_buffer(op, run, 1, group), *dy = op_buffer(op, run, 2, group);
    const int32_t *dy_at = op->table[0], *x_at = op->table[1], *tap_at = op->table[2];
    /* A tile of pixels is short enough that its gradients stay in the first cache. */
    const ptrdiff_t tile = 32;
    for (ptrdiff_t p = 0; p < pixels; p += tile) {
        int fresh = p == 0 && group % run->groups_per_slot == 0;
        ptrdiff_t length = fcn_min(tile, pixels - p);
        for (ptrdiff_t b = 0; b < block_count(channels); ++b) {
            ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0, k = 0;
            real *block = sums + o0 * depth * VL;
            const real *grad = dy + o0 * VL;
            for (; k + blocks[width].pixels <= depth; k += blocks[width].pixels)
                blocks[width].weight_wide(block + k * width * VL, x, grad, tap_at + k, x_at + p, dy_at + p,
                                          length, fresh);
            for (; k < depth; ++k)
                blocks[width].weight_single(block + k * width * VL, x, grad, tap_at + k, x_at + p, dy_at + p,
                                            length, fresh);
        }
    }
}

/* One task reduces one block of channels of the sums of lanes_conv_weight.
 * Buffers: dweight, sums. Tables: weight_at, channel_at (tap k of channel o stands at their sum in dweight).
 * Sizes: depth, channels. */
void FCN(lanes_conv_weight_sum)(const fcn_op *op, const fcn_run *run, ptrdiff_t b)
{
    const ptrdiff_t depth = op->size[0], channels = op->size[1];
    const ptrdiff_t slots = fcn_divide_up(run->groups, run->groups_per_slot);
    const ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0;
    real *dweight = op_buffer(op, run, 0, 0);
    const int32_t *weight_at = op->table[0], *channel_at = op->table[1];
    for (ptrdiff_t k = 0; k < depth; ++k)
        for (ptrdiff_t o = 0; o < width; ++o) {
            ptrdiff_t at = (o0 * depth + k * width + o) * VL;
            vreal sum = vload(op_buffer(op, run, 1, 0) + at);
            for (ptrdiff_t slot = 1; slot < slots; ++slot)
                sum += vload(op_buffer(op, run, 1, slot) + at);
            dweight[weight_at[k] + channel_at[o0 + o]] = vsum(sum);
        }
}

/* Weight gradient of a layer with one pixel (linear): dw[k][o] summed over all groups at once, so that no partial
 * sums are kept. One task takes ROWS taps.
 * Buffers: dweight, x, dy. Tables: x_at (of tap k), weight_at, channel_at. Sizes: depth, channels. */
void FCN(lanes_linear_weight)(const fcn_op *op, const fcn_run *run, ptrdiff_t task)
{
    const ptrdiff_t depth = op->size[0], channels = op->size[1];
    const int32_t *x_at = op->table[0], *weight_at = op->table[1], *channel_at = op->table[2];
    const ptrdiff_t first = task * FCN_LINEAR_ROWS, last = fcn_min(depth, first + FCN_LINEAR_ROWS);
    real *dweight = op_buffer(op, run, 0, 0);
    real sums[MAX_BLOCK * MAX_BLOCK * VL];
    for (ptrdiff_t b = 0; b < block_count(channels); ++b) {
        ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0, rows;
        for (ptrdiff_t k = first; k < last; k += rows) {
            rows = blocks[width].pixels <= last - k ? blocks[width].pixels : 1;
            weight_block *add = rows == 1 ? blocks[width].weight_single : blocks[width].weight_wide;
            static const int32_t zero[1] = {0};
            for (ptrdiff_t g = 0; g < run->groups; ++g)
                add(sums, op_buffer(op, run, 1, g), op_buffer(op, run, 2, g) + o0 * VL, x_at + k, zero, zero, 1, g == 0);
            for (ptrdiff_t r = 0; r < rows; ++r)
                for (ptrdiff_t o = 0; o < width; ++o)
                    dweight[weight_at[k + r] + channel_at[o0 + o]] = vsum(vload(sums + (r * width + o) * VL));
        }
    }
}

/* One task packs one block of channels: packed[block][k][channels of the block] = weight * scale.
 * Buffers: packed, weight, scale (channels, or NULL). Tables: weight_at, channel_at. Sizes: depth, channels. */
void FCN(lanes_conv_pack)(const fcn_op *op, const fcn_run *run, ptrdiff_t b)
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
