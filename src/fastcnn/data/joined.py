"""The base of the transforms, and those that are made of others."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .. import _samples
from .._samples import Samples
from ..errors import ArgumentError, DTypeError, ShapeError
from .batch import Batch, applied
from .inputs import check_images
from .maps import Move, moved_labels


class Transform:
    """Base of the transforms: arguments are kept as attributes of the same name, and shown by repr."""

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the transformed copy of a batch; see the class."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(images, rng)")

    def on_batch(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return what becomes of a batch: its images transformed, and all else as it is.

        A transform that needs more than the images, or changes the labels, defines this.
        """
        return replace(batch, images=self(batch.images, rng))  # type: ignore[arg-type]

    def __repr__(self) -> str:
        names = inspect.signature(type(self)).parameters
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def _check(self, images: object, rng: object) -> np.ndarray:
        name = type(self).__name__
        if not isinstance(rng, np.random.Generator):
            raise DTypeError(f"{name}: rng must be a numpy.random.Generator, got {type(rng).__name__}")
        return check_images(images, f"{name}: images")


class Moving(Transform):
    """Base of the transforms that move pixels, and with them masks and other targets of pixels."""

    def paired(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Move]:
        """Return the transformed copy of a batch, and what moves maps as it has moved the images."""
        raise NotImplementedError(f"{type(self).__name__} must define paired(images, rng)")

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the transformed copy of a batch; see the class."""
        return self.paired(images, rng)[0]

    def on_batch(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return the batch with its images transformed, and maps of pixels moved as they are."""
        images, move = self.paired(batch.images, rng)  # type: ignore[arg-type]
        return replace(batch, images=images, labels=moved_labels(batch, move, self))


class Compose(Transform):
    """Transforms applied one after the other.

    Parameters
    ----------
    transforms : sequence of callables ``t(images, rng) -> images``
    """

    def __init__(self, transforms: Sequence) -> None:
        if not isinstance(transforms, Sequence) or not all(callable(each) for each in transforms):
            raise DTypeError(f"Compose: transforms must be a sequence of callables, got {transforms!r}")
        self.transforms = list(transforms)

    def __call__(self, images: Samples, rng: np.random.Generator) -> Samples:  # type: ignore[override]
        """Return what the last transform returns; a copy if there is none.

        A tuple of several inputs goes to each as it is.
        """
        if not isinstance(images, tuple):
            images = self._check(images, rng)
        if not self.transforms:
            return _samples.each(images, np.copy)
        for transform in self.transforms:
            images = transform(images, rng)
        return images

    def on_batch(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return what the last transform makes of the batch."""
        if not self.transforms:
            return replace(batch, images=_samples.each(batch.images, np.copy))
        for transform in self.transforms:
            batch = applied(transform, batch, rng)
        return batch


class PerInput(Transform):
    """A transform of its own for each of several inputs: ``PerInput([RandomCrop(28, 2), None])``.

    Takes the place of one transform where a data set has several inputs, as `augment` and as `preprocess`.
    Statistics are those of one input: ``PerInput([Standardize().fit(train.images[0]), None])``.

    Parameters
    ----------
    transforms : sequence of callables ``t(images, rng) -> images``, or None
        None leaves an input as it is. As `preprocess` they are called as ``t(images)``.
    """

    def __init__(self, transforms: Sequence[Callable | None]) -> None:
        if not isinstance(transforms, Sequence) or not all(t is None or callable(t) for t in transforms):
            raise DTypeError(
                f"PerInput: transforms must be a sequence of callables and None, got {transforms!r}"
            )
        self.transforms = list(transforms)

    def __call__(self, images: Samples, rng: Any = None) -> Samples:  # type: ignore[override]
        """Return what the transforms make of the inputs, which draw from `rng` one after the other.

        Raises
        ------
        ShapeError
            If there are not as many inputs as transforms, or one makes something else than its input's rows.
        """
        given = _samples.check(images, "PerInput: images")
        inputs = _samples.arrays(given)
        if len(inputs) != len(self.transforms):
            s = "s" if len(inputs) > 1 else ""
            raise ShapeError(f"PerInput: {len(self.transforms)} transforms, but {len(inputs)} input{s}")
        drawn = () if rng is None else (rng,)
        made = [
            each if transform is None else transform(each, *drawn)
            for each, transform in zip(inputs, self.transforms, strict=True)
        ]
        return self._checked(inputs, made)

    def on_batch(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return what the transforms make of the inputs of a batch.

        Raises
        ------
        ArgumentError
            If one of them would change the labels, which belong to all inputs.
        """

        def alone(transform: Callable) -> Callable:
            def call(images: np.ndarray, rng: np.random.Generator) -> Samples:
                made = applied(transform, replace(batch, images=images), rng)
                if made.labels is not batch.labels:
                    raise ArgumentError(
                        f"PerInput: {type(transform).__name__} changes labels, which belong to all inputs"
                    )
                return made.images

            return call

        inner = PerInput([None if each is None else alone(each) for each in self.transforms])
        return replace(batch, images=inner(batch.images, rng))

    @staticmethod
    def _checked(inputs: tuple[np.ndarray, ...], made: list[Any]) -> Samples:
        """Return what became of the inputs, if it has their rows."""
        for i, (before, after) in enumerate(zip(inputs, made, strict=True)):
            if not isinstance(after, np.ndarray) or after.shape[:1] != before.shape[:1]:
                raise ShapeError(
                    f"PerInput: transforms[{i}] must return an array of {len(before)} rows, "
                    f"got {getattr(after, 'shape', type(after).__name__)}"
                )
        return tuple(made) if len(made) > 1 else made[0]
