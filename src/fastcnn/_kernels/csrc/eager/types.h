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

/* A matrix whose element (i, j) is data[i * row_stride + j * column_stride]: a transpose costs nothing. */
typedef struct {
    const void *data;
    ptrdiff_t row_stride, column_stride;
} fcn_matrix;

typedef struct {
    double lr, momentum, dampening, weight_decay;
    int nesterov, maximize, first_step;
} fcn_sgd;

typedef struct {
    double lr, beta1, beta2, eps, weight_decay;
    double bias_correction1, bias_correction2; /* 1 - beta^t */
    int decoupled, amsgrad, maximize;
} fcn_adam;

#endif
