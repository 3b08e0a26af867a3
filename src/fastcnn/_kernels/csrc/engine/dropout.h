/* The mask of dropout in the engine's layouts, a vector at a time. A row of common/dropout.h is an image, and
 * its elements are counted in (C, H, W) order.
 */
#ifndef FCN_LANES_DROPOUT_H
#define FCN_LANES_DROPOUT_H

#include "common/dropout.h"
#include "engine/kernel.h"

typedef struct {
    lane_hash_row images; /* of each lane; `low` counts elements on from that of the first lane */
    uint32_t pixels, threshold;
    vreal scale;
} dropout_mask;

static inline dropout_mask dropout_of_group(double p, uint64_t key, ptrdiff_t group, ptrdiff_t pixels)
{
    hash_lanes rows, elements;
    for (int i = 0; i < VL; ++i) {
        rows[i] = (uint32_t)(GROUP_IMAGES == 1 ? group : group * VL + i);
        elements[i] = (uint32_t)(GROUP_IMAGES == 1 ? i * pixels : 0);
    }
    dropout_mask m = {lane_hash_of_row(key, rows), (uint32_t)pixels, dropout_threshold(p),
                      vset(dropout_scale(p))};
    m.images.low += elements;
    return m;
}

/* 1 / (1 - p) or 0 for the elements of one vector of a pixel. */
static inline vreal dropout_factor(const dropout_mask *m, ptrdiff_t vector, ptrdiff_t pixel)
{
    const ptrdiff_t channel = GROUP_IMAGES == 1 ? vector * VL : vector;
    const hash_lanes first = (hash_lanes){0} + ((uint32_t)channel * m->pixels + (uint32_t)pixel);
    const hash_lanes bits = lane_hash_bits(m->images, first);
#if FCN_REAL_BYTES == 4
    return keep((vint)(bits >= m->threshold), m->scale);
#else
    return keep(__builtin_convertvector(bits >= m->threshold, vint), m->scale);
#endif
}

/* 1 / (1 - p) or 0 for all elements of an image, those of its first one; or of all images, of the first. */
static inline vreal dropout_of_images(double p, uint64_t key, ptrdiff_t group, int all)
{
    const dropout_mask m = dropout_of_group(p, key, all ? 0 : group, 0);
    const vreal factor = dropout_factor(&m, 0, 0);
    return all ? vset(factor[0]) : factor;
}

#endif
