"""The engine's executor: holds a flat program and runs it without the GIL; see csrc/program.h."""

from cpython.buffer cimport Py_buffer, PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int32_t, uint64_t
from cpython.ref cimport PyObject
from libc.string cimport memcmp, strcmp

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)

from .cpu cimport (
    FCN_CHAINS, FCN_EACH_GROUP, FCN_EACH_THREAD, FCN_EACH_TOGETHER,
    FCN_MAX_BUFFERS, FCN_MAX_SIZES, FCN_MAX_TABLES,
    FCN_OVER_BANDS, FCN_OVER_GROUPS, FCN_OVER_TASKS, FCN_SLOTS, FCN_SUM_BLOCK,
    FCN_TASK_COLUMNS, FCN_TASK_TAPS, FCN_TASK_TOTALS, FCN_TOGETHER,
    fcn_kernels, fcn_named_kernel, fcn_op, fcn_phase, fcn_run, kernels,
)

SLOTS = FCN_SLOTS
SUM_BLOCK = FCN_SUM_BLOCK
CHAINS = FCN_CHAINS
TOGETHER = FCN_TOGETHER
TASK_COLUMNS = FCN_TASK_COLUMNS
OVER_GROUPS, OVER_TASKS, OVER_BANDS = FCN_OVER_GROUPS, FCN_OVER_TASKS, FCN_OVER_BANDS
EACH_GROUP, EACH_THREAD, EACH_TOGETHER = FCN_EACH_GROUP, FCN_EACH_THREAD, FCN_EACH_TOGETHER
TASK_TAPS = FCN_TASK_TAPS
TASK_TOTALS = FCN_TASK_TOTALS


def lanes(int itemsize):
    """Return the number of images in a vector of elements of this size."""
    return kernels(itemsize).vector_bytes // itemsize


def max_block(int itemsize):
    """Return the largest number of channels of a register block."""
    return kernels(itemsize).max_block


def max_vectors(int itemsize):
    """Return the largest number of vectors of a register block, where channels are in the lanes."""
    return kernels(itemsize).max_vectors


def alone(list parameters, list reads, Py_ssize_t references):
    """Tell whether each parameter was read so often, and its array has so many references and is no view."""
    cdef Py_ssize_t i
    cdef object array
    for i in range(len(parameters)):
        if (<object>parameters[i]).reads != reads[i]:
            return False
        array = (<object>parameters[i])._data
        if Py_REFCNT(<PyObject *>array) != references or array.base is not None:
            return False
    return True


def references(list arrays, list parameters):
    """Return how many references there are to each array and to the memory that it is a view of.

    That of a parameter whose gradient the array is does not count.
    """
    cdef Py_ssize_t i
    cdef object array
    cdef list counts = []
    for i in range(len(arrays)):
        array = arrays[i]
        counts.append(Py_REFCNT(<PyObject *>array) + Py_REFCNT(<PyObject *>(array.base))
                      - ((<object>parameters[i]).grad is array))
    return counts


def same(list arrays, list copies):
    """Tell whether C-contiguous arrays hold the bytes of their copies."""
    cdef Py_ssize_t i
    cdef Py_buffer view
    cdef bint differs
    for i in range(len(arrays)):
        PyObject_GetBuffer(arrays[i], &view, PyBUF_SIMPLE)
        differs = view.len != len(<bytes>copies[i])
        differs = differs or memcmp(view.buf, <char *>(<bytes>copies[i]), view.len) != 0
        PyBuffer_Release(&view)
        if differs:
            return False
    return True


