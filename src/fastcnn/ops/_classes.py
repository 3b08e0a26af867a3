"""Checks of what losses of classes take."""

import numpy as np

from .._shapes import check_size, integer
from ..errors import ArgumentError, ShapeError
from . import _check


def class_axis(x: np.ndarray, what: str, name: str) -> int:
    if x.ndim == 0:
        raise ShapeError(f"{what}: {name} must be (C,), (N, C) or (N, C, ...), got the shape {x.shape}")
    axis = 0 if x.ndim == 1 else 1
    if x.shape[axis] == 0:
        raise ShapeError(f"{what}: {name} has no classes (shape {x.shape})")
    return axis


def indices_of(
    target: np.ndarray, x: np.ndarray, axis: int, ignore_index: int | None, what: str
) -> np.ndarray:
    """Return class indices as int64 after checking shape and range."""
    expected = x.shape[:axis] + x.shape[axis + 1 :]
    _check.shape_is(target, expected, "target", what)
    check_size(expected, 8, f"{what}: a contiguous copy of target")
    classes = x.shape[axis]
    check_classes(target, classes, ignore_index, what)
    return _check.contiguous(target, "target", what, np.int64)


def check_classes(target: np.ndarray, classes: int, ignore_index: int | None, what: str) -> None:
    """Raise ArgumentError unless all class indices that count are in range."""
    counted = target if ignore_index is None else target[target != ignore_index]
    if counted.size and (counted.min() < 0 or counted.max() >= classes):
        other = "" if ignore_index is None else f" (or be ignore_index {ignore_index})"
        raise ArgumentError(
            f"{what}: target must lie in [0, {classes}){other}, got {counted.min()} to {counted.max()}"
        )


def check_probabilities(target: np.ndarray, x_dtype: np.dtype, ignore_index: int, what: str) -> None:
    """Raise unless probabilities of classes are of the logits' type and finite, and no class is ignored."""
    if ignore_index >= 0:
        raise ArgumentError(
            f"{what}: ignore_index must be below 0 with class probabilities, which have no class to ignore, "
            f"got {ignore_index}"
        )
    if target.dtype.newbyteorder("=") != x_dtype.newbyteorder("="):
        _check.same_dtype(what, logits=np.empty(0, x_dtype), target=target)
    if not np.isfinite(target).all():
        raise ArgumentError(f"{what}: target has values that are not finite")


def class_weight(weight: object, x: np.ndarray, axis: int, what: str) -> np.ndarray | None:
    checked = _check.vector(weight, x.shape[axis], "weight", what)
    _check.same_dtype(what, x=x, weight=checked)
    return checked


def is_index_target(target: object) -> bool:
    return isinstance(target, np.ndarray | np.integer | int) and np.asarray(target).dtype.kind in "iu"


def check_margin(p: object, margin: object) -> tuple[int, float]:
    """Return the two of `multi_margin_loss`."""
    what = "multi_margin_loss"
    power = integer(p, f"{what}: p")
    if power not in (1, 2):
        raise ArgumentError(f"{what}: p must be 1 or 2, got {power}")
    return power, _check.number(margin, "margin", what)
