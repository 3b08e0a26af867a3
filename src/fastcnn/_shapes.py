"""All output-size arithmetic, once, in pure Python integers (no overflow) with every check.

Notation: a window of ``kernel`` taps, ``dilation`` apart, slides over ``size`` pixels with ``before`` and
``after`` pixels of padding in steps of ``stride``. Its extent is ``dilation * (kernel - 1) + 1`` and

    out = floor((size + before + after - extent) / stride) + 1

(``ceil`` instead of ``floor`` with ceil_mode; a last window that would start in the padding after the
image is then dropped). Source: the output-size formulas in PyTorch's documentation of Conv2d and MaxPool2d.
"""

import math
import operator
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from .errors import ArgumentError, DTypeError, ShapeError, SizeError

INT_MAX = 2**63 - 1
# Results below this size are not checked against the machine's free memory.
_CHECKED_FROM_BYTES = 2**28
_LINE = 64  # bytes of a cache line
_ALIGNED_FROM_BYTES = 4096


class Window(NamedTuple):
    """A sliding window over an (in_h, in_w) plane; the fields are in the order of fcn_window in C."""

    in_h: int
    in_w: int
    out_h: int
    out_w: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    pad_top: int
    pad_left: int
    dilation_h: int
    dilation_w: int


def integer(value: object, name: str, minimum: int = 0) -> int:
    """Return `value` as an int of at least `minimum`; bools and floats are refused."""
    if type(value) is int and minimum <= value <= INT_MAX:
        return value
    if isinstance(value, bool | np.bool_):
        raise DTypeError(f"{name} must be an integer, got {value!r}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise DTypeError(f"{name} must be an integer, got {value!r}") from None
    if number < minimum:
        raise ArgumentError(f"{name} must be at least {minimum}, got {number}")
    if number > INT_MAX:
        raise SizeError(f"{name} must be below 2**63, got {number}")
    return number


def _integers(value: object, name: str, lengths: Sequence[int], minimum: int) -> tuple[int, ...]:
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray):
        return (integer(value, name, minimum),)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return (integer(value, name, minimum),)
    if len(value) not in lengths:
        several = " or ".join(str(n) for n in lengths if n > 1)
        expected = f"{' or '.join(str(n) for n in lengths)} integers" if several else "a sequence of one"
        raise ArgumentError(f"{name} must be an integer or {expected}, got {value!r}")
    return tuple(integer(item, name, minimum) for item in value)


def pair(value: object, name: str, minimum: int = 0) -> tuple[int, int]:
    """Return (vertical, horizontal) from an int, a sequence of one or a sequence of two."""
    numbers = _integers(value, name, (1, 2), minimum)
    return (numbers[0], numbers[-1])


def single(value: object, name: str, minimum: int = 0) -> int:
    """Return the int that a value is, or that a sequence of one holds."""
    return _integers(value, name, (1,), minimum)[0]


def no_stride(stride: object) -> bool:
    """Tell whether a pool goes on by the size of its kernel: for None, or no number at all as in PyTorch."""
    return stride is None or (isinstance(stride, tuple | list) and not stride)


def padding4(value: object, name: str, minimum: int = 0) -> tuple[int, int, int, int]:
    """Return (left, right, top, bottom) from an int, (vertical, horizontal) or those four."""
    numbers = _integers(value, name, (1, 2, 4), minimum)
    if len(numbers) == 4:
        return numbers
    vertical, horizontal = numbers[0], numbers[-1]
    return (horizontal, horizontal, vertical, vertical)


