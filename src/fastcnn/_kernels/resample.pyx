"""Sums of rows crossed with sums of columns; equation and method stand in csrc/eager/resample.c.

Arrays are C-contiguous (planes, height, width); lists of rows and columns are (first, at, weight), as
`fastcnn.ops._lines.Lines` holds them, with valid places.
"""

from libc.stdint cimport int64_t

from .cpu cimport eager, fcn_eager, fcn_lines, real, threads

from .workspace import workspace


cdef fcn_lines _lines(const int64_t[::1] first, const int64_t[::1] at, const real[::1] weight):
    cdef fcn_lines lines
    lines.first = &first[0]
    lines.at = &at[0]
    lines.weight = NULL
    if weight is not None:
        lines.weight = &weight[0]
    return lines


def resample(real[:, :, ::1] y, const real[:, :, ::1] x,
             const int64_t[::1] row_first, const int64_t[::1] row_at, const real[::1] row_weight,
             const int64_t[::1] column_first, const int64_t[::1] column_at, const real[::1] column_weight):
    """y = sums of x; without weights (None) all are 1."""
    cdef fcn_lines rows = _lines(row_first, row_at, row_weight)
    cdef fcn_lines columns = _lines(column_first, column_at, column_weight)
    cdef const fcn_eager *kernels = eager(sizeof(real))
    cdef int count = threads()
    cdef char[::1] scratch = workspace(kernels.resample_workspace(x.shape[2], count))
    with nogil:
        kernels.resample(&y[0, 0, 0], &x[0, 0, 0], x.shape[0], x.shape[1], x.shape[2], y.shape[1],
                         y.shape[2], &rows, &columns, &scratch[0], count)
