"""Somebody else's batches: what is iterated over anew in each epoch, such as a DataLoader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from .. import _samples
from .._shapes import integer
from ..errors import ArgumentError, DTypeError
from .batch import Batch
from .reading import Reader, is_batch
from .source import Rows, Source
from .targets import SEGMENTATION, as_batch


class Batches(Source):
    """Batches that come in an order of their own, epoch by epoch: those of a DataLoader, a generator, a list.

    It takes any iterable of batches: tuples or lists (images, labels) or (images, labels, weights), or dicts
    with such columns, of arrays, of tensors, or lists of pictures. Batches may differ in length, and their
    number need not be known. Instead of an iterable it may be a function without arguments that returns one.
    With `batch_size` the items are samples, as of a streamed ``datasets.IterableDataset``, and are put
    together here. `Trainer.fit` makes one of what it is given.

    Order and augmentation of the iterable are its own: a training can be repeated, or go on from a
    checkpoint, to the bit if they are the same each time. Before each epoch ``set_epoch(epoch)`` is called
    where there is such a method, so that an order may follow from the epoch.

    Parameters
    ----------
    source : iterable, or function that returns one
        What is used up by one pass, as a generator is, serves one epoch.
    columns : pair, optional
        Names or places of images and labels in an item, see `LazyDataset`.
    layout : {"NCHW", "NHWC", "NHW", "NCL"}, optional
        The order of the axes of the images, see `LazyDataset`.
    batch_size : int, optional
        How many samples make a batch. Default: the items are batches.
    drop_last : bool
        Leave out a last batch of samples that is not full.
    classes, task, ignore_index, name
        As of `LazyDataset`.

    Attributes
    ----------
    one_shot : bool
        Whether one pass uses `source` up.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If there is no batch, or the first has no images and labels. Others are looked at as they come:
        messages name their number, from 0.

    Examples
    --------
    >>> pairs = [(np.zeros((2, 1, 8, 8), np.uint8), np.array([0, 1]))] * 3
    >>> Batches(pairs)
    Batches(list of 3, 1x8x8 uint8, classification)
    """

    # How many samples make a batch if nobody has said it; None: somebody must.
    _of_samples: int | None = None

    def __init__(
        self,
        source: Any,
        *,
        columns: Sequence[Any] | None = None,
        layout: str | None = None,
        batch_size: int | None = None,
        drop_last: bool = False,
        classes: Sequence[str] | None = None,
        task: str | None = None,
        ignore_index: int | None = None,
        name: str = "",
    ) -> None:
        if not is_iterable(source):
            raise DTypeError(
                "Batches: source must be an iterable or a function that returns one, got "
                f"{type(source).__name__}"
            )
        self.source = source
        self.name = name
        self.batch_size = None if batch_size is None else integer(batch_size, "Batches: batch_size", 1)
        self.drop_last = bool(drop_last)
        if self.drop_last and self.batch_size is None:
            raise ArgumentError("Batches: drop_last is for samples: batches have lengths of their own")
        self._reader = Reader("Batches", source, columns, layout, classes, task, ignore_index)
        self.one_shot = hasattr(source, "__next__")
        self._ahead: list[Any] = []  # items that a source of one pass has given already
        item = self._head()
        self.batch_size = self._size(item)
        images, labels, weights = next(self._made(iter([item]), 1))
        self.task, self.classes = str(self._reader.task), self._reader.classes or ()
        if ignore_index is not None and self.task != SEGMENTATION:
            raise ArgumentError(f"Batches: ignore_index is for masks, but the task is {self.task}")
        self.ignore_index = self._reader.ignore_index
        self._first = self.batch_of((images, labels, weights), 0, slice(1))

    def _size(self, item: Any) -> int | None:
        """Return how many items make a batch, None if each is one, and refuse what was said wrongly."""
        what = "Batches: item 0"
        if is_batch(item, self._reader, what, self.batch_size is not None):
            if self.batch_size is not None:
                raise ArgumentError(f"{what} is a batch by itself: leave batch_size out")
            return None
        if self.batch_size is None and self._of_samples is None:
            raise ArgumentError(f"{what} is a single sample: say with batch_size how many make a batch")
        return self.batch_size or self._of_samples

    def _head(self) -> Any:
        """Return the first item; a source of one pass keeps what it has given."""
        items = iter(self._items())
        try:
            first = next(items)
        except StopIteration:
            raise ArgumentError(
                "Batches: there is no batch; what one pass uses up cannot serve a second one"
            ) from None
        finally:
            if not self.one_shot and callable(close := getattr(items, "close", None)):
                close()
        if self.one_shot:
            self._ahead.append(first)
        return first

    def _items(self) -> Any:
        return (
            self.source() if callable(self.source) and not hasattr(self.source, "__iter__") else self.source
        )

    def _made(self, items: Iterator[Any], size: int) -> Iterator[Rows]:
        """Yield what is made of items: a batch of each, or of so many samples one."""
        if self.batch_size is None:
            for number, item in enumerate(items):
                yield self._reader.batch(item, number)
            return
        place = 0
        while group := list(islice(items, size)):
            if len(group) == size or not self.drop_last:
                yield *self._reader.samples(group, range(place, place + len(group))), None
            place += len(group)

    def batches(self, epoch: int = 0) -> Iterator[Rows]:
        """Yield the batches of an epoch: images, labels, weights or None.

        Raises
        ------
        ArgumentError
            If there is none.
        """
        set_epoch = getattr(self.source, "set_epoch", None)
        if callable(set_epoch):
            set_epoch(epoch)
        ahead, self._ahead = self._ahead, []
        number = -1
        for number, made in enumerate(self._made(chain(ahead, iter(self._items())), self.batch_size or 1)):
            if (made[2] is None) != (self._first.weights is None):
                raise ArgumentError(f"Batches: batch {number}: weights must be in all batches or in none")
            yield made
        if number < 0:
            raise ArgumentError(
                f"Batches: epoch {epoch + 1} has no batch; what one pass uses up cannot serve a second one"
            )

    def batch_of(
        self, rows: Rows, begin: int, chosen: slice = slice(None), epoch: int = 0, seed: int = 0
    ) -> Batch:
        """Return chosen samples as a batch, of which the first is number `begin` in its epoch."""
        images, labels, weights = rows
        count = len(labels[chosen])
        return Batch(
            _samples.take(images, chosen),
            as_batch(labels[chosen], self.task),
            np.arange(begin, begin + count),
            self.num_classes,
            epoch,
            seed,
            None if weights is None else weights[chosen],
            self.task,
            self.ignore_index,
        )

    def first(self) -> Batch:
        """Return the first sample of the first batch, as a batch of one."""
        return self._first

    def in_order(self, size: int) -> Iterator[Rows]:
        """Yield the batches once, as they come; their own length counts, not `size`."""
        return self.batches()

    @property
    def length(self) -> int | None:
        """Number of batches, or None if the source does not tell."""
        try:
            count = len(self.source)
        except (TypeError, NotImplementedError):
            return None
        if self.batch_size is None:
            return count
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def told(self) -> str:
        """Return what a checkpoint knows of it: what it is, how long, and of what kind its samples are."""
        kinds = [f"{each.dtype} {each.shape[1:2]}" for each in _samples.arrays(self._first.images)]
        kind = f"{type(self.source).__module__}.{type(self.source).__qualname__}"
        return f"{kind}: {self.length} batches, {kinds}, {self.task}, {self.classes}, {self.batch_size}"

    def __repr__(self) -> str:
        arrays = _samples.arrays(self._first.images)
        kinds = " and ".join(f"{'x'.join(map(str, each.shape[1:])) or 'one'} {each.dtype}" for each in arrays)
        of = "" if self.length is None else f" of {self.length}"
        return f"Batches({type(self.source).__name__}{of}, {kinds}, {self.task})"


class AnyBatches(Batches):
    """Batches, or samples that are put together as it is convenient: what is evaluated may be either."""

    _of_samples = 256


def is_iterable(source: Any) -> bool:
    """Tell whether something can be iterated over, or is a function that may return what can."""
    return hasattr(source, "__iter__") or callable(source)
