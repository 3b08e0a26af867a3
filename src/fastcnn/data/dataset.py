"""A labelled set of images in memory, checked once when it is made."""

from collections.abc import Sequence

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from .labels import check_integers
from .layout import IMAGE_DTYPES, check_layout, dtype_cure, to_nchw
from .values import BYTES, Range, check_holds, check_range, guess_range


def check_array(images: object, what: str) -> np.ndarray:
    """Return `images` if it is an array of uint8 or float32; `what` opens the error."""
    if not isinstance(images, np.ndarray):
        raise DTypeError(f"{what} must be a NumPy array, got {type(images).__name__}")
    if images.dtype not in IMAGE_DTYPES:
        raise DTypeError(f"{what} must be uint8 or float32, got {images.dtype}{dtype_cure(images.dtype)}")
    return images


def check_images(images: object, what: str) -> np.ndarray:
    """Return `images` if it is a (N, C, H, W) array of uint8 or float32; `what` opens the error."""
    images = check_array(images, what)
    if images.ndim != 4:
        raise ShapeError(f"{what} must have the shape (N, C, H, W), got {images.shape}")
    if 0 in images.shape[1:]:
        raise ShapeError(f"{what} must have at least one channel, row and column, got {images.shape}")
    return images


class Dataset:
    """Images with one class label each.

    Parameters
    ----------
    images : ndarray (N, C, H, W)
        uint8 (0 to 255) or float32. Kept as it is, without a copy, unless `layout` is "NHWC".
    labels : array_like of int (N,)
        Class of each image, from 0 to ``num_classes - 1``; kept as int64.
    classes : sequence of str, optional
        Name of each class. Default: "0", "1", ... up to the largest label.
    name : str
        What the set is called in messages.
    layout : {"NCHW", "NHWC", "NHW"}, optional
        The order of the axes of `images`; "NHW" are grey images. Default: "NCHW", and images that look as if
        their channels came last are refused.
    value_range : (float, float), optional
        The values of black and white. Default: found from the smallest and the largest value.

    Raises
    ------
    DTypeError, ShapeError, ArgumentError
        If the arrays are not of that kind, differ in length, a label is out of range, or values of the images
        lie clearly outside `value_range`.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: object,
        classes: Sequence[str] | None = None,
        name: str = "",
        *,
        layout: str | None = None,
        value_range: Sequence[float] | None = None,
    ) -> None:
        array = check_array(images, "Dataset: images")
        array = to_nchw(array, check_layout(layout, "Dataset"), "Dataset: images")
        self.images = check_images(array, "Dataset: images")
        self.labels = check_integers(labels, "Dataset: labels")
        if len(self.images) != len(self.labels):
            raise ShapeError(
                f"Dataset: {len(self.images)} images but {len(self.labels)} labels "
                f"(images {self.images.shape}, labels {self.labels.shape})"
            )
        low, high = (int(self.labels.min()), int(self.labels.max())) if len(self.labels) else (0, -1)
        if classes is None:
            # A label that is a mistake must not make as many names as it is large.
            if high >= max(len(self.labels), 1000):
                raise ArgumentError(
                    f"Dataset: label {high} is too large for {len(self.labels)} images; if it is right, "
                    "name the classes"
                )
            classes = [str(label) for label in range(high + 1)]
        elif (
            not isinstance(classes, Sequence)
            or isinstance(classes, str)
            or not all(isinstance(each, str) for each in classes)
        ):
            raise DTypeError(f"Dataset: classes must be a sequence of str, got {classes!r}")
        self.classes = tuple(classes)
        if low < 0 or high >= len(self.classes):
            wrong = low if low < 0 else high
            raise ArgumentError(
                f"Dataset: label {wrong} is out of range for {len(self.classes)} classes "
                f"(expected 0 to {len(self.classes) - 1})"
            )
        if not isinstance(name, str):
            raise DTypeError(f"Dataset: name must be a str, got {name!r}")
        self.name = name
        self._range = None if value_range is None else self._check_range(value_range)

    def _check_range(self, value_range: Sequence[float]) -> Range:
        black_white = check_range(value_range, "Dataset: value_range")
        images = self.images
        # Bytes need no look.
        if images.size and not (images.dtype == np.uint8 and black_white == BYTES):
            low, high = float(images.min()), float(images.max())
            check_holds(black_white, low, high, images.dtype.name, "Dataset: value_range")
        return black_white

    @property
    def value_range(self) -> tuple[float, float] | None:
        """The values of black and white; None if they were not given and the images do not tell."""
        return guess_range(self.images) if self._range is None else self._range

    @property
    def num_classes(self) -> int:
        """Number of classes, those without an image included."""
        return len(self.classes)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of one image."""
        return self.images.shape[1:]

    def class_counts(self) -> np.ndarray:
        """Return the number of images of each class, int64 (num_classes,)."""
        return np.bincount(self.labels, minlength=self.num_classes)

    def subset(self, indices: object) -> "Dataset":
        """Return a copy of the images at `indices`, in that order; an index may repeat.

        Parameters
        ----------
        indices : array_like of int (M,)
            From 0 to ``len(self) - 1``.

        Raises
        ------
        ArgumentError, DTypeError, ShapeError
            If an index is out of range, or `indices` is not a 1-D array of integers.
        """
        chosen = check_integers(indices, "Dataset.subset: indices")
        outside = (chosen < 0) | (chosen >= len(self))
        if outside.any():
            raise ArgumentError(
                f"Dataset.subset: index {chosen[outside][0]} is out of range for {len(self)} images"
            )
        return Dataset(
            self.images[chosen],
            self.labels[chosen],
            self.classes,
            self.name,
            layout="NCHW",
            value_range=self._range,
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        if isinstance(index, bool) or not isinstance(index, int | np.integer):
            raise DTypeError(f"Dataset: index must be an integer, got {index!r} (use subset for several)")
        if not -len(self) <= index < len(self):
            # The built-in exception: Python's iteration over a sequence ends with it.
            raise IndexError(f"Dataset: index {index} is out of range for {len(self)} images")
        return self.images[index], int(self.labels[index])

    def __repr__(self) -> str:
        channels, height, width = self.image_shape
        name = f"{self.name!r}, " if self.name else ""
        return (
            f"Dataset({name}{len(self)} images of {channels}x{height}x{width} {self.images.dtype}, "
            f"{self.num_classes} classes)"
        )
