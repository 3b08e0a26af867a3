/* Sums of many numbers, as exact as their type allows: each block of them in the lanes of a vector, and the blocks in
 * double. To a long float32 sum a number adds little more than its first digits.
 */
#ifndef FCN_SUMS_H
#define FCN_SUMS_H

#include "common/vec.h"

#define FCN_ROW_BLOCK 1024

/* result = sum over i < size of a term, which is told for the vector and for the number at i. */
#define FCN_ROW_SUM(result, size, vector_term, scalar_term)                                                  \
    do {                                                                                                     \
        ptrdiff_t i = 0;                                                                                     \
        (result) = 0;                                                                                        \
        while (i < (size)) {                                                                                 \
            const ptrdiff_t end = (size) - i < FCN_ROW_BLOCK ? (size) : i + FCN_ROW_BLOCK;                   \
            vreal lanes = {0};                                                                               \
            for (; i + VL <= end; i += VL)                                                                   \
                lanes += vector_term;                                                                        \
            real part = vsum(lanes);                                                                         \
            for (; i < end; ++i)                                                                             \
                part += scalar_term;                                                                         \
            (result) += (double)part;                                                                        \
        }                                                                                                    \
    } while (0)

static inline double fcn_row_sum(const real *x, ptrdiff_t size)
{
    double sum;
    FCN_ROW_SUM(sum, size, vload(x + i), x[i]);
    return sum;
}

#endif
