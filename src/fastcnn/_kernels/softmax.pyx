"""Softmax; equations stand in csrc/eager/softmax.c. Arrays are (outer, classes, inner)."""

from .cpu cimport eager, real


def softmax(real[:, :, ::1] y, const real[:, :, ::1] x, bint log):
    """Softmax or log-softmax over the middle axis."""
    with nogil:
        eager(sizeof(real)).softmax(&y[0, 0, 0], &x[0, 0, 0], x.shape[0], x.shape[1], x.shape[2], log)


def softmax_backward(real[:, :, ::1] dx, const real[:, :, ::1] dy, const real[:, :, ::1] y, bint log):
    """dx from dy and the output y."""
    with nogil:
        eager(sizeof(real)).softmax_backward(&dx[0, 0, 0], &dy[0, 0, 0], &y[0, 0, 0], y.shape[0], y.shape[1],
                                             y.shape[2], log)
