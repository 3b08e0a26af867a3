"""Somebody else's data set that can be indexed, read item by item when a batch is made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._bars import new_bar
from .._shapes import allocate
from ..errors import ArgumentError, DataError, DTypeError
from .batch import Batch, whole_batch
from .dataset import Dataset
from .layout import LINES
from .reading import Reader
from .source import Rows, Source
from .subsets import rows_of
from .targets import REGRESSION, SEGMENTATION, as_batch

# Items that are read at a time on the way into memory.
_BLOCK = 256


class LazyDataset(Source):
    """A data set of another library whose items are read, and decoded, for each batch anew.

    It takes what has ``len()`` and ``dataset[i] -> (image, label)``: data sets of torchvision, a
    ``torch.utils.data.Dataset``, a ``datasets.Dataset`` of Hugging Face with dicts as items, a list. Images
    are pictures of Pillow's, arrays or tensors; none of those libraries is imported. `Trainer.fit` makes one
    of what it is given, so that it is needed only where something has to be said.

    Memory has the batches that are prepared and no more. Augmentation that a data set does by itself is drawn
    anew each epoch, from its own random numbers: for results that can be repeated to the bit use
    ``fit(augment=...)``.

    Parameters
    ----------
    source : object with ``__len__`` and ``__getitem__``
        At least one item. A method ``__getitems__(indices)`` is used if there is one.
    columns : pair, optional
        Names or places of image and label in an item, such as ("img", "fine_label"). Default: found by the
        features of the data set, by usual names ("image", "img", "label", ...), or the first two.
    layout : {"NCHW", "NHWC", "NHW", "NCL"}, optional
        The order of axes that a batch of the images would have; "NCL" are lines (C, L). Default: channels are
        last where there are 1, 3 or 4 of them at the end only; two axes are a grey image.
    classes : sequence of str, optional
        Names of the classes. Default: those that the data set knows (``classes``, ``features``).
    task, ignore_index
        As of `Dataset`; whole numbers in floats are real targets here.
    name : str
        What the set is called in messages.

    Attributes
    ----------
    source, classes, name, task, ignore_index
        As above.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If the first item is no image with a label. Others are looked at when they are read: messages name
        the index.
    DataError
        If an item cannot be read.

    Examples
    --------
    >>> squares = [(np.full((8, 8), i, np.uint8), i % 2) for i in range(10)]
    >>> LazyDataset(squares, classes=["even", "odd"])
    LazyDataset(10 images of 1x8x8 uint8, classification, 2 classes)
    """

    def __init__(
        self,
        source: Any,
        *,
        columns: Sequence[Any] | None = None,
        layout: str | None = None,
        classes: Sequence[str] | None = None,
        task: str | None = None,
        ignore_index: int | None = None,
        name: str = "",
    ) -> None:
        if not is_indexable(source):
            raise DTypeError(
                f"LazyDataset: source must have __len__ and __getitem__, got {type(source).__name__}"
            )
        if len(source) == 0:
            raise ArgumentError("LazyDataset: source is empty")
        self.source = source
        self.name = name
        self._indices = np.arange(len(source))
        self._reader = Reader("LazyDataset", source, columns, layout, classes, task, ignore_index)
        images, labels = self._read(self._indices[:1])
        self._first = images, labels
        self.task, self.classes = str(self._reader.task), self._reader.classes or ()
        if ignore_index is not None and self.task != SEGMENTATION:
            raise ArgumentError(f"LazyDataset: ignore_index is for masks, but the task is {self.task}")
        self.ignore_index = self._reader.ignore_index

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape (C, H, W) of an image, (C, L) of lines."""
        return self._first[0].shape[1:]

    def first(self) -> Batch:
        """Return the first sample, as a batch of one."""
        images, labels = self._first
        return whole_batch(self, images, as_batch(labels, self.task), np.zeros(1, np.int64))

    def rows(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read the images and labels at `indices`, int64 (M,)."""
        return self._read(self._indices[indices])

    def in_order(self, size: int) -> Iterator[Rows]:
        """Yield so many samples at a time, in their order."""
        for start in range(0, len(self), size):
            yield *self._read(self._indices[start : start + size]), None

    def _read(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the samples at some places of the source."""
        indices = places.tolist()
        many = getattr(self.source, "__getitems__", None)
        items = None
        if callable(many):
            try:
                items = many(indices)
            except Exception:  # which of them it was is found below
                items = None
        if items is None or len(items) != len(indices):
            items = [self._item(index) for index in indices]
        return self._reader.samples(items, indices)

    def _item(self, index: int) -> Any:
        try:
            return self.source[index]
        except Exception as error:
            raise DataError(f"LazyDataset: item {index} cannot be read: {error!r}") from error

    def subset(self, indices: object) -> LazyDataset:
        """Return the samples at `indices`, which are read no sooner; an index may repeat.

        Raises
        ------
        ArgumentError, DTypeError, ShapeError
            If they are no indices, or there are none.
        """
        chosen = self._indices[rows_of(indices, len(self), "LazyDataset.subset: indices")]
        if not len(chosen):
            raise ArgumentError("LazyDataset.subset: no index is left")
        part = LazyDataset.__new__(LazyDataset)
        part.__dict__.update(self.__dict__, _indices=chosen)
        part._first = self._first if chosen[0] == self._indices[0] else part._read(chosen[:1])
        return part

    def read(self, progress: bool = True) -> Dataset:
        """Read all items into memory, once, and return them as a `Dataset`.

        What fits there is then decoded no more; what a data set augments by itself stays as it was drawn.

        Parameters
        ----------
        progress : bool
            Whether a bar is shown on the standard error.
        """
        images, labels = self._first
        all_images = allocate((len(self), *images.shape[1:]), images.dtype, "LazyDataset.read: the images")
        all_labels = allocate((len(self), *labels.shape[1:]), labels.dtype, "LazyDataset.read: the labels")
        with new_bar(len(self), self.name or "reading", progress) as bar:
            for start in range(0, len(self), _BLOCK):
                rows = slice(start, start + _BLOCK)
                all_images[rows], all_labels[rows] = self._read(self._indices[rows])
                bar.update(len(all_labels[rows]))
        return Dataset(
            all_images,
            all_labels,
            self.classes or None,
            self.name,
            layout="NCHW" if images.ndim == 4 else LINES,
            task=self.task,
            ignore_index=self.ignore_index if self.task == SEGMENTATION else None,
        )

    def told(self) -> str:
        """Return what a checkpoint knows of it: what it is, how long, and of what kind its samples are."""
        images, labels = self._first
        kind = f"{type(self.source).__module__}.{type(self.source).__qualname__}"
        places = hashlib.sha256(self._indices.tobytes()).hexdigest()
        return (
            f"{kind}: {len(self)} x {images.dtype} {images.shape[1:]}, {self.task} {labels.shape[1:]}, "
            f"{self.classes}, {places}"
        )

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: Any) -> Any:
        """Return (image, label) for an integer; the `subset` for a slice, integers or a mask of bools."""
        if isinstance(index, bool | np.bool_) or not isinstance(index, int | np.integer):
            return self.subset(rows_of(index, len(self), "LazyDataset: index"))
        if not -len(self) <= index < len(self):
            raise IndexError(f"LazyDataset: index {index} is out of range for {len(self)} images")
        images, labels = self._read(self._indices[np.array([index])])
        return images[0], labels[0].item() if labels.ndim == 1 else labels[0]

    def __repr__(self) -> str:
        kind = f"{'x'.join(map(str, self.image_shape))} {self._first[0].dtype}"
        name = f"{self.name!r}, " if self.name else ""
        named = f", {len(self.classes)} classes" if self.classes and self.task != REGRESSION else ""
        return f"LazyDataset({name}{len(self)} images of {kind}, {self.task}{named})"


def is_indexable(source: Any) -> bool:
    """Tell whether something has a length and items by number."""
    return hasattr(source, "__len__") and hasattr(source, "__getitem__")
