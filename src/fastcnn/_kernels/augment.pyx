"""Augmentation of batches of images; equations stand in csrc/data.

Arrays are C-contiguous (N, C, H, W) and not empty; every size, place and number was checked by fastcnn.data.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

from .cpu cimport eager, fcn_eager, real, threads

from .workspace import workspace


cdef extern from "data/adjust.h":
    const int FCN_ADJUSTMENT_COUNT
    const char *fcn_adjustment_names[]

cdef extern from "data/resize.h":
    const int FCN_TWO_TAPS, FCN_TRIANGLE, FCN_MEAN

# The number of an adjustment of colour is its place in here.
ADJUSTMENTS = tuple(fcn_adjustment_names[i].decode() for i in range(FCN_ADJUSTMENT_COUNT))
TWO_TAPS, TRIANGLE, MEAN = FCN_TWO_TAPS, FCN_TRIANGLE, FCN_MEAN

# A batch is prepared by one thread while all others train, and takes less time than waking threads that
# compete with them: only a job of more pixels than this, say a whole data set, is cut.
cdef Py_ssize_t PARALLEL_FROM = 2**20


cdef int threads_for(Py_ssize_t pixels) noexcept:
    return 1 if pixels < PARALLEL_FROM else threads()


def affine(real[:, :, :, ::1] y, const real[:, :, :, ::1] x, const double[:, ::1] matrices,
           const real[::1] fill):
    """y = x sampled where `matrices` (N, 6) map its pixels; `fill` (C,) lies around x."""
    cdef const fcn_eager *kernels = eager(sizeof(real))
    cdef int count = threads_for(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3])
    cdef char[::1] scratch = workspace(kernels.affine_workspace(x.shape[2], x.shape[3], count))
    with nogil:
        kernels.affine(&y[0, 0, 0, 0], &x[0, 0, 0, 0], &matrices[0, 0], &fill[0],
                       x.shape[0], x.shape[1], x.shape[2], x.shape[3], &scratch[0], count)


def affine_u8(uint8_t[:, :, :, ::1] y, const uint8_t[:, :, :, ::1] x, const double[:, ::1] matrices,
              const uint8_t[::1] fill):
    """Affine on bytes, computed in float32 and rounded to nearest."""
    cdef const fcn_eager *kernels = eager(sizeof(float))
    cdef int count = threads_for(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3])
    cdef char[::1] scratch = workspace(kernels.affine_workspace(x.shape[2], x.shape[3], count))
    with nogil:
        kernels.affine_u8(&y[0, 0, 0, 0], &x[0, 0, 0, 0], &matrices[0, 0], &fill[0],
                          x.shape[0], x.shape[1], x.shape[2], x.shape[3], &scratch[0], count)


def normalize_u8(real[:, :, ::1] y, const uint8_t[:, :, ::1] x, const real[:, ::1] values):
    """y (N, C, H * W) = values[c, x]; `values` is (C, 256)."""
    cdef int count = threads_for(x.shape[0] * x.shape[1] * x.shape[2])
    with nogil:
        eager(sizeof(real)).normalize_u8(&y[0, 0, 0], &x[0, 0, 0], &values[0, 0],
                                         x.shape[0], x.shape[1], x.shape[2], count)


def gather(real[:, :, :, ::1] y, const real[:, :, :, ::1] x, const int64_t[:, ::1] rows,
           const int64_t[:, ::1] columns, const real[::1] fill):
    """y = x at `rows` (N, out_h) and `columns` (N, out_w), -1 for `fill` (C,)."""
    cdef int count = threads_for(y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3])
    with nogil:
        eager(sizeof(real)).gather(&y[0, 0, 0, 0], &x[0, 0, 0, 0], &rows[0, 0], &columns[0, 0], &fill[0],
                                   x.shape[0], x.shape[1], x.shape[2], x.shape[3], y.shape[2], y.shape[3],
                                   count)


def gather_u8(uint8_t[:, :, :, ::1] y, const uint8_t[:, :, :, ::1] x, const int64_t[:, ::1] rows,
              const int64_t[:, ::1] columns, const uint8_t[::1] fill):
    """Gather on bytes."""
    cdef int count = threads_for(y.shape[0] * y.shape[1] * y.shape[2] * y.shape[3])
    with nogil:
        eager(sizeof(float)).gather_u8(&y[0, 0, 0, 0], &x[0, 0, 0, 0], &rows[0, 0], &columns[0, 0], &fill[0],
                                       x.shape[0], x.shape[1], x.shape[2], x.shape[3], y.shape[2],
                                       y.shape[3], count)


def fill_rectangles(real[:, :, :, ::1] x, const int64_t[:, :, ::1] rectangles, const real[::1] value):
    """Write `value` (C,) into the `rectangles` (N, count, 4) of each image."""
    cdef int count = threads_for(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3])
    with nogil:
        eager(sizeof(real)).fill_rectangles(&x[0, 0, 0, 0], &rectangles[0, 0, 0], &value[0], x.shape[0],
                                            rectangles.shape[1], x.shape[1], x.shape[2], x.shape[3], count)


def fill_rectangles_u8(uint8_t[:, :, :, ::1] x, const int64_t[:, :, ::1] rectangles,
                       const uint8_t[::1] value):
    """Fill_rectangles on bytes."""
    cdef int count = threads_for(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3])
    with nogil:
        eager(sizeof(float)).fill_rectangles_u8(&x[0, 0, 0, 0], &rectangles[0, 0, 0], &value[0], x.shape[0],
                                                rectangles.shape[1], x.shape[1], x.shape[2], x.shape[3],
                                                count)


def mix(real[:, ::1] y, const real[:, ::1] a, const real[:, ::1] b, double weight):
    """y = weight a + (1 - weight) b, all (N, size)."""
    cdef int count = threads_for(y.shape[0] * y.shape[1])
    with nogil:
        eager(sizeof(real)).mix(&y[0, 0], &a[0, 0], &b[0, 0], weight, y.shape[0], y.shape[1], count)


def mix_u8(uint8_t[:, ::1] y, const uint8_t[:, ::1] a, const uint8_t[:, ::1] b, double weight):
    """Mix on bytes, rounded to nearest."""
    cdef int count = threads_for(y.shape[0] * y.shape[1])
    with nogil:
        eager(sizeof(float)).mix_u8(&y[0, 0], &a[0, 0], &b[0, 0], weight, y.shape[0], y.shape[1], count)


def resize(real[:, :, :, ::1] y, const real[:, :, :, ::1] x, const int64_t[:, ::1] boxes, int method):
    """y = the `boxes` (N, 4) of x, resized; `method` is TWO_TAPS, TRIANGLE or MEAN."""
    cdef const fcn_eager *kernels = eager(sizeof(real))
    cdef int count = threads_for(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3])
    cdef char[::1] scratch = workspace(
        kernels.resize_workspace(x.shape[2], x.shape[3], y.shape[2], y.shape[3], count))
    with nogil:
        kernels.resize(&y[0, 0, 0, 0], &x[0, 0, 0, 0], &boxes[0, 0], method, x.shape[0], x.shape[1],
                       x.shape[2], x.shape[3], y.shape[2], y.shape[3], &scratch[0], count)


def resize_u8(uint8_t[:, :, :, ::1] y, const uint8_t[:, :, :, ::1] x, const int64_t[:, ::1] boxes,
              int method):
    """Resize on bytes, rounded to nearest."""
    cdef const fcn_eager *kernels = eager(sizeof(float))
    cdef int count = threads_for(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3])
    cdef char[::1] scratch = workspace(
        kernels.resize_workspace(x.shape[2], x.shape[3], y.shape[2], y.shape[3], count))
    with nogil:
        kernels.resize_u8(&y[0, 0, 0, 0], &x[0, 0, 0, 0], &boxes[0, 0], method, x.shape[0], x.shape[1],
                          x.shape[2], x.shape[3], y.shape[2], y.shape[3], &scratch[0], count)


def adjust(real[:, :, :, ::1] y, const real[:, :, :, ::1] x, const int32_t[:, ::1] operations,
           const double[:, ::1] values):
    """y = x with the colours changed by `operations` and their `values`, both (N, count)."""
    cdef const fcn_eager *kernels = eager(sizeof(real))
    cdef int count = threads_for(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3])
    cdef char[::1] scratch = workspace(
        kernels.adjust_workspace(x.shape[1], x.shape[2], x.shape[3], count))
    with nogil:
        kernels.adjust(&y[0, 0, 0, 0], &x[0, 0, 0, 0], &operations[0, 0], &values[0, 0],
                       operations.shape[1], x.shape[0], x.shape[1], x.shape[2], x.shape[3], &scratch[0],
                       count)


def adjust_u8(uint8_t[:, :, :, ::1] y, const uint8_t[:, :, :, ::1] x, const int32_t[:, ::1] operations,
              const double[:, ::1] values):
    """Adjust on bytes."""
    cdef const fcn_eager *kernels = eager(sizeof(float))
    cdef int count = threads_for(x.shape[0] * x.shape[1] * x.shape[2] * x.shape[3])
    cdef char[::1] scratch = workspace(
        kernels.adjust_workspace(x.shape[1], x.shape[2], x.shape[3], count))
    with nogil:
        kernels.adjust_u8(&y[0, 0, 0, 0], &x[0, 0, 0, 0], &operations[0, 0], &values[0, 0],
                          operations.shape[1], x.shape[0], x.shape[1], x.shape[2], x.shape[3], &scratch[0],
                          count)
