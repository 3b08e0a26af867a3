/* What the engine's kernels share: element access in the [row][column][channel][VL] layout, the split of output
 * channels into register blocks, and the mask of the last group.
 */
#ifndef FCN_LANES_H
#define FCN_LANES_H

#include "common/denormals.h"
#include "common/integers.h"
#include "common/vec.h"
#include "engine/blocks.h"
#include "engine/program.h"

#define KERNEL_(layout, name) FCN_PASTE(fcn_##layout##_, name, FCN_VARIANT)
#define KERNEL_OF(layout, name) KERNEL_(layout, name)
/* A kernel of the layout that this file is compiled for. */
#define KERNEL(name) KERNEL_OF(FCN_LAYOUT, name)

/* The number of vectors of a pixel is that of channels in "images", and ceil(channels / VL) in "channels", where rows of
 * per-channel numbers are padded to whole vectors. */
#ifdef FCN_LAYOUT_CHANNELS
#define GROUP_IMAGES 1
static inline ptrdiff_t row_size(ptrdiff_t vectors) { return vectors * VL; }
static inline vreal per_channel(const real *row, ptrdiff_t vector) { return vload(row + vector * VL); }
#else
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

/* 1 in the lanes of images that exist, 0 in the others. */
static inline vreal lane_mask(const fcn_run *run, ptrdiff_t group)
{
#ifdef FCN_LAYOUT_CHANNELS
    return (void)run, (void)group, vset(1);
#endif
    real lanes[VL];
    for (int i = 0; i < VL; ++i)
        lanes[i] = group * VL + i < run->batch;
    return vload(lanes);
}

/* clang-format off */
#ifdef FCN_LAYOUT_IMAGES
#define FCN_OP_KERNELS(K) \
    K(conv) K(conv_pack) K(conv_weight) K(conv_weight_sum) K(weight_of_all) FCN_BOTH_KERNELS(K)
#else
#define FCN_OP_KERNELS(K) \
    K(conv) K(conv_all) K(conv_pack) K(conv_weight) K(conv_weight_sum) \
    K(depthwise) K(depthwise_weight) K(dense) K(dense_input) K(dense_weight) K(slot_sum) K(copy) FCN_BOTH_KERNELS(K)
#endif
#define FCN_BOTH_KERNELS(K) \
    K(apply) K(apply_pool) K(avg_pool) K(avg_pool_grad) K(bn_finish) K(bn_fixed) \
    K(bn_grad) K(bn_grad_finish) K(bn_grad_sums) K(bn_pool_grad) K(bn_pool_grad_sums) \
    K(bn_sums) K(cross_entropy) K(gather) K(grad_sums) K(max_pool) K(max_pool_grad) \
    K(pack) K(relu_grad) K(softmax) K(softmax_grad) K(total) K(unpack)
/* clang-format on */

#define DECLARE(name) fcn_op_kernel KERNEL(name);
FCN_OP_KERNELS(DECLARE)

#endif
