"""The engine's executor: holds a flat program and runs it without the GIL; see csrc/engine/program.h."""

from cpython.buffer cimport (
    Py_buffer, PyBUF_FORMAT, PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int32_t, int64_t, uint64_t
from cpython.ref cimport PyObject
from libc.string cimport memcmp

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)

from .cpu cimport (
    FCN_CHAINS, FCN_CHUNK, FCN_EACH_GROUP, FCN_EACH_IN_HAND, FCN_EACH_THREAD, FCN_MOST_SLOTS,
    FCN_FULL_CHUNK, FCN_MOST_TILES, FCN_TILE_POSITIONS, FCN_TILE_ROWS, FCN_TILE_TERMS, FCN_WEIGHT_TILE,
    FCN_OVER_BANDS, FCN_OVER_GROUPS, FCN_OVER_TASKS, FCN_SUM_BLOCK,
    FCN_ROWS_IN_HAND, FCN_TASK_COLUMNS, FCN_TASK_SUMS, FCN_TASK_TAPS, FCN_TASK_TOTALS, FCN_VECTORS_IN_HAND,
    declared, fcn_batch, fcn_buffer, fcn_declaration, fcn_kernels, fcn_most_linear_slots, fcn_most_slots,
    fcn_op, fcn_op_kernel_of, fcn_phase, fcn_slot_start, fcn_slots, fcn_slots_in_one, fcn_task_channels,
    kernels_of, real,
)

cdef extern from *:
    """
    #ifdef NDEBUG
    #define FCN_DEBUG 0
    #else
    #define FCN_DEBUG 1
    #endif
    """
    const bint FCN_DEBUG

DEBUG = bool(FCN_DEBUG)
MOST_SLOTS = FCN_MOST_SLOTS
SUM_BLOCK = FCN_SUM_BLOCK
CHAINS = FCN_CHAINS
FULL_CHUNK = FCN_FULL_CHUNK
MOST_TILES = FCN_MOST_TILES
WEIGHT_TILE = FCN_WEIGHT_TILE
TILE_POSITIONS = FCN_TILE_POSITIONS
TILE_ROWS = FCN_TILE_ROWS
TILE_TERMS = FCN_TILE_TERMS
CHUNK = FCN_CHUNK
TASK_COLUMNS = FCN_TASK_COLUMNS
TASK_TAPS = FCN_TASK_TAPS
TASK_SUMS = FCN_TASK_SUMS
ROWS_IN_HAND = FCN_ROWS_IN_HAND
VECTORS_IN_HAND = FCN_VECTORS_IN_HAND
TASK_TOTALS = FCN_TASK_TOTALS
OVER_GROUPS, OVER_TASKS, OVER_BANDS = FCN_OVER_GROUPS, FCN_OVER_TASKS, FCN_OVER_BANDS
EACH_GROUP, EACH_THREAD, EACH_IN_HAND = FCN_EACH_GROUP, FCN_EACH_THREAD, FCN_EACH_IN_HAND

BUFFERS = frozenset({"OUT", "INOUT", "IN", "OUT_IF", "IN_IF", "INOUT_IF"})
SCALARS = frozenset({"SCALAR", "SCALAR_IF"})
TABLES = frozenset({"PLACES", "PLACES_OR_NONE", "OFFSETS", "STARTS", "SEGMENTS", "COUNTERS"})


def declarations():
    """Return the lines of csrc/engine/operations.inc as (kind, name, details)."""
    cdef const fcn_declaration *line = declared()
    cdef int i
    lines = []
    while line.kind != NULL:
        details = [line.details[i].decode() for i in range(4) if line.details[i] != NULL]
        lines.append((line.kind.decode(), line.name.decode(), details))
        line += 1
    return lines


def _arguments():
    """Return {operation: {argument: (kind, offset in the struct)}}, all by name."""
    cdef const fcn_declaration *line = declared()
    cdef size_t offset = 0
    found = {}
    while line.kind != NULL:
        kind, name = line.kind.decode(), line.name.decode()
        if kind == "OPERATION":
            offset = 0
            arguments = found[name] = {}
        elif kind == "END":
            assert offset == line.bytes, f"{name}: the struct of arguments has padding"
        else:
            arguments[name] = (kind, offset)
            offset += sizeof(fcn_buffer) if kind in BUFFERS else 8  # a pointer, an integer or a double
        line += 1
    return found


_ARGUMENTS = _arguments()
_NUMBERS = {name: number for number, name in enumerate(_ARGUMENTS)}


