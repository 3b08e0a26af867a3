/* Direct convolution in the engine's layout: forward, backward-input and backward-weight; linear layers too.
 *
 * Equation  y[p][o] = f(bias[o] + sum_k x[x_at[p] + tap_at[k]] * w[k][o]), f what ending.h says
 *           k runs over the taps and input channels of a window (a linear layer has one pixel, and its taps
 *           are all elements of the sample); tables hold the places. The gradient with respect to x is the
 *           same sum over dy with the weights of each phase of the stride, so it is this kernel with other
 *           tables. dw[k][o] = sum over images and pixels of x[x_at[p] + tap_at[k]] * dy[dy_at[p]][o]
 * Layout    see program.h; packed weights [block][k][channels of the block].
 * Method    Register blocks of BLOCK channels by PIXELS pixels: each step loads PIXELS vectors and broadcasts
 *           BLOCK weights for BLOCK * PIXELS fused multiply-adds. Weight gradients are kept as vectors of VL
 *           partial sums, one set for each slot, and reduced after the phase.
 * Order     Each y is one chain of fused multiply-adds over ascending k, whatever its block: bitwise the same
 *           in every batch, position and thread.
 */
#include "engine/ending.h"

typedef struct {
    stored *y;
    const stored *x;
    const real *bias, *position_bias;
    const int32_t *y_at, *x_at, *tap_at;
    ptrdiff_t all_channels;
    ending end;
    int add;
} product;

typedef struct {
    const stored *x, *dy;
    const int32_t *dy_at, *x_at, *tap_at;
    ptrdiff_t groups, x_stride, dy_stride; /* from one group to the next, in reals */
} weight_product;

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

typedef void forward_block(const product *, const stored *, ptrdiff_t o0, ptrdiff_t p0, ptrdiff_t k0,
                           ptrdiff_t k1);
typedef void weight_block(real *, const weight_product *, ptrdiff_t k0, ptrdiff_t o0, ptrdiff_t p0,
                          ptrdiff_t p1, int fresh);

/* For each number of channels in a block: the wide block, the number of its pixels, and the one-pixel block.
 * */
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

void KERNEL(conv)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_conv *a = &op->conv;
    const ptrdiff_t depth = a->depth, channels = a->channels;
    const ptrdiff_t all_channels = a->all_channels, first = a->first_channel;
    const stored *w = the(&a->weight);
    const real *bias = the(&a->bias), *position_bias = the(&a->position_bias);
    const real *scale = the(&a->scale), *shift = the(&a->shift), *slope = the(&a->slope);
    const product f = {
        .y = of_group(&a->y, batch, group),
        .x = of_group(&a->x, batch, group),
        .bias = bias ? bias + first : NULL,
        .position_bias = position_bias ? position_bias + first : NULL,
        .y_at = a->y_at,
        .x_at = a->x_at,
        .tap_at = a->tap_at,
        .all_channels = all_channels,
        .end = ending_of(ACTIVATION_OF(a), scale ? scale + first : NULL, scale ? shift + first : NULL,
                         slope ? slope + first : NULL),
        .add = (int)a->add,
    };
    for (ptrdiff_t b = 0; b < block_count(channels); ++b) {
        const ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0;
        const ptrdiff_t pixels = blocks[width].pixels;
        const stored *block = w + o0 * depth;
        for (ptrdiff_t s = 0; s < a->segment_count; ++s) {
            const int32_t *segment = a->segments + 4 * s;
            ptrdiff_t p = segment[0];
            for (; p + pixels <= segment[1]; p += pixels)
                blocks[width].wide(&f, block, o0, p, segment[2], segment[3]);
            for (; p < segment[1]; ++p)
                blocks[width].single(&f, block, o0, p, segment[2], segment[3]);
        }
    }
    end_segments(&f.end, f.y, f.y_at, a->segments, a->segment_count, channels);
}

