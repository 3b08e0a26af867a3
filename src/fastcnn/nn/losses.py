"""Losses as objects: called with (logits, target) they return a number, and backward its gradient."""

from __future__ import annotations

import numpy as np

from .. import ops
from ..errors import ArgumentError, DTypeError
from ..ops.losses import REDUCTIONS, Loss
from .module import Module

__all__ = ["CrossEntropyLoss", "MSELoss", "NLLLoss"]


class _Loss(Module):
    """A loss keeps the gradient that its op computed along with the value."""

    def __init__(self, reduction: str) -> None:
        super().__init__()
        if reduction not in REDUCTIONS:
            raise ArgumentError(
                f"{type(self).__name__}: reduction must be one of {', '.join(REDUCTIONS)}, got {reduction!r}"
            )
        self.reduction = reduction

    def __call__(self, input: np.ndarray, target: np.ndarray) -> Loss:
        """Return the loss."""
        return self.forward(input, target)

    def compute(self, input: np.ndarray, target: np.ndarray) -> tuple[Loss, np.ndarray]:
        """Return (loss, gradient with respect to the input)."""
        raise NotImplementedError

    def divisor(self, target: np.ndarray) -> float:
        """Return what a mean over the targets divides their sum by, or a multiple that all batches share."""
        return float(len(target))

    def forward(self, input: np.ndarray, target: np.ndarray) -> Loss:
        """Return the loss and keep its gradient."""
        if isinstance(input, tuple | list | dict):
            name, kind = type(self).__name__, type(input).__name__
            raise DTypeError(
                f"{name}: input must be one array, got a {kind} of {len(input)}: for several outputs write a "
                f"loss that takes the {kind}, and whose backward() returns a {kind} of gradients"
            )
        loss, self.saved = self.compute(input, target)
        return loss

    def backward(self, dloss: float | np.ndarray = 1.0) -> np.ndarray:
        """Return the gradient with respect to the first argument, times dloss.

        With reduction "none" dloss may be an array of the losses' shape.
        """
        grad = self.saved
        if isinstance(dloss, np.ndarray) and dloss.ndim:
            axis = 0 if grad.ndim == 1 else 1
            dloss = dloss if dloss.shape == grad.shape else np.expand_dims(dloss, axis)
            return np.asarray(grad * dloss, grad.dtype)
        return grad if dloss == 1 else np.asarray(grad * grad.dtype.type(dloss))


class _Classes(_Loss):
    """Base of losses of classes, which may have weights or be ignored."""

    weight: np.ndarray | None
    ignore_index: int

    def divisor(self, target: np.ndarray) -> float:
        """Return the weight of all targets that count; of probabilities, how many there are."""
        if target.dtype.kind not in "iu":
            return target.size / target.shape[1]
        counted = target[target != self.ignore_index]
        return float(counted.size if self.weight is None else np.asarray(self.weight)[counted].sum())


class CrossEntropyLoss(_Classes):
    """Cross-entropy of softmax(logits); see `fastcnn.ops.cross_entropy`.

    Parameters
    ----------
    weight : array (C,), optional
        Weight of each class.
    ignore_index : int
        Target that counts for nothing.
    reduction : {"mean", "sum", "none"}
        How the rows' losses are combined.
    label_smoothing : float in [0, 1]
        Share of the uniform distribution in the target.
    """

    def __init__(
        self,
        weight: np.ndarray | None = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        if isinstance(label_smoothing, bool) or not 0 <= label_smoothing <= 1:
            raise ArgumentError(
                f"CrossEntropyLoss: label_smoothing must lie in [0, 1], got {label_smoothing!r}"
            )
        self.weight = weight
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def compute(self, input: np.ndarray, target: np.ndarray) -> tuple[Loss, np.ndarray]:
        """Return (loss, dlogits)."""
        weight = None if self.weight is None else np.asarray(self.weight, input.dtype)
        return ops.cross_entropy(
            input, target, weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(_Classes):
    """Negative log-likelihood of log-probabilities; see `fastcnn.ops.nll_loss`.

    Parameters
    ----------
    weight, ignore_index, reduction
        As in CrossEntropyLoss.
    """

    def __init__(
        self, weight: np.ndarray | None = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.weight = weight
        self.ignore_index = ignore_index

    def compute(self, input: np.ndarray, target: np.ndarray) -> tuple[Loss, np.ndarray]:
        """Return (loss, dlog_probs)."""
        weight = None if self.weight is None else np.asarray(self.weight, input.dtype)
        return ops.nll_loss(input, target, weight, self.ignore_index, self.reduction)


class MSELoss(_Loss):
    """Mean squared error; see `fastcnn.ops.mse_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction)

    def compute(self, input: np.ndarray, target: np.ndarray) -> tuple[Loss, np.ndarray]:
        """Return (loss, dinput)."""
        return ops.mse_loss(input, target, self.reduction)
