"""Cross-entropy of the model's output, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..memory import Blob, External, table
from ..parts import Backward, Forward

RESULTS = 2  # numbers that an image's loss comes with: the loss, and whether the image was predicted right


@dataclass(frozen=True)
class Loss:
    """Cross-entropy as in `fastcnn.ops.cross_entropy`, before any reduction.

    Attributes
    ----------
    weight : tuple of float, optional
        Of each class.
    """

    weight: tuple[float, ...] | None
    ignore_index: int
    label_smoothing: float


def write(f: Forward, b: Backward, loss: Loss) -> None:
    """Write each image's loss, and the gradient of all losses' sum times the operation's first scalar."""
    w, value = f.writer, f.graph.output
    logits = f.blobs[value]
    dlogits, _ = b.target(value)
    weight = None if loss.weight is None else np.array(loss.weight, w.dtype)
    w.label = "loss"

    def places(blob: Blob) -> np.ndarray:
        return table((blob.channel(np.arange(value.channels))[:, None] + blob.pixels()).ravel())

    w.add(
        "cross_entropy",
        [dlogits, logits, External("target", 8), weight, External("results", 8 * RESULTS)],
        [lambda: places(dlogits), lambda: places(logits)],
        [value.size, loss.ignore_index],
        [1.0, loss.label_smoothing],
    )
