"""How an answer is held against a stored one, and the memory layouts that inputs are given in."""

import numpy as np

DTYPES = (np.float32, np.float64)
# Largest error, as a share of the largest number of the answer.
TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}


def assert_close(found, expected: np.ndarray, dtype, what: str, floor: float = 1e-30) -> None:
    """Assert equal shapes, equal NaN and infinities, and numbers within the tolerance of the dtype.

    `floor` is a lower bound of the scale for answers that are a difference of larger numbers.
    """
    found = np.asarray(found)
    assert found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}"
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite], err_msg=what)
    scale = max(floor, np.abs(expected[finite]).max(initial=0.0))
    error = np.abs(found[finite].astype(np.float64) - expected[finite]).max(initial=0.0)
    limit = TOLERANCE[np.dtype(dtype)] * scale
    assert error <= limit, f"{what}: off by {error:.3g}, allowed {limit:.3g} (largest number {scale:.3g})"


def _strided(a: np.ndarray) -> np.ndarray:
    wide = np.full([2 * n + 1 for n in a.shape], np.nan if a.dtype.kind == "f" else -(2**40), a.dtype)
    view = wide[tuple(slice(1, None, 2) for _ in a.shape)]
    view[...] = a
    return view


def _reversed(a: np.ndarray) -> np.ndarray:
    back = tuple(slice(None, None, -1) for _ in a.shape)
    return a[back].copy()[back]


def _read_only(a: np.ndarray) -> np.ndarray:
    copy = a.copy()
    copy.flags.writeable = False
    return copy


def _unaligned(a: np.ndarray) -> np.ndarray:
    raw = np.zeros(a.nbytes + 1, np.uint8)
    view = raw[1:].view(a.dtype).reshape(a.shape) if a.nbytes else a.copy()
    view[...] = a
    return view


def _channels_last(a: np.ndarray) -> np.ndarray:
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1) if a.ndim > 2 else a.copy()


LAYOUTS = {
    "fortran": lambda a: a.copy(order="F"),
    "channels-last": _channels_last,
    "stepped": _strided,
    "reversed": _reversed,
    "read-only": _read_only,
    "unaligned": _unaligned,
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
}
