"""Losses with their gradients; equations stand in csrc/eager/class_losses.c and csrc/common/losses.inc.

`share` is the weight of each sample or None, `scale` what gradients are multiplied by.
"""

from libc.stdint cimport int64_t

from .cpu cimport eager, real

cdef extern from *:
    """
    #define LOSS(name, value, gradient, other, refused) #name,
    static const char *const fcn_loss_names[] = {
    #include "common/losses.inc"
        NULL,
    };
    """
    const char *fcn_loss_names[]


def _rows():
    """Return {name: number} of the rows of csrc/common/losses.inc."""
    cdef int i = 0
    numbers = {}
    while fcn_loss_names[i] != NULL:
        numbers[fcn_loss_names[i].decode()] = i
        i += 1
    return numbers


ROWS = _rows()


# Statements, since Cython drops the const of a conditional expression, of which compilers warn.
cdef const double *_shares(const double[::1] share):
    if share is None:
        return NULL
    return &share[0]


cdef const real *_constants(const real[::1] array):
    if array is None:
        return NULL
    return &array[0]


cdef real *_data(real[::1] array):
    return NULL if array is None else &array[0]


def cross_entropy(double[:, ::1] losses, real[:, :, ::1] dlogits, const real[:, :, ::1] logits,
                  const int64_t[:, ::1] target, const real[::1] weight, int64_t ignore_index,
                  double smoothing, double scale, const double[::1] share=None):
    """Loss of each row and its gradient, for targets that are class indices."""
    cdef const real *weights = _constants(weight)
    cdef const double *shares = _shares(share)
    with nogil:
        eager(sizeof(real)).cross_entropy(&losses[0, 0], &dlogits[0, 0, 0], &logits[0, 0, 0], &target[0, 0],
                                          NULL, weights, shares, logits.shape[0], logits.shape[1],
                                          logits.shape[2], ignore_index, smoothing, scale)


def cross_entropy_soft(double[:, ::1] losses, real[:, :, ::1] dlogits, const real[:, :, ::1] logits,
                       const real[:, :, ::1] target, const real[::1] weight, double smoothing, double scale,
                       const double[::1] share=None):
    """Loss of each row and its gradient, for targets that are class probabilities."""
    cdef const real *weights = _constants(weight)
    cdef const double *shares = _shares(share)
    with nogil:
        eager(sizeof(real)).cross_entropy(&losses[0, 0], &dlogits[0, 0, 0], &logits[0, 0, 0], NULL,
                                          &target[0, 0, 0], weights, shares, logits.shape[0],
                                          logits.shape[1], logits.shape[2], 0, smoothing, scale)


def nll_loss(double[:, ::1] losses, real[:, :, ::1] dx, const real[:, :, ::1] x,
             const int64_t[:, ::1] target, const real[::1] weight, int64_t ignore_index, double scale,
             const double[::1] share=None):
    """Loss of each row and its gradient."""
    cdef const real *weights = _constants(weight)
    cdef const double *shares = _shares(share)
    with nogil:
        eager(sizeof(real)).nll_loss(&losses[0, 0], &dx[0, 0, 0], &x[0, 0, 0], &target[0, 0], weights, shares,
                                     x.shape[0], x.shape[1], x.shape[2], ignore_index, scale)


def multi_margin_loss(double[::1] losses, real[:, ::1] dx, const real[:, ::1] x, const int64_t[::1] target,
                      const real[::1] weight, Py_ssize_t power, double margin, double scale,
                      const double[::1] share=None):
    """Loss of each row and its gradient."""
    cdef const real *weights = _constants(weight)
    cdef const double *shares = _shares(share)
    with nogil:
        eager(sizeof(real)).multi_margin_loss(&losses[0], &dx[0, 0], &x[0, 0], &target[0], weights, shares,
                                              x.shape[0], x.shape[1], power, margin, scale)


def elementwise_loss(double[:, ::1] sums, real[::1] dx, real[::1] dk, real[::1] losses, const real[::1] x,
                     const real[::1] target, const real[::1] k, const real[::1] weight, int row, double alpha,
                     double beta, double scale, const double[::1] share=None):
    """Sums of the samples' losses and how many elements have none; the gradients dx and dk, and losses.

    Samples are neighbours in flat arrays; losses, dk, k and weight may be None.
    """
    cdef const real *ks = _constants(k)
    cdef const real *weights = _constants(weight)
    cdef real *all_losses = _data(losses)
    cdef real *dks = _data(dk)
    cdef const double *shares = _shares(share)
    cdef Py_ssize_t samples = sums.shape[0], size = x.shape[0] // samples if samples else 0
    with nogil:
        eager(sizeof(real)).elementwise_loss(&sums[0, 0], all_losses, &dx[0], dks, &x[0], &target[0], ks,
                                             weights, shares, samples, size, row, alpha, beta, scale)