/* sums of the taps k0 .. k1 - 1 for one block of channels and the pixels p0 .. p1 - 1. */
static void add_taps(real *sums, const weight_product *f, ptrdiff_t k0, ptrdiff_t k1, ptrdiff_t o0,
                     ptrdiff_t width, ptrdiff_t p0, ptrdiff_t p1, int fresh)
{
    ptrdiff_t k = k0;
    for (; k + blocks[width].pixels <= k1; k += blocks[width].pixels)
        blocks[width].weight_wide(sums + (k - k0) * width * VL, f, k, o0, p0, p1, fresh);
    for (; k < k1; ++k)
        blocks[width].weight_single(sums + (k - k0) * width * VL, f, k, o0, p0, p1, fresh);
}

/* Arrays of a group that together pass this many bytes come from beyond the second cache. */
#define SECOND_CACHE (1024 * 1024)

/* Fetch what the pixels p0 .. p1 - 1 read first: their gradients, and the last kernel row's last pixel of x.
 * The steps from pixel to pixel are too long for the processor to foresee. */
static void prefetch_pixels(const weight_product *f, ptrdiff_t depth, ptrdiff_t in_channels,
                            ptrdiff_t channels, ptrdiff_t p0, ptrdiff_t p1)
{
    const ptrdiff_t line = 64 / (ptrdiff_t)sizeof(stored);
    const stored *x = f->x + f->tap_at[depth - in_channels];
    for (ptrdiff_t p = p0; p < p1; ++p) {
        for (ptrdiff_t i = 0; i < channels * VL; i += line)
            __builtin_prefetch(f->dy + f->dy_at[p] + i, 0, 2);
        for (ptrdiff_t i = 0; i < in_channels * VL; i += line)
            __builtin_prefetch(x + f->x_at[p] + i, 0, 2);
    }
}

/* sums: [slot][block][k][channels of the block][VL] */
void KERNEL(conv_weight)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const struct fcn_conv_weight *a = &op->conv_weight;
    const ptrdiff_t pixels = a->pixels, depth = a->depth, channels = a->vectors;
    const weight_product f = {
        .x = of_group(&a->x, batch, group),
        .dy = of_group(&a->dy, batch, group),
        .dy_at = a->dy_at,
        .x_at = a->x_at,
        .tap_at = a->tap_at,
        .groups = 1,
    };
    int first_of_slot;
    real *sums = sums_of_group(op, &a->sums, batch, group, &first_of_slot);
    /* A tile of pixels is short enough that its gradients stay in the first cache. */
    const ptrdiff_t tile = pixels <= 64 ? pixels : 48;
    const int streamed = pixels * (channels + a->in_channels) * VL * (ptrdiff_t)sizeof(stored) > SECOND_CACHE;
    for (ptrdiff_t p = 0; p < pixels; p += tile) {
        const int fresh = p == 0 && first_of_slot;
        if (streamed)
            prefetch_pixels(&f, depth, a->in_channels, channels, fcn_min(pixels, p + tile),
                            fcn_min(pixels, p + 2 * tile));
        for (ptrdiff_t b = 0; b < block_count(channels); ++b) {
            ptrdiff_t o0 = block_start(channels, b), width = block_start(channels, b + 1) - o0;
            add_taps(sums + o0 * depth * VL, &f, 0, depth, o0, width, p, fcn_min(pixels, p + tile), fresh);
        }
    }
}

/* Write the lane sums of the taps k0 .. k1 - 1 of one block of channels, added over slots, to their places in
 * dweight. Slot s has them from sums[s] + at on. VL taps of one channel are reduced at a time; with `dense`
 * they are neighbours in dweight. */
static void write_sums(real *dweight, const real *const *sums, ptrdiff_t slots, ptrdiff_t at, ptrdiff_t k0,
                       ptrdiff_t k1, ptrdiff_t width, const int32_t *weight_at, const int32_t *channel_at,
                       int dense)
{
    for (ptrdiff_t k = k0; k < k1; k += VL)
        for (ptrdiff_t o = 0; o < width; ++o) {
            vreal vectors[VL] = {{0}};
            const ptrdiff_t valid = fcn_min(VL, k1 - k);
            for (ptrdiff_t v = 0; v < valid; ++v) {
                const ptrdiff_t from = at + ((k - k0 + v) * width + o) * VL;
                vectors[v] = rload(sums[0] + from);
                for (ptrdiff_t slot = 1; slot < slots; ++slot)
                    vectors[v] += rload(sums[slot] + from);
            }
            vreal totals = sum_each(vectors);
            real *target = dweight + channel_at[o];
            if (dense && valid == VL) {
                rstore(target + weight_at[k], totals);
                continue;
            }
            real lanes[VL];
            rstore(lanes, totals);
            for (ptrdiff_t v = 0; v < valid; ++v)
                target[weight_at[k + v]] = lanes[v];
        }
}

