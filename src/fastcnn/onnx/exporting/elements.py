"""Activations and arithmetic in ONNX."""

from __future__ import annotations

import math
from typing import Any

from ... import graph
from ..._outputs import class_axis
from .rules import rule, same
from .writer import Operand, Writer

Shape = tuple[int, ...]

# Operations that ONNX has under its own names, with no settings.
_PLAIN: dict[type[graph.Operation], str] = {
    graph.ReLU: "Relu",
    graph.Sigmoid: "Sigmoid",
    graph.Tanh: "Tanh",
    graph.Softsign: "Softsign",
    graph.Erf: "Erf",
    graph.Exp: "Exp",
    graph.Log: "Log",
    graph.Sqrt: "Sqrt",
    graph.Negate: "Neg",
    graph.Add: "Add",
    graph.Subtract: "Sub",
    graph.Multiply: "Mul",
    graph.Divide: "Div",
    graph.Power: "Pow",
}


@rule(*_PLAIN)
def plain(w: Writer, operation: Any, *inputs: Any) -> str:
    """Write an operator of the same meaning."""
    *operands, _ = inputs
    return w.node(_PLAIN[type(operation)], *operands)


rule(graph.Dropout, graph.Detach)(same)


@rule(graph.LeakyReLU)
def leaky_relu(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = x where x > 0, else negative_slope x."""
    return w.node("LeakyRelu", x, alpha=float(operation.negative_slope))


@rule(graph.PReLU)
def prelu(w: Writer, operation: Any, x: Operand, weight: Operand, y: Shape) -> str:
    """Write y = x where x > 0, else weight[c] x; ONNX broadcasts the slopes from the last axis on."""
    return w.node("PRelu", x, weight if weight.shape == (1,) else w.by_channel(weight, len(x.shape)))


@rule(graph.ReLU6, graph.Hardtanh, graph.Clamp)
def clip(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = min(max(x, low), high)."""
    if isinstance(operation, graph.ReLU6):
        limits: tuple[float | None, ...] = (0.0, 6.0)
    elif isinstance(operation, graph.Clamp):
        limits = tuple(operation.limits)
    else:
        limits = operation.alpha, operation.beta
    return w.clipped(x, *limits)


@rule(graph.ClampBetween)
def clamp_between(
    w: Writer, operation: Any, x: Operand, low: Operand | None, high: Operand | None, y: Shape
) -> str:
    """Write y = min(max(x, low), high) with limits that are tensors."""
    made: str | Operand = x
    for kind, limit in (("Max", low), ("Min", high)):
        if limit is not None:
            made = w.node(kind, made, limit)
    return str(made)


@rule(graph.Hardsigmoid)
def hardsigmoid(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = min(max(x + 3, 0), 6) / 6."""
    return w.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)


@rule(graph.Hardswish)
def hardswish(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = x min(max(x + 3, 0), 6) / 6."""
    if w.opset >= 14:
        return w.node("HardSwish", x)
    return w.node("Mul", x, w.node("HardSigmoid", x, alpha=1 / 6, beta=0.5))


@rule(graph.Threshold)
def threshold(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = x where x > threshold, else value."""
    above = w.node("Greater", x, w.constant(operation.alpha))
    return w.node("Where", above, x, w.constant(operation.beta))


@rule(graph.Hardshrink, graph.Softshrink)
def shrink(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write 0 from -lambd to lambd, else x, which Softshrink takes lambd nearer to 0."""
    bias = float(operation.lambd) if isinstance(operation, graph.Softshrink) else 0.0
    return w.node("Shrink", x, lambd=float(operation.lambd), bias=bias)


@rule(graph.LogSigmoid)
def logsigmoid(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = -log(1 + exp(-x)), which is finite where the sigmoid is 0."""
    return w.node("Neg", w.node("Softplus", w.node("Neg", x)))


@rule(graph.Softplus)
def softplus(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = log(1 + exp(beta x)) / beta, and x where beta x > threshold."""
    beta, limit = operation.alpha, operation.beta
    scaled: str | Operand = x if beta == 1 else w.node("Mul", x, w.constant(beta))
    made = w.node("Softplus", scaled)
    if beta != 1:
        made = w.node("Div", made, w.constant(beta))
    if limit >= 20:  # where the two differ by 2e-9
        return made
    return w.node("Where", w.node("Greater", scaled, w.constant(limit)), x, made)


@rule(graph.Tanhshrink)
def tanhshrink(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = x - tanh(x)."""
    return w.node("Sub", x, w.node("Tanh", x))


@rule(graph.ELU)
def elu(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = x where x > 0, else alpha (exp(x) - 1)."""
    return w.node("Elu", x, alpha=float(operation.alpha))


@rule(graph.CELU)
def celu(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = x where x > 0, else alpha (exp(x / alpha) - 1): an ELU of x / alpha, times alpha."""
    alpha = w.constant(operation.alpha)
    return w.node("Mul", w.node("Elu", w.node("Div", x, alpha), alpha=1.0), alpha)


@rule(graph.SELU)
def selu(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write the ELU that keeps mean 0 and variance 1."""
    return w.node("Selu", x, alpha=operation.alpha, gamma=operation.beta)


@rule(graph.SiLU)
def silu(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = x / (1 + exp(-x))."""
    return w.node("Mul", x, w.node("Sigmoid", x))


@rule(graph.Mish)
def mish(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = x tanh(log(1 + exp(x)))."""
    if w.opset >= 18:
        return w.node("Mish", x)
    return w.node("Mul", x, w.node("Tanh", w.node("Softplus", x)))


@rule(graph.GELU)
def gelu(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write y = x (1 + erf(x / sqrt(2))) / 2, or its form with tanh."""
    if w.opset >= 20:
        return w.node("Gelu", x, approximate=operation.approximate)
    if operation.approximate == "none":
        inner = w.node("Erf", w.node("Mul", x, w.constant(math.sqrt(0.5))))
    else:
        cube = w.node("Mul", w.node("Mul", x, x), x)
        whole = w.node("Add", x, w.node("Mul", cube, w.constant(0.044715)))
        inner = w.node("Tanh", w.node("Mul", whole, w.constant(math.sqrt(2 / math.pi))))
    half = w.node("Mul", x, w.constant(0.5))
    return w.node("Mul", half, w.node("Add", inner, w.constant(1.0)))


@rule(graph.Softmax, graph.LogSoftmax)
def softmax(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write probabilities along an axis, or their logarithms."""
    kind, last = type(operation).__name__, len(x.shape) - 1
    axis = class_axis(operation.dim, len(x.shape), "softmax")
    if w.opset >= 13 or axis == last:
        return w.node(kind, x, axis=axis)
    turned = list(range(len(x.shape)))  # before opset 13 it goes over all axes from one on
    turned[axis], turned[last] = last, axis
    made = w.node(kind, w.node("Transpose", x, perm=turned), axis=last)
    return w.node("Transpose", made, perm=turned)


@rule(graph.Sum, graph.Mean, graph.Amax)
def reduction(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write a sum, mean or maximum over axes."""
    kind = {graph.Sum: "ReduceSum", graph.Mean: "ReduceMean", graph.Amax: "ReduceMax"}[type(operation)]
    return w.reduced(kind, x, operation.axes(x.shape), operation.keepdim)
