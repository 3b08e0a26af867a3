"""Losses of classes as objects: called with (logits, target), and backward has the gradient."""

from __future__ import annotations

import numpy as np

from .. import ops
from ..errors import ArgumentError
from ..ops._check import is_number
from ..ops._classes import check_margin
from ..ops._reduction import Loss, mean_divisor, share_of
from .loss import LossModule, weights_of

__all__ = ["CrossEntropyLoss", "MultiMarginLoss", "NLLLoss"]

Weights = np.ndarray | None


class _Classes(LossModule):
    """Base of losses of classes, which may have weights."""

    of_classes = True
    weight: Weights
    ignore_index: int

    def _weight(self, input: np.ndarray) -> Weights:
        """Return the weights of classes in the input's type."""
        if not isinstance(input, np.ndarray):
            return None  # which the function refuses
        return weights_of(self.weight, input.dtype, "weight", type(self).__name__)

    def divisor(self, target: np.ndarray, sample_weight: Weights = None) -> float:
        """Return the weight of all targets that count; of probabilities, that of their samples."""
        if target.dtype.kind not in "iu":
            return share_of(sample_weight, len(target)) * (target[0, 0].size if len(target) else 1)
        return mean_divisor(target, self.weight, self.ignore_index, sample_weight)


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
        weight: Weights = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        if not is_number(label_smoothing, 1):
            raise ArgumentError(
                f"CrossEntropyLoss: label_smoothing must lie in [0, 1], got {label_smoothing!r}"
            )
        self.weight = weight
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def compute(
        self, input: np.ndarray, target: np.ndarray, sample_weight: Weights = None
    ) -> tuple[Loss, np.ndarray]:
        """Return (loss, dlogits)."""
        return ops.cross_entropy(
            input,
            target,
            self._weight(input),
            self.ignore_index,
            self.reduction,
            self.label_smoothing,
            sample_weight=sample_weight,
        )


class NLLLoss(_Classes):
    """Negative log-likelihood of log-probabilities; see `fastcnn.ops.nll_loss`.

    Parameters
    ----------
    weight, ignore_index, reduction
        As in CrossEntropyLoss.
    """

    def __init__(self, weight: Weights = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = weight
        self.ignore_index = ignore_index

    def compute(
        self, input: np.ndarray, target: np.ndarray, sample_weight: Weights = None
    ) -> tuple[Loss, np.ndarray]:
        """Return (loss, dlog_probs)."""
        weight, ignored = self._weight(input), self.ignore_index
        return ops.nll_loss(input, target, weight, ignored, self.reduction, sample_weight=sample_weight)


class MultiMarginLoss(_Classes):
    """How far other classes come within a margin of the target's; see `fastcnn.ops.multi_margin_loss`.

    Parameters
    ----------
    p : {1, 2}
        Power.
    margin : float
        Distance that is wanted.
    weight : array (C,), optional
        Weight of each class.
    reduction : {"mean", "sum", "none"}
        How the rows' losses are combined.
    """

    def __init__(
        self, p: int = 1, margin: float = 1.0, weight: Weights = None, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.p, self.margin = check_margin(p, margin)
        self.weight = weight

    def divisor(self, target: np.ndarray, sample_weight: Weights = None) -> float:
        """Return the weight of all samples: that of classes does not count."""
        return share_of(sample_weight, len(target))

    def compute(
        self, input: np.ndarray, target: np.ndarray, sample_weight: Weights = None
    ) -> tuple[Loss, np.ndarray]:
        """Return (loss, dinput)."""
        return ops.multi_margin_loss(
            input,
            target,
            self.p,
            self.margin,
            self._weight(input),
            self.reduction,
            sample_weight=sample_weight,
        )
