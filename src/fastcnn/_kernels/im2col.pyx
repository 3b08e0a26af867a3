"""im2col and col2im; the equation stands in csrc/eager/im2col.c."""

from .cpu cimport as_window, eager, fcn_window, real


def im2col(real[:, :, ::1] columns, const real[:, :, ::1] x, object window):
    """columns (planes, kernel_h * kernel_w, out_h * out_w) of x (planes, in_h, in_w)."""
    cdef fcn_window w = as_window(window)
    with nogil:
        eager(sizeof(real)).im2col(&columns[0, 0, 0], &x[0, 0, 0], x.shape[0], &w)


def col2im(real[:, :, ::1] x, const real[:, :, ::1] columns, object window):
    """x (planes, in_h, in_w): each pixel is the sum of the column elements that read it."""
    cdef fcn_window w = as_window(window)
    with nogil:
        eager(sizeof(real)).col2im(&x[0, 0, 0], &columns[0, 0, 0], x.shape[0], &w)
