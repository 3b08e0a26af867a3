"""Losses of classes of the model's output, and their gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...nn import CrossEntropyLoss, MultiMarginLoss, NLLLoss
from ...ops._classes import check_classes, check_probabilities
from ...ops._reduction import mean_divisor, scale_of, share_of, shares
from ..graph import Graph
from ..memory import Blob, External, table
from ..parts import Backward, Forward
from ..tracing import UnsupportedError
from .element_loss import KINDS, ElementLoss
from .loss_batch import RESULTS, Arrays, LossBatch
from .softmax import features

_NAMES = {CrossEntropyLoss: "cross_entropy", NLLLoss: "nll_loss", MultiMarginLoss: "multi_margin_loss"}


@dataclass(frozen=True)
class Loss:
    """A loss of classes as in `fastcnn.ops`, before any reduction.

    Attributes
    ----------
    weight : tuple of float, optional
        Of each class.
    name : str
        The function, and the operation of programs.
    soft : bool
        Whether targets are probabilities.
    has_share : bool
        Whether samples have weights.
    """

    weight: tuple[float, ...] | None = None
    ignore_index: int | None = -100
    label_smoothing: float = 0.0
    name: str = "cross_entropy"
    soft: bool = False
    has_share: bool = False
    power: int = 1
    margin: float = 1.0

    @staticmethod
    def of(loss: Any, target: np.ndarray, weighted: bool) -> Loss | None:
        """Return what a program computes for a loss object, None if it is for eager mode to refuse."""
        name, soft, values = _NAMES[type(loss)], target.dtype.kind == "f", None
        if target.dtype.kind not in "iuf" or (soft and (name != "cross_entropy" or target.ndim < 2)):
            return None
        if (weight := loss.weight) is not None:
            if not isinstance(weight, np.ndarray) or weight.ndim != 1 or weight.dtype.kind != "f":
                return None
            values = tuple(weight.tolist())
        if name == "multi_margin_loss":
            return _made(values, None, 0.0, name, False, weighted, loss.p, float(loss.margin))
        if not isinstance(loss.ignore_index, int):
            return None
        smoothing = float(getattr(loss, "label_smoothing", 0.0))
        return _made(values, loss.ignore_index, smoothing, name, soft, weighted)

    def check(self, graph: Graph) -> None:
        """Refuse what the kernel has no form for.

        Raises
        ------
        UnsupportedError
            If the model's output is neither a row of logits nor one for each pixel, or has another number of
            classes than the weights.
        """
        value, shape = graph.outputs[0], graph.output_shapes[0]
        fits = graph.form == 0 and (len(shape) == 1 or value.sizes == (shape[0], *_rows_columns(shape)))
        if self.name == "multi_margin_loss":
            fits = fits and len(shape) == 1
        if not fits or (self.weight and len(self.weight) != shape[0]):
            raise UnsupportedError("a loss of something else than rows of logits")

    def arrays(self, graph: Graph) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Return shape and type of what a step is given for each sample, by name; the target first."""
        shape, labels = graph.output_shapes[0], np.dtype(np.int64)
        found = {"target": (shape, graph.dtype) if self.soft else (shape[1:], labels)}
        found.update({"labels": ((), labels)} if self.soft and len(shape) == 1 else {})
        found.update({"share": ((), np.dtype(np.float64))} if self.has_share else {})
        return found

    def batch(self, loss: Any, target: np.ndarray, sample_weight: Any, graph: Graph) -> LossBatch | None:
        """Check what a step is given, as eager mode does; None if it is for that to refuse."""
        shape = graph.output_shapes[0]
        if target.shape[1:] != (shape if self.soft else shape[1:]):
            return None
        share = None if sample_weight is None else shares(sample_weight, len(target), self.name)
        others: Arrays = {} if share is None else {"share": share}
        if not self.soft:
            classes, divisor = check_targets(target, shape[0], self, loss.reduction, share)
            return LossBatch(classes, others, divisor, scale_of(loss.reduction, divisor))
        check_probabilities(target, graph.dtype, loss.ignore_index, self.name)
        if len(shape) == 1:
            others["labels"] = _most_likely(target)
        rows = share_of(share, len(target)) * math.prod(shape[1:])
        divisor = rows if loss.reduction == "mean" else 1.0
        soft = np.require(target, graph.dtype, ("C", "A"))
        return LossBatch(soft, others, divisor, scale_of(loss.reduction, divisor))

    def correct(self, count: float) -> int:
        """Return how many rows were predicted right."""
        return int(count)

    def write(self, f: Forward, b: Backward) -> None:
        """Write each image's loss, and the gradient of the sum of all times the operation's factor."""
        w, value = f.writer, f.graph.outputs[0]
        logits, (dlogits, _) = f.blobs[value], b.target(value)
        by_pixel = len(f.graph.output_shapes[0]) > 1
        w.label = "loss"
        options: dict[str, Any] = {}
        if self.soft:
            soft = w.blob(*value.sizes)
            w.from_nchw(x=soft, images=External("target", value.size), channels=value.channels)
            options.update(soft=soft, **_places("soft", soft, by_pixel))
        if not self.soft or not by_pixel:
            rows = value.pixels if by_pixel else 1
            options["target"] = External("labels" if self.soft else "target", rows, "INT64")
        if self.name == "multi_margin_loss":
            options.update(power=self.power, margin=self.margin)
        else:
            options["ignore_index"] = self.ignore_index
        if self.name == "cross_entropy":
            options["label_smoothing"] = self.label_smoothing
        getattr(w, self.name)(
            dlogits=dlogits,
            logits=logits,
            weight=None if self.weight is None else np.array(self.weight, w.element.value),
            share=External("share", 1, "FLOAT64") if self.has_share else None,
            results=External("results", RESULTS, "FLOAT64"),
            by_pixel=by_pixel,
            factor=1.0,
            **_places("dlogits", dlogits, by_pixel),
            **_places("logits", logits, by_pixel),
            **options,
        )


