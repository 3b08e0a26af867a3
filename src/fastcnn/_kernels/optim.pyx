"""Updates of parameters, in place; equations stand in csrc/eager/optim.c. Arrays of one call are of one type.

A step takes all parameters at once: their elements are cut into chunks, which threads share. A gradient is an
array, or a pair of factors (dy, x) whose product dy^T x is made a piece at a time, as it is used.
"""

from cpython.buffer cimport (
    Py_buffer, PyBUF_FORMAT, PyBUF_ND, PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer)
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.string cimport memmove, strcmp

from .cpu cimport eager, fcn_eager, kernels, threads

cdef extern from "eager/optimizers.h" nogil:
    const int FCN_OPTIMIZERS
    enum:
        FCN_MOST_ARRAYS
        FCN_MOST_NUMBERS

    ctypedef struct fcn_optimizer:
        const char *name
        const char *arrays
        const char *options
        const char *own

    const fcn_optimizer fcn_optimizers[]

cdef enum:
    CHUNK = 16384  # elements that one thread updates at a time
    PIECE = 2048  # elements of a product that are made at a time: they stay in the first cache
    LIKE = PyBUF_WRITABLE | PyBUF_ND | PyBUF_FORMAT  # what of two arrays is compared


cdef struct factors:
    const char *dy
    const char *x
    Py_ssize_t batch, outputs, depth


cdef struct update:
    char *arrays[FCN_MOST_ARRAYS]  # the parameter, then what the optimizer keeps
    const char *grad
    factors gradient  # instead, if that is NULL
    Py_ssize_t size, first_chunk
    double numbers[FCN_MOST_NUMBERS]


cdef struct job:
    const fcn_eager *kernels
    const update *updates
    Py_ssize_t count
    int itemsize
    int optimizer
    double *largest  # of what each thread has searched


cdef const update *part_of(const job *all, Py_ssize_t chunk, Py_ssize_t *first,
                           Py_ssize_t *last) noexcept nogil:
    """Return whose chunk it is, and which of its elements."""
    cdef Py_ssize_t i = all.count - 1
    while all.updates[i].first_chunk > chunk:
        i -= 1
    first[0] = (chunk - all.updates[i].first_chunk) * CHUNK
    last[0] = min(first[0] + CHUNK, all.updates[i].size)
    return &all.updates[i]


cdef void run_chunk(void *context, Py_ssize_t chunk, int thread) noexcept nogil:
    cdef const job *all = <const job *>context
    cdef Py_ssize_t first, last, piece
    cdef const update *item = part_of(all, chunk, &first, &last)
    cdef double products[PIECE]
    if item.grad != NULL:
        run_piece(all, item, item.grad + first * all.itemsize, first, last - first)
        return
    while first < last:
        piece = min(<Py_ssize_t>PIECE, last - first)
        make_product(all.kernels, products, &item.gradient, first, piece)
        run_piece(all, item, <const char *>products, first, piece)
        first += piece


cdef void make_product(const fcn_eager *table, void *out, const factors *f, Py_ssize_t first,
                       Py_ssize_t size) noexcept nogil:
    table.gradient_of_factors(out, f.dy, f.x, f.batch, f.outputs, f.depth, first, size)


cdef void run_piece(const job *all, const update *item, const char *grad, Py_ssize_t first,
                    Py_ssize_t size) noexcept nogil:
    """Update `size` elements from `first` on, of which `grad` is the gradient."""
    cdef char *at[FCN_MOST_ARRAYS]
    cdef int j
    for j in range(FCN_MOST_ARRAYS):
        at[j] = item.arrays[j] + first * all.itemsize if item.arrays[j] else NULL
    all.kernels.optimizer_step(all.optimizer, at, grad, item.numbers, size)


cdef void search_chunk(void *context, Py_ssize_t chunk, int thread) noexcept nogil:
    cdef const job *all = <const job *>context
    cdef Py_ssize_t first, last
    cdef const update *item = part_of(all, chunk, &first, &last)
    cdef double found = all.kernels.largest(item.grad + first * all.itemsize, last - first)
    all.largest[thread] = max(found, all.largest[thread])


cdef bint take(array, const Py_buffer *values, char **place) except -1:
    """Write where the elements of an array lie, which the caller keeps; tell whether it is like others."""
    cdef Py_buffer view
    cdef int i
    PyObject_GetBuffer(array, &view, LIKE)
    cdef bint fits = view.ndim == values.ndim and strcmp(view.format, values.format) == 0
    for i in range(view.ndim if fits else 0):
        fits = fits and view.shape[i] == values.shape[i]
    place[0] = <char *>view.buf
    PyBuffer_Release(&view)
    return fits


