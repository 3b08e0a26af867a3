/* What the engine's kernels share: their names, where an operation's buffers are for a group or slot, and the
 * lanes of the last group.
 */
#ifndef FCN_KERNEL_H
#define FCN_KERNEL_H

#include "common/integers.h"
#include "common/vec.h"
#include "engine/blocks.h"
#include "engine/operations.h"

#define KERNEL_(layout, name) FCN_PASTE(fcn_##layout##_, name, FCN_VARIANT)
#define KERNEL_OF(layout, name) KERNEL_(layout, name)
/* A kernel of the layout that this file is compiled for. */
#define KERNEL(name) KERNEL_OF(FCN_LAYOUT, name)

/* The vectors of a pixel are its channels in "images", and ceil(channels / VL) in "channels", where rows of
 * numbers for each channel are padded to whole vectors. */
#ifdef FCN_LAYOUT_CHANNELS
#define GROUP_IMAGES 1
static inline ptrdiff_t row_size(ptrdiff_t vectors) { return vectors * VL; }
static inline vreal per_channel(const real *row, ptrdiff_t vector) { return rload(row + vector * VL); }
#else
#define GROUP_IMAGES VL
static inline ptrdiff_t row_size(ptrdiff_t vectors) { return vectors; }
static inline vreal per_channel(const real *row, ptrdiff_t vector) { return vset(row[vector]); }
#endif

/* A buffer's copy for a group; NULL if the operation has no such buffer. */
static inline void *of_group(const fcn_buffer *buffer, const fcn_batch *batch, ptrdiff_t group)
{
    if (!buffer->data)
        return NULL;
    if (buffer->scope == FCN_EACH_THREAD)
        group = batch->thread;
    else if (buffer->scope == FCN_EACH_IN_HAND)
        group += batch->thread * FCN_CHUNK - batch->first;
    return buffer->data + group * buffer->stride;
}

/* What there is one of. */
static inline void *the(const fcn_buffer *buffer) { return buffer->data; }

/* The first group of slot `slot` of a layer that has `in_one` of the batch's slots in one of its own; or the
 * end. */
static inline ptrdiff_t first_group(const fcn_batch *batch, ptrdiff_t in_one, ptrdiff_t slot)
{
    return fcn_slot_group(batch, fcn_min(slot * in_one, batch->slots));
}

/* How many of the batch's slots are one of an operation's layer. */
static inline ptrdiff_t slots_in_one(const fcn_op *op, const fcn_batch *batch)
{
    return fcn_slots_in_one(batch->slots, op->most_slots);
}

/* The partial sums that a group is added to. The first group of a slot is to write them: *fresh tells. */
static inline real *sums_of_group(const fcn_op *op, const fcn_buffer *sums, const fcn_batch *batch,
                                  ptrdiff_t group, int *fresh)
{
    const ptrdiff_t in_one = slots_in_one(op, batch);
    const ptrdiff_t slot = fcn_group_slot(batch, group) / in_one;
    *fresh = group == first_group(batch, in_one, slot);
    return (real *)(sums->data + slot * sums->stride);
}

/* The end of the groups of a group's slot. */
static inline ptrdiff_t slot_end(const fcn_op *op, const fcn_batch *batch, ptrdiff_t group)
{
    const ptrdiff_t in_one = slots_in_one(op, batch);
    return first_group(batch, in_one, fcn_group_slot(batch, group) / in_one + 1);
}

/* The partial sums of all slots that have groups, in order; return how many there are, at least one. */
static inline ptrdiff_t all_sums(const fcn_op *op, const fcn_buffer *sums, const fcn_batch *batch,
                                 const real *all[FCN_MOST_SLOTS])
{
    const ptrdiff_t in_one = slots_in_one(op, batch);
    ptrdiff_t count = 0;
    for (ptrdiff_t slot = 0; slot * in_one < batch->slots; ++slot)
        if (first_group(batch, in_one, slot) < first_group(batch, in_one, slot + 1))
            all[count++] = (const real *)(sums->data + slot * sums->stride);
    return count;
}

/* Kernels pass over pixels and vectors by tiles: the pixels p0 .. tile_end - 1 are taken through one vector
 * before the next one. In "images" a tile is a `few` pixels, so that arrays are read nearly as they stand in
 * memory and the processor can fetch ahead. In "channels" it is all pixels: most images are in the caches
 * anyway, and what belongs to a vector, such as its sums, stays in registers. What keeps no sums may cut
 * large images into tiles of its own, as `apply` does. */
#define FEW_PIXELS 4
static inline ptrdiff_t tile_end(ptrdiff_t p0, ptrdiff_t pixels, ptrdiff_t few)
{
    return GROUP_IMAGES == 1 ? pixels : fcn_min(pixels, p0 + few);
}

/* Keep an integer or a pointer in a register as it is: pixels share one index, where the compiler would
 * rather keep a running pointer for each, for which registers are too few. */
#define PIN_INTEGER(i) __asm__("" : "+r"(i))

/* 1 in the lanes of images that exist, 0 in the others. */
static inline vreal lane_mask(const fcn_batch *batch, ptrdiff_t group)
{
#ifdef FCN_LAYOUT_CHANNELS
    return (void)batch, (void)group, vset(1);
#else
    real lanes[VL];
    for (int i = 0; i < VL; ++i)
        lanes[i] = group * VL + i < batch->images;
    return rload(lanes);
#endif
}

/* The kernels of this layout, declared. */
#ifdef FCN_LAYOUT_CHANNELS
#define HAS_IMAGES(...)
#define HAS_CHANNELS(...) __VA_ARGS__
#else
#define HAS_IMAGES(...) __VA_ARGS__
#define HAS_CHANNELS(...)
#endif
#define HAS_BOTH(...) __VA_ARGS__
#if TERMS == 1
#define HAS_BOTH_AS_SUMMED HAS_BOTH
#define HAS_CHANNELS_AS_SUMMED HAS_CHANNELS
#define HAS_CHANNELS_IN_PAIRS(...)
#define HAS_CHANNELS_IN_TILES(...)
#else
#define HAS_BOTH_AS_SUMMED(...)
#define HAS_CHANNELS_AS_SUMMED(...)
#define HAS_CHANNELS_IN_PAIRS HAS_CHANNELS
#ifdef FCN_REST
#define HAS_CHANNELS_IN_TILES HAS_CHANNELS
#else
#define HAS_CHANNELS_IN_TILES(...)
#endif
#endif

#define OPERATION(name, layouts, over) HAS_##layouts(fcn_op_kernel KERNEL(name);)
#include "engine/operations.inc"

#endif