/* One task reduces one block of channels of the sums of conv_weight. */
void KERNEL(conv_weight_sum)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t b)
{
    const struct fcn_conv_weight_sum *a = &op->conv_weight_sum;
    const ptrdiff_t o0 = block_start(a->channels, b), width = block_start(a->channels, b + 1) - o0;
    const real *sums[FCN_MOST_SLOTS];
    const ptrdiff_t slots = all_sums(op, &a->sums, batch, sums);
    write_sums(the(&a->dweight), sums, slots, o0 * a->depth * VL, 0, a->depth, width, a->weight_at,
               a->channel_at + o0, 0);
}

/* The sums of some taps and channels over the groups of one slot, first .. last - 1. */
static void sums_of_slot(real *sums, const weight_product *f, ptrdiff_t first, ptrdiff_t last, ptrdiff_t k0,
                         ptrdiff_t k1, ptrdiff_t o0, ptrdiff_t width, ptrdiff_t pixels)
{
    /* So many groups that their gradients stay in the first cache while all taps pass over them. */
    const ptrdiff_t tile = fcn_max(1, 40 / pixels);
    for (ptrdiff_t g = first; g < last; g += tile) {
        weight_product part = *f;
        part.x += g * f->x_stride;
        part.dy += g * f->dy_stride;
        part.groups = fcn_min(tile, last - g);
        add_taps(sums, &part, k0, k1, o0, width, 0, pixels, g == first);
    }
}

/* Weight gradient of a layer with few pixels (a linear layer has one): a task adds slot to slot for
 * FCN_TASK_TAPS taps, so that no partial sums are kept. */
void KERNEL(weight_of_all)(const fcn_op *op, const fcn_batch *batch, ptrdiff_t task)
{
    const struct fcn_weight_of_all *a = &op->weight_of_all;
    const ptrdiff_t k0 = task * FCN_TASK_TAPS, k1 = fcn_min(a->depth, k0 + FCN_TASK_TAPS);
    const ptrdiff_t most =
        a->dense ? fcn_most_linear_slots(batch->images) : fcn_most_slots_of_pixels(batch->images, a->pixels);
    const ptrdiff_t in_one = fcn_slots_in_one(batch->slots, most);
    const weight_product f = {
        .x = of_group(&a->x, batch, 0),
        .dy = of_group(&a->dy, batch, 0),
        .dy_at = a->dy_at,
        .x_at = a->x_at,
        .tap_at = a->tap_at,
        .x_stride = a->x.stride / (ptrdiff_t)sizeof(stored),
        .dy_stride = a->dy.stride / (ptrdiff_t)sizeof(stored),
    };
    real total[FCN_TASK_TAPS * MAX_BLOCK * VL], sums[FCN_TASK_TAPS * MAX_BLOCK * VL];
    for (ptrdiff_t b = 0; b < block_count(a->channels); ++b) {
        const ptrdiff_t o0 = block_start(a->channels, b), width = block_start(a->channels, b + 1) - o0;
        const ptrdiff_t end = first_group(batch, in_one, 1);
        sums_of_slot(total, &f, 0, end, k0, k1, o0, width, a->pixels);
        for (ptrdiff_t first = end, slot = 1, last; first < batch->groups; first = last) {
            last = first_group(batch, in_one, ++slot);
            if (first == last)
                continue;
            sums_of_slot(sums, &f, first, last, k0, k1, o0, width, a->pixels);
            for (ptrdiff_t i = 0; i < (k1 - k0) * width * VL; i += VL)
                rstore(total + i, rload(total + i) + rload(sums + i));
        }
        const real *const all[] = {total};
        write_sums(the(&a->dweight), all, 1, 0, k0, k1, width, a->weight_at, a->channel_at + o0,
                   (int)a->dense);
    }
}
