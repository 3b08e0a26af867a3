"""Where the arrays of a data set of one's own lie: in an .npz file, or in .npy files in a folder."""

from __future__ import annotations

import os

import numpy as np

from ..errors import DataError, FastcnnError
from .layout import to_nchw
from .npy import map_npy, read_npy
from .npz import read_npz, read_npz_array, read_npz_classes, target_name

_ENDING = ".npy"


class NpzFile:
    """The arrays of an .npz file.

    Attributes
    ----------
    path : str
    names : tuple of str
    classes : tuple of str or None
        The text in the array `classes`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.names, self.classes = read_npz_classes(path)

    def images_and_labels(
        self, prefix: str, layout: str | None, task: str | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the images (N, C, H, W) and the labels of a part."""
        return read_npz(self.path, prefix, layout, task)

    def array(self, name: str, kinds: str, what_kind: str = "numbers") -> np.ndarray:
        """Return an array by its name, if its elements are of these kinds."""
        return read_npz_array(self.path, name, kinds, what_kind)


class NpyFolder:
    """The .npy files of a folder: images, and targets as large as they are, are mapped into memory."""

    def __init__(self, path: str) -> None:
        self.path = path
        files = sorted(each for each in os.listdir(path) if each.endswith(_ENDING))
        self.names = tuple(each.removesuffix(_ENDING) for each in files)
        classes = self.array("classes", "U", "text") if "classes" in self.names else None
        if classes is not None and classes.ndim != 1:
            raise DataError(f"{path}: classes must have one dimension, got the shape {classes.shape}")
        self.classes = None if classes is None else tuple(classes.tolist())

    def images_and_labels(
        self, prefix: str, layout: str | None, task: str | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the images (N, C, H, W) and the labels of a part."""
        images = map_npy(self._file(f"{prefix}images"), "uf")
        labels = map_npy(self._file(target_name([f"{name}{_ENDING}" for name in self.names], prefix)))
        try:
            return to_nchw(images, layout, f"{prefix}images"), labels if labels.ndim > 2 else labels.copy()
        except FastcnnError as error:
            raise DataError(f"{self.path}: {error}") from error

    def array(self, name: str, kinds: str, what_kind: str = "numbers") -> np.ndarray:
        """Return an array by its name, if its elements are of these kinds."""
        return read_npy(self._file(name), kinds, what_kind)

    def _file(self, name: str) -> str:
        return os.path.join(self.path, name + _ENDING)


def is_npy_folder(path: str) -> bool:
    """Tell whether a folder has .npy files of images."""
    known = ("images.npy", "train_images.npy")
    return any(os.path.isfile(os.path.join(path, each)) for each in known)