# Each step asks for one: to make it, and to find its program by what is equal to it, takes microseconds.
_made = lru_cache(maxsize=256, typed=True)(Loss)
LossSpec = Loss | ElementLoss


def as_loss(loss: Any, target: np.ndarray, weighted: bool = False) -> LossSpec | None:
    """Return what a program computes for a loss object of fastcnn.nn, or None if that is something else.

    `weighted` says whether samples have weights.
    """
    kind = type(loss)
    if kind not in _NAMES and kind not in KINDS:
        return None
    if loss.reduction == "none" or not isinstance(target, np.ndarray) or not target.ndim:
        return None
    found: LossSpec | None
    found = Loss.of(loss, target, weighted) if kind in _NAMES else ElementLoss.of(loss, target, weighted)
    return found


def check_targets(
    target: np.ndarray,
    num_classes: int,
    loss: Loss,
    reduction: str,
    share: np.ndarray | None = None,
) -> tuple[np.ndarray, float]:
    """Return (classes as int64, what the sum of the losses is divided by).

    Raises
    ------
    ArgumentError
        If a class is out of range.
    """
    classes = target
    if target.dtype != np.int64 or not target.flags.carray:
        classes = np.require(target, np.int64, ("C", "A"))
    low, high, ignored = classes.min(), classes.max(), loss.ignore_index
    if low < 0 or high >= num_classes or (ignored is not None and low <= ignored <= high):
        check_classes(classes, num_classes, ignored, loss.name)
    elif loss.weight is None and share is None:
        return classes, float(classes.size) if reduction == "mean" else 1.0
    if reduction == "sum":
        return classes, 1.0
    if loss.name == "multi_margin_loss":
        return classes, share_of(share, len(classes))
    return classes, mean_divisor(classes, loss.weight, ignored, share)


def _rows_columns(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return height and width of an output (C, H, W), or (C, L), which is one row."""
    return (1, shape[1]) if len(shape) == 2 else (shape[1], shape[2])


def _places(name: str, blob: Blob, by_pixel: bool) -> dict[str, np.ndarray]:
    """Return the tables of rows, and of classes in a row: all elements in one, or a pixel in each."""
    if by_pixel:
        return {f"{name}_rows": blob.pixels(), f"{name}_at": table(blob.channel(np.arange(blob.channels)))}
    return {f"{name}_rows": np.zeros(1, np.int32), f"{name}_at": features(blob)}


def _most_likely(target: np.ndarray) -> np.ndarray:
    """Return the class of each row of probabilities; -1, which none is, if they are none."""
    if np.allclose(target.sum(1), 1, atol=1e-3):
        return np.asarray(target.argmax(1), np.int64)
    return np.full(len(target), -1, np.int64)
