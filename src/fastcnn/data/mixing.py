"""Images mixed with others of their batch, and their labels with them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from .._kernels import augment
from .._shapes import allocate, integer
from ..errors import ArgumentError, DTypeError, ShapeError
from ._arguments import real
from .batch import Batch
from .joined import Transform
from .labels import check_integers
from .targets import CLASSIFICATION, REGRESSION, SEGMENTATION

# Rows and columns of a rectangle: top, bottom, left, right.
Box = tuple[int, int, int, int]


class _Mixing(Transform):
    """A transform that mixes each image with the one before it, for the whole batch by one share."""

    def __init__(self, alpha: float = 1.0, p: float = 1.0, num_classes: int | None = None) -> None:
        name = type(self).__name__
        self.alpha = real(alpha, f"{name}: alpha", 1e-6, 1e6)
        self.p = real(p, f"{name}: p", 0, 1)
        self.num_classes = None if num_classes is None else integer(num_classes, f"{name}: num_classes", 1)

    def __call__(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Raise ArgumentError: labels are mixed with the images."""
        name = type(self).__name__
        raise ArgumentError(
            f"{name}: mixes labels, too: give it to fit or Loader as augment, or call mix(images, labels, "
            "rng)"
        )

    def mix(
        self, images: np.ndarray, labels: object, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the mixed images and their targets.

        Parameters
        ----------
        images : uint8 or float32 (N, C, H, W)
        labels : array_like of int (N,), or float32 (N, K)
            Classes, or probabilities, as those that another mixing has returned.
        rng : numpy.random.Generator

        Returns
        -------
        images : ndarray (N, C, H, W)
        targets : float32 (N, num_classes)
            The probability of each class, as `fastcnn.nn.CrossEntropyLoss` takes them.

        Raises
        ------
        ArgumentError, DTypeError, ShapeError
            If images and labels do not fit each other, or `num_classes` is needed and not given.
        """
        name = type(self).__name__
        images = self._check(images, rng)
        if self.num_classes is None and np.ndim(labels) != 2:  # type: ignore[arg-type]
            raise ArgumentError(f"{name}: mix needs num_classes, as in {name}(num_classes=10)")
        return self._mixed(images, self._targets(labels, len(images), self.num_classes or 0), rng)

    def on_batch(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return the mixed batch: classes become probabilities, float32 (N, K); weights are mixed too.

        Raises
        ------
        ArgumentError
            If the targets cannot be mixed like that.
        """
        images = self._check(batch.images, rng)
        targets, maps = batch.labels, batch.has_maps
        if batch.task == CLASSIFICATION:
            classes = self.num_classes or batch.num_classes
            if not classes and targets.ndim == 1:
                name = type(self).__name__
                raise ArgumentError(
                    f"{name}: the data set does not say how many classes there are: give num_classes, as in "
                    f"{name}(num_classes=10)"
                )
            targets = self._targets(targets, len(images), classes)
        elif refusal := self._refusal(batch):
            raise ArgumentError(f"{type(self).__name__}: {refusal}")
        images, share, box = self._images(images, rng)
        weights = batch.weights
        if box is not None and maps:
            targets = _cut(targets, box)
        elif weights is not None and batch.task == CLASSIFICATION:
            targets = _weighted(targets, share, weights)
        else:
            targets = _between(targets, share)
        return replace(
            batch,
            images=images,
            labels=targets,
            weights=None if weights is None else _between(weights, share),
        )

    def _refusal(self, batch: Batch) -> str:
        """Return why targets that are no classes cannot be mixed; empty if they can be."""
        raise NotImplementedError

    def _targets(self, labels: object, count: int, classes: int) -> np.ndarray:
        """Return labels as probabilities."""
        name = type(self).__name__
        if isinstance(labels, np.ndarray) and labels.ndim == 2 and labels.dtype.kind == "f":
            if len(labels) != count:
                raise ShapeError(f"{name}: {count} images but {len(labels)} labels")
            return labels.astype(np.float32, copy=False)
        if isinstance(labels, np.ndarray) and labels.dtype.kind == "f":
            raise DTypeError(f"{name}: labels must be classes, or probabilities (N, K), got {labels.dtype}")
        indices = check_integers(labels, f"{name}: labels")
        if len(indices) != count:
            raise ShapeError(f"{name}: {count} images but {len(indices)} labels")
        outside = (indices < 0) | (indices >= classes)
        if outside.any():
            raise ArgumentError(
                f"{name}: label {indices[outside][0]} is out of range for num_classes={classes}"
            )
        targets = np.zeros((count, classes), np.float32)
        targets[np.arange(count), indices] = 1
        return targets

    def _mixed(
        self, images: np.ndarray, targets: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        images, share, _ = self._images(images, rng)
        return images, _between(targets, share)

    def _images(self, images: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float, Box | None]:
        """Return the mixed images, the share that each kept, and which rectangle it did not."""
        # Both are drawn in any case, so that what follows does not depend on the first.
        chosen, share = rng.random() < self.p, float(rng.beta(self.alpha, self.alpha))
        if not chosen or not len(images):
            return images.copy(order="C"), 1.0, None
        return self._pictures(images, share, rng)

    def _pictures(
        self, images: np.ndarray, share: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, float, Box | None]:
        """Return what `_images` does, of a batch that is mixed."""
        raise NotImplementedError


def _between(rows: np.ndarray, share: float) -> np.ndarray:
    """Return ``share rows + (1 - share) rows_before``."""
    if share == 1:
        return rows.copy()
    return rows + np.float32(1 - share) * (np.roll(rows, 1, axis=0) - rows)


def _weighted(targets: np.ndarray, share: float, weights: np.ndarray) -> np.ndarray:
    """Return the mixed probabilities of samples of some weights.

    The cross-entropy times the mixed weight is then the sum of both samples' shares of theirs: one that
    counts for nothing leaves no trace in the targets.
    """
    own = share * weights
    before = (1 - share) * np.roll(weights, 1)
    total = own + before
    part = np.divide(before, total, out=np.zeros(len(total)), where=total > 0).astype(targets.dtype)[:, None]
    return targets + part * (np.roll(targets, 1, axis=0) - targets)


def _cut(maps: np.ndarray, box: Box) -> np.ndarray:
    """Return maps (..., H, W) with a rectangle of each from the one before it."""
    top, bottom, left, right = box
    result = maps.copy(order="C")
    result[..., top:bottom, left:right] = np.roll(maps[..., top:bottom, left:right], 1, axis=0)
    return result


class MixUp(_Mixing):
    """Mix each image, and its label, with the one before it in the batch.

    ``x' = l x + (1 - l) x_before`` and ``y' = l y + (1 - l) y_before`` with one l from Beta(alpha, alpha) for
    the batch, as in torchvision's ``v2.MixUp``. Labels become probabilities (N, K), float32, which
    `fastcnn.nn.CrossEntropyLoss` takes; real targets and several labels are mixed as they are. Bytes are
    rounded to nearest.

    Parameters
    ----------
    alpha : float
        Above 0; small values leave most batches nearly as they are.
    p : float
        Probability that a batch is mixed. The labels of one that is not become probabilities all the same.
    num_classes : int, optional
        K. Default: that of the data set.

    References
    ----------
    Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", 2018.
    """

    def _pictures(
        self, images: np.ndarray, share: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, float, Box | None]:
        images = np.ascontiguousarray(images)
        result = allocate(images.shape, images.dtype, "MixUp: the result")
        kernel = augment.mix_u8 if images.dtype == np.uint8 else augment.mix
        before = np.roll(images, 1, axis=0)
        y, a, b = (each.reshape(len(images), -1) for each in (result, images, before))
        kernel(y, a, b, share)
        return result, share, None

    def _refusal(self, batch: Batch) -> str:
        return "classes of pixels cannot be mixed: take CutMix" if batch.task == SEGMENTATION else ""


class CutMix(_Mixing):
    """Overwrite a rectangle of each image with that of the one before it, and mix the labels by its area.

    The rectangle, one for the batch, has ``sqrt(1 - l)`` of each side with l from Beta(alpha, alpha), its
    middle is drawn uniformly, and what lies beyond the border is left out, as in torchvision's ``v2.CutMix``.
    Labels become probabilities (N, K), float32, which `fastcnn.nn.CrossEntropyLoss` takes; masks, and targets
    that are images, are cut as the images are.

    Parameters
    ----------
    alpha, p, num_classes
        As in `MixUp`.

    References
    ----------
    Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable Features", 2019.
    """

    def _pictures(
        self, images: np.ndarray, share: float, rng: np.random.Generator
    ) -> tuple[np.ndarray, float, Box | None]:
        height, width = images.shape[2:]
        middle = [int(rng.integers(size)) for size in (height, width)]
        half = [int(math.sqrt(1 - share) * size / 2) for size in (height, width)]
        top, left = (max(at - reach, 0) for at, reach in zip(middle, half, strict=True))
        box = top, min(middle[0] + half[0], height), left, min(middle[1] + half[1], width)
        area = (box[1] - top) * (box[3] - left)
        return _cut(images, box), 1 - area / (height * width), box

    def _refusal(self, batch: Batch) -> str:
        if batch.task == REGRESSION and not batch.has_maps:
            return "a rectangle of an image says nothing of its real target: take MixUp"
        if batch.task == SEGMENTATION and not batch.has_maps:
            return f"masks are {batch.labels.shape[1:]}, which is not the size of the images"
        return ""
