/* Declarations of every kernel of one variant, so that table.c can point at them.
 *
 * The types are checked here: a kernel whose signature strays from table.h does not compile.
 */
#ifndef FCN_KERNELS_H
#define FCN_KERNELS_H

#include "common/denormals.h"
#include "common/integers.h"
#include "threads/parallel.h"
#include "table.h"
#include "common/vec.h"

/* A kernel is declared with the type of its table entry. */
#define FCN_DECLARE(name) extern __typeof__(*((fcn_table *)0)->name) FCN(name)

FCN_DECLARE(run_program);
FCN_DECLARE(time_program);
FCN_DECLARE(fma_peak);
FCN_DECLARE(gemm_workspace);
FCN_DECLARE(gemm);
FCN_DECLARE(im2col);
FCN_DECLARE(col2im);
FCN_DECLARE(conv2d_workspace);
FCN_DECLARE(conv2d);
FCN_DECLARE(conv2d_backward_input);
FCN_DECLARE(conv2d_backward_weight);
FCN_DECLARE(max_pool2d);
FCN_DECLARE(max_pool2d_backward);
FCN_DECLARE(avg_pool2d);
FCN_DECLARE(avg_pool2d_backward);
FCN_DECLARE(adaptive_avg_pool2d);
FCN_DECLARE(adaptive_avg_pool2d_backward);
FCN_DECLARE(channel_sums);
FCN_DECLARE(batch_norm_statistics);
FCN_DECLARE(batch_norm);
FCN_DECLARE(batch_norm_backward);
FCN_DECLARE(softmax);
FCN_DECLARE(softmax_backward);
FCN_DECLARE(cross_entropy);
FCN_DECLARE(cross_entropy_soft);
FCN_DECLARE(relu);
FCN_DECLARE(relu_backward);
FCN_DECLARE(dropout_mask);
FCN_DECLARE(sgd_step);
FCN_DECLARE(adam_step);
FCN_DECLARE(affine_workspace);
FCN_DECLARE(affine);
FCN_DECLARE(affine_u8);
FCN_DECLARE(normalize_u8);

/* Shared between kernel files: rows [row0, row1) of the output plane of the columns of one image. */
void FCN(im2col_rows)(real *columns, const real *x, ptrdiff_t channels, const fcn_window *window,
                      ptrdiff_t row0, ptrdiff_t row1);
void FCN(col2im_rows)(real *x, const real *columns, ptrdiff_t channels, const fcn_window *window,
                      ptrdiff_t row0, ptrdiff_t row1);
/* C (m, n; rows ldc apart) (+)= A B on the calling thread. */
void FCN(gemm_serial)(real *c, ptrdiff_t ldc, fcn_matrix a, fcn_matrix b, ptrdiff_t m, ptrdiff_t n,
                      ptrdiff_t k, int accumulate, void *workspace);

#endif
