"""Softmax and cross-entropy; equations stand in csrc/eager/softmax.c. Arrays are (outer, classes, inner)."""

from libc.stdint cimport int64_t

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


def cross_entropy(double[:, ::1] losses, real[:, :, ::1] dlogits, const real[:, :, ::1] logits,
                  const int64_t[:, ::1] target, const real[::1] weight, int64_t ignore_index,
                  double smoothing, double scale):
    """Loss of each row and `scale` times its gradient, for targets that are class indices."""
    cdef const real *weight_data = NULL
    if weight is not None:
        weight_data = &weight[0]
    with nogil:
        eager(sizeof(real)).cross_entropy(&losses[0, 0], &dlogits[0, 0, 0], &logits[0, 0, 0], &target[0, 0],
                                          weight_data, logits.shape[0], logits.shape[1], logits.shape[2],
                                          ignore_index, smoothing, scale)


def cross_entropy_soft(double[:, ::1] losses, real[:, :, ::1] dlogits, const real[:, :, ::1] logits,
                       const real[:, :, ::1] target, const real[::1] weight, double smoothing, double scale):
    """Loss of each row and `scale` times its gradient, for targets that are class probabilities."""
    cdef const real *weight_data = NULL
    if weight is not None:
        weight_data = &weight[0]
    with nogil:
        eager(sizeof(real)).cross_entropy_soft(&losses[0, 0], &dlogits[0, 0, 0], &logits[0, 0, 0],
                                               &target[0, 0, 0], weight_data, logits.shape[0],
                                               logits.shape[1], logits.shape[2], smoothing, scale)
