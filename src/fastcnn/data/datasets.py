"""Data sets by name.

A name stands for a function that takes the folder of the files (None: where they are by default) and
returns (train, test). MNIST is part of the package, so it needs no network.
"""

import os
from collections.abc import Callable

from ..errors import ArgumentError, DataError, DTypeError
from .dataset import Dataset
from .formats import read_idx

# Part -> the official names of its images and labels and the SHA-256 of the uncompressed files.
_MNIST_FILES = {
    "train": (
        ("train-images-idx3-ubyte", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ("train-labels-idx1-ubyte", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    ),
    "test": (
        ("t10k-images-idx3-ubyte", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        ("t10k-labels-idx1-ubyte", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ),
}


def _find(folder: str, name: str) -> str:
    """Return the path of the file `name` in `folder`, plain or with .gz."""
    for path in (os.path.join(folder, name), os.path.join(folder, f"{name}.gz")):
        if os.path.isfile(path):
            return path
    raise DataError(f"{os.path.join(folder, name)}: there is no such file, nor {name}.gz beside it")


def _load_mnist(root: str | None) -> tuple[Dataset, Dataset]:
    folder = os.path.join(os.path.dirname(__file__), "mnist") if root is None else root
    parts = []
    for part, files in _MNIST_FILES.items():
        images, labels = (read_idx(_find(folder, name), sha256=digest) for name, digest in files)
        digits = [str(digit) for digit in range(10)]
        parts.append(Dataset(images[:, None], labels, digits, f"mnist {part}"))
    return parts[0], parts[1]


_LOADERS: dict[str, Callable[[str | None], tuple[Dataset, Dataset]]] = {"mnist": _load_mnist}


def names() -> tuple[str, ...]:
    """Return the names that `load` knows."""
    return tuple(sorted(_LOADERS))


def load(name: str, *, root: str | os.PathLike | None = None) -> tuple[Dataset, Dataset]:
    """Load a data set, after checking the SHA-256 of its files.

    Parameters
    ----------
    name : str
        "mnist": 60,000 training and 10,000 test images of handwritten digits, uint8 (N, 1, 28, 28).
    root : path, optional
        Folder with the official files, gzip-compressed or plain. Default: the copy in the package.

    Returns
    -------
    train, test : Dataset

    Raises
    ------
    ArgumentError
        If there is no data set of that name.
    DataError
        If a file is missing, damaged or not the official one; the message starts with its path.
    """
    if not isinstance(name, str):
        raise DTypeError(f"load: name must be a str, got {name!r}")
    if name not in _LOADERS:
        raise ArgumentError(f"load: no data set is called {name!r}; there is {', '.join(names())}")
    if not isinstance(root, str | os.PathLike | None):
        raise DTypeError(f"load: root must be a path, got {root!r}")
    return _LOADERS[name](None if root is None else os.fspath(root))
