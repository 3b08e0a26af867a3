"""Activations and arithmetic, from ONNX."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ... import graph
from ..library import library
from .affine import with_factors
from .network import Network
from .nodes import Source, rule
from .patterns import activation, softplus_of
from .values import Above, Known, Made, known, names_of

# Operators that are functions here, with no settings.
_PLAIN = {
    "Erf": "erf",
    "Exp": "exp",
    "HardSwish": "hardswish",
    "Log": "log",
    "Mish": "mish",
    "Neg": "neg",
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Sqrt": "sqrt",
    "Tanh": "tanh",
}
_ARITHMETIC = {"Add": "add", "Div": "div", "Mul": "mul", "Pow": "pow", "Sub": "sub"}
# How far numbers may be apart that mean the same: those in files are float32.
_NEAR = 1e-6
_SELU = {"alpha": graph.SELU.alpha, "gamma": graph.SELU.beta}


@rule(*_PLAIN)
def plain(net: Network, source: Source, x: Any) -> Made:
    """Read an activation of the same meaning."""
    return net.call(source, _PLAIN[source.kind], source.made(x))


@rule("Identity", "Dropout")
def identity(net: Network, source: Source, x: Any, *others: Any) -> Any:
    """Read what does nothing in evaluation mode."""
    if source.kind == "Dropout" and isinstance(x, Made):
        if not source.integer("is_test", int(source.opset >= 7)):
            source.refuse("is_test must be 1: a network trains when it is in training mode")
        if len(others) > 1 and others[1] is not None and source.array(others[1], "training_mode").any():
            source.refuse("training_mode must be false: a network trains when it is in training mode")
        return net.layer(source, "Dropout", x, {"p": _ratio(source, others)}, {})
    return x


def _ratio(source: Source, others: tuple[Any, ...]) -> float:
    given = bool(others) and others[0] is not None
    ratio = source.single(others[0], "ratio") if given else source.number("ratio", 0.5)
    if not 0 <= ratio <= 1:
        source.refuse(f"ratio must be from 0 to 1, got {ratio:g}")
    return ratio


@rule("Cast", "CastLike")
def cast(net: Network, source: Source, x: Any, like: Any = None) -> Any:
    """Read a change of the type of values, which all have one here."""
    if source.kind == "Cast":
        kinds = library().TensorProto
        floats = (kinds.FLOAT, kinds.DOUBLE, kinds.FLOAT16, kinds.BFLOAT16)
        if source.integer("to", 0) not in floats:
            source.refuse("a value can be made floating point numbers only")
    elif isinstance(like, Known) and like.first.dtype.kind != "f":
        source.refuse("a value can be made floating point numbers only")
    return x


@rule(*_ARITHMETIC)
def arithmetic(net: Network, source: Source, a: Any, b: Any) -> Made:
    """Read a sum, difference, product, quotient or power of two values, or of a value and a constant."""
    function = _ARITHMETIC[source.kind]
    found = activation(net, function, a, b)
    if found:
        return net.call(source, *found)
    return with_factors(net, source, function, a, b) or net.call(source, function, a, b)


def aligned(source: Source, inputs: list[Any]) -> list[Any]:
    """Return inputs as they are broadcast today; before opset 7 a node told the axis of the second."""
    if not source.integer("broadcast", 0) or source.kind == "Gemm" or len(inputs) != 2:
        return inputs
    axis = source.integer("axis", -1)
    if axis == -1:
        return inputs
    first, second = inputs
    whole, part = (
        len(each.shape) + 1 if isinstance(each, Made) else source.array(each, "an operand").ndim
        for each in inputs
    )
    more = whole - axis - part
    if axis < 0 or more < 0:
        source.refuse(f"axis must be from 0 to {whole - part}, got {axis}")
    if not more:
        return inputs
    array = source.array(second, "what is broadcast")
    return [first, known(array.reshape(*array.shape, *(1,) * more), name=second.name)]


@rule("Sum", "Mean")
def several(net: Network, source: Source, *inputs: Any) -> Made:
    """Read the sum or the mean of several values."""
    if not inputs:
        source.refuse("has no input")
    total: Any = inputs[0]
    for each in inputs[1:]:
        total = net.call(source, "add", total, each)
    return total if source.kind == "Sum" else net.call(source, "div", total, float(len(inputs)))


@rule("Abs")
def absolute(net: Network, source: Source, x: Any) -> Made:
    """Read |x| = max(x, 0) + max(-x, 0)."""
    x = source.made(x)
    negative = net.call(source, "relu", net.call(source, "neg", x))
    return net.call(source, "add", net.call(source, "relu", x), negative)


@rule("Reciprocal")
def reciprocal(net: Network, source: Source, x: Any) -> Made:
    """Read 1 / x."""
    return net.call(source, "div", 1.0, source.made(x))


@rule("Min", "Max")
def limit(net: Network, source: Source, *inputs: Any) -> Made:
    """Read the smaller or the larger of a value and numbers."""
    values = [each for each in inputs if isinstance(each, Made)]
    numbers = [source.array(each, "an input") for each in inputs if not isinstance(each, Made)]
    if len(values) != 1 or any(each.size != 1 for each in numbers):
        source.refuse(
            "must be of one value and single numbers: of several values there is no such function here"
        )
    name, choose = ("min", max) if source.kind == "Max" else ("max", min)
    if not numbers:
        return values[0]
    return net.call(source, "clamp", values[0], **{name: choose(float(each.ravel()[0]) for each in numbers)})


@rule("Clip")
def clip(net: Network, source: Source, x: Any, low: Any = None, high: Any = None) -> Made:
    """Read y = min(max(x, low), high), the limits of which were attributes at first."""
    x = source.made(x)
    if source.opset < 11:
        ends: list[float | None] = [
            source.number(*each, finite=False) for each in (("min", -math.inf), ("max", math.inf))
        ]
    else:
        ends = [None if each is None else source.single(each, "a limit") for each in (low, high)]
    largest = float(np.finfo(np.float32).max)  # beyond which nothing is
    least = None if ends[0] is None or ends[0] <= -largest else ends[0]
    most = None if ends[1] is None or ends[1] >= largest else ends[1]
    if (least, most) == (0.0, 6.0):
        return net.call(source, "relu6", x)
    if least is None and most is None:
        return x
    return net.call(source, "clamp", x, min=least, max=most)


@rule("LeakyRelu")
def leaky_relu(net: Network, source: Source, x: Any) -> Made:
    """Read y = x where x > 0, else alpha x."""
    return net.call(source, "leaky_relu", source.made(x), negative_slope=source.number("alpha", 0.01))


@rule("PRelu")
def prelu(net: Network, source: Source, x: Any, slope: Any) -> Made:
    """Read y = x where x > 0, else slope x, with one slope or one for each channel."""
    x, slopes = source.made(x), source.weights(slope, "slope")
    count = len(x.shape)  # the channels are the axis of that number from the last
    if source.opset < 7 and slopes.ndim == 1:
        slopes = slopes.reshape(-1, *(1,) * (count - 1))
    of_channels = slopes.ndim >= count and slopes.shape[-count] == slopes.size == x.shape[0]
    if slopes.size != 1 and not of_channels:
        source.refuse(f"slope must be one number or one for each channel, got the shape {slopes.shape}")
    arrays = {"weight": slopes.reshape(-1)}
    return net.layer(source, "PReLU", x, {"num_parameters": slopes.size}, arrays, names_of(slope))


@rule("Elu", "Celu", "Selu")
def elu(net: Network, source: Source, x: Any) -> Made:
    """Read y = x where x > 0, else alpha (exp(x) - 1), and the forms of it."""
    x = source.made(x)
    if source.kind != "Selu":
        return net.call(source, source.kind.lower(), x, alpha=source.number("alpha", 1.0))
    found = {key: source.number(key, usual) for key, usual in _SELU.items()}
    if all(abs(found[key] - usual) < _NEAR for key, usual in _SELU.items()):
        return net.call(source, "selu", x)
    return net.call(source, "mul", net.call(source, "elu", x, alpha=found["alpha"]), found["gamma"])


@rule("HardSigmoid")
def hardsigmoid(net: Network, source: Source, x: Any) -> Made:
    """Read y = min(max(alpha x + beta, 0), 1)."""
    x, alpha, beta = source.made(x), source.number("alpha", 0.2), source.number("beta", 0.5)
    if abs(alpha - 1 / 6) < _NEAR and beta == 0.5:
        return net.call(source, "hardsigmoid", x)
    made = net.call(source, "add", net.call(source, "mul", x, alpha), beta)
    return net.call(source, "clamp", made, min=0.0, max=1.0)


@rule("Gelu")
def gelu(net: Network, source: Source, x: Any) -> Made:
    """Read GELU, or its form with tanh."""
    return net.call(source, "gelu", source.made(x), approximate=source.text("approximate", "none"))


@rule("Swish")
def swish(net: Network, source: Source, x: Any) -> Made:
    """Read y = x / (1 + exp(-alpha x))."""
    x, alpha = source.made(x), source.number("alpha", 1.0)
    if alpha == 1:
        return net.call(source, "silu", x)
    return net.call(source, "mul", x, net.call(source, "sigmoid", net.call(source, "mul", x, alpha)))


@rule("ThresholdedRelu")
def thresholded_relu(net: Network, source: Source, x: Any) -> Made:
    """Read y = x where x > alpha, else 0."""
    return net.call(source, "threshold", source.made(x), threshold=source.number("alpha", 1.0), value=0.0)


@rule("Greater")
def greater(net: Network, source: Source, x: Any, limit: Any) -> Above:
    """Read whether a value is above a number."""
    number = net.number(limit, or_parameter=True)
    if number is None:
        source.refuse("a value can be compared with one number only")
    return Above(source.made(x), number)


@rule("Where")
def where(net: Network, source: Source, above: Any, x: Any, other: Any) -> Made:
    """Read y = x where x > limit, else a number, or the softplus of x."""
    if isinstance(above, Above) and isinstance(x, Made):
        number = net.number(other, or_parameter=True)
        if above.value == x and number is not None:
            return net.call(source, "threshold", x, threshold=above.limit, value=number)
        beta = softplus_of(net, other, above.value, x)
        if beta is not None:
            return net.call(source, "softplus", x, beta=beta, threshold=above.limit)
    source.refuse("must be x where x > limit, else a number or the softplus of x")


@rule("Shrink")
def shrink(net: Network, source: Source, x: Any) -> Made:
    """Read y = x + bias where x < -lambd, x - bias where x > lambd, else 0."""
    x, lambd, bias = source.made(x), source.number("lambd", 0.5), source.number("bias", 0.0)
    if bias == lambd:
        return net.call(source, "softshrink", x, lambd=lambd)
    hard = net.call(source, "hardshrink", x, lambd=lambd)
    if bias == 0:
        return hard
    source.refuse(f"bias must be 0 or lambd, got {bias:g} and {lambd:g}")


@rule("Softmax", "LogSoftmax")
def softmax(net: Network, source: Source, x: Any) -> Made:
    """Read probabilities along an axis, or their logarithms; before opset 13 along all axes from one on."""
    x, function = source.made(x), "softmax" if source.kind == "Softmax" else "log_softmax"
    newer, ndim = source.opset >= 13, len(x.shape) + 1
    axis = source.integer("axis", -1 if newer else 1)
    axis = axis % ndim if -ndim <= axis < ndim else source.refuse(f"axis {axis} is out of range")
    if newer or axis == ndim - 1:
        return net.call(source, function, x, dim=axis)
    if axis == 0:
        source.refuse("axis 0 would mix the samples of a batch")
    flat = net.reshaped(source, x, (*x.shape[: axis - 1], math.prod(x.shape[axis - 1 :])))
    return net.reshaped(source, net.call(source, function, flat, dim=-1), x.shape)
