"""Matrix multiplication; the method stands in csrc/eager/gemm.c."""

from .cpu cimport eager, fcn_eager, fcn_matrix, real, threads

from .workspace import workspace


def gemm(real[:, ::1] c, const real[:, :] a, const real[:, :] b, bint accumulate=False):
    """C (m, n) = A (m, k) B (k, n), or C += A B; A and B may have any strides."""
    cdef const fcn_eager *kernels = eager(sizeof(real))
    cdef Py_ssize_t m = c.shape[0], n = c.shape[1], k = a.shape[1]
    if a.shape[0] != m or b.shape[0] != k or b.shape[1] != n:
        raise ValueError(f"gemm: shapes do not fit: c ({m}, {n}), a ({a.shape[0]}, {k}), "
                         f"b ({b.shape[0]}, {b.shape[1]})")
    if m == 0 or n == 0:
        return
    cdef fcn_matrix a_matrix, b_matrix
    a_matrix.data = &a[0, 0]
    a_matrix.row_stride = a.strides[0] // <Py_ssize_t>sizeof(real)
    a_matrix.column_stride = a.strides[1] // <Py_ssize_t>sizeof(real)
    b_matrix.data = &b[0, 0]
    b_matrix.row_stride = b.strides[0] // <Py_ssize_t>sizeof(real)
    b_matrix.column_stride = b.strides[1] // <Py_ssize_t>sizeof(real)
    cdef int count = threads()
    cdef char[::1] scratch = workspace(kernels.gemm_workspace(count))
    with nogil:
        kernels.gemm(&c[0, 0], a_matrix, b_matrix, m, n, k, accumulate, &scratch[0], count)
