/* Vectors of which only some numbers are there. */
#ifndef FCN_PARTS_H
#define FCN_PARTS_H

#include "common/vec.h"

/* A vector of which `count` numbers are there; the others are 0. */
static inline vreal load_part(const real *x, ptrdiff_t count)
{
    if (count == VL)
        return rload(x);
    real part[VL] = {0};
    memcpy(part, x, (size_t)count * sizeof(real));
    return rload(part);
}

static inline void store_part(real *y, vreal value, ptrdiff_t count)
{
    if (count == VL)
        rstore(y, value);
    else
        memcpy(y, &value, (size_t)count * sizeof(real));
}

#endif
