/* The mask of dropout in the engine's layouts: the same function of (key, image, element) as dropout_mask in
 * elementwise.c, a vector at a time. Elements of an image are counted in (C, H, W) order.
 */
#ifndef FCN_LANES_DROPOUT_H
#define FCN_LANES_DROPOUT_H

#include "engine/kernel.h"

typedef uint32_t vhash __attribute__((vector_size(4 * VL)));

typedef struct {
    vhash low, high; /* keys of each lane's image; low counts elements on from that of the first lane */
    uint32_t pixels, threshold;
    vreal kept;
} dropout_mask;

static inline vhash mix(vhash h)
{
    h = (h ^ (h >> 16)) * 0x7feb352du;
    h = (h ^ (h >> 15)) * 0x846ca68bu;
    return h ^ (h >> 16);
}

static inline dropout_mask dropout_of_group(double p, uint64_t key, ptrdiff_t group, ptrdiff_t pixels)
{
    dropout_mask m = {.pixels = (uint32_t)pixels};
    vhash rows, elements;
    for (int i = 0; i < VL; ++i) {
        rows[i] = (uint32_t)(GROUP_IMAGES == 1 ? group : group * VL + i);
        elements[i] = (uint32_t)(GROUP_IMAGES == 1 ? i * pixels : 0);
    }
    m.low = mix((uint32_t)key ^ mix(rows));
    m.high = mix((uint32_t)(key >> 32) + m.low);
    m.low += elements;
    /* p = 1 keeps nothing because `kept` is 0 then. */
    m.threshold = p < 1 ? (uint32_t)(p * 4294967296.0) : 0;
    m.kept = vset((real)(p < 1 ? 1 / (1 - p) : 0));
    return m;
}

/* 1 / (1 - p) or 0 for the elements of one vector of a pixel. */
static inline vreal dropout_factor(const dropout_mask *m, ptrdiff_t vector, ptrdiff_t pixel)
{
    const ptrdiff_t channel = GROUP_IMAGES == 1 ? vector * VL : vector;
    vhash bits = mix(mix(((uint32_t)channel * m->pixels + (uint32_t)pixel) + m->low) ^ m->high);
#if FCN_REAL_BYTES == 4
    return keep((vint)(bits >= m->threshold), m->kept);
#else
    return keep(__builtin_convertvector(bits >= m->threshold, vint), m->kept);
#endif
}

#endif
