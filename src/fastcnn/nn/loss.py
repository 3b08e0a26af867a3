"""What losses as objects have in common."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from ..ops._reduction import REDUCTIONS, Loss, share_of
from .module import Module


class LossModule(Module):
    """A loss keeps the gradient that its op computed along with the value.

    `sample_weight` is a float array (N,) of numbers >= 0, one for each sample, that its losses are multiplied
    by. "mean" divides by their sum where it divides by the number of samples without them.

    Attributes
    ----------
    of_classes : bool
        Whether targets are classes, of which each sample or pixel has one.
    threshold : float
        Halfway between the outputs for a target of 0 and for one of 1: a logit of 0, or half a probability.
    """

    of_classes = False
    threshold = 0.0
    _reductions: tuple[str, ...] = REDUCTIONS

    def __init__(self, reduction: str) -> None:
        super().__init__()
        if not isinstance(reduction, str) or reduction not in self._reductions:
            allowed = ", ".join(self._reductions)
            raise ArgumentError(
                f"{type(self).__name__}: reduction must be one of {allowed}, got {reduction!r}"
            )
        self.reduction = reduction

    def __call__(self, input: Any, target: np.ndarray, sample_weight: np.ndarray | None = None) -> Loss:
        """Return the loss."""
        # A subclass may know nothing of weights.
        given = () if sample_weight is None else (sample_weight,)
        return self.forward(input, target, *given)

    def compute(
        self, input: Any, target: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> tuple[Loss, Any]:
        """Return (loss, gradient with respect to the input)."""
        raise NotImplementedError

    def divisor(self, target: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        """Return what a mean over the targets divides their sum by, or a multiple that all batches share."""
        return share_of(sample_weight, len(target))

    def _checked(self, input: Any) -> Any:
        """Return the model's output, if it is what the loss takes."""
        if isinstance(input, tuple | list | dict):
            name, kind = type(self).__name__, type(input).__name__
            raise DTypeError(
                f"{name}: input must be one array, got a {kind} of {len(input)}: for several outputs write a "
                f"loss that takes the {kind}, and whose backward() returns a {kind} of gradients"
            )
        return input

    def forward(self, input: Any, target: np.ndarray, sample_weight: np.ndarray | None = None) -> Loss:
        """Return the loss and keep its gradient."""
        given = () if sample_weight is None else (sample_weight,)
        loss, self.saved = self.compute(self._checked(input), target, *given)
        return loss

    def backward(self, dloss: float | np.ndarray = 1.0) -> Any:
        """Return the gradient with respect to the first argument, times dloss.

        With reduction "none" dloss may be an array of the losses' shape.
        """
        return times(self.saved, dloss)


def weights_of(given: Any, dtype: np.dtype, name: str, what: str) -> np.ndarray | None:
    """Return weights, an array or numbers that one can be made of, as an array of a type; None as it is."""
    if given is None:
        return None
    try:
        array = np.asarray(given)
    except ValueError:  # lists of several lengths
        array = np.asarray(None)
    if array.dtype.kind not in "fiub":
        got = array.dtype if isinstance(given, np.ndarray) else type(given).__name__
        raise DTypeError(f"{what}: {name} must be an array of numbers, got {got}")
    return array.astype(dtype, copy=False)


def times(grad: np.ndarray, dloss: float | np.ndarray) -> np.ndarray:
    """Return a gradient of losses times that of what is made of them."""
    if isinstance(dloss, np.ndarray) and dloss.ndim:
        axis = 0 if grad.ndim == 1 else 1
        dloss = dloss if dloss.shape == grad.shape else np.expand_dims(dloss, axis)
        return np.asarray(grad * dloss, grad.dtype).reshape(grad.shape)
    return grad if dloss == 1 else np.asarray(grad * grad.dtype.type(dloss))