def lanes(str element):
    """Return the number of lanes of a vector, for elements of a type."""
    cdef const fcn_kernels *kernels = kernels_of(element)
    return kernels.vector_bytes // kernels.real_bytes


def element_bytes(str element):
    """Return the bytes of an element of a type as it is stored, and as it is summed."""
    cdef const fcn_kernels *kernels = kernels_of(element)
    return kernels.stored_bytes, kernels.real_bytes


def products(str element):
    """Return how many elements a multiply-add takes of each factor, and whether direct products are by tiles.

    See csrc/common/stored.h and tiles.h.
    """
    return kernels_of(element).terms, kernels_of(element).rest != NULL


def max_block(str element):
    """Return the largest number of channels of a register block."""
    return kernels_of(element).max_block


def max_vectors(str element):
    """Return the largest number of vectors of a register block, where channels are in the lanes."""
    return kernels_of(element).max_vectors


def slots(Py_ssize_t images):
    """Return the number of slots of a batch; see csrc/common/slots.h."""
    return fcn_slots(images)


def most_slots(Py_ssize_t size):
    """Return how many slots a layer may have whose partial sums take so many bytes."""
    return fcn_most_slots(size)


def task_channels(Py_ssize_t channels, Py_ssize_t places):
    """Return how many of the input channels are a task that sums gradients of windows of so many places."""
    return fcn_task_channels(channels, places)


def slot_starts(Py_ssize_t images):
    """Return the first image of each slot of a batch."""
    cdef Py_ssize_t count = fcn_slots(images), slot
    return [fcn_slot_start(slot, count, images) for slot in range(count)]


def linear_slots(Py_ssize_t images):
    """Return (first image, last + 1) of each slot of a linear layer."""
    cdef Py_ssize_t count = fcn_slots(images)
    cdef Py_ssize_t in_one = fcn_slots_in_one(count, fcn_most_linear_slots(images))
    first = slot_starts(images)[::in_one]
    return list(zip(first, [*first[1:], images]))


cdef void _add_slots(
    const real *values, Py_ssize_t images, Py_ssize_t width, real *slot, real *total
) noexcept nogil:
    cdef Py_ssize_t count = fcn_slots(images), i, j, k
    for j in range(width):
        total[j] = 0
    for k in range(count):
        i = fcn_slot_start(k, count, images)
        for j in range(width):
            slot[j] = values[i * width + j]
        for i in range(i + 1, fcn_slot_start(k + 1, count, images)):
            for j in range(width):
                slot[j] += values[i * width + j]
        for j in range(width):
            total[j] += slot[j]


def add_slots(const real[:, ::1] values, real[::1] slot, real[::1] total):
    """Set total to the sum of the rows, one for each image; `slot` has room for a row."""
    cdef Py_ssize_t images = values.shape[0], width = values.shape[1]
    if slot.shape[0] != width or total.shape[0] != width:
        room = f"{slot.shape[0]} and {total.shape[0]}"
        raise ValueError(f"add_slots: {width} columns, but room for {room} sums")
    with nogil:
        _add_slots(&values[0, 0], images, width, &slot[0], &total[0])


def add_results(const double[:, ::1] results):
    """Return the sums of both columns, as add_slots has them, in a fraction of its time."""
    cdef double[2] slot
    cdef double[2] total
    if results.shape[1] != 2:
        raise ValueError(f"add_results: 2 columns, not {results.shape[1]}")
    _add_slots(&results[0, 0], results.shape[0], 2, slot, total)
    return total[0], total[1]


cdef bint _is_alone(object memory, object array):
    """Whether nothing but an array refers to what it is a view of; there is nothing if it is no view."""
    # The references: the array's and `memory`.
    return memory is None or (
        type(memory) is type(array) and memory.base is None and Py_REFCNT(<PyObject *>memory) == 2
    )


def unread(list parameters, list reads, Py_ssize_t references):
    """Tell whether nobody can have written into the arrays of parameters.

    That is, whether each parameter was read so often, and its array has so many references and is no view of
    something else that is still in use.
    """
    cdef Py_ssize_t i
    cdef object array
    for i in range(len(parameters)):
        if (<object>parameters[i]).reads != reads[i]:
            return False
        array = (<object>parameters[i])._data
        if Py_REFCNT(<PyObject *>array) != references or not _is_alone(array.base, array):
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
                      - ((<object>parameters[i])._grad is array))
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


