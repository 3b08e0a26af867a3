"""Mistakes that raise no error and cost accuracy: they are looked for once, before training starts."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from .._samples import Samples
from ..nn.losses import CrossEntropyLoss, NLLLoss
from ..nn.normalization import BatchNorm
from .checks import to_unit_range
from .state import Training

logger = logging.getLogger(__name__)

# No pixel of standardised images is so far from 0.
_LARGE = 32.0
# How far a sum of probabilities may be from 1.
_ROUNDING = 1e-3


def give_hints(trainer: Training, x: Samples, outputs: np.ndarray) -> None:
    """Log a warning, once for each Trainer, for each mistake that an image and the outputs for it show.

    Parameters
    ----------
    trainer : Trainer
    x : array (1, C, H, W), or tuple of arrays for several inputs
        An image as the model takes it.
    outputs : array (1, K)
        The logits of the model in evaluation mode.
    """
    for hint in (_about_images(trainer, x), _about_outputs(trainer.loss, outputs)):
        if hint and hint not in trainer.hints:
            trainer.hints.append(hint)
            logger.warning("%s", hint)


def _about_images(trainer: Training, x: Samples) -> str:
    layers = (module for module in trainer.model.modules() if module._parameters or module._buffers)
    if trainer.preprocess is not to_unit_range or isinstance(next(layers, None), BatchNorm):
        return ""  # whoever prepares images knows what they do, and batch norm scales them
    images = [each for each in x if each.ndim == 4] if isinstance(x, tuple) else [x]
    if not any(each.size and np.abs(each).max() > _LARGE for each in images):
        return ""
    return (
        "images reach the model unscaled, with values beyond 32, from which it learns badly: scale them to "
        "0..1 or to a standard deviation of 1, e.g. with preprocess=lambda images: images / 255, or keep "
        "them as uint8, which is divided by 255 by default"
    )


def _about_outputs(loss: Any, outputs: np.ndarray) -> str:
    rows = outputs.astype(np.float64)
    if rows.ndim < 2 or rows.shape[1] < 2 or not np.isfinite(rows).all():
        return ""
    probabilities = bool(rows.min() >= 0 and np.abs(rows.sum(1) - 1).max() < _ROUNDING)
    if isinstance(loss, CrossEntropyLoss) and probabilities:
        return (
            "the model returns probabilities, and CrossEntropyLoss takes their softmax once more, which "
            "slows learning down: leave out the Softmax at the end"
        )
    if isinstance(loss, NLLLoss):
        if probabilities:
            return (
                "the model returns probabilities, and NLLLoss takes log-probabilities: put LogSoftmax in the "
                "place of Softmax at the end, or leave it out and take CrossEntropyLoss"
            )
        if abs(np.logaddexp.reduce(rows, axis=1)).max() > _ROUNDING:
            return (
                "NLLLoss takes log-probabilities, and the model's outputs are none: put LogSoftmax at the "
                "end, or take CrossEntropyLoss"
            )
    return ""