cdef class Program:
    """A list of phases and operations over buffers that it keeps alive.

    Parameters
    ----------
    itemsize : int
        4 for float32, 8 for float64.
    images_per_group : int
        By the layout: lanes or 1, see csrc/program.h.
    ops, phases : sequences
        An operation is (kernel name, buffers, tables, sizes, scalars, together): buffers are (array or None,
        bytes from one copy to the next, scope); tables are int32 arrays. A phase is (tasks or None for one
        task a slot of groups, first operation, last operation + 1).
    externals : sequence of sequences
        For each array that comes with a run the places (operation, buffer) where it is used.
    """

    cdef fcn_op *ops
    cdef fcn_phase *phases
    cdef readonly Py_ssize_t op_count, phase_count
    cdef readonly tuple externals
    cdef list kept
    cdef dict bound
    cdef Py_ssize_t images_per_group
    cdef const fcn_kernels *kernels

    def __cinit__(self, int itemsize, Py_ssize_t images_per_group, ops, phases, externals):
        cdef Py_ssize_t i, j
        self.kernels = kernels(itemsize)
        self.images_per_group = images_per_group
        self.op_count = len(ops)
        self.phase_count = len(phases)
        self.kept = []
        self.bound = {}
        self.ops = <fcn_op *>PyMem_Calloc(max(self.op_count, 1), sizeof(fcn_op))
        self.phases = <fcn_phase *>PyMem_Calloc(max(self.phase_count, 1), sizeof(fcn_phase))
        if self.ops == NULL or self.phases == NULL:
            raise MemoryError("Program: no memory for the operations")
        for i, (name, buffers, tables, sizes, scalars, together, tasks) in enumerate(ops):
            self._set_kernel(&self.ops[i], name)
            if len(buffers) > FCN_MAX_BUFFERS or len(tables) > FCN_MAX_TABLES or len(sizes) > FCN_MAX_SIZES:
                raise ValueError(f"Program: {name} has too many arguments")
            self.ops[i].together = together
            self.ops[i].tasks = tasks
            for j, (array, stride, scope) in enumerate(buffers):
                self.ops[i].stride[j] = stride
                self.ops[i].scope[j] = scope
                if array is not None:
                    self.bind(i, j, array)
            for j, places in enumerate(tables):
                self._set_table(&self.ops[i], j, places)
            for j, size in enumerate(sizes):
                self.ops[i].size[j] = size
            for j, scalar in enumerate(scalars):
                self.ops[i].scalar[j] = scalar
        for i, (kind, first, last) in enumerate(phases):
            self.phases[i].kind = kind
            self.phases[i].first_op = first
            self.phases[i].last_op = last
        for places in externals:
            for op, index in places:
                self._check_buffer(op, index)
        self.externals = tuple(tuple(places) for places in externals)

    def __dealloc__(self):
        PyMem_Free(self.ops)
        PyMem_Free(self.phases)

    cdef _set_kernel(self, fcn_op *op, str name):
        cdef bytes wanted = name.encode()
        cdef const fcn_named_kernel *entry
        cdef int layout
        for layout in range(2):
            entry = self.kernels.op_kernels[layout]
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
        self._check_buffer(op, index)
        if array is None:
            self.ops[op].buffer[index] = NULL
        else:
            PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
            self.ops[op].buffer[index] = <char *>view.buf
            PyBuffer_Release(&view)  # the array itself is kept
        self.bound[op, index] = array

    def point(self, Py_ssize_t op, Py_ssize_t index, array):
        """Let buffer `index` of operation `op` be `array`, which the caller keeps alive during runs."""
        cdef Py_buffer view
        self._check_buffer(op, index)
        PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
        self.ops[op].buffer[index] = <char *>view.buf
        PyBuffer_Release(&view)

    def set_scalar(self, Py_ssize_t op, Py_ssize_t index, double value):
        """Set scalar `index` of operation `op`."""
        if not 0 <= op < self.op_count or not 0 <= index < 2:
            raise IndexError(f"Program: there is no scalar {index} of operation {op}")
        self.ops[op].scalar[index] = value

    cdef int _check_buffer(self, Py_ssize_t op, Py_ssize_t index) except -1:
        if not 0 <= op < self.op_count or not 0 <= index < FCN_MAX_BUFFERS:
            raise IndexError(f"Program: there is no buffer {index} of operation {op}")
        return 0

    cdef int _connect(self, tuple arrays) except -1:
        """Let the operations use these arrays (C-contiguous or None), one for each of `externals`."""
        cdef Py_buffer view
        cdef Py_ssize_t op, index
        cdef char *data
        if len(arrays) != len(self.externals):
            raise ValueError(f"Program: {len(arrays)} arrays for {len(self.externals)} externals")
        for array, places in zip(arrays, self.externals):
            data = NULL
            if array is not None:
                PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
                data = <char *>view.buf
                PyBuffer_Release(&view)  # the caller keeps the array during the run
            for op, index in places:
                self.ops[op].buffer[index] = data
        return 0

    def run(self, Py_ssize_t batch, keys, Py_ssize_t first_phase, Py_ssize_t last_phase, int threads,
            tuple arrays):
        """Run the phases first_phase .. last_phase - 1 for `batch` images on up to so many threads.

        keys are those of dropout, uint64 (at least 1,).
        """
        cdef fcn_run run = self._begin(batch, keys, first_phase, last_phase)
        if run.groups == 0:
            return
        self._connect(arrays)
        with nogil:
            self.kernels.run_program(self.phases + first_phase, last_phase - first_phase, self.ops, &run,
                                     threads)

    def time_ops(self, double[::1] seconds, Py_ssize_t batch, keys, Py_ssize_t first_phase,
                 Py_ssize_t last_phase, tuple arrays):
        """Run phases on one thread, in the order of `run`; add each operation's time to seconds[op]."""
        cdef fcn_run run = self._begin(batch, keys, first_phase, last_phase)
        if len(seconds) != self.op_count:
            raise IndexError(f"Program: {self.op_count} operations, but a place for {len(seconds)} times")
        if run.groups == 0 or self.op_count == 0:
            return
        self._connect(arrays)
        with nogil:
            self.kernels.time_program(&seconds[0], self.phases + first_phase, last_phase - first_phase,
                                      self.ops, &run)

    cdef fcn_run _begin(self, Py_ssize_t batch, keys, Py_ssize_t first_phase, Py_ssize_t last_phase) except *:
        """Check the phases; return what operations are told."""
        cdef fcn_run run
        cdef Py_buffer view
        if not 0 <= first_phase <= last_phase <= self.phase_count:
            raise IndexError(f"Program: there are no phases {first_phase} to {last_phase}")
        run.batch = batch
        run.groups = (batch + self.images_per_group - 1) // self.images_per_group
        run.slots = min(<Py_ssize_t>FCN_SLOTS, run.groups)
        run.first = run.count = 0
        PyObject_GetBuffer(keys, &view, PyBUF_SIMPLE)  # a typed view would take longer than a small layer
        run.keys = <const uint64_t *>view.buf
        PyBuffer_Release(&view)  # the caller keeps the array
        if view.len < <Py_ssize_t>sizeof(uint64_t):
            raise ValueError("Program: keys must have an element")
        run.thread = 0
        return run
