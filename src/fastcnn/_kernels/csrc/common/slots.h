/* Sums over the images of a batch: gradients of weights and biases, statistics of batch normalisation,
 * losses.
 *
 * Rule   A batch is cut into slots of neighbouring images. The images of a slot are added in order, then the
 *        slots in order. The number of slots is a function of the batch's size and, where their partial sums
 *        are large, of the layer: not of threads, instruction set or layout. So no result depends on the
 *        number of threads, and as many threads as there are slots have work.
 * Slots  Image i of n belongs to slot i * slots / n: slots are as equal as they can be. Where a layer's
 *        partial sums would take more than FCN_SLOTS_BYTES, 2, 4, 8 ... neighbouring slots of the batch are
 *        one of the layer's. So are those of a layer with few products for each weight and image, which
 *        should not be outweighed by the sums over slots: of a linear layer, which has one, until they have
 *        FCN_LINEAR_IMAGES images, of a convolution of few pixels until they have FCN_SLOT_PRODUCTS products.
 */
#ifndef FCN_SLOTS_H
#define FCN_SLOTS_H

#include "common/integers.h"

#define FCN_SUM_BLOCK 1024 /* numbers of an image that are summed in one go; more would lose digits */

#define FCN_LEAST_SLOTS 4 /* of a batch; fewer if it has fewer images */
#define FCN_FEW_IMAGES 4  /* of a slot, up to FCN_FEW_SLOTS: threads share out their work more evenly */
#define FCN_FEW_SLOTS 8
#define FCN_SLOT_IMAGES 16 /* of a slot of a larger batch, */
#define FCN_MOST_SLOTS 64  /* and of a very large one more */
#define FCN_SLOTS_BYTES (32 << 20)
#define FCN_LINEAR_IMAGES 128
#define FCN_SLOT_PRODUCTS 1024

static inline ptrdiff_t fcn_slots(ptrdiff_t images)
{
    const ptrdiff_t few = fcn_min(images / FCN_FEW_IMAGES, FCN_FEW_SLOTS);
    const ptrdiff_t slots = fcn_min(fcn_max(few, images / FCN_SLOT_IMAGES), FCN_MOST_SLOTS);
    return fcn_min(fcn_max(FCN_LEAST_SLOTS, slots), images);
}

/* How many slots a layer may have whose partial sums take so many bytes. */
static inline ptrdiff_t fcn_most_slots(ptrdiff_t bytes)
{
    return fcn_max(1, fcn_min(FCN_MOST_SLOTS, FCN_SLOTS_BYTES / fcn_max(bytes, 1)));
}

/* How many of the batch's `slots` are one of a layer that may have `most`. */
static inline ptrdiff_t fcn_slots_in_one(ptrdiff_t slots, ptrdiff_t most)
{
    ptrdiff_t count = 1;
    while (count * fcn_max(most, 1) < slots)
        count *= 2;
    return count;
}

/* How many slots a linear layer may have. */
static inline ptrdiff_t fcn_most_linear_slots(ptrdiff_t images)
{
    return fcn_max(1, images / FCN_LINEAR_IMAGES);
}

/* How many slots a convolution of few pixels may have. */
static inline ptrdiff_t fcn_most_slots_of_pixels(ptrdiff_t images, ptrdiff_t pixels)
{
    return fcn_max(1, images * pixels / FCN_SLOT_PRODUCTS);
}

/* The first image of a slot, images for slot == slots. */
static inline ptrdiff_t fcn_slot_start(ptrdiff_t slot, ptrdiff_t slots, ptrdiff_t images)
{
    return fcn_divide_up(slot * images, slots);
}

#endif
