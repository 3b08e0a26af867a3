"""The engine's executor: holds a flat program and runs it without the GIL; see csrc/program.h."""

from cpython.buffer cimport Py_buffer, PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int32_t, uint64_t
from libc.string cimport strcmp

from .cpu cimport (
    FCN_MAX_BUFFERS, FCN_MAX_SIZES, FCN_MAX_TABLES, FCN_OVER_GROUPS, FCN_OVER_TASKS, FCN_SLOTS,
    FCN_TASK_TAPS, FCN_TASK_TOTALS,
    fcn_named_kernel, fcn_op, fcn_phase, fcn_run, fcn_table, table,
)

SLOTS = FCN_SLOTS
TASK_TAPS = FCN_TASK_TAPS
TASK_TOTALS = FCN_TASK_TOTALS


def lanes(int itemsize):
    """Return the number of images in a vector of elements of this size."""
    return table(itemsize).vector_bytes // itemsize


def max_block(int itemsize):
    """Return the largest number of channels of a register block."""
    return table(itemsize).max_block


cdef class Program:
    """A list of phases and operations over buffers that it keeps alive.

    Parameters
    ----------
    itemsize : int
        4 for float32, 8 for float64.
    ops, phases : sequences
        An operation is (kernel name, buffers, tables, sizes, scalars): buffers are (array or None, bytes from
        one group to the next, per thread); tables are int32 arrays. A phase is (tasks or None for one task a
        slot of groups, first operation, last operation + 1).
    """

    cdef fcn_op *ops
    cdef fcn_phase *phases
    cdef readonly Py_ssize_t op_count, phase_count
    cdef list kept
    cdef dict bound
    cdef int lanes
    cdef const fcn_table *kernels

    def __cinit__(self, int itemsize, ops, phases):
        cdef const fcn_table *kernels = table(itemsize)
        cdef Py_ssize_t i, j
        self.kernels = kernels
        self.lanes = kernels.vector_bytes // itemsize
        self.op_count = len(ops)
        self.phase_count = len(phases)
        self.kept = []
        self.bound = {}
        self.ops = <fcn_op *>PyMem_Calloc(max(self.op_count, 1), sizeof(fcn_op))
        self.phases = <fcn_phase *>PyMem_Calloc(max(self.phase_count, 1), sizeof(fcn_phase))
        if self.ops == NULL or self.phases == NULL:
            raise MemoryError("Program: no memory for the operations")
        for i, (name, buffers, tables, sizes, scalars) in enumerate(ops):
            self._set_kernel(&self.ops[i], kernels, name)
            if len(buffers) > FCN_MAX_BUFFERS or len(tables) > FCN_MAX_TABLES or len(sizes) > FCN_MAX_SIZES:
                raise ValueError(f"Program: {name} has too many arguments")
            for j, (array, stride, per_thread) in enumerate(buffers):
                self.ops[i].stride[j] = stride
                self.ops[i].per_thread[j] = per_thread
                if array is not None:
                    self.bind(i, j, array)
            for j, places in enumerate(tables):
                self._set_table(&self.ops[i], j, places)
            for j, size in enumerate(sizes):
                self.ops[i].size[j] = size
            for j, scalar in enumerate(scalars):
                self.ops[i].scalar[j] = scalar
        for i, (tasks, first, last) in enumerate(phases):
            self.phases[i].kind = FCN_OVER_GROUPS if tasks is None else FCN_OVER_TASKS
            self.phases[i].tasks = tasks or 0
            self.phases[i].first_op = first
            self.phases[i].last_op = last

    def __dealloc__(self):
        PyMem_Free(self.ops)
        PyMem_Free(self.phases)

    cdef _set_kernel(self, fcn_op *op, const fcn_table *kernels, str name):
        cdef bytes wanted = name.encode()
        cdef const fcn_named_kernel *entry = kernels.op_kernels
        while entry.name != NULL:
            if strcmp(entry.name, wanted) == 0:
                op.kernel = entry.kernel
                return
            entry += 1
        raise ValueError(f"Program: there is no kernel {name!r}")

    cdef _set_table(self, fcn_op *op, Py_ssize_t index, places):
        cdef const int32_t[::1] view
        if places is not None and len(places):
            view = places
            op.table[index] = &view[0]
            self.kept.append(places)

    def bind(self, Py_ssize_t op, Py_ssize_t index, array):
        """Let buffer `index` of operation `op` be `array` (C-contiguous), or nothing, from now on."""
        cdef Py_buffer view
        if not 0 <= op < self.op_count or not 0 <= index < FCN_MAX_BUFFERS:
            raise IndexError(f"Program: there is no buffer {index} of operation {op}")
        if array is None:
            self.ops[op].buffer[index] = NULL
        else:
            PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
            self.ops[op].buffer[index] = <char *>view.buf
            PyBuffer_Release(&view)  # the array itself is kept
        self.bound[op, index] = array

    def set_scalar(self, Py_ssize_t op, Py_ssize_t index, double value):
        """Set scalar `index` of operation `op`."""
        if not 0 <= op < self.op_count or not 0 <= index < 2:
            raise IndexError(f"Program: there is no scalar {index} of operation {op}")
        self.ops[op].scalar[index] = value

    def run(self, Py_ssize_t batch, const uint64_t[::1] keys, Py_ssize_t first_phase, Py_ssize_t last_phase,
            int threads):
        """Run the phases first_phase .. last_phase - 1 for `batch` images on up to so many threads."""
        cdef fcn_run run = self._begin(batch, keys, first_phase, last_phase)
        if run.groups == 0:
            return
        with nogil:
            self.kernels.run_program(self.phases + first_phase, last_phase - first_phase, self.ops, &run,
                                     threads)

    def time_ops(self, double[::1] seconds, Py_ssize_t batch, const uint64_t[::1] keys,
                 Py_ssize_t first_phase, Py_ssize_t last_phase):
        """Run phases on one thread, in the order of `run`; add each operation's time to seconds[op]."""
        cdef fcn_run run = self._begin(batch, keys, first_phase, last_phase)
        if len(seconds) != self.op_count:
            raise IndexError(f"Program: {self.op_count} operations, but a place for {len(seconds)} times")
        if run.groups == 0 or self.op_count == 0:
            return
        with nogil:
            self.kernels.time_program(&seconds[0], self.phases + first_phase, last_phase - first_phase,
                                      self.ops, &run)

    cdef fcn_run _begin(self, Py_ssize_t batch, const uint64_t[::1] keys, Py_ssize_t first_phase,
                        Py_ssize_t last_phase) except *:
        """Check the phases; return what operations are told."""
        cdef fcn_run run
        if not 0 <= first_phase <= last_phase <= self.phase_count:
            raise IndexError(f"Program: there are no phases {first_phase} to {last_phase}")
        run.batch = batch
        run.groups = (batch + self.lanes - 1) // self.lanes
        run.groups_per_slot = max(1, (run.groups + FCN_SLOTS - 1) // FCN_SLOTS)
        run.keys = &keys[0]
        run.thread = 0
        return run
