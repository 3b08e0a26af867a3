"""Sums, differences, products, quotients and powers, with NumPy's broadcasting.

They raise no warnings: where a number is too large or has no result, that is inf or NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._shapes import check_size
from ..errors import ArgumentError, DTypeError, ShapeError
from ..ops._images import sum_over_images
from .batch import Batch, refuse
from .fields import pointwise
from .functions import function
from .operation import Array, Operand, Operation, Wanted, apply, as_array

Shape = tuple[int, ...]
Derivatives = tuple[Array | None, Array | None]


def sum_to(dy: Array, shape: Shape) -> Array:
    """Return the gradient of an operand of a shape that was broadcast to dy's.

    The elements of an image are added first, then images, by the rule of csrc/common/slots.h.
    """
    if dy.shape == shape:
        return dy
    whole = (1,) * (dy.ndim - len(shape)) + shape
    axes = [i for i in range(dy.ndim) if whole[i] != dy.shape[i]]
    within = tuple(i for i in axes if i > 0)
    if within:
        dy = dy.sum(axis=within, keepdims=True)
    return (sum_over_images(dy) if 0 in axes else dy).reshape(shape)


def met(what: str, *shapes: Shape) -> Shape:
    """Return the shape that operands of these shapes are broadcast to."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(
            f"{what}: sizes must be equal or 1, got the shapes {' and '.join(map(str, shapes))}"
        ) from None


def refuse_batches(what: str, y: Array, *operands: Array) -> None:
    """Refuse to trace operands whose batch is not that of y."""
    for each in operands:
        if np.ndim(each) == np.ndim(y) and np.shape(each)[0] not in (0, 1):
            refuse(f"{what} of an array with a batch axis of its own")
        if np.ndim(each) < np.ndim(y) and 0 in np.shape(each):
            refuse(f"{what} of values of {' and '.join(str(np.ndim(x)) for x in operands)} axes")


def binary(operation: Binary, a: Any, b: Any) -> Any:
    """Apply an operation to two operands, of which one may be a number or an array of constants.

    Constants take the type of the other operand, as Python's numbers do; so do integers and bools among
    the tensors, which have no gradient. Of those alone NumPy chooses the type.

    Raises
    ------
    DTypeError
        If an operand is something else, or the two have different types.
    """
    given = [_number(each, operation.name) for each in (a, b)]
    known = [x.dtype.newbyteorder("=") for x in given if isinstance(x, Operand) and x.dtype.kind == "f"]
    if not known:
        return apply(operation, *given)
    if known[0] != known[-1]:
        raise DTypeError(
            f"{operation.name}: the tensors must have one dtype, got {known[0]} and {known[1]}; "
            "model.float() and model.double() change that of a model, x.astype(dtype) that of an array"
        )
    return apply(operation, *(_typed(each, known[0]) for each in given))


def _number(operand: Any, what: str) -> Any:
    """Return a tensor, an array or a number as it is, and refuse anything else."""
    if isinstance(operand, Batch):
        refuse("the size of the batch was looked at")
    if not isinstance(operand, Operand) and (
        not isinstance(operand, int | float | np.ndarray | np.generic)
        or np.asarray(operand).dtype.kind not in "fiub"
    ):
        raise DTypeError(
            f"{what}: an operand must be a tensor, an array or a number, got {type(operand).__name__}"
        )
    return operand


def _typed(operand: Any, dtype: np.dtype) -> Any:
    """Return what may have a gradient as it is, and constants as numbers of a type."""
    if isinstance(operand, Operand) and operand.dtype.kind == "f":
        return operand
    with np.errstate(over="ignore"):
        return np.asarray(as_array(operand)).astype(dtype, copy=False)


