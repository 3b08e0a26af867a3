/* Arguments of eager kernels that are structs. cpu.pxd has the same for Cython. */
#ifndef FCN_EAGER_TYPES_H
#define FCN_EAGER_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* A window that slides over an (in_h, in_w) plane; the fields are those of fastcnn._shapes.Window. */
typedef struct {
    ptrdiff_t in_h, in_w, out_h, out_w;
    ptrdiff_t kernel_h, kernel_w, stride_h, stride_w;
    ptrdiff_t pad_top, pad_left, dilation_h, dilation_w;
} fcn_window;

/* A convolution of x (batch, in_channels, in_h, in_w) with weight (out_channels, in_channels / groups,
 * kernel_h, kernel_w). */
typedef struct {
    ptrdiff_t batch, in_channels, out_channels, groups;
    fcn_window window;
} fcn_conv2d;

/* Which rows (or columns) of an image a row of an output is the sum of: row i of the entries from first[i] on
 * to first[i + 1], which count `weight` times (an array of the kernel's element type; NULL: once). */
typedef struct {
    const int64_t *first, *at;
    const void *weight;
} fcn_lines;

/* A matrix whose element (i, j) is data[i * row_stride + j * column_stride]: a transpose costs nothing. */
typedef struct {
    const void *data;
    ptrdiff_t row_stride, column_stride;
} fcn_matrix;

/* What a step of an optimizer is given beside sizes, for each row of optimizers.inc: fcn_adam_arrays and
 * fcn_adam_numbers, in which yes and no are 1 and 0. C knows no empty lists: the last number is none. */
enum { FCN_MOST_ARRAYS = 4, FCN_MOST_NUMBERS = 11 };

#define ARRAY(name) , *name
#define NUMBER(name) name,
#define OPTIMIZER(name, arrays, options, own)                                                                \
    typedef struct {                                                                                         \
        void *param arrays;                                                                                  \
    } fcn_##name##_arrays;                                                                                   \
    typedef struct {                                                                                         \
        double options own none;                                                                             \
    } fcn_##name##_numbers;                                                                                  \
    _Static_assert(sizeof(fcn_##name##_arrays) <= FCN_MOST_ARRAYS * sizeof(void *), "arrays of " #name);     \
    _Static_assert(sizeof(fcn_##name##_numbers) <= FCN_MOST_NUMBERS * sizeof(double), "numbers of " #name);
#include "eager/optimizers.inc"

enum {
#define ARRAY(name)
#define NUMBER(name)
#define OPTIMIZER(name, arrays, options, own) FCN_OPTIMIZER_##name,
#include "eager/optimizers.inc"
    FCN_OPTIMIZERS
};

#endif
