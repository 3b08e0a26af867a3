"""Losses of single elements: the rows of csrc/common/losses.inc, with what they take and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .._kernels import losses as kernels
from .._kernels.program import add_results
from .._shapes import allocate, check_size
from ..errors import ArgumentError, ShapeError
from . import _check
from ._reduction import REDUCTIONS, Loss, reduced, scale_of, share_of, shares

# What a row refuses elements of, and the range of its targets.
_REFUSED = {"bce": "input must lie in [0, 1]", "gaussian_nll": "var must be at least 0"}
_TARGETS = {"bce": (0.0, 1.0)}


class Given(NamedTuple):
    """What a loss is computed from besides its input: contiguous arrays of the input's shape and type.

    Attributes
    ----------
    target : array
    weight, factor : array, optional
        Of each element, and of the target 1 (pos_weight).
    share : float64 array (N,), optional
        The weight of each sample.
    """

    target: np.ndarray
    weight: np.ndarray | None
    factor: np.ndarray | None
    share: np.ndarray | None


@dataclass(frozen=True)
class Formula:
    """A row with its numbers.

    Attributes
    ----------
    what : str
        The function that messages name.
    row : str
        Of csrc/common/losses.inc.
    alpha, beta : float
        The numbers that the row takes.
    reductions : tuple of str
        That the function knows.
    broadcasts : bool
        Whether the target may be of any shape that is broadcastable to that of the input.
    """

    what: str
    row: str
    alpha: float = 0.0
    beta: float = 0.0
    reductions: tuple[str, ...] = REDUCTIONS
    broadcasts: bool = False

    @property
    def number(self) -> int:
        """The row's number."""
        return kernels.ROWS[self.row]

    def given(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        target: object,
        weight: object = None,
        factor: object = None,
        sample_weight: object = None,
    ) -> Given:
        """Check what comes with an input of a shape and type."""
        what = self.what
        wanted = _check.array(target, "target", what)
        if self.broadcasts:
            wanted = _broadcast(wanted, shape, "target", what)
        else:
            _check.shape_is(wanted, shape, "target", what)
        if wanted.dtype.newbyteorder("=") != dtype.newbyteorder("="):
            _check.same_dtype(what, input=np.empty(0, dtype), target=wanted)
        if self.row in _TARGETS and wanted.size:
            low, high = _TARGETS[self.row]
            least, most = wanted.min(), wanted.max()
            if least < low or most > high:
                raise ArgumentError(
                    f"{what}: target must lie in [{low:g}, {high:g}], got {least:g} to {most:g}"
                )
        return Given(
            _check.contiguous(wanted, "target", what),
            _expanded(weight, shape, dtype, "weight", what),
            _expanded(factor, shape, dtype, "pos_weight", what),
            shares(sample_weight, shape[0] if shape else 1, what),
        )

    def divisor(self, reduction: str, shape: tuple[int, ...], share: np.ndarray | None) -> float:
        """Return what the sum of all losses is divided by."""
        samples = shape[0] if shape else 1
        counted = share_of(share, samples)
        of_sample = int(np.prod(shape[1:], dtype=object))
        return counted * of_sample if reduction == "mean" else counted

    def refuse(self, count: float) -> None:
        """Raise ArgumentError if there are elements that the row refuses."""
        if count:
            raise ArgumentError(f"{self.what}: {_REFUSED[self.row]}, got {int(count)} elements that do not")

    def compute(
        self,
        input: object,
        target: object,
        reduction: str,
        *,
        weight: object = None,
        factor: object = None,
        second: np.ndarray | None = None,
        sample_weight: object = None,
    ) -> tuple[Loss, np.ndarray, np.ndarray | None]:
        """Return the loss and the gradients of the input and of a second one, if the row has that."""
        what = self.what
        x = _check.array(input, "input", what)
        _check.choice(reduction, self.reductions, "reduction", what)
        samples = x.shape[0] if x.ndim else 1
        check_size(x.shape, 8, f"{what}: dinput")
        check_size((samples, 2), 8, f"{what}: the sums of samples")
        given = self.given(x.shape, x.dtype, target, weight, factor, sample_weight)
        values = _check.contiguous(x, "input", what)
        k = given.factor if second is None else second
        dx = allocate(values.shape, values.dtype, f"{what}: dinput")
        dk = None if second is None else allocate(values.shape, values.dtype, f"{what}: the second gradient")
        losses = allocate(values.shape, values.dtype, f"{what}: the losses") if reduction == "none" else None
        divisor = self.divisor(reduction, x.shape, given.share)
        sums = np.zeros((samples, 2))
        kernels.elementwise_loss(
            sums,
            dx.reshape(-1),
            _flat(dk),
            _flat(losses),
            values.reshape(-1),
            given.target.reshape(-1),
            _flat(k),
            _flat(given.weight),
            self.number,
            self.alpha,
            self.beta,
            scale_of(reduction, divisor),
            given.share,
        )
        total, refused = add_results(sums)
        self.refuse(refused)
        return reduced(total, reduction, divisor) if losses is None else losses, dx, dk


