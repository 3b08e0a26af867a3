"""Parts of a data set by slices, indices or masks, and several data sets as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _samples
from ..errors import ArgumentError, DTypeError, ShapeError
from .labels import check_integers
from .targets import MULTILABEL, REGRESSION, SEGMENTATION


def rows_of(key: object, count: int, what: str) -> np.ndarray:
    """Return the indices, int64 from 0 to count - 1, that a slice, a mask or a list of indices names.

    Parameters
    ----------
    key : slice, or array_like of int (M,) or bool (N,)
        Negative indices count from the end.
    count : int
        N.
    what : str
        Opens the message of an error.
    """
    if isinstance(key, slice):
        return np.arange(count)[key]
    if not isinstance(key, Sequence | np.ndarray) or isinstance(key, str | bytes | tuple):
        raise DTypeError(f"{what} must be an integer, a slice, integers or a mask of bools, got {key!r}")
    array = np.asarray(key)
    if array.dtype == bool:
        if array.shape != (count,):
            raise ShapeError(f"{what}: a mask must have the shape ({count},), got {array.shape}")
        return np.flatnonzero(array)
    indices = check_integers(key, what)
    outside = (indices < -count) | (indices >= count)
    if outside.any():
        raise ArgumentError(f"{what} {indices[outside][0]} is out of range for {count} images")
    return np.where(indices < 0, indices + count, indices)


def joined(datasets: Sequence[Any], what: str) -> dict[str, Any]:
    """Return the arguments of the data set that has the samples of several, one after the other.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If they differ in what their samples are: arrays, shapes, types, classes, values of black and white.
    """
    first = datasets[0]
    arrays = _samples.arrays(first.images)
    classes = max((each.classes for each in datasets), key=len)
    given = next((each.given_range for each in datasets if each.given_range is not None), None)
    for i, other in enumerate(datasets[1:], 1):
        found = _samples.arrays(other.images)
        if [each.shape[1:] for each in found] != [each.shape[1:] for each in arrays]:
            raise ShapeError(
                f"{what}: the samples are {_shapes(arrays)}, but those of data set {i} {_shapes(found)}"
            )
        for ours, theirs in zip(arrays, found, strict=True):
            if ours.dtype != theirs.dtype:
                raise DTypeError(
                    f"{what}: the images are {ours.dtype}, but those of data set {i} {theirs.dtype}"
                )
        _check_targets(first, other, i, what)
        if other.classes != classes[: len(other.classes)]:
            raise ArgumentError(
                f"{what}: the classes of data set {i}, {_some(other.classes)}, are not those of another, "
                f"{_some(classes)}: give both the same classes, in one order"
            )
        if not _one_scale(first, other):
            raise ArgumentError(
                f"{what}: black and white are {first.value_range}, but {other.value_range} in data set {i}; "
                "bring the images to one scale, and give value_range"
            )
    if first.classes != classes[: len(first.classes)]:
        raise ArgumentError(f"{what}: the classes {_some(first.classes)} are not {_some(classes)} of another")
    images = tuple(
        np.concatenate(each)
        for each in zip(*(_samples.arrays(dataset.images) for dataset in datasets), strict=True)
    )
    several = len(images) > 1
    layout = ["NCHW" if array.ndim == 4 else None for array in images]
    return {
        "images": images if several else images[0],
        "labels": np.concatenate([each.labels for each in datasets]),
        "classes": classes if first.task != REGRESSION else None,
        "task": first.task,
        "ignore_index": first.ignore_index if first.task == SEGMENTATION else None,
        "weights": _weights(datasets),
        "name": " + ".join(dict.fromkeys(each.name for each in datasets if each.name)),
        "layout": tuple(layout) if several else layout[0],
        "value_range": given,
    }


def _check_targets(first: Any, other: Any, i: int, what: str) -> None:
    """Raise unless data set number `i` has targets of the kind of the first."""
    if other.task != first.task:
        raise ArgumentError(
            f"{what}: the targets are for {first.task}, but those of data set {i} for {other.task}"
        )
    ours, theirs = first.labels, other.labels
    if ours.shape[1:] != theirs.shape[1:] and first.task != MULTILABEL:
        raise ShapeError(
            f"{what}: the targets are {ours.shape[1:]}, but those of data set {i} {theirs.shape[1:]}"
        )
    if first.task == MULTILABEL and first.classes != other.classes:
        raise ArgumentError(
            f"{what}: the labels are {_some(first.classes)}, but those of data set {i} {_some(other.classes)}"
        )
    if first.task == SEGMENTATION and first.ignore_index != other.ignore_index:
        raise ArgumentError(
            f"{what}: ignore_index is {first.ignore_index}, but {other.ignore_index} in data set {i}"
        )


def _weights(datasets: Sequence[Any]) -> np.ndarray | None:
    """Return the weights of all samples, 1 where a data set has none; None if no data set has any."""
    if all(each.weights is None for each in datasets):
        return None
    return np.concatenate([np.ones(len(each)) if each.weights is None else each.weights for each in datasets])


def _one_scale(first: Any, other: Any) -> bool:
    """Tell whether two data sets may have the same values of black and white, as far as that is known."""
    if first.given_range is not None and other.given_range is not None:
        return first.given_range == other.given_range
    known = first.value_range, other.value_range
    # Bytes are bytes, however few of their values occur.
    return None in known or known[0] == known[1] or _samples.arrays(first.images)[0].dtype == np.uint8


def _shapes(arrays: Sequence[np.ndarray]) -> str:
    return " and ".join(str(each.shape[1:]) for each in arrays)


def _some(classes: Sequence[str]) -> str:
    shown = ", ".join(map(repr, classes[:4]))
    return f"{shown}, ... ({len(classes)})" if len(classes) > 4 else shown
