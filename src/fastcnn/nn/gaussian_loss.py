"""The loss of a model that returns expected values and their variances."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DTypeError
from ..ops import _check, _formulas
from ..ops._formulas import Formula
from ..ops._reduction import Loss
from .elementwise_losses import ElementwiseLoss
from .loss import times

__all__ = ["GaussianNLLLoss"]


class GaussianNLLLoss(ElementwiseLoss):
    """Negative log-likelihood of normal distributions; see `fastcnn.ops.gaussian_nll_loss`.

    It is called with ((mean, var), target), as a model returns them; backward returns a pair of gradients.

    Parameters
    ----------
    full : bool
        Whether ``log(2 pi) / 2`` is added.
    eps : float
        The least variance, above 0.
    reduction : {"mean", "sum", "none"}
        Mean or sum over all elements, or none.
    """

    full: bool
    eps: float

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction, full=full, eps=eps)

    @property
    def formula(self) -> Formula:
        """The equation."""
        return _formulas.gaussian_nll(self.full, self.eps)

    def _checked(self, input: Any) -> Any:
        """Return (mean, var)."""
        if not isinstance(input, tuple | list) or len(input) != 2:
            kind = type(input).__name__
            got = f"{kind} of {len(input)}" if isinstance(input, tuple | list | dict) else kind
            raise DTypeError(f"GaussianNLLLoss: input must be a pair of arrays (mean, var), got {got}")
        return input

    def compute(
        self, input: Any, target: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> tuple[Loss, Any]:
        """Return (loss, (dmean, dvar)), gradients of each element's own variance."""
        mean = _check.array(input[0], "input", "gaussian_nll_loss")
        loss, dmean, dvar = self.formula.compute(
            mean,
            target,
            self.reduction,
            second=_formulas.variances(input[1], mean),
            sample_weight=sample_weight,
        )
        assert dvar is not None
        return loss, (dmean, dvar)

    def forward(self, input: Any, target: np.ndarray, sample_weight: np.ndarray | None = None) -> Loss:
        """Return the loss and keep its gradients."""
        loss = super().forward(input, target, sample_weight)
        self._kept = type(input), np.shape(input[1])
        return loss

    def backward(self, dloss: float | np.ndarray = 1.0) -> Any:
        """Return the gradients with respect to mean and var, times dloss, as the input had them."""
        kind, shape = self._kept
        dmean, dvar = (times(each, dloss) for each in self.saved)
        return kind((dmean, _formulas.summed_to(dvar, shape)))
