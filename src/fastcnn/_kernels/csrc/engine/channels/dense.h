/* What the kernels of linear layers in the layout "channels" share; the weight is (out, in) by rows.
 *
 * Images are taken in groups of at most MAX_IMAGES. Where a length is no multiple of a block's, the last
 * block starts earlier and makes some results anew, or makes some that are dropped: nothing past the end of a
 * row is touched.
 */
#ifndef FCN_CHANNELS_DENSE_H
#define FCN_CHANNELS_DENSE_H

#include "engine/kernel.h"

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
    const ptrdiff_t *slot_ends; /* of the images that are the rows of b, or NULL */
    int add;                    /* to what out holds */
    vint tail;                  /* the lanes of the last, partial vector of a row, see dense.c */
} rows_of;

/* Where the rows of images begin in a buffer, for those from `group` on; a table has the place in each. These
 * kernels mix values and parameters, and are for element types that are stored as they are summed. */
static inline real *image_rows(const fcn_buffer *buffer, const fcn_batch *batch, ptrdiff_t group,
                               const int32_t *at)
{
    return (real *)of_group(buffer, batch, group) + at[0];
}

/* From one image's row to the next. */
static inline ptrdiff_t row_stride(const fcn_buffer *buffer)
{
    return buffer->stride / (ptrdiff_t)sizeof(real);
}

/* How many images the group from n on holds: groups are as even as possible. */
static inline ptrdiff_t images_from(ptrdiff_t n, ptrdiff_t images)
{
    return fcn_divide_up(images - n, fcn_divide_up(images - n, MAX_IMAGES));
}

#endif