cdef class Updates:
    """The arrays of a step, as C sees them."""

    cdef update *items
    cdef Py_ssize_t count
    cdef int itemsize
    cdef Py_ssize_t chunks, elements

    def __cinit__(self, Py_ssize_t count, int itemsize):
        self.items = <update *>PyMem_Calloc(max(count, 1), sizeof(update))
        if self.items == NULL:
            raise MemoryError("no memory for the updates")
        self.itemsize = itemsize

    def __dealloc__(self):
        PyMem_Free(self.items)

    cdef update *add(self, str what, array, grad, kept, tuple names, make) except NULL:
        """Append a parameter, its gradient, and what is kept for it under these names, NULL for None.

        What is not there, or differs in shape or type, is what `make(kept, name, array)` returns; without
        `make` what is not there is not used.
        """
        cdef update *item = &self.items[self.count]
        cdef Py_buffer values, view
        cdef bint fits
        cdef Py_ssize_t i
        cdef object name, held
        PyObject_GetBuffer(array, &values, LIKE)
        try:
            item.arrays[0] = <char *>values.buf
            for i, name in enumerate(names):
                if name is None:
                    continue
                held = kept.get(name)
                if held is None and make is None:
                    continue
                if held is None or not take(held, &values, &item.arrays[1 + i]):
                    if make is not None:
                        held = make(kept, name, array)
                    if make is None or not take(held, &values, &item.arrays[1 + i]):
                        raise ValueError(f"{what}: {name} differs from the parameter in shape or type")
            if isinstance(grad, tuple):
                item.gradient = factors_of(what, grad, self.itemsize)
                fits = item.gradient.outputs * item.gradient.depth * self.itemsize == values.len
            else:
                PyObject_GetBuffer(grad, &view, PyBUF_SIMPLE)
                item.grad = <const char *>view.buf
                fits = view.len == values.len
                PyBuffer_Release(&view)  # the caller keeps the arrays
            if not fits:
                raise ValueError(f"{what}: the gradient differs from the parameter in size")
            self.close(item, values.len)
        finally:
            PyBuffer_Release(&values)
        return item

    cdef void close(self, update *item, Py_ssize_t size) noexcept:
        """Say how many bytes the arrays of the last parameter have."""
        item.size = size // self.itemsize
        item.first_chunk = self.chunks
        self.elements += item.size
        self.chunks += (item.size + CHUNK - 1) // CHUNK
        self.count += 1

    cdef int add_gradient(self, array) except -1:
        """Append an array to search, as the gradient of a parameter that is not there."""
        cdef update *item = &self.items[self.count]
        cdef Py_buffer view
        PyObject_GetBuffer(array, &view, PyBUF_SIMPLE)
        item.grad = <const char *>view.buf
        self.close(item, view.len)
        PyBuffer_Release(&view)  # the caller keeps the array
        return 0

    cdef job everything(self):
        cdef job all
        all.kernels, all.updates, all.count = eager(self.itemsize), self.items, self.count
        all.itemsize, all.optimizer, all.largest = self.itemsize, 0, NULL
        return all

    cdef int wanted(self, Py_ssize_t least):
        """Return the number of threads: one for few elements, which are done before another has begun."""
        return threads() if self.elements > least else 1

    cdef run(self, int optimizer):
        cdef job all = self.everything()
        cdef int wanted = self.wanted(CHUNK)
        all.optimizer = optimizer
        with nogil:
            kernels(self.itemsize).parallel(self.chunks, wanted, 0, run_chunk, &all)

    cdef double search(self) except? -1:
        """Return the largest magnitude of the gradients, infinity if one of them is not finite."""
        cdef job all = self.everything()
        cdef int wanted = self.wanted(CHUNK), i
        cdef double found = 0
        all.largest = <double *>PyMem_Calloc(wanted, sizeof(double))
        if all.largest == NULL:
            raise MemoryError("no memory for the search")
        with nogil:
            kernels(self.itemsize).parallel(self.chunks, wanted, 0, search_chunk, &all)
        for i in range(wanted):
            found = max(found, all.largest[i])
        PyMem_Free(all.largest)
        return found


