"""Lowering rules of arithmetic: sums, differences, products, quotients, powers.

Operands are values, parameters and numbers.
"""

from __future__ import annotations

import numpy as np

from .. import graph, nn
from .axes_rules import broadcast
from .graph import Value
from .nodes.apply import Apply
from .nodes.arithmetic import Affine, Divide, Multiply
from .nodes.merge import Add
from .nodes.spread import PositionBias, Spread
from .normalization import Normalization
from .rules import Lowering, Source, sample, tensor
from .shape_rules import channels_first, channels_last, unmoved
from .tracing import UnsupportedError
from .view import View


def add(lowering: Lowering, op: graph.Add, a: Source, b: Source) -> View:
    """Lower a sum: of two values or parameters, or of a value and a number."""
    if not isinstance(a, View):
        a, b = b, a
    x = unmoved(lowering, a, "a sum")
    if isinstance(b, float):
        return _affine(lowering, x, 1.0, b)
    if isinstance(b, nn.Parameter):
        if (made := _by_channel(lowering, x, b, is_scale=False)) is not None:
            return made
        if (made := _by_position(lowering, x, b)) is not None:
            return made
    x, other = _alike(lowering, x, b, "a sum")
    return x.of(lowering.append(Add(x.value, Value(*x.value.sizes), (other.value,))).value)


def subtract(lowering: Lowering, op: graph.Subtract, a: Source, b: Source) -> View:
    """Lower a difference: the sum of a value and another one times -1."""
    if isinstance(a, float):
        return _affine(lowering, unmoved(lowering, b, "a difference"), -1.0, a)
    if isinstance(b, float):
        return _affine(lowering, unmoved(lowering, a, "a difference"), 1.0, -b)
    x, other = _alike(lowering, a, b, "a difference")
    negative = _affine(lowering, other, -1.0, 0.0).value
    return x.of(lowering.append(Add(x.value, Value(*x.value.sizes), (negative,))).value)


def negate(lowering: Lowering, op: graph.Negate, x: Source) -> View:
    """Lower a value times -1."""
    return _affine(lowering, unmoved(lowering, x, "a negative"), -1.0, 0.0)


def multiply(lowering: Lowering, op: graph.Multiply, a: Source, b: Source) -> View:
    """Lower a product of two values or parameters, or of a value and a number."""
    if not isinstance(a, View):
        a, b = b, a
    x = unmoved(lowering, a, "a product")
    if isinstance(b, float):
        return _affine(lowering, x, b, 0.0)
    if isinstance(b, nn.Parameter) and (made := _by_channel(lowering, x, b, is_scale=True)) is not None:
        return made
    x, other = _alike(lowering, x, b, "a product")
    return x.of(lowering.append(Multiply(x.value, Value(*x.value.sizes), other.value)).value)


def divide(lowering: Lowering, op: graph.Divide, a: Source, b: Source) -> View:
    """Lower a quotient of values, parameters and numbers."""
    if isinstance(b, float):
        if b == 0:
            raise UnsupportedError("a quotient by 0")
        return _affine(lowering, unmoved(lowering, a, "a quotient"), 1 / b, 0.0)
    if isinstance(a, float):
        return _inverse(lowering, tensor(lowering, b, "a quotient"), a)
    x, other = _alike(lowering, a, b, "a quotient")
    return x.of(lowering.append(Divide(x.value, Value(*x.value.sizes), other.value)).value)


def _inverse(lowering: Lowering, x: View, numerator: float) -> View:
    """Lower a number divided by a value."""
    if not _is_normal(numerator, lowering.dtype):
        raise UnsupportedError("arithmetic with a number that is not finite, or denormal")
    x = lowering.written(x)
    return x.of(lowering.append(Divide(x.value, Value(*x.value.sizes), None, numerator)).value)


