"""Losses of single elements as objects: called with (outputs, target), and backward has the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import _formulas
from ..ops._formulas import Formula
from ..ops._reduction import Loss
from .loss import LossModule, weights_of

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
]

Weights = np.ndarray | None


class ElementwiseLoss(LossModule):
    """Base of losses of single elements: `formula` says which, with the arguments that there are now."""

    weight: Weights = None
    pos_weight: Weights = None

    def __init__(self, reduction: str, **arguments: Any) -> None:
        super().__init__(reduction)
        for name, value in arguments.items():
            setattr(self, name, value)
        _ = self.formula  # checks them

    @property
    def formula(self) -> Formula:
        """The equation, see ops/_formulas.py."""
        raise NotImplementedError

    def weights(self, dtype: np.dtype) -> dict[str, Weights]:
        """Return the weights of elements and of the target 1 in the input's type, by the formula's names."""
        name = type(self).__name__
        return {
            "weight": weights_of(self.weight, dtype, "weight", name),
            "factor": weights_of(self.pos_weight, dtype, "pos_weight", name),
        }

    def compute(
        self, input: Any, target: np.ndarray, sample_weight: Weights = None
    ) -> tuple[Loss, np.ndarray]:
        """Return (loss, dinput)."""
        kept = self.weights(input.dtype) if isinstance(input, np.ndarray) else {}
        options: Any = {**kept, "sample_weight": sample_weight}
        return self.formula.compute(input, target, self.reduction, **options)[:2]


class _Plain(ElementwiseLoss):
    """Base of losses without arguments."""

    _formula: Formula

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__(reduction)

    @property
    def formula(self) -> Formula:
        """The equation."""
        return self._formula


class MSELoss(_Plain):
    """Mean squared error; see `fastcnn.ops.mse_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    """

    threshold = 0.5
    _formula = _formulas.MSE


class L1Loss(_Plain):
    """Mean absolute error; see `fastcnn.ops.l1_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    """

    threshold = 0.5
    _formula = _formulas.L1


class SoftMarginLoss(_Plain):
    """``log(1 + exp(-target input))``; see `fastcnn.ops.soft_margin_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    """

    _formula = _formulas.SOFT_MARGIN


class SmoothL1Loss(ElementwiseLoss):
    """Squared error of small differences, absolute error of others; see `fastcnn.ops.smooth_l1_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    beta : float
        The difference from which on it is the absolute error, at least 0.
    """

    threshold = 0.5
    beta: float

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction, beta=beta)

    @property
    def formula(self) -> Formula:
        """The equation."""
        return _formulas.smooth_l1(self.beta)


class HuberLoss(ElementwiseLoss):
    """Squared error of small differences, a line for others; see `fastcnn.ops.huber_loss`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    delta : float
        The difference from which on it is a line, above 0.
    """

    threshold = 0.5
    delta: float

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction, delta=delta)

    @property
    def formula(self) -> Formula:
        """The equation."""
        return _formulas.huber(self.delta)


class BCELoss(ElementwiseLoss):
    """Cross-entropy of probabilities of yes and no; see `fastcnn.ops.binary_cross_entropy`.

    Parameters
    ----------
    weight : array that is broadcastable to the input, optional
        Weight of each element.
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    """

    threshold = 0.5

    def __init__(self, weight: Weights = None, reduction: str = "mean") -> None:
        super().__init__(reduction, weight=weight)

    @property
    def formula(self) -> Formula:
        """The equation."""
        return _formulas.BCE


class BCEWithLogitsLoss(ElementwiseLoss):
    """Cross-entropy of yes and no, from logits; see `fastcnn.ops.binary_cross_entropy_with_logits`.

    Parameters
    ----------
    weight : array that is broadcastable to the input, optional
        Weight of each element.
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    pos_weight : array that is broadcastable to the input, optional
        Weight of a target of 1, such as one for each label.
    """

    def __init__(self, weight: Weights = None, reduction: str = "mean", pos_weight: Weights = None) -> None:
        super().__init__(reduction, weight=weight, pos_weight=pos_weight)

    @property
    def formula(self) -> Formula:
        """The equation."""
        return _formulas.BCE_WITH_LOGITS


class KLDivLoss(ElementwiseLoss):
    """Kullback-Leibler divergence of log-probabilities; see `fastcnn.ops.kl_div`.

    Parameters
    ----------
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides by the number of samples, "mean" by that of elements.
    log_target : bool
        Whether targets are logarithms too.
    """

    _reductions = _formulas.kl_div(False).reductions
    log_target: bool

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction, log_target=log_target)

    @property
    def formula(self) -> Formula:
        """The equation."""
        return _formulas.kl_div(self.log_target)


class PoissonNLLLoss(ElementwiseLoss):
    """Negative log-likelihood of counts; see `fastcnn.ops.poisson_nll_loss`.

    Parameters
    ----------
    log_input : bool
        Whether the input is the logarithm of what is expected.
    full : bool
        Whether Stirling's approximation of log(target!) is added.
    eps : float
        Keeps log(0) away.
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    """

    log_input: bool
    full: bool
    eps: float

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction, log_input=log_input, full=full, eps=eps)

    @property
    def formula(self) -> Formula:
        """The equation."""
        return _formulas.poisson_nll(self.log_input, self.full, self.eps)


class HingeEmbeddingLoss(ElementwiseLoss):
    """The input where the target is 1, margin - input where it is -1; see `fastcnn.ops.hinge_embedding_loss`.

    Parameters
    ----------
    margin : float
        Distance that is wanted of what has the target -1.
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    """

    margin: float

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction, margin=margin)

    @property
    def formula(self) -> Formula:
        """The equation."""
        return _formulas.hinge_embedding(self.margin)
