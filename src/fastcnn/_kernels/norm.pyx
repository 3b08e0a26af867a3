"""Normalisation of (batch, channels, size); equations stand in csrc/eager/norm.c, group_norm.c and
local_response_norm.c.
"""

from .cpu cimport eager, real


def channel_sums(real[::1] sums, const real[:, :, ::1] x):
    """Sum over batch and size, per channel."""
    with nogil:
        eager(sizeof(real)).channel_sums(&sums[0], &x[0, 0, 0], x.shape[0], x.shape[1],
                                         x.shape[2])


def batch_norm_statistics(double[::1] mean, double[::1] var, const real[:, :, ::1] x):
    """Mean and biased variance per channel."""
    with nogil:
        eager(sizeof(real)).batch_norm_statistics(&mean[0], &var[0], &x[0, 0, 0], x.shape[0], x.shape[1],
                                                  x.shape[2])


def batch_norm(real[:, :, ::1] y, const real[:, :, ::1] x, const double[::1] mean, const double[::1] invstd,
               const real[::1] weight, const real[::1] bias):
    """y = (x - mean) * invstd * weight + bias; weight and bias may be None."""
    cdef const real *weight_data = NULL
    if weight is not None:
        weight_data = &weight[0]
    cdef const real *bias_data = NULL
    if bias is not None:
        bias_data = &bias[0]
    with nogil:
        eager(sizeof(real)).batch_norm(&y[0, 0, 0], &x[0, 0, 0], &mean[0], &invstd[0], weight_data, bias_data,
                                       x.shape[0], x.shape[1], x.shape[2])


def batch_norm_backward(real[:, :, ::1] dx, real[::1] dweight, real[::1] dbias, const real[:, :, ::1] dy,
                        const real[:, :, ::1] x, const double[::1] mean, const double[::1] invstd,
                        const real[::1] weight, bint training):
    """All three gradients; weight may be None."""
    cdef const real *weight_data = NULL
    if weight is not None:
        weight_data = &weight[0]
    with nogil:
        eager(sizeof(real)).batch_norm_backward(&dx[0, 0, 0], &dweight[0], &dbias[0], &dy[0, 0, 0],
                                                &x[0, 0, 0], &mean[0], &invstd[0], weight_data, training,
                                                x.shape[0], x.shape[1], x.shape[2])


def row_statistics(double[::1] mean, double[::1] var, const real[:, ::1] x):
    """Mean and biased variance of each row (rows, size)."""
    with nogil:
        eager(sizeof(real)).row_statistics(&mean[0], &var[0], &x[0, 0], x.shape[0], x.shape[1])


def group_norm(real[:, :, ::1] y, const real[:, :, ::1] x, const double[:, ::1] mean,
               const double[:, ::1] invstd, const real[::1] weight, const real[::1] bias):
    """y = (x - mean) * invstd * weight + bias, with statistics (batch, groups); both may be None."""
    cdef const real *weight_data = NULL
    if weight is not None:
        weight_data = &weight[0]
    cdef const real *bias_data = NULL
    if bias is not None:
        bias_data = &bias[0]
    with nogil:
        eager(sizeof(real)).group_norm(&y[0, 0, 0], &x[0, 0, 0], &mean[0, 0], &invstd[0, 0], weight_data,
                                       bias_data, x.shape[0], x.shape[1], x.shape[2], mean.shape[1])


def group_norm_backward_input(real[:, :, ::1] dx, const real[:, :, ::1] dy, const real[:, :, ::1] x,
                              const double[:, ::1] mean, const double[:, ::1] invstd, const real[::1] weight):
    """The gradient of x; weight may be None."""
    cdef const real *weight_data = NULL
    if weight is not None:
        weight_data = &weight[0]
    with nogil:
        eager(sizeof(real)).group_norm_backward_input(&dx[0, 0, 0], &dy[0, 0, 0], &x[0, 0, 0], &mean[0, 0],
                                                      &invstd[0, 0], weight_data, x.shape[0], x.shape[1],
                                                      x.shape[2], mean.shape[1])


def group_norm_backward_weight(real[::1] dweight, real[::1] dbias, const real[:, :, ::1] dy,
                               const real[:, :, ::1] x, const double[:, ::1] mean,
                               const double[:, ::1] invstd):
    """The gradients of weight and bias."""
    with nogil:
        eager(sizeof(real)).group_norm_backward_weight(&dweight[0], &dbias[0], &dy[0, 0, 0], &x[0, 0, 0],
                                                       &mean[0, 0], &invstd[0, 0], x.shape[0], x.shape[1],
                                                       x.shape[2], mean.shape[1])


def local_response_norm(real[:, :, ::1] y, const real[:, :, ::1] x, Py_ssize_t before, Py_ssize_t behind,
                        double share, double beta, double k):
    """y = x (k + share sum of x^2 over channels - before .. + behind)^-beta."""
    with nogil:
        eager(sizeof(real)).local_response_norm(&y[0, 0, 0], &x[0, 0, 0], x.shape[0], x.shape[1], x.shape[2],
                                                before, behind, share, beta, k)


def local_response_norm_backward(real[:, :, ::1] dx, real[:, :, ::1] products, const real[:, :, ::1] dy,
                                 const real[:, :, ::1] x, Py_ssize_t before, Py_ssize_t behind, double share,
                                 double beta, double k):
    """The gradient of x; `products` is scratch."""
    with nogil:
        eager(sizeof(real)).local_response_norm_backward(&dx[0, 0, 0], &products[0, 0, 0], &dy[0, 0, 0],
                                                         &x[0, 0, 0], x.shape[0], x.shape[1], x.shape[2],
                                                         before, behind, share, beta, k)
