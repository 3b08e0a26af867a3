/* Sums of many numbers, as exact as their type allows. Blocks of numbers are summed in the lanes of a vector,
 * and the sums of the blocks in double: in a long sum in float32, all but the first digits of what is added
 * would be lost.
 */
#ifndef FCN_SUMS_H
#define FCN_SUMS_H

#include "common/slots.h"
#include "common/vec.h"

/* result = the sum over i < size of a term. vector_term is the term of the VL numbers from i on, scalar_term
 * that of number i alone. */
#define FCN_ROW_SUM(result, size, vector_term, scalar_term)                                                  \
    do {                                                                                                     \
        ptrdiff_t i = 0;                                                                                     \
        (result) = 0;                                                                                        \
        while (i < (size)) {                                                                                 \
            const ptrdiff_t end = (size) - i < FCN_SUM_BLOCK ? (size) : i + FCN_SUM_BLOCK;                   \
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

/* The same of x - mean, of its squares, and of dy (x - mean). */
static inline double fcn_row_difference_sum(const real *x, real mean, ptrdiff_t size)
{
    double sum;
    FCN_ROW_SUM(sum, size, vload(x + i) - mean, x[i] - mean);
    return sum;
}

static inline double fcn_row_square_sum(const real *x, real mean, ptrdiff_t size)
{
    double sum;
    FCN_ROW_SUM(sum, size, (vload(x + i) - mean) * (vload(x + i) - mean), (x[i] - mean) * (x[i] - mean));
    return sum;
}

static inline double fcn_row_product_sum(const real *dy, const real *x, real mean, ptrdiff_t size)
{
    double sum;
    FCN_ROW_SUM(sum, size, vload(dy + i) * (vload(x + i) - mean), dy[i] * (x[i] - mean));
    return sum;
}

/* The first image of a slot of a batch. */
static inline ptrdiff_t fcn_slot_image(ptrdiff_t slot, ptrdiff_t images)
{
    return fcn_slot_start(slot, fcn_slots(images), images);
}

#endif
