"""Pooling and its gradients; equations and edge cases stand in csrc/eager/pool2d.c.

Arrays are C-contiguous (planes, height, width); every size was checked by fastcnn.ops.
"""

from libc.stdint cimport int64_t

from .cpu cimport as_window, eager, fcn_window, real


def max_pool2d(real[:, :, ::1] y, int64_t[:, :, ::1] argmax, const real[:, :, ::1] x, object window):
    """Maximum of each window and its index in the plane."""
    cdef fcn_window w = as_window(window)
    with nogil:
        eager(sizeof(real)).max_pool2d(&y[0, 0, 0], &argmax[0, 0, 0], &x[0, 0, 0], x.shape[0], &w)


def max_pool2d_backward(real[:, :, ::1] dx, const real[:, :, ::1] dy, const int64_t[:, :, ::1] argmax):
    """dx: dy added at each argmax. Return False, with dx untouched, if an index lies outside the plane."""
    cdef Py_ssize_t in_size = dx.shape[1] * dx.shape[2], out_size = dy.shape[1] * dy.shape[2]
    cdef int valid
    with nogil:
        valid = eager(sizeof(real)).max_pool2d_backward(
            &dx[0, 0, 0], &dy[0, 0, 0], &argmax[0, 0, 0],
            dx.shape[0], in_size, out_size)
    return bool(valid)


def avg_pool2d(real[:, :, ::1] y, const real[:, :, ::1] x, object window, Py_ssize_t pad_bottom,
               Py_ssize_t pad_right, bint count_include_pad, Py_ssize_t divisor):
    """Mean of each window; divisor 0 stands for the number of pixels."""
    cdef fcn_window w = as_window(window)
    with nogil:
        eager(sizeof(real)).avg_pool2d(&y[0, 0, 0], &x[0, 0, 0], x.shape[0], &w, pad_bottom, pad_right,
                                       count_include_pad, divisor)


def avg_pool2d_backward(real[:, :, ::1] dx, const real[:, :, ::1] dy, object window, Py_ssize_t pad_bottom,
                        Py_ssize_t pad_right, bint count_include_pad, Py_ssize_t divisor):
    """dx, the gradient of avg_pool2d."""
    cdef fcn_window w = as_window(window)
    with nogil:
        eager(sizeof(real)).avg_pool2d_backward(&dx[0, 0, 0], &dy[0, 0, 0], dx.shape[0], &w, pad_bottom,
                                                pad_right, count_include_pad, divisor)


def adaptive_max_pool2d(real[:, :, ::1] y, int64_t[:, :, ::1] argmax, const real[:, :, ::1] x):
    """Maximum over the windows that divide x into the size of y, and its index in the plane."""
    with nogil:
        eager(sizeof(real)).adaptive_max_pool2d(&y[0, 0, 0], &argmax[0, 0, 0], &x[0, 0, 0], x.shape[0],
                                                x.shape[1], x.shape[2], y.shape[1], y.shape[2])


def adaptive_avg_pool2d(real[:, :, ::1] y, const real[:, :, ::1] x):
    """Mean over the windows that divide x into the size of y."""
    with nogil:
        eager(sizeof(real)).adaptive_avg_pool2d(&y[0, 0, 0], &x[0, 0, 0], x.shape[0], x.shape[1], x.shape[2],
                                                y.shape[1], y.shape[2])


def adaptive_avg_pool2d_backward(real[:, :, ::1] dx, const real[:, :, ::1] dy):
    """dx, the gradient of adaptive_avg_pool2d."""
    with nogil:
        eager(sizeof(real)).adaptive_avg_pool2d_backward(&dx[0, 0, 0], &dy[0, 0, 0],
                                                         dx.shape[0], dx.shape[1], dx.shape[2], dy.shape[1],
                                                         dy.shape[2])
