"""Images in memory with what they are to be taken for, checked once when they are given."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import _samples
from .._samples import Samples
from ..errors import ArgumentError, DTypeError, ShapeError
from .batch import Batch, first_sample
from .inputs import check_inputs, per_input
from .labels import check_integers
from .layout import LINES
from .source import Rows, Source
from .subsets import joined, rows_of
from .targets import (
    CLASSIFICATION,
    MULTILABEL,
    REGRESSION,
    SEGMENTATION,
    check_targets,
    check_weights,
    counts,
    largest,
)
from .values import Range, guess_range, range_of


class Dataset(Source):
    """Images with a class label each, or with other targets: several labels, masks, real numbers.

    Notebooks show a contact sheet of it.

    Parameters
    ----------
    images : ndarray (N, C, H, W), or tuple or list of ndarrays
        uint8 (0 to 255) or float32. Kept as it is, without a copy, unless `layout` is "NHWC". For a network
        of several inputs a tuple, whose arrays are the arguments of forward: those with four axes are images,
        and others, (N, ...), numbers of any kind. A tuple of one array stands for that array.
    labels : array_like of int (N,)
        Class of each image, from 0 to ``num_classes - 1``; kept as int64. Other targets are bools (N, K), or
        0 and 1: which of K labels an image has; integers (N, H, W): the class of each pixel; floats (N,) or
        (N, ...): real targets.
    classes : sequence of str, optional
        Name of each class. Default: "0", "1", ... up to the largest label. Real targets have none.
    name : str
        What the set is called in messages.
    layout : {"NCHW", "NHWC", "NHW", "NCL"}, optional
        The order of the axes of `images`; "NHW" are grey images, "NCL" lines of numbers in C channels.
        Default: "NCHW", and images that look as if their channels came last are refused. For several inputs
        one for each, such as ``("NHWC", None)``.
    value_range : (float, float), optional
        The values of black and white. Default: found from the smallest and the largest value. For several
        inputs one for each, such as ``((0, 1), None)``.
    task : {"classification", "multilabel", "segmentation", "regression"}, optional
        What `labels` are. Default: told by their type and shape. It has to be said of floats that are all
        whole numbers, and of integers (N, K) with a single 1 in each row.
    ignore_index : int, optional
        What stands in masks where a pixel does not count; 255 in many. Default: -100.
    weights : array_like of float (N,), optional
        How much each sample counts, in losses and metrics: at least 0, and not all 0.

    Attributes
    ----------
    images, labels, classes, name, task, ignore_index, weights
        As above; `weights` is float64 (N,) or None, `targets` another name of `labels`. Masks keep their
        type, real targets are float32 or float64.

    Raises
    ------
    DTypeError, ShapeError, ArgumentError
        If the arrays are not of that kind, differ in length, a label is out of range, or values of the images
        lie clearly outside `value_range`.
    """

    def __init__(
        self,
        images: Samples | Sequence[np.ndarray],
        labels: object,
        classes: Sequence[str] | None = None,
        name: str = "",
        *,
        layout: str | Sequence[str | None] | None = None,
        value_range: Sequence[Any] | None = None,
        task: str | None = None,
        ignore_index: int | None = None,
        weights: object = None,
    ) -> None:
        # An array or a tuple of them. `Any`: whoever made the data set knows which, and need not ask again.
        self.images: Any = check_inputs(images, layout, "Dataset: images", "Dataset")
        count = _samples.count(self.images)
        self.labels, self.task, self.classes, self.ignore_index = check_targets(
            labels, classes, task, ignore_index
        )
        if count != len(self.labels):
            cure = "; a list of images is one input, np.stack(images)" * isinstance(self.images, tuple)
            raise ShapeError(
                f"Dataset: {count} images but {len(self.labels)} labels "
                f"(images {_samples.shapes(self.images)}, labels {self.labels.shape}){cure}"
            )
        self.weights = None if weights is None else check_weights(weights, count, "Dataset: weights")
        if not isinstance(name, str):
            raise DTypeError(f"Dataset: name must be a str, got {name!r}")
        self.name = name
        self._ranges = self._check_ranges(value_range, "Dataset: value_range")

    def _check_ranges(self, value_range: Any, what: str) -> list[Range | None]:
        """Return the values of black and white of each input, None where they were not given."""
        given, names = [value_range], [what]
        if isinstance(self.images, tuple):
            given = list(per_input(value_range, len(self.images), what, "(0, 1)"))
            names = [f"{what}[{i}]" for i in range(len(given))]
        return [
            None if each is None else range_of(each, array, name)
            for each, array, name in zip(given, self._arrays, names, strict=True)
        ]

    @property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        return _samples.arrays(self.images)

    def _layout_of(self, array: np.ndarray) -> str | None:
        """Return the layout that an input has been brought to."""
        lines = None if isinstance(self.images, tuple) else LINES
        return "NCHW" if array.ndim == 4 else lines

    def _one_or_all(self, values: Sequence[Any]) -> Any:
        return tuple(values) if isinstance(self.images, tuple) else values[0]

    @property
    def value_range(self) -> Any:
        """The values of black and white; None if they were not given and the images do not tell.

        Of several inputs a tuple of theirs, in which those that are no images have None.
        """
        found = [
            guess_range(array) if known is None and array.ndim == 4 else known
            for array, known in zip(self._arrays, self._ranges, strict=True)
        ]
        return self._one_or_all(found)

    @property
    def given_range(self) -> Any:
        """The values of black and white that were given; None if none were."""
        return self._one_or_all(self._ranges) if any(self._ranges) else None

    @property
    def targets(self) -> np.ndarray:
        """The same as `labels`."""
        return self.labels

    @property
    def num_classes(self) -> int:
        """Number of classes, those without an image included; 0 of real targets."""
        return len(self.classes)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of one image; of several inputs, of the first that are images.

        Raises
        ------
        ShapeError
            If none of several inputs are images.
        """
        places = _samples.images(self.images)
        if not places:
            shapes = _samples.shapes(self.images)
            raise ShapeError(f"Dataset.image_shape: none of the inputs are images (N, C, H, W): {shapes}")
        return self._arrays[places[0]].shape[1:]

    @property
    def input_shape(self) -> Any:
        """Shape of a sample, as `Module.summary` takes it: one, or for several inputs a tuple of theirs."""
        return self._one_or_all([array.shape[1:] for array in self._arrays])

    def class_counts(self) -> np.ndarray:
        """Return the number of images of each class, int64 (num_classes,); of masks, that of pixels.

        Raises
        ------
        ArgumentError
            If the targets are real numbers.
        """
        if self.task == REGRESSION:
            raise ArgumentError("Dataset.class_counts: the targets are real numbers, not classes")
        return counts(self.labels, self.task, self.num_classes, self.ignore_index)

    def with_images(self, images: np.ndarray) -> "Dataset":
        """Return a data set with other images (N, C, H, W) in the place of these, and the same targets."""
        made = self._like(images, self.labels, layout="NCHW")
        made.weights = self.weights
        return made

    def _like(self, images: Samples, labels: np.ndarray, **options: Any) -> "Dataset":
        """Return a data set with other samples for the same task, without weights."""
        classes = self.classes if self.task != REGRESSION else None
        ignored = self.ignore_index if self.task == SEGMENTATION else None
        return Dataset(images, labels, classes, self.name, task=self.task, ignore_index=ignored, **options)

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
        return self._part(chosen)

    def _part(self, chosen: slice | np.ndarray) -> "Dataset":
        """Return the rows of a slice as views, and those of indices as copies."""
        layout = self._one_or_all([self._layout_of(array) for array in self._arrays])
        images, ranges = _samples.take(self.images, chosen), self._one_or_all(self._ranges)
        part = self._like(images, self.labels[chosen], layout=layout, value_range=ranges)
        # A part may well have nothing but weights of 0.
        part.weights = None if self.weights is None else self.weights[chosen]
        return part

    def first(self) -> Batch:
        """Return the first sample, as a batch of one; images are a view."""
        return first_sample(self, _samples.take(self.images, slice(1)))

    def in_order(self, size: int) -> Iterator[Rows]:
        """Yield views of so many samples at a time, in their order, and their weights or None."""
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            weights = None if self.weights is None else self.weights[rows]
            yield _samples.take(self.images, rows), self.labels[rows], weights

    def rows(self, indices: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return the images and labels at `indices`, int64 (M,), as they are kept."""
        return _samples.take(self.images, indices), self.labels[indices]

    def largest_label(self) -> int | None:
        """Return the largest class that occurs, 0 if none does; None of real targets and several labels."""
        return largest(self.labels, self.task, self.ignore_index)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: Any) -> Any:
        """Return (image, label) for an integer; the `subset` for a slice, integers or a mask of bools.

        The label is an int, a float or a row of the targets.
        """
        if isinstance(index, bool | np.bool_) or not isinstance(index, int | np.integer):
            mapped = all(isinstance(each, np.memmap) and not each.flags.writeable for each in self._arrays)
            if isinstance(index, slice) and mapped:
                return self._part(index)
            return self.subset(rows_of(index, len(self), "Dataset: index"))
        if not -len(self) <= index < len(self):
            # The built-in exception: Python's iteration over a sequence ends with it.
            raise IndexError(f"Dataset: index {index} is out of range for {len(self)} images")
        label = self.labels[index]
        return _samples.take(self.images, index), label.item() if label.ndim == 0 else label

    def __add__(self, other: "Dataset") -> "Dataset":
        """Return a data set with the samples of both, see `fastcnn.data.concatenate`."""
        if not isinstance(other, Dataset):
            return NotImplemented
        return Dataset(**joined([self, other], "Dataset: +"))

    def _repr_html_(self) -> str:
        from .sheet import contact_sheet  # which nothing else needs

        return contact_sheet(self)

    def __repr__(self) -> str:
        kinds = [f"{'x'.join(map(str, array.shape[1:])) or 'one'} {array.dtype}" for array in self._arrays]
        name = f"{self.name!r}, " if self.name else ""
        what = "images" if len(kinds) == 1 else "samples"
        shape = "x".join(map(str, self.labels.shape[1:]))
        told = {
            CLASSIFICATION: f"{self.num_classes} classes",
            MULTILABEL: f"{self.num_classes} labels each",
            SEGMENTATION: f"masks of {shape} with {self.num_classes} classes",
            REGRESSION: f"targets of {shape or 'one number'}",
        }[self.task]
        weighted = ", weighted" if self.weights is not None else ""
        return f"Dataset({name}{len(self)} {what} of {' and '.join(kinds)}, {told}{weighted})"
