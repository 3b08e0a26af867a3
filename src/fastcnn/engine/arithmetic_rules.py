"""Lowering rules of arithmetic: sums, differences, products and quotients of values and numbers."""

from __future__ import annotations

import numpy as np

from .. import graph, nn
from .graph import Value
from .nodes.arithmetic import Affine, Multiply, Repeat
from .nodes.conv import Conv
from .nodes.merge import Add
from .normalization import Normalization
from .rules import Lowering, Source, elementwise, image, plain, tensor
from .tracing import UnsupportedError
from .view import View


def add(lowering: Lowering, op: graph.Add, a: Source, b: Source) -> View:
    """Lower a sum: of two values, of a value and a number, or of a value and a bias for each position."""
    if not isinstance(a, View):
        a, b = b, a
    x = tensor(lowering, a, "a sum")
    if isinstance(b, nn.Parameter):
        return position_bias(lowering, x, b)
    if isinstance(b, float):
        return _affine(lowering, x, 1.0, b)
    x, other = _alike(lowering, x, tensor(lowering, b, "a sum"), "a sum")
    return x.of(lowering.append(Add(x.value, Value(*x.value.sizes), (other.value,))).value)


def subtract(lowering: Lowering, op: graph.Subtract, a: Source, b: Source) -> View:
    """Lower a difference: the sum of a value and another one times -1."""
    if isinstance(a, float):
        return _affine(lowering, tensor(lowering, b, "a difference"), -1.0, a)
    x = tensor(lowering, a, "a difference")
    if isinstance(b, float):
        return _affine(lowering, x, 1.0, -b)
    return add(lowering, graph.Add(), x, _affine(lowering, tensor(lowering, b, "a difference"), -1.0, 0.0))


def negate(lowering: Lowering, op: graph.Negate, x: Source) -> View:
    """Lower a value times -1."""
    return _affine(lowering, tensor(lowering, x, "a negative"), -1.0, 0.0)


def multiply(lowering: Lowering, op: graph.Multiply, a: Source, b: Source) -> View:
    """Lower a product of two values, or of a value and a number or a parameter for each channel."""
    if not isinstance(a, View):
        a, b = b, a
    x = tensor(lowering, a, "a product")
    if isinstance(b, float):
        return _affine(lowering, x, b, 0.0)
    if isinstance(b, nn.Parameter):
        return _scaled(lowering, x, b)
    x, other = _alike(lowering, x, tensor(lowering, b, "a product"), "a product")
    return x.of(lowering.append(Multiply(x.value, Value(*x.value.sizes), other.value)).value)


def _scaled(lowering: Lowering, x: View, scale: nn.Parameter) -> View:
    """Lower a product with a number for each channel: what a normalisation does that knows its statistics."""
    value = image(x, "a product with a parameter")
    channels = value.channels
    if scale.shape not in ((channels, 1, 1), (1, channels, 1, 1)):
        raise UnsupportedError("a product with a parameter that is no number for each channel")
    lowering.weight(scale, scale.shape)
    mean, variance = np.zeros(channels, lowering.dtype), np.ones(channels, lowering.dtype)
    norm = Normalization(scale, None, mean, variance, None, lambda: 0.0, None, True)
    return elementwise(lowering, x, norm=norm)


def divide(lowering: Lowering, op: graph.Divide, a: Source, b: Source) -> View:
    """Lower a value divided by a number."""
    if not isinstance(b, float) or b == 0:
        raise UnsupportedError("a quotient of something else than a value and a number")
    return _affine(lowering, tensor(lowering, a, "a quotient"), 1 / b, 0.0)


def _affine(lowering: Lowering, x: View, factor: float, shift: float) -> View:
    x = lowering.written(x)
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


def _alike(lowering: Lowering, a: View, b: View, what: str) -> tuple[View, View]:
    """Return two values of one shape: one of a pixel is repeated over those of the other."""
    if a.flat and b.flat and a.value.sizes != b.value.sizes:
        a, b = (lowering.laid_out(each.as_features()) for each in (a, b))
    a, b = lowering.written(a), lowering.written(b)
    first, second = a.value, b.value
    alike = (a.flat, a.line) == (b.flat, b.line)
    if alike and first.sizes == second.sizes:
        return a, b
    if alike and not a.flat and first.channels == second.channels:
        for one, other in ((a, b), (b, a)):
            if one.value.pixels == 1:
                y = Value(*other.value.sizes)
                repeated = other.of(lowering.append(Repeat(one.value, y)).value)
                return (repeated, other) if one is a else (other, repeated)
    raise UnsupportedError(f"{what} of values of different shapes")


def position_bias(lowering: Lowering, x: View, bias: nn.Parameter) -> View:
    """Lower a bias for each position: the convolution before it starts from it."""
    value = plain(x, "PositionBias")
    conv = value.producer
    if bias.shape != x.shape or x.flat or x.line:
        raise UnsupportedError("a sum with a parameter that is no bias for each position")
    if not isinstance(conv, Conv) or conv.bias is not None or conv.position_bias is not None:
        raise UnsupportedError("PositionBias that does not follow a convolution without bias")
    lowering.check_made(value)
    lowering.weight(bias, value.sizes)
    view = lowering.join(conv)
    conv.position_bias = bias
    return view