def _flat(array: np.ndarray | None) -> np.ndarray | None:
    return None if array is None else array.reshape(-1)


def _expanded(
    value: object, shape: tuple[int, ...], dtype: np.dtype, name: str, what: str
) -> np.ndarray | None:
    """Return a number for each element of an input, None as it is."""
    if value is None:
        return None
    checked = _check.array(value, name, what)
    _check.same_dtype(what, input=np.empty(0, dtype), **{name: checked})
    return _check.contiguous(_broadcast(checked, shape, name, what), name, what)


def _broadcast(array: np.ndarray, shape: tuple[int, ...], name: str, what: str) -> np.ndarray:
    """Return a view of an array that has the shape of the input."""
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ShapeError(
            f"{what}: {name} must be broadcastable to the shape {shape} of input, got {array.shape}"
        ) from None


def above(value: object, least: float, name: str, what: str) -> float:
    """Return `value`, a finite number above `least`."""
    number = _check.number(value, name, what)
    if number <= least:
        raise ArgumentError(f"{what}: {name} must be greater than {least:g}, got {number}")
    return number


# The table: what each function's arguments make of its row.

MSE = Formula("mse_loss", "mse")
L1 = Formula("l1_loss", "l1")
BCE = Formula("binary_cross_entropy", "bce")
BCE_WITH_LOGITS = Formula("binary_cross_entropy_with_logits", "bce_logits")
SOFT_MARGIN = Formula("soft_margin_loss", "soft_margin")


def smooth_l1(beta: float) -> Formula:
    """Return that of `smooth_l1_loss`."""
    what = "smooth_l1_loss"
    return Formula(what, "smooth_l1", _check.number(beta, "beta", what, 0))


def huber(delta: float) -> Formula:
    """Return that of `huber_loss`."""
    what = "huber_loss"
    return Formula(what, "huber", above(delta, 0, "delta", what))


def kl_div(log_target: bool) -> Formula:
    """Return that of `kl_div`."""
    row = "kl_div_of_logs" if _check.flag(log_target, "log_target", "kl_div") else "kl_div"
    return Formula("kl_div", row, reductions=(*REDUCTIONS[:2], "batchmean", "none"))


def gaussian_nll(full: bool, eps: float) -> Formula:
    """Return that of `gaussian_nll_loss`."""
    what = "gaussian_nll_loss"
    constant = 0.5 * float(np.log(2 * np.pi)) if _check.flag(full, "full", what) else 0.0
    return Formula(what, "gaussian_nll", above(eps, 0, "eps", what), constant, broadcasts=True)


def poisson_nll(log_input: bool, full: bool, eps: float) -> Formula:
    """Return that of `poisson_nll_loss`."""
    what = "poisson_nll_loss"
    row = "poisson_nll_of_logs" if _check.flag(log_input, "log_input", what) else "poisson_nll"
    return Formula(what, row, _check.number(eps, "eps", what, 0), float(_check.flag(full, "full", what)))


def hinge_embedding(margin: float) -> Formula:
    """Return that of `hinge_embedding_loss`."""
    what = "hinge_embedding_loss"
    return Formula(what, "hinge_embedding", _check.number(margin, "margin", what))


def variances(var: object, x: np.ndarray) -> np.ndarray:
    """Return a variance for each element of x, of which those along one axis, or all, may share theirs."""
    what = "gaussian_nll_loss"
    given = _check.array(var, "var", what)
    _check.same_dtype(what, input=x, var=given)
    rows = given.reshape(_over_rows(given.shape, x.shape))
    others = [own for own, size in zip(rows.shape, x.shape, strict=False) if own != size]
    if given.ndim and (rows.ndim != x.ndim or others not in ([], [1])):
        raise ShapeError(
            f"{what}: var must have the shape of input {x.shape}, or 1 for one of its axes, or lack the last "
            f"one, got {given.shape}"
        )
    return _check.contiguous(np.broadcast_to(rows, x.shape), "var", what)


def _over_rows(var: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of variances with an axis of 1 behind it, if they are those of rows."""
    return (*var, 1) if var and var == shape[:-1] else var


def summed_to(gradient: np.ndarray, var: tuple[int, ...]) -> np.ndarray:
    """Return the gradient of what `variances` has made an array of, by its shape, from that of the array."""
    shape = _over_rows(var, gradient.shape)
    if gradient.shape == shape:
        return gradient
    axes = tuple(i for i, size in enumerate(gradient.shape) if not shape or size != shape[i])
    return np.asarray(gradient.sum(axes, dtype=np.float64), gradient.dtype).reshape(var)
