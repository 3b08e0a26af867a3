/* What the kernels of linear layers in the layout "channels" share; the weight is (out, in) by rows.
 *
 * Images are taken in groups of at most MAX_IMAGES. Where a length is no multiple of a block's, the last block starts
 * earlier and makes some results anew, or makes some that are dropped: nothing past the end of a row is touched.
 */
#ifndef FCN_CHANNELS_DENSE_H
#define FCN_CHANNELS_DENSE_H

#include "engine/kernel.h"

#define INLINE static inline __attribute__((always_inline))
/* Keep an integer or a pointer in a register as it is. */
#define PIN_INTEGER(i) __asm__("" : "+r"(i))
#define MAX_SUMS 24
#define MAX_IMAGES 4

/* Rows of numbers: an output row is made from rows of a and rows of b. */
typedef struct {
    real *out;                                /* y, dx or dw */
    const real *a;                            /* x, dy or dy */
    const real *b;                            /* weight, weight or x */
    ptrdiff_t out_stride, a_stride, b_stride; /* from row to row, in reals */
    ptrdiff_t rows;                           /* of b: outputs, outputs or images */
    ptrdiff_t depth;
    vint tail; /* the lanes of the last, partial vector of a row, see channels_dense.c */
} rows_of;

/* Place of the first row in its buffer, where a table tells it. */
static inline ptrdiff_t origin(const fcn_op *op, int table)
{
    return op->table[table] ? op->table[table][0] : 0;
}

static inline ptrdiff_t row_stride(const fcn_op *op, int buffer)
{
    return op->stride[buffer] / (ptrdiff_t)sizeof(real);
}

/* How many images the group from n on holds: groups are as even as possible. */
static inline ptrdiff_t images_from(ptrdiff_t n, ptrdiff_t images)
{
    return fcn_divide_up(images - n, fcn_divide_up(images - n, MAX_IMAGES));
}

#endif
