/* The mask of dropout in the engine's layout: the same function of (key, image, element) as dropout_mask in
 * elementwise.c, VL images at a time.
 */
#ifndef FCN_LANES_DROPOUT_H
#define FCN_LANES_DROPOUT_H

#include "lanes.h"

typedef uint32_t vhash __attribute__((vector_size(4 * VL)));

typedef struct {
    vhash low, high; /* keys of each image */
    uint32_t threshold;
    vreal kept;
} dropout_mask;

static inline vhash mix(vhash h)
{
    h = (h ^ (h >> 16)) * 0x7feb352du;
    h = (h ^ (h >> 15)) * 0x846ca68bu;
    return h ^ (h >> 16);
}

static inline dropout_mask dropout_of_group(double p, uint64_t key, ptrdiff_t group)
{
    dropout_mask m;
    vhash rows;
    for (int i = 0; i < VL; ++i)
        rows[i] = (uint32_t)(group * VL + i);
    m.low = mix((uint32_t)key ^ mix(rows));
    m.high = mix((uint32_t)(key >> 32) + m.low);
    /* p = 1 keeps nothing because `kept` is 0 then. */
    m.threshold = p < 1 ? (uint32_t)(p * 4294967296.0) : 0;
    m.kept = vset((real)(p < 1 ? 1 / (1 - p) : 0));
    return m;
}

/* 1 / (1 - p) or 0 for element `index` of each image. */
static inline vreal dropout_factor(const dropout_mask *m, uint32_t index)
{
    vhash bits = mix(mix(index + m->low) ^ m->high);
#if defined(FCN_IS_F32)
    return keep((vint)(bits >= m->threshold), m->kept);
#else
    return keep(__builtin_convertvector(bits >= m->threshold, vint), m->kept);
#endif
}

#endif
