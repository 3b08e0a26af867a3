"""Activations and dropout's mask; equations stand in csrc/common/activations.inc, eager/elementwise.c and
eager/prelu.c.
"""

from libc.stdint cimport uint64_t

from .cpu cimport eager, real

cdef extern from *:
    """
    #define ACTIVATION(name, value, gradient) #name,
    static const char *const fcn_activation_names[] = {
    #include "common/activations.inc"
        NULL,
    };
    """
    const char *fcn_activation_names[]


def _activations():
    """Return {name: number} of the rows of csrc/common/activations.inc."""
    cdef int i = 0
    numbers = {}
    while fcn_activation_names[i] != NULL:
        numbers[fcn_activation_names[i].decode()] = i + 1
        i += 1
    return numbers


ACTIVATIONS = _activations()


def activation(real[::1] y, const real[::1] x, int number, double alpha, double beta):
    """y = f(x)."""
    with nogil:
        eager(sizeof(real)).activation(&y[0], &x[0], x.shape[0], number, alpha, beta)


def activation_backward(
    real[::1] dx, const real[::1] dy, const real[::1] kept, int number, double alpha, double beta
):
    """dx = dy f'(x), from y or from x."""
    with nogil:
        eager(sizeof(real)).activation_backward(
            &dx[0], &dy[0], &kept[0], kept.shape[0], number, alpha, beta
        )


def prelu(real[:, :, ::1] y, const real[:, :, ::1] x, const real[::1] weight, bint shared):
    """y = x where x > 0, else the channel's slope times x; with `shared` there is one slope."""
    with nogil:
        eager(sizeof(real)).prelu(&y[0, 0, 0], &x[0, 0, 0], &weight[0], x.shape[0], x.shape[1], x.shape[2],
                                  shared)


def prelu_backward_input(real[:, :, ::1] dx, const real[:, :, ::1] dy, const real[:, :, ::1] x,
                         const real[::1] weight, bint shared):
    """The gradient of x."""
    with nogil:
        eager(sizeof(real)).prelu_backward_input(&dx[0, 0, 0], &dy[0, 0, 0], &x[0, 0, 0], &weight[0],
                                                 x.shape[0], x.shape[1], x.shape[2], shared)


def prelu_backward_weight(real[::1] dweight, const real[:, :, ::1] dy, const real[:, :, ::1] x):
    """The sum of dy x of each channel, where x is not above 0."""
    with nogil:
        eager(sizeof(real)).prelu_backward_weight(&dweight[0], &dy[0, 0, 0], &x[0, 0, 0], x.shape[0],
                                                  x.shape[1], x.shape[2])


def dropout_mask(real[:, ::1] mask, uint64_t key, double p):
    """1 / (1 - p) with probability 1 - p, else 0: a function of (key, row, column) alone."""
    with nogil:
        eager(sizeof(real)).dropout_mask(&mask[0, 0], mask.shape[0], mask.shape[1], key, p)
