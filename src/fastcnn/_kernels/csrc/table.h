/* The table of kernels: what Cython calls.
 *
 * There is one table per instruction set and element type. Buffers cross it as void *, and their element
 * type is the table's; a kernel's C file names the true types. Arrays are C-contiguous and do not overlap
 * unless a comment says so. Output buffers come first, then inputs, then sizes. Kernels never allocate
 * and never need the GIL. Sizes and indices are ptrdiff_t, in elements.
 */
#ifndef FCN_TABLE_H
#define FCN_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "threads/jobs.h"
#include "engine/program.h"

/* A window that slides over an (in_h, in_w) plane; the same fields as fastcnn._shapes.Window. */
typedef struct {
    ptrdiff_t in_h, in_w, out_h, out_w;
    ptrdiff_t kernel_h, kernel_w, stride_h, stride_w;
    ptrdiff_t pad_top, pad_left, dilation_h, dilation_w;
} fcn_window;

/* One convolution: x (batch, in_channels, in_h, in_w), weight (out_channels, in_channels / groups, kh, kw). */
typedef struct {
    ptrdiff_t batch, in_channels, out_channels, groups;
    fcn_window window;
} fcn_conv2d;

/* A matrix by its element strides, so that a transpose costs nothing. */
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

typedef struct {
    const char *element; /* the type's name, as NumPy says it */
    int stored_bytes, real_bytes, vector_bytes;

    /* The engine's kernels in the layouts "images" and "channels", by the numbers of their operations; and how many
     * channels, or vectors of channels, a register block has at most. */
    fcn_op_kernel *const *images, *const *channels;
    int max_block, max_vectors;
    void (*run_program)(const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops, const fcn_batch *batch,
                        int threads);
    void (*time_program)(double *seconds, const fcn_phase *phases, ptrdiff_t count, const fcn_op *ops,
                         const fcn_batch *batch);
    void (*parallel)(ptrdiff_t tasks, int threads, fcn_task *task, void *context); /* pool.h */

    /* peak.c */
    double (*fma_peak)(double seconds, int threads); /* floating-point operations in a second */

    /* gemm.c */
    size_t (*gemm_workspace)(int threads); /* bytes */
    void (*gemm)(void *c, fcn_matrix a, fcn_matrix b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, int accumulate,
                 void *workspace, int threads);

    /* im2col.c: planes = batch * channels; columns (planes, kernel_h * kernel_w, out_h * out_w) */
    void (*im2col)(void *columns, const void *x, ptrdiff_t planes, const fcn_window *window);
    void (*col2im)(void *x, const void *columns, ptrdiff_t planes, const fcn_window *window);

    /* conv2d.c */
    size_t (*conv2d_workspace)(const fcn_conv2d *shape, int threads); /* bytes */
    void (*conv2d)(void *y, const void *x, const void *weight, const void *bias, const fcn_conv2d *shape,
                   void *workspace, int threads);
    void (*conv2d_backward_input)(void *dx, const void *dy, const void *weight, const fcn_conv2d *shape,
                                  void *workspace, int threads);
    void (*conv2d_backward_weight)(void *dweight, const void *dy, const void *x, const fcn_conv2d *shape,
                                   void *workspace, int threads);

    /* pool2d.c */
    void (*max_pool2d)(void *y, int64_t *argmax, const void *x, ptrdiff_t planes, const fcn_window *window);
    int (*max_pool2d_backward)(void *dx, const void *dy, const int64_t *argmax, ptrdiff_t planes,
                               ptrdiff_t in_size, ptrdiff_t out_size); /* 0: an index is out of range */
    void (*avg_pool2d)(void *y, const void *x, ptrdiff_t planes, const fcn_window *window,
                       ptrdiff_t pad_bottom, ptrdiff_t pad_right, int count_include_pad, ptrdiff_t divisor);
    void (*avg_pool2d_backward)(void *dx, const void *dy, ptrdiff_t planes, const fcn_window *window,
                                ptrdiff_t pad_bottom, ptrdiff_t pad_right, int count_include_pad,
                                ptrdiff_t divisor);
    void (*adaptive_avg_pool2d)(void *y, const void *x, ptrdiff_t planes, ptrdiff_t in_h, ptrdiff_t in_w,
                                ptrdiff_t out_h, ptrdiff_t out_w);
    void (*adaptive_avg_pool2d_backward)(void *dx, const void *dy, ptrdiff_t planes, ptrdiff_t in_h,
                                         ptrdiff_t in_w, ptrdiff_t out_h, ptrdiff_t out_w);

    /* norm.c: x (batch, channels, size); per-channel sums are kept in double */
    void (*channel_sums)(void *sums, const void *x, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size);
    void (*batch_norm_statistics)(double *mean, double *var, const void *x, ptrdiff_t batch,
                                  ptrdiff_t channels, ptrdiff_t size); /* var: biased */
    void (*batch_norm)(void *y, const void *x, const double *mean, const double *invstd, const void *weight,
                       const void *bias, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size);
    void (*batch_norm_backward)(void *dx, void *dweight, void *dbias, const void *dy, const void *x,
                                const double *mean, const double *invstd, const void *weight, int training,
                                ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t size);

    /* softmax.c: x (outer, classes, inner) */
    void (*softmax)(void *y, const void *x, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner, int log);
    void (*softmax_backward)(void *dx, const void *dy, const void *y, ptrdiff_t outer, ptrdiff_t classes,
                             ptrdiff_t inner, int log);
    void (*cross_entropy)(double *losses, void *dlogits, const void *logits, const int64_t *target,
                          const void *weight, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                          int64_t ignore_index, double smoothing, double scale);
    void (*cross_entropy_soft)(double *losses, void *dlogits, const void *logits, const void *target,
                               const void *weight, ptrdiff_t outer, ptrdiff_t classes, ptrdiff_t inner,
                               double smoothing, double scale);

    /* elementwise.c */
    void (*relu)(void *y, const void *x, ptrdiff_t size);
    void (*relu_backward)(void *dx, const void *dy, const void *x, ptrdiff_t size);
    void (*dropout_mask)(void *mask, ptrdiff_t rows, ptrdiff_t size, uint64_t key, double p);

    /* optim.c: all arrays have `size` elements and are updated in place */
    void (*sgd_step)(void *param, void *momentum_buffer, const void *grad, const fcn_sgd *options,
                     ptrdiff_t size);
    void (*adam_step)(void *param, void *exp_avg, void *exp_avg_sq, void *max_exp_avg_sq, const void *grad,
                      const fcn_adam *options, ptrdiff_t size);

    /* augment.c: x (batch, channels, height, width), matrices (batch, 6), fill (channels),
     * table (channels, 256) */
    size_t (*affine_workspace)(ptrdiff_t height, ptrdiff_t width, int threads); /* bytes */
    void (*affine)(void *y, const void *x, const double *matrices, const void *fill, ptrdiff_t batch,
                   ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, void *workspace, int threads);
    void (*affine_u8)(uint8_t *y, const uint8_t *x, const double *matrices, const uint8_t *fill,
                      ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t height, ptrdiff_t width, void *workspace,
                      int threads);
    void (*normalize_u8)(void *y, const uint8_t *x, const void *table, ptrdiff_t batch, ptrdiff_t channels,
                         ptrdiff_t size, int threads);
} fcn_table;

/* The kernel of an operation, NULL if the layout has none. */
static inline fcn_op_kernel *fcn_op_kernel_of(const fcn_table *table, int by_channels, int operation)
{
    return (by_channels ? table->channels : table->images)[operation];
}

#endif