class Binary(Operation):
    """y = f(a, b) with broadcasting."""

    name = ""
    function: np.ufunc  # f

    field = pointwise

    def forward(self, a: Array, b: Array) -> tuple[Array, Any]:
        """Return f(a, b)."""
        shapes = np.shape(a), np.shape(b)
        check_size(met(self.name, *shapes), np.result_type(a, b).itemsize, f"{self.name}: the output")
        try:
            with np.errstate(all="ignore"):
                y = np.asarray(self.function(a, b))  # without axes NumPy returns a number
        except TypeError:  # of bools
            raise DTypeError(
                f"{self.name}: no result for {np.result_type(a)} and {np.result_type(b)}"
            ) from None
        except ValueError:
            raise ArgumentError(f"{self.name}: integers have no negative powers that are integers") from None
        return y, (*shapes, self.keep(a, b, y))

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return da and db, summed over what was broadcast."""
        *shapes, kept = saved
        with np.errstate(all="ignore"):
            grads = self.derivatives(dy, kept, wanted)
            return tuple(None if g is None else sum_to(g, s) for g, s in zip(grads, shapes, strict=True))

    def trace(self, a: Array, b: Array) -> Array:
        """Return y of no image; the batch of one operand is the other's too."""
        y = self.forward(a, b)[0]
        refuse_batches(self.name, y, a, b)
        return y

    def keep(self, a: Array, b: Array, y: Array) -> Any:
        """Return what the derivatives need."""
        return None

    def derivatives(self, dy: Array, kept: Any, wanted: Wanted) -> Derivatives:
        """Return dy times the derivatives for a and b, of dy's shape, where they are wanted."""
        raise NotImplementedError


@function("add", inputs=2, numbers=True, apply=binary)
class Add(Binary):
    """y = a + b."""

    name = "add"
    function = np.add

    def derivatives(self, dy: Array, kept: Any, wanted: Wanted) -> Derivatives:
        """Return dy for both."""
        return dy, dy


@function("sub", inputs=2, numbers=True, apply=binary)
class Subtract(Binary):
    """y = a - b."""

    name = "subtract"
    function = np.subtract

    def derivatives(self, dy: Array, kept: Any, wanted: Wanted) -> Derivatives:
        """Return dy and -dy."""
        return dy, -dy if wanted[1] else None


@function("mul", inputs=2, numbers=True, apply=binary)
class Multiply(Binary):
    """y = a b."""

    name = "multiply"
    function = np.multiply

    def keep(self, a: Array, b: Array, y: Array) -> Any:
        """Return both."""
        return a, b

    def derivatives(self, dy: Array, kept: Any, wanted: Wanted) -> Derivatives:
        """Return dy b and dy a."""
        a, b = kept
        return dy * b if wanted[0] else None, dy * a if wanted[1] else None


@function("div", inputs=2, numbers=True, apply=binary)
class Divide(Binary):
    """y = a / b."""

    name = "divide"
    function = np.true_divide

    def keep(self, a: Array, b: Array, y: Array) -> Any:
        """Return b and y."""
        return b, y

    def derivatives(self, dy: Array, kept: Any, wanted: Wanted) -> Derivatives:
        """Return dy / b and -dy y / b."""
        b, y = kept
        da = dy / b
        return da, -(da * y) if wanted[1] else None


@function("pow", inputs=2, numbers=True, apply=binary)
class Power(Binary):
    """y = a ** b."""

    name = "power"
    function = np.power

    def keep(self, a: Array, b: Array, y: Array) -> Any:
        """Return a, b and y."""
        return a, b, y

    def derivatives(self, dy: Array, kept: Any, wanted: Wanted) -> Derivatives:
        """Return dy b a ** (b - 1), which is 0 for b = 0, and dy y log a, which is 0 for a = 0 and b >= 0."""
        a, b, y = kept
        da = db = None
        if wanted[0]:
            slope = dy * (b * np.power(a, np.subtract(b, 1)))
            da = np.asarray(np.where(np.equal(b, 0), 0, slope), dy.dtype)
        if wanted[1]:
            zero = np.equal(a, 0) & np.greater_equal(b, 0)
            db = np.asarray(dy * np.where(zero, 0, y * np.log(a)), dy.dtype)
        return da, db


@function("neg")
class Negate(Operation):
    """y = -x."""

    field = pointwise

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return -x."""
        if x.dtype == np.bool_:
            raise DTypeError("neg: x must be numbers, got bool")
        return np.asarray(np.negative(x)), None

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return -dy."""
        return (-dy,)
