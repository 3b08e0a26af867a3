"""What the samples of a data set are to be taken for: the kinds of targets, told apart in one place.

| task | targets | as a batch |
|---|---|---|
| classification | int (N,), a class for each image | int64 (n,) |
| multilabel | bool (N, K), or 0 and 1: which of K labels an image has | float32 (n, K) |
| segmentation | int (N, H, W), a class for each pixel, or `ignore_index` | int64 (n, H, W) |
| regression | float (N,) or (N, ...), finite | as they are |

`task_of` decides by type and shape. What could be two things is taken for classes without ``task=``: floats
that are all whole numbers, and rows with a single 1 among zeros.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .._shapes import integer
from ..errors import ArgumentError, DTypeError, ShapeError
from .labels import check_integers, labels_cure

CLASSIFICATION, MULTILABEL, SEGMENTATION, REGRESSION = TASKS = (
    "classification",
    "multilabel",
    "segmentation",
    "regression",
)
IGNORE_INDEX = -100
# Masks move as float32, which holds whole numbers up to this.
_LARGEST_CLASS = 2**24
# Elements that are looked at at a time.
_BLOCK = 1 << 20
# Without names so many labels are few enough to be meant.
_FEW = 1000


class Targets(NamedTuple):
    """Targets after a look at them."""

    array: np.ndarray
    task: str
    classes: tuple[str, ...]
    ignore_index: int


def check_task(task: object, what: str) -> str | None:
    """Return `task` if it is None or one of `TASKS`; `what` opens the error."""
    if task is not None and (not isinstance(task, str) or task not in TASKS):
        raise ArgumentError(f"{what}: task must be one of {', '.join(TASKS)}, got {task!r}")
    return task


def task_of(array: np.ndarray, named: bool = False) -> str:
    """Return which task targets are for, by type and shape; "classification" of what is none of the others.

    Parameters
    ----------
    array : ndarray
    named : bool
        Whether there are names of classes, so that floats are a mistake.
    """
    kind, axes = array.dtype.kind, array.ndim
    if kind in "biu" and axes == 3:
        return SEGMENTATION
    if kind == "b" and axes == 2:
        return MULTILABEL
    if kind in "iu" and axes == 2 and array.shape[1] > 1 and _is_binary(array):
        return MULTILABEL if (array.sum(1) != 1).any() else CLASSIFICATION
    if kind == "f" and axes and not named and np.isfinite(array).all() and (array != np.floor(array)).any():
        return REGRESSION
    return CLASSIFICATION


def check_targets(
    labels: object, classes: Sequence[str] | None, task: object = None, ignore_index: object = None
) -> Targets:
    """Return the targets of a data set; see `fastcnn.data.Dataset` for the arguments and what is raised."""
    named = check_task(task, "Dataset")
    if classes is not None and (
        not isinstance(classes, Sequence)
        or isinstance(classes, str)
        or not all(isinstance(each, str) for each in classes)
    ):
        raise DTypeError(f"Dataset: classes must be a sequence of str, got {classes!r}")
    try:
        array = np.asarray(labels)
    except ValueError:  # rows of different lengths
        array = check_integers(labels, "Dataset: labels")
    found = task_of(array, classes is not None) if named is None else named
    if ignore_index is not None and found != SEGMENTATION:
        raise ArgumentError(f"Dataset: ignore_index is for masks (N, H, W), but the task is {found}")
    ignored = (
        IGNORE_INDEX
        if ignore_index is None
        else integer(ignore_index, "Dataset: ignore_index", -_LARGEST_CLASS)
    )
    if found == REGRESSION and classes is not None:
        raise ArgumentError("Dataset: real targets have no classes: leave classes out")
    array = as_task(labels, array, found, "Dataset: labels")
    if found == REGRESSION:
        return Targets(array, found, (), ignored)
    if found == MULTILABEL:
        names = [str(label) for label in range(array.shape[1])] if classes is None else classes
        if len(names) != array.shape[1]:
            raise ShapeError(
                f"Dataset: labels have {array.shape[1]} columns, but there are {len(names)} classes"
            )
        return Targets(array, found, tuple(names), ignored)
    ends = _ends(array, ignored if found == SEGMENTATION else None)
    if found == SEGMENTATION and classes is None:
        _check_marks(array, ends, ignored)
    return Targets(array, found, _named(ends, len(array), classes, found), ignored)


def as_task(labels: object, array: np.ndarray, task: str, what: str) -> np.ndarray:
    """Return targets of a task in the type that a data set keeps; `what` opens the message of an error.

    Parameters
    ----------
    labels : array_like
        As they were given.
    array : ndarray
        The same.
    task, what : str

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If they are none of that task.
    """
    if task == CLASSIFICATION:
        return _classes(labels, array, what)
    return {REGRESSION: _real, MULTILABEL: _binary, SEGMENTATION: _mask}[task](array, what)


def as_batch(array: np.ndarray, task: str) -> np.ndarray:
    """Return rows of targets as losses take them."""
    if task == MULTILABEL:
        return array.astype(np.float32)
    return array.astype(np.int64, copy=False) if task == SEGMENTATION else array


def counts(array: np.ndarray, task: str, classes: int, ignore_index: int) -> np.ndarray:
    """Return how often each class occurs, int64 (classes,): images that have it, or pixels."""
    if task == MULTILABEL:
        return np.count_nonzero(array, axis=0)
    kept = array[array != ignore_index].ravel() if task == SEGMENTATION else array
    return np.bincount(kept, minlength=classes)


def largest(array: np.ndarray, task: str, ignore_index: int) -> int | None:
    """Return the largest class, of images or pixels, 0 if there is none; None of targets that are none."""
    if task not in (CLASSIFICATION, SEGMENTATION):
        return None
    return max(0, _ends(array, ignore_index if task == SEGMENTATION else None)[1])


def check_weights(weights: object, count: int, what: str) -> np.ndarray:
    """Return weights of samples as float64 (count,)."""
    try:
        array = np.asarray(weights)
    except ValueError as error:
        raise ShapeError(f"{what} must have one dimension: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{what} must be numbers, got {array.dtype}")
    if array.shape != (count,):
        raise ShapeError(f"{what} must have the shape ({count},), one for each image, got {array.shape}")
    array = array.astype(np.float64)
    wrong = array[~(np.isfinite(array) & (array >= 0))]
    if len(wrong):
        raise ArgumentError(f"{what} must be finite and at least 0, got {wrong[0]:g}")
    if count and not array.any():
        raise ArgumentError(f"{what} must not all be 0")
    return array


def _is_binary(array: np.ndarray) -> bool:
    return bool(((array == 0) | (array == 1)).all())


def _real(array: np.ndarray, what: str) -> np.ndarray:
    """Return real targets as float32, or float64 as they are."""
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{what} must be real numbers for task='regression', got {array.dtype}")
    if array.ndim == 0:
        raise ShapeError(f"{what} must have a row for each image, got a single number")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float32)
    if not all(np.isfinite(block).all() for block in _blocks(array)):
        row = int(np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(1))[0])
        raise ArgumentError(f"{what} must be finite for task='regression', but those of image {row} are not")
    return array


def _binary(array: np.ndarray, what: str) -> np.ndarray:
    """Return which labels images have, bool (N, K)."""
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{what} must be bools, or 0 and 1, for task='multilabel', got {array.dtype}")
    if array.ndim != 2:
        raise ShapeError(f"{what} must have the shape (N, K) for task='multilabel', got {array.shape}")
    if not _is_binary(array):
        wrong = array[(array != 0) & (array != 1)][0]
        raise ArgumentError(f"{what} must be 0 or 1 for task='multilabel', got {wrong:g}")
    return array.astype(bool, copy=False)


def _mask(array: np.ndarray, what: str) -> np.ndarray:
    """Return masks as whole numbers (N, H, W)."""
    if array.dtype.kind not in "biu":
        raise DTypeError(
            f"{what} must be integers for task='segmentation', got {array.dtype}"
            f"{labels_cure(array, 'labels') if array.ndim == 3 else ''}"
        )
    if array.ndim != 3:
        cure = "; use labels[:, 0]" if array.ndim == 4 and array.shape[1] == 1 else ""
        raise ShapeError(
            f"{what} must have the shape (N, H, W) for task='segmentation', got {array.shape}{cure}"
        )
    return array.view(np.uint8) if array.dtype == bool else array


def _blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield rows of targets, so few at a time that what is made of them is small: they may lie in a file."""
    step = max(1, _BLOCK // max(1, int(np.prod(array.shape[1:]))))
    for start in range(0, len(array), step):
        yield array[start : start + step]


def _ends(array: np.ndarray, *ignored: int | None) -> tuple[int, int]:
    """Return the smallest and the largest of whole numbers that are not ignored; (0, -1) if there is none."""
    found = []
    for block in _blocks(array):
        for each in ignored:
            block = block if each is None else block[block != each]
        if block.size:
            found.append((int(block.min()), int(block.max())))
    return (min(low for low, _ in found), max(high for _, high in found)) if found else (0, -1)


def _check_marks(array: np.ndarray, ends: tuple[int, int], ignored: int) -> None:
    """Refuse 255 where it stands far above all classes: it is what many data sets do not count."""
    if ends[1] == 255:
        highest = _ends(array, ignored, 255)[1]
        if highest < 254:
            raise ArgumentError(
                f"Dataset: labels have 255 beside 0 to {highest}: if those pixels do not count, give "
                "ignore_index=255; if it is a class, name the classes"
            )


def _classes(labels: object, array: np.ndarray, what: str) -> np.ndarray:
    """Return a class for each image, int64 (N,)."""
    try:
        return check_integers(labels, what)
    except (DTypeError, ShapeError) as error:
        other = ""
        if array.dtype.kind in "iu" and array.ndim == 2 and array.shape[1] > 1 and _is_binary(array):
            other = "; several labels an image? give task='multilabel'"
        elif array.dtype.kind == "f":
            other = "; real targets? give task='regression'"
        raise type(error)(f"{error}{other}") from error


def _named(ends: tuple[int, int], count: int, classes: Sequence[str] | None, task: str) -> tuple[str, ...]:
    """Return the names of the classes, those that were given or numbers up to the largest label."""
    low, high = ends
    if classes is None:
        # A label that is a mistake must not make as many names as it is large.
        if high >= max(count if task == CLASSIFICATION else 0, _FEW):
            raise ArgumentError(
                f"Dataset: label {high} is too large for {count} images; if it is right, name the classes"
            )
        classes = [str(label) for label in range(high + 1)]
    if low < 0 or high >= len(classes):
        wrong = low if low < 0 else high
        cure = "; pixels that do not count are named by ignore_index" if task == SEGMENTATION else ""
        raise ArgumentError(
            f"Dataset: label {wrong} is out of range for {len(classes)} classes "
            f"(expected 0 to {len(classes) - 1}){cure}"
        )
    return tuple(classes)
