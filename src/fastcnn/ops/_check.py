"""Argument checks that every function of fastcnn.ops shares.

`what` is the function's name: each message opens with it, names the argument and tells what came.
"""

from collections.abc import Sequence

import numpy as np

from .._shapes import check_size
from ..errors import ArgumentError, DTypeError, FastcnnError, ShapeError

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def array(value: object, name: str, what: str, ranks: Sequence[int] | None = None) -> np.ndarray:
    """Return `value`, a float32 or float64 array of one of these ranks, as it is."""
    if not isinstance(value, np.ndarray):
        raise DTypeError(f"{what}: {name} must be a NumPy array, got {type(value).__name__}")
    if value.dtype.newbyteorder("=") not in FLOATS:
        raise DTypeError(f"{what}: {name} must be float32 or float64, got {value.dtype}")
    if ranks is not None and value.ndim not in ranks:
        expected = " or ".join(f"{rank}-D" for rank in ranks)
        raise ShapeError(f"{what}: {name} must be {expected}, got the shape {value.shape}")
    return value


def contiguous(value: np.ndarray, name: str, what: str, dtype: object = None) -> np.ndarray:
    """Return `value` as kernels read it: C-contiguous, aligned, in native byte order, of `dtype` if given.

    A copy is made only where it is needed.
    """
    kind = value.dtype.newbyteorder("=") if dtype is None else np.dtype(dtype)  # type: ignore[call-overload]
    if value.flags.c_contiguous and value.flags.aligned and value.dtype == kind:
        return value
    check_size(value.shape, kind.itemsize, f"{what}: a contiguous copy of {name}")
    return np.require(value, kind, ("C", "A"))


def same_dtype(what: str, **arrays: np.ndarray | None) -> None:
    """Raise DTypeError unless all given arrays (None: absent) have one dtype."""
    dtypes = {name: value.dtype.newbyteorder("=") for name, value in arrays.items() if value is not None}
    if len(set(dtypes.values())) > 1:
        listed = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
        cast = f"{next(iter(dtypes))}.astype(np.{list(dtypes.values())[-1]})"
        raise DTypeError(f"{what}: the arrays must have one dtype, got {listed}: cast one, as {cast}")


def shape_is(value: np.ndarray, expected: Sequence[int], name: str, what: str) -> None:
    """Raise ShapeError unless `value` has exactly this shape."""
    if value.shape != tuple(expected):
        raise ShapeError(f"{what}: {name} must have the shape {tuple(expected)}, got {value.shape}")


def vector(value: object, size: int, name: str, what: str) -> np.ndarray | None:
    """Return `value`, a contiguous 1-D float array of `size` elements, or None as it is."""
    if value is None:
        return None
    checked = array(value, name, what, (1,))
    shape_is(checked, (size,), name, what)
    return contiguous(checked, name, what)


def images(value: object, name: str, what: str) -> tuple[np.ndarray, bool]:
    """Return (x of rank 4, whether x came without a batch axis) from (N, C, H, W) or (C, H, W)."""
    x = array(value, name, what, (3, 4))
    if 0 in x.shape[-2:]:
        raise ShapeError(f"{what}: {name} has no pixels (shape {x.shape})")
    return (x[None], True) if x.ndim == 3 else (x, False)


def gradient(value: object, expected: Sequence[int], unbatched: bool, name: str, what: str) -> np.ndarray:
    """Return the gradient `value` contiguous, with the batch axis, after checking its shape."""
    dy = array(value, name, what)
    shape_is(dy, expected[1:] if unbatched else expected, name, what)
    return contiguous(dy, name, what).reshape(tuple(expected))


def flag(value: object, name: str, what: str) -> bool:
    """Return `value`, True or False."""
    if not isinstance(value, bool | np.bool_):
        raise DTypeError(f"{what}: {name} must be a bool, got {value!r}")
    return bool(value)


def mask(value: object, name: str, what: str) -> tuple[bool, bool, bool]:
    """Return `value`, three bools."""
    if not isinstance(value, tuple | list) or len(value) != 3:
        raise DTypeError(f"{what}: {name} must be three bools, got {value!r}")
    first, second, third = (flag(each, name, what) for each in value)
    return first, second, third


def choice(value: object, allowed: Sequence[str], name: str, what: str) -> str:
    """Return `value` if it is one of `allowed`."""
    if not isinstance(value, str) or value not in allowed:
        raise ArgumentError(f"{what}: {name} must be one of {', '.join(map(repr, allowed))}, got {value!r}")
    return value


def number(
    value: object, name: str, what: str, minimum: float | None = None, maximum: float | None = None
) -> float:
    """Return `value`, a finite real number in [minimum, maximum], as a float."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise DTypeError(f"{what}: {name} must be a number, got {value!r}")
    result = float(value)
    if not np.isfinite(result):
        raise ArgumentError(f"{what}: {name} must be finite, got {result}")
    if (minimum is not None and result < minimum) or (maximum is not None and result > maximum):
        upper = "" if maximum is None else f" and at most {maximum}"
        raise ArgumentError(f"{what}: {name} must be at least {minimum}{upper}, got {result}")
    return result


def is_number(value: object, maximum: float | None = None) -> bool:
    """Tell whether `value` is a finite number from 0 to `maximum`."""
    try:
        number(value, "", "", 0, maximum)
    except FastcnnError:
        return False
    return True
