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

    ctypedef struct fcn_lines:
        const int64_t *first
        const int64_t *at
        const void *weight

    ctypedef struct fcn_matrix:
        const void *data
        Py_ssize_t row_stride, column_stride

    ctypedef struct fcn_batch:
        Py_ssize_t images, group_images, groups, slots, first, count
        const uint64_t *keys
        int thread

    ctypedef enum fcn_scope:
        FCN_EACH_GROUP
        FCN_EACH_THREAD
        FCN_EACH_IN_HAND

    ctypedef struct fcn_buffer:
        char *data
        Py_ssize_t stride
        fcn_scope scope

    ctypedef void fcn_op_kernel(const fcn_op *, const fcn_batch *, Py_ssize_t) noexcept nogil

    ctypedef struct fcn_op:
        fcn_op_kernel *kernel
        Py_ssize_t tasks, most_slots
        int whole_chunk
        char arguments[1]

    ctypedef enum fcn_phase_kind:
        FCN_OVER_GROUPS
        FCN_OVER_TASKS
        FCN_OVER_BANDS

    ctypedef struct fcn_phase:
        fcn_phase_kind kind
        Py_ssize_t first_op, last_op

    const int FCN_CHUNK, FCN_TASK_COLUMNS, FCN_TASK_TAPS, FCN_TASK_TOTALS, FCN_CHAINS, FCN_SUM_BLOCK
    const int FCN_ROWS_IN_HAND, FCN_TASK_SUMS, FCN_VECTORS_IN_HAND
    const int FCN_FULL_CHUNK, FCN_MOST_TILES
    const int FCN_MOST_SLOTS, FCN_WEIGHT_TILE
    const int FCN_TILE_POSITIONS, FCN_TILE_ROWS, FCN_TILE_TERMS
    Py_ssize_t fcn_slots(Py_ssize_t images)
    Py_ssize_t fcn_most_slots(Py_ssize_t bytes)
    Py_ssize_t fcn_most_linear_slots(Py_ssize_t images)
    Py_ssize_t fcn_slots_in_one(Py_ssize_t slots, Py_ssize_t most)
    Py_ssize_t fcn_task_channels(Py_ssize_t channels, Py_ssize_t places)
    Py_ssize_t fcn_slot_start(Py_ssize_t slot, Py_ssize_t slots, Py_ssize_t images)


# fcn_eager, which setup.py makes from csrc/eager/kernels.inc.
include "eager_kernels.pxi"


cdef extern from "kernels.h" nogil:
    ctypedef struct fcn_kernels:
        const char *element
        int stored_bytes, real_bytes, vector_bytes, terms
        const fcn_kernels *rest
        int max_block, max_vectors
        void (*run_program)(const fcn_phase *, Py_ssize_t, const fcn_op *, const fcn_batch *,
                            int) noexcept nogil
        void (*time_program)(double *, const fcn_phase *, Py_ssize_t, const fcn_op *,
                             const fcn_batch *) noexcept nogil
        void (*parallel)(Py_ssize_t, int, int, void (*)(void *, Py_ssize_t, int) noexcept nogil,
                         void *) noexcept nogil
        fcn_eager eager


cdef extern from "kernels.h" nogil:
    fcn_op_kernel *fcn_op_kernel_of(const fcn_kernels *, bint by_channels, int operation)


cdef extern from "engine/operations.h" nogil:
    ctypedef struct fcn_declaration:
        const char *kind
        const char *name
        const char *details[4]
        size_t bytes


ctypedef fused real:
    float
    double

# The kernels for elements of this many bytes (4: float32, 8: float64) on the chosen instruction set.
cdef const fcn_kernels *kernels(size_t itemsize) noexcept nogil
# The eager ones among them.
cdef const fcn_eager *eager(size_t itemsize) noexcept nogil
# The kernels for elements of a type, by its name; with `beside` those with vectors as long as that type's.
cdef const fcn_kernels *kernels_of(str element, str beside=*) except NULL
# The lines of csrc/engine/operations.inc.
cdef const fcn_declaration *declared() noexcept nogil
cdef int threads() noexcept nogil
cdef fcn_window as_window(object window) except *