def add_one(list counters):
    """Add 1 to each of these arrays, in place."""
    cdef Py_buffer view
    cdef bint counted
    for counter in counters:
        PyObject_GetBuffer(counter, &view, PyBUF_WRITABLE | PyBUF_FORMAT)
        counted = view.len == sizeof(int64_t) and view.format[0] in (b"l", b"q") and view.format[1] == 0
        if counted:
            (<int64_t *>view.buf)[0] += 1
        PyBuffer_Release(&view)
        if not counted:  # of another type than a layer's own
            counter[...] = counter + 1  # NumPy 1 makes int64 of some, which += refuses


cdef class Program:
    """A list of phases and operations over buffers that it keeps alive.

    Parameters
    ----------
    element : str
        The elements' type by name; operations of other types have vectors as long as its.
    layout : {"images", "channels"}
        See csrc/engine/program.h.
    ops, phases : sequences
        An operation is (name, element type, arguments, tasks, most_slots, whole_chunk), with an argument of
        each name that csrc/engine/operations.inc declares: a buffer is (array or None, bytes from one copy to
        the next, scope), a table an int32 array or None. A phase is (kind, first operation, last operation
        + 1).
    externals : sequence of sequences
        For each array that comes with a run the places (operation, name of the buffer) where it is used.
    """

    cdef fcn_op *ops
    cdef fcn_phase *phases
    cdef readonly Py_ssize_t op_count, phase_count
    cdef readonly tuple externals
    cdef list kept, names
    cdef dict bound
    cdef Py_ssize_t group_images
    cdef const fcn_kernels *kernels

    def __cinit__(self, str element, str layout, ops, phases, externals):
        cdef Py_ssize_t i
        self.kernels = kernels_of(element)
        self.group_images = self.kernels.vector_bytes // self.kernels.real_bytes if layout == "images" else 1
        self.op_count = len(ops)
        self.phase_count = len(phases)
        self.kept = []
        self.names = []
        self.bound = {}
        self.ops = <fcn_op *>PyMem_Calloc(max(self.op_count, 1), sizeof(fcn_op))
        self.phases = <fcn_phase *>PyMem_Calloc(max(self.phase_count, 1), sizeof(fcn_phase))
        if self.ops == NULL or self.phases == NULL:
            raise MemoryError("Program: no memory for the operations")
        for i, (name, type_of_op, arguments, tasks, most_slots, whole_chunk) in enumerate(ops):
            self._set_kernel(&self.ops[i], name, kernels_of(type_of_op, element), layout)
            self.names.append(name)
            self.ops[i].tasks = tasks
            self.ops[i].most_slots = most_slots
            self.ops[i].whole_chunk = whole_chunk
            if arguments.keys() != _ARGUMENTS[name].keys():
                raise ValueError(f"Program: {name} takes {', '.join(_ARGUMENTS[name])}")
            for argument, value in arguments.items():
                self._set(i, argument, value)
        for i, (kind, first, last) in enumerate(phases):
            self.phases[i].kind = kind
            self.phases[i].first_op = first
            self.phases[i].last_op = last
        self.externals = tuple([tuple([(op, self._offset(op, name, BUFFERS)) for op, name in places])
                                for places in externals])

    def __dealloc__(self):
        PyMem_Free(self.ops)
        PyMem_Free(self.phases)

    cdef int _set_kernel(self, fcn_op *op, str name, const fcn_kernels *kernels, str layout) except -1:
        if name not in _NUMBERS or layout not in ("images", "channels"):
            raise ValueError(f"Program: there is no operation {name!r} of the layout {layout!r}")
        op.kernel = fcn_op_kernel_of(kernels, layout == "channels", _NUMBERS[name])
        if op.kernel == NULL:
            raise ValueError(f"Program: the layout {layout!r} has no operation {name!r} of this element type")
        return 0

    cdef Py_ssize_t _offset(self, Py_ssize_t op, str name, kinds) except -1:
        """Return where an argument of one of some kinds stands in an operation's struct."""
        if not 0 <= op < self.op_count:
            raise IndexError(f"Program: there is no operation {op}")
        kind, offset = _ARGUMENTS[self.names[op]].get(name, ("", 0))
        if kind not in kinds:
            raise ValueError(f"Program: operation {op}, {self.names[op]}, has no such argument as {name!r}")
        return offset

    cdef int _set(self, Py_ssize_t op, str name, value) except -1:
        """Set an argument of an operation."""
        cdef const int32_t[::1] places
        cdef fcn_buffer *buffer
        kind, offset = _ARGUMENTS[self.names[op]][name]
        cdef char *at = self.ops[op].arguments + <Py_ssize_t>offset
        if kind in BUFFERS:
            array, stride, scope = value
            buffer = <fcn_buffer *>at
            buffer.stride = stride
            buffer.scope = scope
            self.bind(op, name, array)
        elif kind in TABLES:
            if value is not None and len(value):
                places = value
                (<const int32_t **>at)[0] = &places[0]
                self.kept.append(value)
        elif kind in SCALARS:
            (<double *>at)[0] = value
        else:
            (<int64_t *>at)[0] = value
        return 0

    def bind(self, Py_ssize_t op, str name, array):
        """Let a buffer of an operation be `array` (C-contiguous), or nothing, from now on."""
        self.point(op, name, array)
        self.bound[op, name] = array

    def point(self, Py_ssize_t op, str name, array):
        """Let a buffer of an operation be `array` or nothing; the caller keeps it alive during runs."""
        cdef Py_buffer view
        cdef fcn_buffer *buffer = <fcn_buffer *>(self.ops[op].arguments + self._offset(op, name, BUFFERS))
        buffer.data = NULL
        if array is not None:
            PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
            buffer.data = <char *>view.buf
            PyBuffer_Release(&view)

    def set_scalar(self, Py_ssize_t op, str name, double value):
        """Set a scalar of an operation."""
        (<double *>(self.ops[op].arguments + self._offset(op, name, SCALARS)))[0] = value

    cdef int _connect(self, tuple arrays, Py_ssize_t first_phase, Py_ssize_t last_phase) except -1:
        """Let the operations use these arrays (C-contiguous or None), one for each of `externals`.

        None is for what none of these phases uses.
        """
        cdef Py_buffer view
        cdef Py_ssize_t op, offset, phase
        cdef char *data
        if len(arrays) != len(self.externals):
            raise ValueError(f"Program: {len(arrays)} arrays for {len(self.externals)} externals")
        for array, places in zip(arrays, self.externals):
            data = NULL
            if array is not None:
                PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
                data = <char *>view.buf
                PyBuffer_Release(&view)  # the caller keeps the array during the run
            for op, offset in places:
                (<fcn_buffer *>(self.ops[op].arguments + offset)).data = data
                if data != NULL:
                    continue
                for phase in range(first_phase, last_phase):
                    if self.phases[phase].first_op <= op < self.phases[phase].last_op:
                        raise ValueError(f"Program: operation {op}, {self.names[op]}, lacks an array")
        return 0

    def run(self, Py_ssize_t images, keys, Py_ssize_t first_phase, Py_ssize_t last_phase, int threads,
            tuple arrays):
        """Run the phases first_phase .. last_phase - 1 for a batch of images on up to so many threads.

        keys are those of dropout, uint64 (at least 1,).
        """
        cdef fcn_batch batch = self._begin(images, keys, first_phase, last_phase)
        if batch.groups == 0:
            return
        self._connect(arrays, first_phase, last_phase)
        with nogil:
            self.kernels.run_program(self.phases + first_phase, last_phase - first_phase, self.ops, &batch,
                                     threads)

    def time_ops(self, double[::1] seconds, Py_ssize_t images, keys, Py_ssize_t first_phase,
                 Py_ssize_t last_phase, tuple arrays):
        """Run phases on one thread, in the order of `run`; add each operation's time to seconds[op]."""
        cdef fcn_batch batch = self._begin(images, keys, first_phase, last_phase)
        if len(seconds) != self.op_count:
            raise IndexError(f"Program: {self.op_count} operations, but a place for {len(seconds)} times")
        if batch.groups == 0 or self.op_count == 0:
            return
        self._connect(arrays, first_phase, last_phase)
        with nogil:
            self.kernels.time_program(&seconds[0], self.phases + first_phase, last_phase - first_phase,
                                      self.ops, &batch)

    cdef fcn_batch _begin(self, Py_ssize_t images, keys, Py_ssize_t first_phase,
                          Py_ssize_t last_phase) except *:
        """Check the phases; return what operations are told."""
        cdef fcn_batch batch
        cdef Py_buffer view
        if not 0 <= first_phase <= last_phase <= self.phase_count:
            raise IndexError(f"Program: there are no phases {first_phase} to {last_phase}")
        batch.images = images
        batch.group_images = self.group_images
        batch.groups = (images + self.group_images - 1) // self.group_images
        batch.slots = fcn_slots(images)
        batch.first = batch.count = 0
        PyObject_GetBuffer(keys, &view, PyBUF_SIMPLE)  # a typed view would take longer than a small layer
        batch.keys = <const uint64_t *>view.buf
        PyBuffer_Release(&view)  # the caller keeps the array
        if view.len < <Py_ssize_t>sizeof(uint64_t):
            raise ValueError("Program: keys must have an element")
        batch.thread = 0
        return batch
