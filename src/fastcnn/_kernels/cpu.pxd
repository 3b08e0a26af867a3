from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t


cdef extern from "kernels.h" nogil:
    ctypedef struct fcn_window:
        Py_ssize_t in_h, in_w, out_h, out_w
        Py_ssize_t kernel_h, kernel_w, stride_h, stride_w
        Py_ssize_t pad_top, pad_left, dilation_h, dilation_w

    ctypedef struct fcn_conv2d:
        Py_ssize_t batch, in_channels, out_channels, groups
        fcn_window window

    ctypedef struct fcn_matrix:
        const void *data
        Py_ssize_t row_stride, column_stride

    ctypedef struct fcn_sgd:
        double lr, momentum, dampening, weight_decay
        int nesterov, maximize, first_step

    ctypedef struct fcn_adam:
        double lr, beta1, beta2, eps, weight_decay
        double bias_correction1, bias_correction2
        int decoupled, amsgrad, maximize

    ctypedef struct fcn_run:
        Py_ssize_t batch, groups, slots, first, count
        const uint64_t *keys
        int thread

    ctypedef struct fcn_op:
        void (*kernel)(const fcn_op *, const fcn_run *, Py_ssize_t) noexcept nogil
        char *buffer[8]
        Py_ssize_t stride[8]
        char scope[8]
        Py_ssize_t tasks
        char together
        const int32_t *table[8]
        Py_ssize_t size[8]
        double scalar[2]

    ctypedef enum fcn_phase_kind:
        FCN_OVER_GROUPS
        FCN_OVER_TASKS
        FCN_OVER_BANDS

    ctypedef enum fcn_scope:
        FCN_EACH_GROUP
        FCN_EACH_THREAD
        FCN_EACH_TOGETHER

    ctypedef struct fcn_phase:
        fcn_phase_kind kind
        Py_ssize_t first_op, last_op

    ctypedef struct fcn_named_kernel:
        const char *name
        void (*kernel)(const fcn_op *, const fcn_run *, Py_ssize_t) noexcept nogil

    const int FCN_SLOTS, FCN_TOGETHER, FCN_TASK_COLUMNS, FCN_TASK_TAPS, FCN_TASK_TOTALS
    const int FCN_MAX_BUFFERS, FCN_MAX_TABLES, FCN_MAX_SIZES, FCN_CHAINS, FCN_SUM_BLOCK


# fcn_eager, which setup.py makes from csrc/eager/kernels.inc.
include "eager_kernels.pxi"


cdef extern from "kernels.h" nogil:
    ctypedef struct fcn_kernels:
        int vector_bytes
        const fcn_named_kernel *op_kernels[2]
        int max_block, max_vectors
        void (*run_program)(const fcn_phase *, Py_ssize_t, const fcn_op *, const fcn_run *,
                            int) noexcept nogil
        void (*time_program)(double *, const fcn_phase *, Py_ssize_t, const fcn_op *,
                             const fcn_run *) noexcept nogil
        void (*parallel)(Py_ssize_t, int, void (*)(void *, Py_ssize_t, int) noexcept nogil,
                         void *) noexcept nogil
        fcn_eager eager


ctypedef fused real:
    float
    double

# The kernels for elements of this many bytes (4: float32, 8: float64) on the chosen instruction set.
cdef const fcn_kernels *kernels(size_t itemsize) noexcept nogil
# The eager ones among them.
cdef const fcn_eager *eager(size_t itemsize) noexcept nogil
cdef int threads() noexcept nogil
cdef fcn_window as_window(object window) except *
