"""Losses of single elements of the model's output, of any shape, and their gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...nn import elementwise_losses, gaussian_loss
from ...ops._formulas import Formula
from ...ops._reduction import scale_of
from ..graph import Graph, Value
from ..memory import Blob, External
from ..parts import Backward, Forward
from ..tracing import UnsupportedError
from ..writer import Writer
from .loss_batch import RESULTS, Arrays, LossBatch

_MODULES = (elementwise_losses, gaussian_loss)
KINDS = frozenset(getattr(module, name) for module in _MODULES for name in module.__all__)


@dataclass(frozen=True)
class ElementLoss:
    """A loss of single elements, before any reduction.

    Attributes
    ----------
    formula : Formula
        The equation.
    has_weight, has_factor, has_share : bool
        Whether there is a weight of each element, one of the target 1, and one of each sample.
    pair : bool
        Whether the model returns two arrays that the loss takes together.
    """

    formula: Formula
    has_weight: bool = False
    has_factor: bool = False
    has_share: bool = False
    pair: bool = False

    @classmethod
    def of(cls, loss: Any, target: np.ndarray, weighted: bool) -> ElementLoss | None:
        """Return what a program computes for a loss object, None if it is for eager mode to refuse."""
        if target.dtype.kind != "f":
            return None
        pair = isinstance(loss, gaussian_loss.GaussianNLLLoss)
        return cls(loss.formula, loss.weight is not None, loss.pos_weight is not None, weighted, pair)

    def check(self, graph: Graph) -> None:
        """Refuse what the kernel has no form for.

        Raises
        ------
        UnsupportedError
            If the model's output is not what the loss takes.
        """
        outputs, shapes, form = graph.outputs, graph.output_shapes, graph.form
        if self.pair:
            fits = isinstance(form, tuple | list) and list(form) == [0, 1] and shapes[0] == shapes[1]
            fits = fits and outputs[0] is not outputs[1] and outputs[0].sizes == outputs[1].sizes
        else:
            fits = form == 0
        if not fits or any(value in graph.inputs for value in outputs):
            raise UnsupportedError("a loss of elements of something else than an output of layers")

    def arrays(self, graph: Graph) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Return shape and type of what a step is given for each sample, by name; the target first."""
        value = graph.output_shapes[0], graph.dtype
        found = {"target": value}
        found.update({"weight": value} if self.has_weight else {})
        found.update({"factor": value} if self.has_factor else {})
        found.update({"share": ((), np.dtype(np.float64))} if self.has_share else {})
        return found

    def batch(self, loss: Any, target: np.ndarray, sample_weight: Any, graph: Graph) -> LossBatch:
        """Check what a step is given, as eager mode does."""
        shape, dtype = (len(target), *graph.output_shapes[0]), graph.dtype
        given = self.formula.given(shape, dtype, target, **loss.weights(dtype), sample_weight=sample_weight)
        divisor = self.formula.divisor(loss.reduction, shape, given.share)
        others = {"weight": given.weight, "factor": given.factor, "share": given.share}
        arrays: Arrays = {name: array for name, array in others.items() if array is not None}
        return LossBatch(given.target, arrays, divisor, scale_of(loss.reduction, divisor))

    def correct(self, count: float) -> int:
        """Return 0, for nothing is right or wrong; raise if some elements have no loss."""
        self.formula.refuse(count)
        return 0

    def write(self, f: Forward, b: Backward) -> None:
        """Write each image's loss, and the gradient of the sum of all times the operation's factor."""
        w, outputs = f.writer, f.graph.outputs
        w.label = "loss"
        value, k, dk = outputs[0], None, None
        if self.pair:
            k, dk = f.blobs[outputs[1]], b.target(outputs[1])[0]
        elif self.has_factor:
            k = _laid_out(w, value, "factor")
        w.elementwise_loss(
            dx=b.target(value)[0],
            dk=dk,
            x=f.blobs[value],
            target=_laid_out(w, value, "target"),
            k=k,
            weight=_laid_out(w, value, "weight") if self.has_weight else None,
            share=External("share", 1, "FLOAT64") if self.has_share else None,
            results=External("results", RESULTS, "FLOAT64"),
            vectors=w.vectors(value.channels),
            channels=value.channels,
            row=self.formula.number,
            alpha=self.formula.alpha,
            beta=self.formula.beta,
            factor=1.0,
        )


def _laid_out(w: Writer, value: Value, name: str) -> Blob:
    """Return an array of the caller, of the shape of a value, as the value stands."""
    blob = w.blob(*value.sizes)
    w.from_nchw(x=blob, images=External(name, value.size), channels=value.channels)
    return blob
