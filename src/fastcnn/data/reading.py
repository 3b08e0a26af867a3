"""Items and batches of other people's data sets, as images and targets of one kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import _samples
from .._shapes import allocate, integer
from ..errors import ArgumentError, DTypeError, FastcnnError, ShapeError
from .columns import Columns, check_columns, classes_of, columns_of
from .foreign import array_of, image_of, images_of, is_array, is_picture
from .layout import check_layout
from .source import Rows
from .targets import (
    CLASSIFICATION,
    IGNORE_INDEX,
    MULTILABEL,
    REGRESSION,
    SEGMENTATION,
    as_task,
    check_task,
    check_weights,
    task_of,
)


class Reader:
    """What is known of a source from its first item on, and holds for all others.

    Parameters
    ----------
    owner : str
        Opens the messages of errors.
    source : any
        Asked for what classes and columns are called.
    columns, layout, classes, task, ignore_index
        As of `fastcnn.data.LazyDataset`.
    """

    def __init__(
        self, owner: str, source: Any, columns: Any, layout: Any, classes: Any, task: Any, ignore_index: Any
    ) -> None:
        if classes is not None and (
            isinstance(classes, str)
            or not isinstance(classes, Sequence)
            or not all(isinstance(each, str) for each in classes)
        ):
            raise DTypeError(f"{owner}: classes must be a sequence of str, got {classes!r}")
        self.owner = owner
        self.source = source
        self.columns = check_columns(columns, owner)
        self.layout = check_layout(layout, owner, lines=True)
        self.classes = None if classes is None else tuple(classes)
        self.task = check_task(task, owner)
        self.ignore_index = IGNORE_INDEX if ignore_index is None else int(ignore_index)
        if ignore_index is not None:
            integer(ignore_index, f"{owner}: ignore_index", -(2**24))
        self._like: np.ndarray | None = None  # the first image, or images

    def pair(self, item: Any, what: str) -> Rows:
        """Return what an item has of images, labels and weights, as they come."""
        if self.columns is None:
            self.columns = columns_of(item, self.source, what)
        image, label = self.columns
        try:
            weights = item[2] if isinstance(item, tuple | list) and len(item) == 3 and label == 1 else None
            return item[image], item[label], weights
        except (LookupError, TypeError) as error:
            has = ", ".join(map(repr, item)) if isinstance(item, Mapping) else type(item).__name__
            raise ArgumentError(f"{what} has no columns {image!r} and {label!r}, only {has}") from error

    def samples(self, items: Sequence[Any], places: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return images and targets of items, each of which is one sample.

        Parameters
        ----------
        items : sequence
            At least one.
        places : sequence of int
            Their numbers, which messages name.
        """
        images: Any = None
        labels = []
        for row, (item, place) in enumerate(zip(items, places, strict=True)):
            what = f"{self.owner}: item {place}"
            value, label, _ = self.pair(item, what)
            image = image_of(value, self.layout, f"{what}: the image")
            if self._like is None:
                self._like = image
            like = self._like
            if is_picture(value) and len(image) == 1 and len(like) == 3:
                image = np.repeat(image, 3, axis=0)  # a grey picture among coloured ones
            if image.shape != like.shape or image.dtype != like.dtype:
                raise ShapeError(
                    f"{what}: the image is {image.dtype} {image.shape}, but the first one {like.dtype} "
                    f"{like.shape}: bring them to one size and kind where the data set is made"
                )
            if images is None:
                images = allocate((len(items), *image.shape), image.dtype, f"{self.owner}: the images")
            images[row] = image
            labels.append(array_of(label, f"{what}: the label"))
            if labels[-1].shape != labels[0].shape:
                raise ShapeError(
                    f"{what}: the label has the shape {labels[-1].shape}, but that of item {places[0]} "
                    f"{labels[0].shape}"
                )
        return images, self._targets(np.stack(labels), places)

    def batch(self, item: Any, number: int) -> Rows:
        """Return images, targets and weights of an item that is a batch, with its number."""
        what = f"{self.owner}: batch {number}"
        given, label, weight = self.pair(item, what)
        labels = array_of(label, f"{what}: the labels")
        images: _samples.Samples
        if isinstance(given, list) and given and is_picture(given[0]):
            images = np.stack([image_of(each, None, f"{what}: an image") for each in given])
        elif isinstance(given, tuple | list) and any(is_array(each) for each in given):
            images = _samples.check(
                tuple(_input(each, self.layout, f"{what}: the images") for each in given), f"{what}: images"
            )
        else:
            images = images_of(given, self.layout, f"{what}: the images")
        count = _samples.count(images)
        if labels.ndim == 0 or len(labels) != count or not count:
            raise ShapeError(
                f"{what}: expected as many labels as images, and at least one, got {_samples.shapes(images)} "
                f"and labels {labels.shape}"
            )
        self._check_like(images, what)
        weights = None
        if weight is not None:
            weights = check_weights(array_of(weight, f"{what}: the weights"), count, f"{what}: the weights")
        return images, self._targets(labels, None, what), weights

    def _check_like(self, images: _samples.Samples, what: str) -> None:
        """Refuse images of another kind than those of the first batch; sizes may differ."""
        first = _samples.arrays(images)[0]
        like = self._like = first[:1] if self._like is None else self._like
        if first.shape[1:2] != like.shape[1:2] or first.ndim != like.ndim or first.dtype != like.dtype:
            raise ShapeError(
                f"{what}: the images are {first.dtype} {first.shape}, but those of the first batch "
                f"{like.dtype} (N, {', '.join(map(str, like.shape[1:]))})"
            )

    def _targets(self, labels: np.ndarray, places: Sequence[int] | None, what: str = "") -> np.ndarray:
        """Return targets as a data set keeps them."""
        if self.task is None:
            # A few floats may all be whole numbers, and are no classes for that.
            self.task = REGRESSION if labels.dtype.kind == "f" else task_of(labels, bool(self.classes))
        if self.classes is None:
            self.classes = () if self.task == REGRESSION else classes_of(self.source, self._column)
        first = f"{self.owner}: items {places[0]} ...: " if places is not None else f"{what}: "
        targets = as_task(labels, labels, self.task, f"{first}the labels")
        if self.task == MULTILABEL and not self.classes:
            self.classes = tuple(map(str, range(targets.shape[1])))
        if self.classes and self.task in (CLASSIFICATION, SEGMENTATION):
            self._check_classes(targets, places, what)
        if self.classes and self.task == MULTILABEL and targets.shape[1] != len(self.classes):
            raise ShapeError(
                f"{first}the labels are {targets.shape}, but there are {len(self.classes)} classes"
            )
        return targets

    @property
    def _column(self) -> Any:
        columns: Columns | None = self.columns
        return None if columns is None else columns[1]

    def _check_classes(self, targets: np.ndarray, places: Sequence[int] | None, what: str) -> None:
        wrong = (targets < 0) | (targets >= len(self.classes or ()))
        if self.task == SEGMENTATION:
            wrong &= targets != self.ignore_index
        if wrong.any():
            row = int(np.argwhere(wrong)[0][0])
            where = what or f"{self.owner}: item {(places or [0])[row]}"
            raise ArgumentError(
                f"{where}: label {targets[wrong][0]} is out of range for {len(self.classes or ())} classes"
            )


def _input(value: Any, layout: str | None, what: str) -> np.ndarray:
    """Return one of several inputs: those with four axes are images, others numbers of any kind."""
    array = array_of(value, what)
    return images_of(array, layout, what) if array.ndim == 4 else array


def is_batch(item: Any, reader: Reader, what: str, sized: bool) -> bool:
    """Tell whether an item is a batch and no sample: a batch of images has four axes.

    Parameters
    ----------
    item : any
    reader : Reader
    what : str
    sized : bool
        What could be either, three axes with as many labels, is a sample: somebody has said how many make a
        batch, or it is an item of a data set.
    """
    try:
        images, labels, _ = reader.pair(item, what)
    except FastcnnError:
        raise
    if is_picture(images):
        return False
    if isinstance(images, tuple | list):
        return any(is_picture(each) or is_array(each) for each in images)
    shape, labelled = np.shape(images), np.shape(labels)
    either = len(shape) == 3 and bool(labelled) and shape[:1] == labelled[:1]
    return len(shape) > 3 or (either and not sized)