def power(lowering: Lowering, op: graph.Power, a: Source, b: Source) -> View:
    """Lower a power whose exponent is a small integer, or half of one."""
    if not isinstance(b, float) or abs(b) not in (0.5, 1.0, 2.0, 3.0):
        raise UnsupportedError("a power whose exponent is not 1/2, 1, 2 or 3, or minus one of them")
    x = lowering.written(tensor(lowering, a, "a power"))
    first = x.value
    made = first
    if abs(b) == 0.5:
        made = lowering.append(Apply(first, Value(*first.sizes), activation=graph.Sqrt())).value
    for _ in range(int(abs(b)) - 1):
        made = lowering.append(Multiply(made, Value(*first.sizes), first)).value
    return x.of(made) if b > 0 else _inverse(lowering, x.of(made), 1.0)


def _by_channel(lowering: Lowering, x: View, parameter: nn.Parameter, *, is_scale: bool) -> View | None:
    """Lower what a normalisation does that knows its statistics: a scale or a shift for each channel.

    Channels are those of images, features, or the last axis. None: the parameter has another shape.
    """
    if x.shape != lowering.shape:
        return None
    shape = _beside(parameter, len(x.shape))
    wide = [i for i, size in enumerate(shape) if size > 1]
    if wide == [0]:
        view = lowering.written(lowering.laid_out(x.as_features()))
        value = view.value
    elif wide == [len(shape) - 1]:
        view, value = None, channels_first(lowering, x, 1)
    else:
        return None
    lowering.weight(parameter, parameter.shape)
    channels = value.channels
    mean, variance = np.zeros(channels, lowering.dtype), np.ones(channels, lowering.dtype)
    weight, bias = (parameter, None) if is_scale else (None, parameter)
    norm = Normalization(weight, bias, mean, variance, None, lambda: 0.0, None, True)
    made = lowering.append(Apply(value, Value(*value.sizes), norm=norm)).value
    return channels_last(made, x.shape) if view is None else view.of(made)


def _by_position(lowering: Lowering, x: View, bias: nn.Parameter) -> View | None:
    """Lower a bias for each position, unless the parameter has another shape."""
    if x.shape != lowering.shape or _beside(bias, len(x.shape)) != x.shape:
        return None
    lowering.weight(bias, bias.shape)
    x = lowering.laid_out(x)
    value = x.value
    return x.of(lowering.append(PositionBias(value, Value(*value.sizes), bias)).value)


def _beside(parameter: nn.Parameter, axes: int) -> tuple[int, ...]:
    """Return the shape of a parameter beside samples of so many axes: it has none of the batch's own."""
    return (*(1,) * (axes - parameter.ndim), *parameter.shape)[-axes:]


def _spread(lowering: Lowering, parameter: nn.Parameter) -> View:
    """Return a parameter as a value that is the same for each sample."""
    lowering.weight(parameter, parameter.shape)
    y = sample(_beside(parameter, len(lowering.shape)))
    lowering.append(Spread(y.value, y.value, parameter))
    return y


def _affine(lowering: Lowering, x: View, factor: float, shift: float) -> View:
    x = lowering.written(lowering.laid_out(x))
    value = x.value
    if not (_is_normal(factor, lowering.dtype) and _is_normal(shift, lowering.dtype)):
        raise UnsupportedError("arithmetic with a number that is not finite, or denormal")
    y = Value(*value.sizes)
    return x.of(lowering.append(Affine(value, y, factor, shift)).value)


def _is_normal(number: float, dtype: np.dtype) -> bool:
    """Tell whether a number is 0 or neither too large nor too small for a type.

    Eager mode keeps denormal numbers, of which kernels make 0; the inverse of one may be infinite.
    """
    limits = np.finfo(dtype)
    return number == 0 or float(limits.tiny) <= abs(number) <= float(limits.max)


def _alike(lowering: Lowering, a: Source, b: Source, what: str) -> tuple[View, View]:
    """Return two operands as values of the result's shape, each element of both in its place."""
    views = [
        _spread(lowering, each) if isinstance(each, nn.Parameter) else unmoved(lowering, each, what)
        for each in (a, b)
    ]
    views = [broadcast(lowering, view, lowering.shape, what) for view in views]
    first, second = (lowering.laid_out(view) for view in views)
    if first.value.sizes != second.value.sizes:  # flattened images, of different forms
        first, second = (lowering.laid_out(view.as_features()) for view in (first, second))
    return first, second
