"""ReLU and dropout's mask; equations stand in csrc/eager/elementwise.c."""

from libc.stdint cimport uint64_t

from .cpu cimport eager, real


def relu(real[::1] y, const real[::1] x):
    """y = max(x, 0)."""
    with nogil:
        eager(sizeof(real)).relu(&y[0], &x[0], x.shape[0])


def relu_backward(real[::1] dx, const real[::1] dy, const real[::1] x):
    """dx = dy where x > 0; the output may stand for x."""
    with nogil:
        eager(sizeof(real)).relu_backward(&dx[0], &dy[0], &x[0], x.shape[0])


def dropout_mask(real[:, ::1] mask, uint64_t key, double p):
    """1 / (1 - p) with probability 1 - p, else 0: a function of (key, row, column) alone."""
    with nogil:
        eager(sizeof(real)).dropout_mask(&mask[0, 0], mask.shape[0], mask.shape[1], key, p)