def conv_padding(
    padding: object, kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], name: str
) -> tuple[int, int, int, int]:
    """Return (left, right, top, bottom) from what conv2d takes as padding, "same" and "valid" included.

    "same" keeps the size (stride 1 only); an odd total puts the extra pixel on the right and bottom.
    """
    if not isinstance(padding, str):
        return padding4(padding, name)
    if padding == "valid":
        return (0, 0, 0, 0)
    if padding != "same":
        raise ArgumentError(f"{name} must be 'same', 'valid' or integers, got {padding!r}")
    if stride != (1, 1):
        raise ArgumentError(f"{name}='same' needs stride 1, got stride {stride}")
    total_h, total_w = (d * (k - 1) for d, k in zip(dilation, kernel, strict=True))
    return (total_w // 2, total_w - total_w // 2, total_h // 2, total_h - total_h // 2)


def row_of(
    stride: object, padding: object, dilation: object, what: str
) -> tuple[tuple[int, int], tuple[int, int] | str, tuple[int, int]]:
    """Return stride, padding and dilation of a convolution along lines as those of images of one row."""
    pads = padding if isinstance(padding, str) else (0, single(padding, f"{what}: padding"))
    return (1, single(stride, f"{what}: stride", 1)), pads, (1, single(dilation, f"{what}: dilation", 1))


def transposed_row(
    stride: object, padding: object, output_padding: object, dilation: object, what: str
) -> dict[str, tuple[int, int]]:
    """Return the geometry of a transposed convolution along lines as that of images of one row."""
    return {
        "stride": (1, single(stride, f"{what}: stride", 1)),
        "padding": (0, single(padding, f"{what}: padding")),
        "output_padding": (0, single(output_padding, f"{what}: output_padding")),
        "dilation": (1, single(dilation, f"{what}: dilation", 1)),
    }


def extent(kernel: int, dilation: int) -> int:
    """Return how many pixels a window covers."""
    return dilation * (kernel - 1) + 1


def _slide(
    size: int, before: int, after: int, kernel: int, stride: int, dilation: int, ceil_mode: bool, what: str
) -> int:
    covered = extent(kernel, dilation)
    room = size + before + after - covered
    out = -(-room // stride) + 1 if ceil_mode else room // stride + 1
    if ceil_mode and (out - 1) * stride >= size + before:
        out -= 1
    # With ceil_mode a first window may reach over the end, as every last one may.
    if out < 1:
        raise ShapeError(
            f"{what}: the kernel is larger than the padded input: it covers {covered} pixels "
            f"(kernel {kernel}, dilation {dilation}) but the input has {size} + {before} + {after}"
        )
    return out


def window(
    in_hw: tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int, int, int],
    dilation: tuple[int, int],
    what: str,
    ceil_mode: bool = False,
) -> Window:
    """Return the window with its output size; `what` opens the message of an error.

    Raises
    ------
    ShapeError
        If the kernel does not fit into the padded input.
    SizeError
        If a size passes 2**63.
    """
    left, right, top, bottom = padding
    out_h = _slide(in_hw[0], top, bottom, kernel[0], stride[0], dilation[0], ceil_mode, f"{what} (rows)")
    out_w = _slide(in_hw[1], left, right, kernel[1], stride[1], dilation[1], ceil_mode, f"{what} (columns)")
    result = Window(*in_hw, out_h, out_w, *kernel, *stride, top, left, *dilation)
    # The kernels add a padding to a size and multiply strides by outputs: both must stay in 64 bits.
    reach_h = in_hw[0] + top + bottom + out_h * stride[0] + dilation[0] * kernel[0]
    reach_w = in_hw[1] + left + right + out_w * stride[1] + dilation[1] * kernel[1]
    if max(reach_h, reach_w) > INT_MAX:
        raise SizeError(f"{what}: sizes pass 2**63: {result}")
    return result


def check_size(shape: Sequence[int], itemsize: int, what: str) -> None:
    """Raise SizeError if an array of this shape cannot be had: 2**63 bytes, or more than is free."""
    count = itemsize
    for size in shape:
        count *= max(size, 1)  # NumPy counts so too: an empty array must fit as if it had one of them
    if count > INT_MAX:
        raise SizeError(f"{what} would have the shape {tuple(shape)}: {count} bytes pass 2**63")
    if 0 in shape:
        return
    if count >= _CHECKED_FROM_BYTES and count > (free := available_bytes()):
        raise SizeError(
            f"{what} would have the shape {tuple(shape)}: {count / 2**30:.1f} GiB, "
            f"but only {free / 2**30:.1f} GiB of memory are free"
        )


def allocate(shape: Sequence[int], dtype: object, what: str, *, aligned: bool = False) -> np.ndarray:
    """Return an uninitialised C-ordered array after `check_size`; `what` opens the message of an error.

    A large one begins with a cache line, else each vector of AVX-512 would lie in two of them; with `aligned`
    a small one does too, which takes a microsecond.
    """
    return _allocate(np.empty, shape, dtype, what, aligned)


def filled(
    shape: Sequence[int], value: float, dtype: object, what: str, *, aligned: bool = False
) -> np.ndarray:
    """Return an array of one value; see `allocate`. Zeros cost nothing before they are used."""
    array = _allocate(np.zeros, shape, dtype, what, aligned)
    if value:
        array.fill(value)
    return array


def _allocate(
    make: Callable[[Sequence[int], np.dtype], np.ndarray],
    shape: Sequence[int],
    dtype: object,
    what: str,
    aligned: bool,
) -> np.ndarray:
    kind = np.dtype(dtype)  # type: ignore[call-overload]
    check_size(shape, kind.itemsize, what)
    count = math.prod(shape) * kind.itemsize
    try:
        if count < _ALIGNED_FROM_BYTES and not aligned:
            return make(tuple(shape), kind)
        raw = make((count + _LINE,), np.dtype(np.uint8))
    except (MemoryError, ValueError) as error:  # ValueError: more than NumPy can count
        raise SizeError(f"{what} does not fit into memory: {error}") from None
    return np.ndarray(shape, kind, raw, -raw.__array_interface__["data"][0] % _LINE)


def available_bytes() -> int:
    """Return the bytes of memory that can be allocated now without swapping (2**63 - 1 if unknown)."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return INT_MAX
