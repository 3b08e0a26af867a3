"""What `fit`, `evaluate` and `lr_find` are given, as a source, and what feeds training from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..errors import ArgumentError, DTypeError
from .batch import Batch
from .batches import AnyBatches, Batches, is_iterable
from .dataset import Dataset
from .feed import Feed
from .foreign import is_array
from .lazy import LazyDataset, is_indexable
from .loader import Loader
from .reading import Reader, is_batch
from .source import Source


class BatchLoader(Feed):
    """The epochs of somebody else's batches, which have an order of their own.

    Parameters
    ----------
    dataset : Batches
    seed, augment, prefetch
        As of `fastcnn.data.Loader`.
    """

    shuffle = replacement = False

    def __init__(
        self, dataset: Batches, *, seed: int = 0, augment: Callable | None = None, prefetch: int = 2
    ) -> None:
        super().__init__(seed, augment, prefetch)
        self.dataset: Batches = dataset
        self.batch_size = dataset.batch_size
        self.drop_last = dataset.drop_last

    @property
    def length(self) -> int | None:
        """Number of batches of an epoch; None if nobody knows."""
        return self.dataset.length

    @property
    def images(self) -> None:
        """Number of images of an epoch: batches may differ in length."""
        return None

    def _plain(self, epoch: int) -> Iterator[Batch]:
        begin = 0
        for rows in self.dataset.batches(epoch):
            yield self.dataset.batch_of(rows, begin, epoch=epoch, seed=self.seed)
            begin += len(rows[1])


def source_of(given: Any, what: str, *, batch_size: int | None = None, drop_last: bool = False) -> Source:
    """Return what training is given as a source, which is looked at and found to have a sample.

    Parameters
    ----------
    given : Source, or data set or iterable of batches of another library
        What has items by number, and single samples for items, becomes a `LazyDataset`, all else `Batches`.
    what : str
        Opens the message of an error.
    batch_size, drop_last
        Of fit: samples that come one after the other are put together to such batches.

    Raises
    ------
    ArgumentError, DTypeError, ShapeError
        If it is none of these, or empty, or its first item is not what it should be.
    """
    known = _known(given, what, batch_size is not None)
    return Batches(given, batch_size=batch_size, drop_last=drop_last) if known is None else known


def evaluated(given: Any, what: str) -> Source:
    """Return what is evaluated as a source; samples that come one after the other need no batch size."""
    known = _known(given, what, False)
    return AnyBatches(given) if known is None else known


def is_foreign(given: object) -> bool:
    """Tell whether something may be a data set or an iterable of another library: no list of arrays."""
    plain = isinstance(given, tuple | list | str | bytes | Mapping)
    return not plain and (is_iterable(given) or is_indexable(given))


def loader_of(
    source: Source,
    what: str,
    *,
    batch_size: int | None,
    shuffle: bool = True,
    drop_last: bool = False,
    replacement: bool = False,
    seed: int = 0,
    augment: Callable | None = None,
) -> Loader | BatchLoader:
    """Return what feeds training from a source; see `fastcnn.data.Loader`.

    Raises
    ------
    ArgumentError, DTypeError
        If an argument is missing, or is none that batches of another library can follow.
    """
    if isinstance(source, Batches):
        if batch_size not in (None, source.batch_size):
            raise ArgumentError(
                f"{what}: batch_size={batch_size}, but the batches have lengths of their own: leave it out"
            )
        if replacement:
            raise ArgumentError(
                f"{what}: replacement is for data sets: batches come in an order of their own"
            )
        if drop_last and not source.drop_last:
            raise ArgumentError(f"{what}: drop_last is for data sets: batches have lengths of their own")
        return BatchLoader(source, seed=seed, augment=augment)
    if batch_size is None:
        raise ArgumentError(f"{what}: batch_size must be given: how many images make a step")
    return Loader(
        source,  # type: ignore[arg-type]
        batch_size,
        shuffle=shuffle,
        replacement=replacement,
        drop_last=drop_last,
        seed=seed,
        augment=augment,
    )


def _known(given: Any, what: str, sized: bool) -> Source | None:
    """Return what is a source, or can be indexed, as a source; None of an iterable."""
    if isinstance(given, Source):
        if isinstance(given, Dataset) and len(given) == 0:
            raise ArgumentError(f"{what} is empty")
        return given
    if isinstance(given, Mapping):
        parts = ", ".join(map(repr, given)) or "nothing"
        raise DTypeError(f"{what} must be one data set, got a dict with {parts}: give one of its parts")
    if is_array(given) or isinstance(given, str | bytes) or not (is_iterable(given) or is_indexable(given)):
        raise DTypeError(
            f"{what} must be a Dataset, a data set of another library or an iterable of batches, got "
            f"{type(given).__name__}"
        )
    if not is_indexable(given):
        return None
    if len(given) == 0:
        raise ArgumentError(f"{what} is empty")
    reader = Reader(what, given, None, None, None, None, None)
    # Data sets have samples for items; a list may hold anything.
    if not is_batch(given[0], reader, f"{what}: item 0", sized or not isinstance(given, list | tuple)):
        return LazyDataset(given)
    return None if hasattr(given, "__iter__") else Batches(lambda: map(given.__getitem__, range(len(given))))
