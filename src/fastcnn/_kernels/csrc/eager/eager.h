/* What every file with eager kernels includes: the declarations of the kernels of one variant. A definition
 * that differs from its declaration in kernels.inc does not compile.
 */
#ifndef FCN_EAGER_H
#define FCN_EAGER_H

#include "common/float_mode.h"
#include "common/integers.h"
#include "common/slots.h"
#include "common/vec.h"
#include "eager/types.h"
#include "threads/parallel.h"

#define EAGER_KERNEL(type, name, ...) type FCN(name)(__VA_ARGS__);
#include "eager/kernels.inc"

/* What kernel files call of each other: first the columns of one image, for the rows row0 to row1 - 1 of the
 * output, and their adjoint. */
void FCN(im2col_rows)(real *columns, const real *x, ptrdiff_t channels, const fcn_window *window,
                      ptrdiff_t row0, ptrdiff_t row1);
void FCN(col2im_rows)(real *x, const real *columns, ptrdiff_t channels, const fcn_window *window,
                      ptrdiff_t row0, ptrdiff_t row1);
/* c (m, n; rows are ldc apart) = a b, or c += a b, on the calling thread. */
void FCN(gemm_serial)(real *c, ptrdiff_t ldc, fcn_matrix a, fcn_matrix b, ptrdiff_t m, ptrdiff_t n,
                      ptrdiff_t k, int accumulate, void *workspace);

#endif
