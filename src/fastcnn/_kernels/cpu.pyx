"""Instruction sets and threads: chosen once here, used by every kernel.

This extension holds the C kernels of all instruction sets; the other modules reach them through `kernels`.
FASTCNN_ISA (baseline, avx2, avx512, avx512_bf16, amx) and FASTCNN_NUM_THREADS override what is found.
"""

import os
import time

from libc.string cimport strcmp

from .cores import present_cores, usable_cores

cdef extern from *:
    """
    #include "common/float_mode.h"
    #include "engine/operations.h"
    #include "threads/parallel.h"
    #include "threads/permission.h"
    #include "kernels.h"
    #define FCN_DECLARE_KERNELS(element, isa) extern const fcn_kernels fcn_kernels_##element##_##isa;
    #define FCN_ADDRESS(element, isa) &fcn_kernels_##element##_##isa,
    #define FCN_ALL_KERNELS(isa) \
        FCN_ELEMENTS_OF_##isa(FCN_DECLARE_KERNELS) \
        static const fcn_kernels *fcn_all_kernels_##isa[] = {FCN_ELEMENTS_OF_##isa(FCN_ADDRESS) NULL};
    FCN_ALL_KERNELS(baseline)
    #ifdef FCN_HAVE_AVX2
    FCN_ALL_KERNELS(avx2)
    FCN_ALL_KERNELS(avx512)
    #endif
    #ifdef FCN_HAVE_AVX512_BF16
    FCN_ALL_KERNELS(avx512_bf16)
    FCN_ALL_KERNELS(amx_in_c)
    #endif
    #ifdef FCN_HAVE_AMX
    FCN_ALL_KERNELS(amx)
    #endif

    /* The kernels of instruction set `level`, one for each element type that has some, NULL at the end; or
     * NULL where this build or this processor has it not. */
    static const fcn_kernels **fcn_find(int level)
    {
        if (level == 0)
            return fcn_all_kernels_baseline;
    #ifdef FCN_HAVE_AVX2
        __builtin_cpu_init();
        if (level == 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
            return fcn_all_kernels_avx2;
        const int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
        if (level == 2 && avx512)
            return fcn_all_kernels_avx512;
    #ifdef FCN_HAVE_AVX512_BF16
        if (level == 3 && avx512 && __builtin_cpu_supports("avx512bf16"))
            return fcn_all_kernels_avx512_bf16;
        if (level == 4 && avx512 && __builtin_cpu_supports("avx512bf16"))
            return fcn_all_kernels_amx_in_c;
    #endif
    #ifdef FCN_HAVE_AMX
        if (level == 5 && avx512 && __builtin_cpu_supports("avx512bf16") && fcn_why_no_tiles() == NULL)
            return fcn_all_kernels_amx;
    #endif
    #endif
        return NULL;
    }
    """
    const fcn_kernels **fcn_find(int level) nogil
    const char *fcn_why_no_tiles() nogil
    const char *fcn_may_use_tiles() nogil
    int fcn_get_threads() nogil
    void fcn_set_threads(int count) nogil
    bint fcn_get_flush_denormals() nogil
    bint fcn_set_flush_denormals(bint flush) nogil
    const char *FCN_BUILT_FOR
    const fcn_declaration fcn_declarations[]

# The element types that have eager kernels.
cdef const fcn_kernels *kernels32 = NULL
cdef const fcn_kernels *kernels64 = NULL

LEVELS = ("baseline", "avx2", "avx512", "avx512_bf16", "amx_in_c", "amx")
# For tests: what other sets do by instructions.
IN_C = ("amx_in_c",)
MAX_THREADS = 1024
cdef int _level = 0, _amx = LEVELS.index("amx")


cdef const fcn_kernels *kernels(size_t itemsize) noexcept nogil:
    return kernels64 if itemsize == 8 else kernels32


cdef const fcn_eager *eager(size_t itemsize) noexcept nogil:
    return &kernels(itemsize).eager


cdef const fcn_kernels *_kernels_at(int level, bytes element) noexcept:
    """The kernels of an element type on one instruction set, NULL if there are none that may be used."""
    cdef const fcn_kernels **each = fcn_find(level)
    while each != NULL and each[0] != NULL:
        if strcmp(each[0].element, element) == 0:
            return each[0] if level != _amx or fcn_may_use_tiles() == NULL else NULL
        each += 1
    return NULL


cdef int _level_of(str element, int most) except -1:
    """The strongest instruction set up to one of them that has kernels of its own for an element type."""
    cdef bytes name = element.encode()
    for level in range(most, -1, -1):
        if _kernels_at(level, name) != NULL:
            return level
    raise ValueError(f"there are no kernels for elements of the type {element!r}")


cdef bint _has_kernels(int level, str element):
    if element is None:
        return fcn_find(level) != NULL
    return _kernels_at(level, element.encode()) != NULL


cdef const fcn_kernels *kernels_of(str element, str beside=None) except NULL:
    cdef int most = _level if beside is None else _level_of(beside, _level)
    return _kernels_at(_level_of(element, most), element.encode())


cdef const fcn_declaration *declared() noexcept nogil:
    return fcn_declarations


cdef int threads() noexcept nogil:
    return fcn_get_threads()


