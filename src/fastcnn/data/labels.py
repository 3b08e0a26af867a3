"""Class labels and other whole numbers: what is taken, and what helps if something else comes."""

from __future__ import annotations

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError


def check_integers(values: object, what: str) -> np.ndarray:
    """Return `values` as a 1-D int64 array; bools and floats are refused."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise ShapeError(f"{what} must have one dimension: {error}") from error
    if array.size == 0 and not isinstance(values, np.ndarray):
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise DTypeError(f"{what} must be integers, got {array.dtype}{labels_cure(array, what)}")
    if array.ndim != 1:
        cure = labels_cure(array, what)
        raise ShapeError(f"{what} must have one dimension, got the shape {array.shape}{cure}")
    if array.dtype == np.uint64 and array.size and int(array.max()) > np.iinfo(np.int64).max:
        raise ArgumentError(f"{what} must be below 2**63, got {array.max()}")
    return array.astype(np.int64, copy=False)


def labels_cure(array: np.ndarray, what: str) -> str:
    """Return what to do about numbers of another type or shape, as the end of a message."""
    name = what.rpartition(" ")[2]
    if array.ndim == 2 and array.dtype.kind in "iufb":
        return f"; use {name}.ravel()" if array.shape[1] == 1 else f"; one-hot? use {name}.argmax(axis=1)"
    if array.dtype.kind == "b":
        return f"; use {name}.astype(np.int64)"
    if array.dtype.kind == "f":
        fractions = ~np.isfinite(array) | (array != np.floor(array))
        if fractions.any():
            return f", such as {array[fractions].flat[0]:g}"
        return f"; they are whole numbers: use {name}.astype(np.int64)"
    if array.dtype.kind in "US" and array.size:
        return (
            f", such as {str(array.flat[0])!r}; use classes, {name} = np.unique({name}, return_inverse=True)"
        )
    return ""
