"""Updates of parameters, in place; equations stand in csrc/eager/optim.c. Arrays of one call are of one type.

A step takes all parameters at once: their elements are cut into chunks, which threads share.
"""

from cpython.buffer cimport Py_buffer, PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Calloc, PyMem_Free

from .cpu cimport eager, fcn_adam, fcn_eager, fcn_sgd, kernels, threads

cdef enum:
    ARRAYS = 5
    CHUNK = 16384  # elements that one thread updates at a time


cdef struct update:
    char *arrays[ARRAYS]  # parameter, gradient, then what the optimizer keeps
    Py_ssize_t size, first_chunk
    fcn_sgd sgd
    fcn_adam adam


cdef struct job:
    const fcn_eager *kernels
    const update *updates
    Py_ssize_t count
    int itemsize
    bint is_adam


cdef void run_chunk(void *context, Py_ssize_t chunk, int thread) noexcept nogil:
    cdef const job *all = <const job *>context
    cdef Py_ssize_t i = all.count - 1, first, size
    cdef char *at[ARRAYS]
    cdef int j
    while all.updates[i].first_chunk > chunk:
        i -= 1
    first = (chunk - all.updates[i].first_chunk) * CHUNK
    size = min(<Py_ssize_t>CHUNK, all.updates[i].size - first)
    for j in range(ARRAYS):
        at[j] = all.updates[i].arrays[j] + first * all.itemsize if all.updates[i].arrays[j] else NULL
    if all.is_adam:
        all.kernels.adam_step(at[0], at[2], at[3], at[4], at[1], &all.updates[i].adam, size)
    else:
        all.kernels.sgd_step(at[0], at[2], at[1], &all.updates[i].sgd, size)


cdef class Updates:
    """The arrays of a step, as C sees them."""

    cdef update *items
    cdef Py_ssize_t count
    cdef int itemsize
    cdef Py_ssize_t chunks

    def __cinit__(self, Py_ssize_t count, int itemsize):
        self.items = <update *>PyMem_Calloc(max(count, 1), sizeof(update))
        if self.items == NULL:
            raise MemoryError("no memory for the updates")
        self.itemsize = itemsize

    def __dealloc__(self):
        PyMem_Free(self.items)

    cdef update *add(self, str what, arrays) except NULL:
        """Append the arrays of one parameter; NULL for None."""
        cdef update *item = &self.items[self.count]
        cdef Py_buffer view
        cdef Py_ssize_t size = -1
        cdef int i
        for i, array in enumerate(arrays):
            if array is None:
                continue
            PyObject_GetBuffer(array, &view, PyBUF_SIMPLE if i == 1 else PyBUF_WRITABLE)
            item.arrays[i] = <char *>view.buf
            if size < 0:
                size = view.len
            elif size != view.len:
                size = -2
            PyBuffer_Release(&view)  # the caller keeps the arrays
            if size == -2:
                raise ValueError(f"{what}: the arrays differ in size")
        item.size = size // self.itemsize
        item.first_chunk = self.chunks
        self.chunks += (item.size + CHUNK - 1) // CHUNK
        self.count += 1
        return item

    cdef run(self, bint is_adam):
        cdef job all
        cdef int wanted = threads() if self.chunks > 1 else 1
        all.kernels, all.updates, all.count = eager(self.itemsize), self.items, self.count
        all.itemsize, all.is_adam = self.itemsize, is_adam
        with nogil:
            kernels(self.itemsize).parallel(self.chunks, wanted, run_chunk, &all)


def sgd_step(int itemsize, list updates, *, double lr, double momentum, double dampening, double weight_decay,
             bint nesterov, bint maximize):
    """One step of SGD; an update is (param, grad, momentum buffer or None, whether it is the first)."""
    cdef Updates all = Updates(len(updates), itemsize)
    cdef update *item
    for param, grad, buffer, first_step in updates:
        item = all.add("sgd_step", (param, grad, buffer))
        item.sgd.lr = lr
        item.sgd.momentum = momentum
        item.sgd.dampening = dampening
        item.sgd.weight_decay = weight_decay
        item.sgd.nesterov = nesterov
        item.sgd.maximize = maximize
        item.sgd.first_step = first_step
    all.run(False)


def adam_step(int itemsize, list updates, *, double lr, double beta1, double beta2, double eps,
              double weight_decay, bint decoupled, bint maximize):
    """One step of Adam or AdamW.

    An update is (param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq or None, the parameter's own step from 1).
    """
    cdef Updates all = Updates(len(updates), itemsize)
    cdef update *item
    for param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq, step in updates:
        item = all.add("adam_step", (param, grad, exp_avg, exp_avg_sq, max_exp_avg_sq))
        item.adam.lr = lr
        item.adam.beta1 = beta1
        item.adam.beta2 = beta2
        item.adam.eps = eps
        item.adam.weight_decay = weight_decay
        item.adam.bias_correction1 = 1 - beta1 ** <Py_ssize_t>step
        item.adam.bias_correction2 = 1 - beta2 ** <Py_ssize_t>step
        item.adam.decoupled = decoupled
        item.adam.amsgrad = max_exp_avg_sq is not None
        item.adam.maximize = maximize
    all.run(True)