cdef factors factors_of(str what, tuple arrays, int itemsize) except *:
    """Return the C-contiguous arrays dy (batch, outputs) and x (batch, depth), which the caller keeps."""
    cdef factors found
    cdef Py_buffer dy, x
    PyObject_GetBuffer(arrays[0], &dy, PyBUF_ND)
    try:
        PyObject_GetBuffer(arrays[1], &x, PyBUF_ND)
    except BaseException:
        PyBuffer_Release(&dy)
        raise
    cdef bint fits = dy.ndim == x.ndim == 2 and dy.shape[0] == x.shape[0] > 0 < x.shape[1]
    fits = fits and dy.itemsize == x.itemsize == itemsize
    if fits:
        found = factors(<const char *>dy.buf, <const char *>x.buf, dy.shape[0], dy.shape[1], x.shape[1])
    PyBuffer_Release(&dy)
    PyBuffer_Release(&x)
    if not fits:
        raise ValueError(f"{what}: factors must be arrays (batch, outputs) and (batch, depth)")
    return found


def gradient_of_factors(out, dy, x):
    """Write dy^T x into out (outputs, depth) for dy (batch, outputs) and x (batch, depth)."""
    cdef factors found
    cdef Py_buffer view
    PyObject_GetBuffer(out, &view, PyBUF_WRITABLE)
    try:
        found = factors_of("gradient_of_factors", (dy, x), view.itemsize)
        if found.outputs * found.depth * view.itemsize != view.len:
            raise ValueError("gradient_of_factors: out differs in size")
        with nogil:
            make_product(eager(view.itemsize), view.buf, &found, 0, found.outputs * found.depth)
    finally:
        PyBuffer_Release(&view)


def largest(int itemsize, list arrays):
    """Return the largest magnitude among arrays, infinity if one of their elements is not finite."""
    cdef Updates all = Updates(len(arrays), itemsize)
    cdef object array
    for array in arrays:
        all.add_gradient(array)
    return all.search()


def copy_arrays(list targets, list sources):
    """Copy the bytes of C-contiguous arrays into others of the same sizes."""
    cdef Py_buffer target, source
    cdef bint fits
    cdef Py_ssize_t i
    if len(targets) != len(sources):
        raise ValueError(f"copy_arrays: {len(targets)} arrays for {len(sources)}")
    for i in range(len(targets)):
        PyObject_GetBuffer(targets[i], &target, PyBUF_WRITABLE)
        try:
            PyObject_GetBuffer(sources[i], &source, PyBUF_SIMPLE)
            fits = target.len == source.len
            if fits:
                memmove(target.buf, source.buf, target.len)
            PyBuffer_Release(&source)
        finally:
            PyBuffer_Release(&target)
        if not fits:
            raise ValueError(f"copy_arrays: the arrays {i} differ in size")


def _declared():
    """Return {name: (number, arrays, options, own numbers)} of the rows of csrc/eager/optimizers.inc."""
    cdef int i
    found = {}
    for i in range(FCN_OPTIMIZERS):
        row = fcn_optimizers[i]
        lists = row.arrays, row.options, row.own
        found[row.name.decode()] = (i, *(tuple(each.decode().split()) for each in lists))
    return found


OPTIMIZERS = _declared()


def step(str name, int itemsize, list updates, options, tuple used=None, make=None):
    """Change all parameters of a list in one pass, by one row of csrc/eager/optimizers.inc.

    An update is (parameter, gradient), then, if the row has arrays, a dict of what is kept for it by their
    names, then its own numbers, in the order of the row. `options` maps the names of the numbers that all
    have in common, among others, to their values. `used` is the row's names with None for what is not used,
    and `make(kept, name, parameter)` makes an array that is not kept yet.
    """
    cdef Updates all = Updates(len(updates), itemsize)
    cdef update *item
    cdef double common[FCN_MOST_NUMBERS]
    cdef int number, i, count, first
    cdef tuple given, names, shared, own
    number, names, shared, own = OPTIMIZERS[name]
    count, first = len(shared), 3 if names else 2
    cdef int length = first + len(own)
    if used is None:
        used = names
    elif len(used) != len(names):
        raise ValueError(f"{name}: {len(used)} names for {len(names)} arrays")
    for i in range(count):
        common[i] = options[shared[i]]
    for given in updates:
        if len(given) != length:
            raise ValueError(f"{name}: an update has {len(given)} parts, not {length}")
        item = all.add(name, given[0], given[1], given[2] if names else None, used, make)
        for i in range(count):
            item.numbers[i] = common[i]
        for i in range(first, length):
            item.numbers[count + i - first] = given[i]
    all.run(number)
