/* What the engine's kernels share: element access in the [row][column][channel][VL] layout, the split of output
 * channels into register blocks, and the mask of the last group.
 */
#ifndef FCN_LANES_H
#define FCN_LANES_H

#include "kernels.h"
#include "program.h"

/* A register block is BLOCK channels by the pixels that then fit: 24 of 32 vector registers hold sums on AVX-512
 * and NEON, 12 of 16 elsewhere. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define MAX_BLOCK 8
#define MAX_VECTORS 4
#else
#define MAX_BLOCK 4
#define MAX_VECTORS 3
#endif

/* A file that serves both layouts is compiled for each: by itself for "images", and included by channels_*.c, which
 * defines FCN_CHANNELS, for "channels". The number of vectors of a pixel is that of channels in the one, and
 * ceil(channels / VL) in the other, where rows of per-channel numbers are padded to whole vectors. */
#ifdef FCN_CHANNELS
#define LANES(name) FCN(channels_##name)
#define GROUP_IMAGES 1
static inline ptrdiff_t row_size(ptrdiff_t vectors) { return vectors * VL; }
static inline vreal per_channel(const real *row, ptrdiff_t vector) { return vload(row + vector * VL); }
#else
#define LANES(name) FCN(lanes_##name)
#define GROUP_IMAGES VL
static inline ptrdiff_t row_size(ptrdiff_t vectors) { return vectors; }
static inline vreal per_channel(const real *row, ptrdiff_t vector) { return vset(row[vector]); }
#endif

/* The end of the pixels from p0 on that are taken through one vector before the next one: a `few` in "images", so that
 * arrays are read in their own order and the processor can fetch ahead; in "channels", where an image is in the
 * caches, all of them, and what belongs to the vector stays in registers. */
#define FEW_PIXELS 4
static inline ptrdiff_t tile_end(ptrdiff_t p0, ptrdiff_t pixels, ptrdiff_t few)
{
    return GROUP_IMAGES == 1 ? pixels : fcn_min(pixels, p0 + few);
}

/* Rows of the state of a batch normalisation, row_size(vectors) reals each; see lanes_norm.c. */
enum { SCALE, OFFSET, MEAN, MEAN_REST, INVSTD, GRAD_A, GRAD_B, GRAD_C, STATE_ROWS };

static inline vreal state_row(const real *state, int row, ptrdiff_t vectors, ptrdiff_t vector)
{
    return per_channel(state + row * row_size(vectors), vector);
}

/* Buffer `i` of the operation for one group; NULL if it has none. */
static inline real *op_buffer(const fcn_op *op, const fcn_run *run, int i, ptrdiff_t group)
{
    if (!op->buffer[i])
        return NULL;
    if (op->scope[i] == FCN_EACH_THREAD)
        group = run->thread;
    else if (op->scope[i] == FCN_EACH_TOGETHER)
        group += run->thread * FCN_TOGETHER - run->first;
    return (real *)(op->buffer[i] + group * op->stride[i]);
}

/* max(x, 0); a NaN stays one. */
static inline vreal clip(vreal x) { return vmax((vreal){0}, x); }

/* `channels` are split into the fewest blocks of at most MAX_BLOCK, as even as possible. */
static inline ptrdiff_t block_count(ptrdiff_t channels) { return fcn_divide_up(channels, MAX_BLOCK); }
static inline ptrdiff_t block_start(ptrdiff_t channels, ptrdiff_t block)
{
    ptrdiff_t count = block_count(channels);
    return channels / count * block + fcn_min(block, channels % count);
}

/* The layout "channels" likewise splits the vectors of a pixel, into blocks of at most MAX_VECTORS. */
static inline ptrdiff_t vector_block_count(ptrdiff_t vectors) { return fcn_divide_up(vectors, MAX_VECTORS); }
static inline ptrdiff_t vector_block_start(ptrdiff_t vectors, ptrdiff_t block)
{
    ptrdiff_t count = vector_block_count(vectors);
    return vectors / count * block + fcn_min(block, vectors % count);
}

/* 1 in the lanes of images that exist, 0 in the others. */
static inline vreal lane_mask(const fcn_run *run, ptrdiff_t group)
{
#ifdef FCN_CHANNELS
    return (void)run, (void)group, vset(1);
#endif
    real lanes[VL];
    for (int i = 0; i < VL; ++i)
        lanes[i] = group * VL + i < run->batch;
    return vload(lanes);
}

/* Every kernel: BOTH layouts have it, or one. */
/* clang-format off */
#define FCN_OP_KERNELS(BOTH, IMAGES, CHANNELS) \
    BOTH(apply) BOTH(apply_pool) BOTH(avg_pool) BOTH(avg_pool_grad) BOTH(bn_finish) BOTH(bn_fixed) \
    BOTH(bn_grad) BOTH(bn_grad_finish) BOTH(bn_grad_sums) BOTH(bn_pool_grad) BOTH(bn_pool_grad_sums) \
    BOTH(bn_sums) BOTH(cross_entropy) BOTH(gather) BOTH(grad_sums) BOTH(max_pool) BOTH(max_pool_grad) \
    BOTH(pack) BOTH(relu_grad) BOTH(softmax) BOTH(softmax_grad) BOTH(total) BOTH(unpack) \
    IMAGES(conv) IMAGES(conv_pack) IMAGES(conv_weight) IMAGES(conv_weight_sum) IMAGES(weight_of_all) \
    CHANNELS(conv) CHANNELS(conv_all) CHANNELS(conv_pack) CHANNELS(conv_weight) CHANNELS(conv_weight_sum) \
    CHANNELS(depthwise) CHANNELS(depthwise_weight) CHANNELS(dense) CHANNELS(dense_input) CHANNELS(dense_weight) CHANNELS(slot_sum) CHANNELS(copy)
/* clang-format on */

#define DECLARE_IMAGES(name) fcn_op_kernel FCN(lanes_##name);
#define DECLARE_CHANNELS(name) fcn_op_kernel FCN(channels_##name);
#define DECLARE_BOTH(name) DECLARE_IMAGES(name) DECLARE_CHANNELS(name)
FCN_OP_KERNELS(DECLARE_BOTH, DECLARE_IMAGES, DECLARE_CHANNELS)

extern const fcn_named_kernel FCN(op_kernels)[];

#endif
