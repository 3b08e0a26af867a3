"""Where image and label stand in an item of somebody else's data set, and what the classes are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ArgumentError, DTypeError

# What data sets call them, in the order in which they are looked for.
_IMAGES = ("image", "img", "images", "pixel_values")
_LABELS = ("label", "labels", "target", "targets")
# Data sets that stand in data sets: subsets, loaders.
_MOST_LEVELS = 8

Columns = tuple[Any, Any]


def check_columns(columns: Any, what: str) -> Columns | None:
    """Return the names or places of image and label, None if they were not given.

    Raises
    ------
    DTypeError
        If it is no pair.
    """
    if columns is None:
        return None
    if not isinstance(columns, tuple | list) or len(columns) != 2:
        raise DTypeError(f"{what}: columns must be a pair, as ('image', 'label') or (0, 1), got {columns!r}")
    return columns[0], columns[1]


def columns_of(item: Any, source: Any, what: str) -> Columns:
    """Return where image and label stand in an item: by the features of the data set, names, or order.

    Raises
    ------
    ArgumentError, DTypeError
        If that is not clear.
    """
    if isinstance(item, Mapping):
        features: Mapping[str, Any] = next(
            (each.features for each in _levels(source) if _has_features(each)), {}
        )
        found: list[Any] = []
        for kind, names, wanted in (("Image", _IMAGES, "image"), ("ClassLabel", _LABELS, "label")):
            typed = [name for name in item if type(features.get(name)).__name__ == kind]
            known = typed if len(typed) == 1 else [name for name in names if name in item]
            if len(known) != 1:
                why = "no column" if not known else f"the columns {', '.join(map(repr, known))}"
                raise ArgumentError(
                    f"{what} has {why} for the {wanted} among {', '.join(map(repr, item))}: name them with "
                    f"columns=, as in fastcnn.data.LazyDataset(dataset, columns=('image', 'label'))"
                )
            found += known
        return found[0], found[1]
    if isinstance(item, tuple | list):
        if len(item) in (2, 3):
            return 0, 1
        raise ArgumentError(
            f"{what} has {len(item)} parts: say which are image and label with columns=, as in "
            "fastcnn.data.LazyDataset(dataset, columns=(0, 1))"
        )
    raise DTypeError(
        f"{what} must be a pair of image and label, or a dict with them, got {type(item).__name__}"
    )


def classes_of(source: Any, label: Any) -> tuple[str, ...]:
    """Return the names of the classes that a data set, or the one in it, knows; () if none does."""
    for each in _levels(source):
        named = [getattr(each, "classes", None)]
        if _has_features(each):
            named.append(getattr(each.features.get(label), "names", None))
        for names in named:
            if isinstance(names, list | tuple) and names and all(isinstance(name, str) for name in names):
                return tuple(names)
    return ()


def _has_features(source: Any) -> bool:
    return isinstance(getattr(source, "features", None), Mapping)


def _levels(source: Any) -> Iterator[Any]:
    """Yield a data set, the one that it is a part or a loader of, and so on."""
    for _ in range(_MOST_LEVELS):
        if source is None:
            return
        yield source
        source = getattr(source, "dataset", None)