cdef fcn_window as_window(object window) except *:
    cdef fcn_window w
    (w.in_h, w.in_w, w.out_h, w.out_w, w.kernel_h, w.kernel_w, w.stride_h, w.stride_w,
     w.pad_top, w.pad_left, w.dilation_h, w.dilation_w) = window
    return w


def available_isas(str element=None, bint in_c=False):
    """Return the instruction sets that this build has and this processor runs, weakest first.

    Of an element type those that have kernels of their own for it; on others it has those of the set before.
    Tiles (AMX), which are of bfloat16, are then among them only if the system gives permission. With `in_c`
    also those that do in plain C what others have instructions for.
    """
    return [
        name
        for level, name in enumerate(LEVELS)
        if _has_kernels(level, element) and (in_c or name not in IN_C)
    ]


def without_tiles():
    """Return why the kernels by tiles (AMX) are not among those that can be used, or None if they are.

    The system is asked for its permission.
    """
    cdef const char *why = fcn_may_use_tiles()
    if why != NULL:
        return why.decode()
    return None if "amx" in built_isas() else "this build has none, as its compiler did not know them"


def built_isas():
    """Return the instruction sets that this build has."""
    return [name for name in FCN_BUILT_FOR.decode().split(",") if name not in IN_C]


def get_isa(str element=None):
    """Return the name of the instruction set in use, or of the one whose kernels an element type has."""
    return LEVELS[_level if element is None else _level_of(element, _level)]


def multiplies_bfloat16():
    """Tell whether the instruction set in use has products of bfloat16.

    With the plain form of them a network takes up to twice the time that it takes in float32.
    """
    return get_isa("bfloat16") not in ("baseline", "avx2")


def set_isa(name):
    """Use the kernels of one instruction set; for tests and comparisons."""
    if name not in LEVELS or not _has_kernels(LEVELS.index(name), "bfloat16" if name == "amx" else None):
        raise ValueError(f"FASTCNN_ISA: {name!r} is not available here; choose one of {available_isas()}")
    _use(LEVELS.index(name))


def _use(int level):
    """Use the kernels of an instruction set that is there."""
    global kernels32, kernels64, _level
    _level = level
    kernels32 = kernels_of("float32")
    kernels64 = kernels_of("float64")


def vector_bytes():
    """Return the vector width of the instruction set in use, in bytes."""
    return kernels32.vector_bytes


def fma_gflops(double seconds=0.05, int threads=1, int itemsize=4):
    """Return the peak of the vector units in GFLOP/s: the best of the moments that fit into some seconds.

    Parameters
    ----------
    seconds : float
        How long to measure.
    threads : int
        Whose peaks are added up.
    itemsize : int
        4 for float32, 8 for float64.
    """
    cdef double best = 0, moment = min(seconds, 0.01)
    cdef const fcn_eager *kernels = eager(itemsize)
    cdef double end = time.perf_counter() + seconds
    while True:
        with nogil:
            best = max(best, kernels.fma_peak(moment, threads))
        if time.perf_counter() >= end:
            return best / 1e9


def copy_rate(Py_ssize_t size, double seconds=0.01):
    """Return the bytes per second that one thread reads and writes as it copies within an array of a size."""
    cdef unsigned char[::1] data = bytearray(size + 64)
    cdef size_t start = <size_t>&data[0]
    cdef size_t aligned = (start + 63) // 64 * 64
    cdef const fcn_eager *kernels = eager(4)
    cdef double found
    with nogil:
        found = kernels.copy_rate(<void *>aligned, size // 4, seconds)
    return found


_asked = 1


def get_num_threads():
    """Return what set_num_threads was given."""
    return _asked


def threads_in_use():
    """Return the number of threads that kernels use."""
    return fcn_get_threads()


def set_num_threads(int count):
    """Set the number of threads that kernels use at the most; the caller has checked it.

    They use no more than can run at the same time: others would wait for a core, and all for them.
    """
    global _asked
    _asked = count
    fcn_set_threads(min(count, present_cores()))


def get_flush_denormal():
    """Tell whether float32 kernels take denormal numbers for zeros."""
    return fcn_get_flush_denormals()


def set_flush_denormal(bint mode):
    """Let float32 kernels take denormal numbers for zeros, or not; return whether this processor can."""
    return fcn_set_flush_denormals(mode)


def _threads_from_environment():
    name = "FASTCNN_NUM_THREADS" if os.environ.get("FASTCNN_NUM_THREADS") else "OMP_NUM_THREADS"
    # OpenMP's variable, which most libraries honour, may be a list, one number for each level of nesting.
    text = os.environ.get(name, "").split(",")[0]
    if not text:
        return min(usable_cores(), MAX_THREADS)
    if not text.isdecimal() or not 1 <= int(text) <= MAX_THREADS:
        raise ValueError(f"{name} must be an integer from 1 to {MAX_THREADS}, got {text!r}")
    return int(text)


# By itself a process asks nobody for permission to use tiles before it uses some.
if os.environ.get("FASTCNN_ISA"):
    set_isa(os.environ["FASTCNN_ISA"])
else:
    _use(LEVELS.index(available_isas()[-1]))
set_num_threads(_threads_from_environment())
