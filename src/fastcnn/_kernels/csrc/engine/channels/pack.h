/* What packing of weights has in common: vectors of channels, and rows of them that are written where they
 * belong.
 */
#ifndef FCN_PACK_H
#define FCN_PACK_H

#include "common/vmemory.h"
#include "engine/kernel.h"

/* More bytes than the caches of a core hold: they are read again from memory in any case. */
#define STREAMED (8 << 20)

/* Tell whether `count` places follow each other, one real apart. */
static inline int consecutive(const int32_t *at, ptrdiff_t count)
{
    for (ptrdiff_t i = 1; i < count; ++i)
        if (at[i] != at[0] + i)
            return 0;
    return 1;
}

/* The vector of weights from channel o on, of those that there are. */
INLINE vreal lanes_of(const real *tap, const int32_t *channel_at, ptrdiff_t channels)
{
    if (channels >= VL)
        return vgather(tap, channel_at);
    real lanes[VL] = {0};
    for (ptrdiff_t o = 0; o < channels; ++o)
        lanes[o] = tap[channel_at[o]];
    return rload(lanes);
}

#endif
