"""Cross-entropy of the model's output, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ArgumentError
from ...nn import CrossEntropyLoss
from ..graph import Graph
from ..memory import External
from ..parts import Backward, Forward
from ..tracing import UnsupportedError
from .softmax import features

RESULTS = 2  # numbers that an image's loss comes with: the loss, and whether the image was predicted right


@dataclass(frozen=True)
class Loss:
    """Cross-entropy as in `fastcnn.ops.cross_entropy`, before any reduction.

    Attributes
    ----------
    weight : tuple of float, optional
        Of each class.
    """

    weight: tuple[float, ...] | None = None
    ignore_index: int = -100
    label_smoothing: float = 0.0


def as_loss(loss: Any, target: np.ndarray) -> Loss | None:
    """Return what a program computes for a loss object of fastcnn.nn, or None if that is something else."""
    if type(loss) is not CrossEntropyLoss or loss.reduction not in ("mean", "sum"):
        return None
    if not isinstance(target, np.ndarray) or target.ndim != 1 or target.dtype.kind not in "iu":
        return None
    weight, values = loss.weight, None
    if weight is not None:
        if not isinstance(weight, np.ndarray) or weight.ndim != 1 or weight.dtype.kind != "f":
            return None
        values = tuple(weight.tolist())
    if not isinstance(loss.ignore_index, int):
        return None
    return Loss(values, loss.ignore_index, float(loss.label_smoothing))


def check_targets(
    target: np.ndarray, num_classes: int, loss: Loss, reduction: str
) -> tuple[np.ndarray, float]:
    """Return (classes as int64, what the sum of the losses is divided by).

    Raises
    ------
    ArgumentError
        If a class is out of range.
    """
    classes = np.require(target, np.int64, ("C", "A"))
    low, high = classes.min(), classes.max()
    if loss.weight is None and low >= 0 and high < num_classes and not low <= loss.ignore_index <= high:
        return classes, float(classes.size) if reduction == "mean" else 1.0
    counted = classes[classes != loss.ignore_index]
    if counted.size and (counted.min() < 0 or counted.max() >= num_classes):
        raise ArgumentError(
            f"cross_entropy: target must lie in [0, {num_classes}) (or be ignore_index {loss.ignore_index}), "
            f"got {counted.min()} to {counted.max()}"
        )
    if reduction == "sum":
        return classes, 1.0
    return classes, float(counted.size) if loss.weight is None else float(np.take(loss.weight, counted).sum())


def check(graph: Graph, loss: Loss) -> None:
    """Refuse what the kernel has no form for.

    Raises
    ------
    UnsupportedError
        If the model's output is not a row of logits, or has another number of classes than the weights.
    """
    rows = graph.form == 0 and len(graph.output_shapes[0]) == 1
    if not rows or (loss.weight and len(loss.weight) != graph.outputs[0].size):
        raise UnsupportedError("a loss of something else than rows of logits")


def write(f: Forward, b: Backward, loss: Loss) -> None:
    """Write each image's loss, and the gradient of the sum of all times the operation's factor."""
    w, value = f.writer, f.graph.outputs[0]
    logits, (dlogits, _) = f.blobs[value], b.target(value)
    w.label = "loss"
    w.cross_entropy(
        dlogits=dlogits,
        logits=logits,
        target=External("target", 1, "INT64"),
        weight=None if loss.weight is None else np.array(loss.weight, w.element.value),
        results=External("results", RESULTS, "FLOAT64"),
        dlogits_at=features(dlogits),
        logits_at=features(logits),
        ignore_index=loss.ignore_index,
        factor=1.0,
        label_smoothing=loss.label_smoothing,
    )
