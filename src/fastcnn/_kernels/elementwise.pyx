"""Activations and dropout's mask; equations stand in csrc/common/activations.inc and eager/elementwise.c."""

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


def dropout_mask(real[:, ::1] mask, uint64_t key, double p):
    """1 / (1 - p) with probability 1 - p, else 0: a function of (key, row, column) alone."""
    with nogil:
        eager(sizeof(real)).dropout_mask(&mask[0, 0], mask.shape[0], mask.shape[1], key, p)
