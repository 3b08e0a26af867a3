"""Augmentation of batches of images; equations stand in csrc/data/augment.c.

Arrays are C-contiguous (N, C, H, W) and not empty; every size was checked by fastcnn.data.transforms.
"""

from libc.stdint cimport uint8_t

from .cpu cimport eager, fcn_eager, real, threads

from .workspace import workspace

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
