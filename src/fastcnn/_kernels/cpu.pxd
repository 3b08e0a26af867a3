from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t


cdef extern from "table.h" nogil:
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

    ctypedef struct fcn_table:
        int vector_bytes
        const fcn_named_kernel *op_kernels[2]
        int max_block, max_vectors
        void (*run_program)(const fcn_phase *, Py_ssize_t, const fcn_op *, const fcn_run *,
                            int) noexcept nogil
        void (*time_program)(double *, const fcn_phase *, Py_ssize_t, const fcn_op *,
                             const fcn_run *) noexcept nogil
        void (*parallel)(Py_ssize_t, int, void (*)(void *, Py_ssize_t, int) noexcept nogil,
                         void *) noexcept nogil

        double (*fma_peak)(double, int) noexcept nogil

        size_t (*gemm_workspace)(int) noexcept nogil
        void (*gemm)(void *, fcn_matrix, fcn_matrix, Py_ssize_t, Py_ssize_t, Py_ssize_t, int, void *,
                     int) noexcept nogil

        void (*im2col)(void *, const void *, Py_ssize_t, const fcn_window *) noexcept nogil
        void (*col2im)(void *, const void *, Py_ssize_t, const fcn_window *) noexcept nogil

        size_t (*conv2d_workspace)(const fcn_conv2d *, int) noexcept nogil
        void (*conv2d)(void *, const void *, const void *, const void *, const fcn_conv2d *, void *,
                       int) noexcept nogil
        void (*conv2d_backward_input)(void *, const void *, const void *, const fcn_conv2d *, void *,
                                      int) noexcept nogil
        void (*conv2d_backward_weight)(void *, const void *, const void *, const fcn_conv2d *, void *,
                                       int) noexcept nogil

        void (*max_pool2d)(void *, int64_t *, const void *, Py_ssize_t, const fcn_window *) noexcept nogil
        int (*max_pool2d_backward)(void *, const void *, const int64_t *, Py_ssize_t, Py_ssize_t,
                                   Py_ssize_t) noexcept nogil
        void (*avg_pool2d)(void *, const void *, Py_ssize_t, const fcn_window *, Py_ssize_t, Py_ssize_t, int,
                           Py_ssize_t) noexcept nogil
        void (*avg_pool2d_backward)(void *, const void *, Py_ssize_t, const fcn_window *, Py_ssize_t,
                                    Py_ssize_t, int, Py_ssize_t) noexcept nogil
        void (*adaptive_avg_pool2d)(void *, const void *, Py_ssize_t, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                    Py_ssize_t) noexcept nogil
        void (*adaptive_avg_pool2d_backward)(void *, const void *, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                             Py_ssize_t, Py_ssize_t) noexcept nogil

        void (*channel_sums)(void *, const void *, Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*batch_norm_statistics)(double *, double *, const void *, Py_ssize_t, Py_ssize_t,
                                      Py_ssize_t) noexcept nogil
        void (*batch_norm)(void *, const void *, const double *, const double *, const void *, const void *,
                           Py_ssize_t, Py_ssize_t, Py_ssize_t) noexcept nogil
        void (*batch_norm_backward)(void *, void *, void *, const void *, const void *, const double *,
                                    const double *, const void *, int, Py_ssize_t, Py_ssize_t,
                                    Py_ssize_t) noexcept nogil

        void (*softmax)(void *, const void *, Py_ssize_t, Py_ssize_t, Py_ssize_t, int) noexcept nogil
        void (*softmax_backward)(void *, const void *, const void *, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                                 int) noexcept nogil
        void (*cross_entropy)(double *, void *, const void *, const int64_t *, const void *, Py_ssize_t,
                              Py_ssize_t, Py_ssize_t, int64_t, double, double) noexcept nogil
        void (*cross_entropy_soft)(double *, void *, const void *, const void *, const void *, Py_ssize_t,
                                   Py_ssize_t, Py_ssize_t, double, double) noexcept nogil

        void (*relu)(void *, const void *, Py_ssize_t) noexcept nogil
        void (*relu_backward)(void *, const void *, const void *, Py_ssize_t) noexcept nogil
        void (*dropout_mask)(void *, Py_ssize_t, Py_ssize_t, uint64_t, double) noexcept nogil

        void (*sgd_step)(void *, void *, const void *, const fcn_sgd *, Py_ssize_t) noexcept nogil
        void (*adam_step)(void *, void *, void *, void *, const void *, const fcn_adam *,
                          Py_ssize_t) noexcept nogil

        size_t (*affine_workspace)(Py_ssize_t, Py_ssize_t, int) noexcept nogil
        void (*affine)(void *, const void *, const double *, const void *, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                       Py_ssize_t, void *, int) noexcept nogil
        void (*affine_u8)(uint8_t *, const uint8_t *, const double *, const uint8_t *, Py_ssize_t,
                          Py_ssize_t, Py_ssize_t, Py_ssize_t, void *, int) noexcept nogil
        void (*normalize_u8)(void *, const uint8_t *, const void *, Py_ssize_t, Py_ssize_t, Py_ssize_t,
                             int) noexcept nogil


ctypedef fused real:
    float
    double

# The table for elements of this many bytes (4: float32, 8: float64) on the chosen instruction set.
cdef const fcn_table *table(size_t itemsize) noexcept nogil
cdef int threads() noexcept nogil
cdef fcn_window as_window(object window) except *
