"""Normalisations in ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import graph
from ..._outputs import normalized_axes
from .rules import rule
from .writer import Operand, Writer

Shape = tuple[int, ...]
Factors = Operand | None


@rule(graph.BatchNorm)
def batch_norm(w: Writer, operation: Any, x: Operand, weight: Factors, bias: Factors, y: Shape) -> str:
    """Write a batch normalisation by running statistics; without any those of the batch are computed."""
    channels = x.shape[1:2]
    if operation.running_mean is None:
        axes = [0, *range(2, len(x.shape))]
        made = _normalized(w, x, axes, operation.eps)
        return _affine(w, made, weight, bias, len(x.shape))
    mean, var = w.array(operation.running_mean), w.array(operation.running_var)
    scale = w.constant(np.ones(channels)) if weight is None else weight
    shift = w.constant(np.zeros(channels)) if bias is None else bias
    return w.node("BatchNormalization", x, scale, shift, mean, var, epsilon=float(operation.eps))


@rule(graph.GroupNorm)
def group_norm(w: Writer, operation: Any, x: Operand, weight: Factors, bias: Factors, y: Shape) -> str:
    """Write a normalisation of groups of channels, as one of instances whose channels are groups."""
    channels, groups, sample = x.shape[1], operation.groups(x.shape[1]), x.shape[1:]
    scale, shift = (w.constant(make(groups)) for make in (np.ones, np.zeros))
    inner: str | Operand = x
    # Of elements that are one to a group there is no InstanceNormalization; lines make one of them.
    shaped = groups != channels or len(x.shape) < 3
    if shaped:
        inner = w.reshaped(x, (groups, -1))
    made = w.node("InstanceNormalization", inner, scale, shift, epsilon=float(operation.eps))
    if shaped:
        made = w.reshaped(made, sample)
    return _affine(w, made, weight, bias, len(x.shape))


@rule(graph.LayerNorm)
def layer_norm(w: Writer, operation: Any, x: Operand, weight: Factors, bias: Factors, y: Shape) -> str:
    """Write a normalisation of the last axes."""
    sizes = normalized_axes(operation.normalized_shape, x.shape, "layer_norm")
    axes = [*range(len(x.shape) - len(sizes), len(x.shape))]
    if w.opset >= 17:
        scale = w.constant(np.ones(sizes)) if weight is None else weight
        return w.node("LayerNormalization", x, scale, bias or "", axis=axes[0], epsilon=float(operation.eps))
    made = _normalized(w, x, axes, operation.eps)
    if weight is not None:
        made = w.node("Mul", made, weight)
    return made if bias is None else w.node("Add", made, bias)


@rule(graph.LocalResponseNorm)
def local_response_norm(w: Writer, operation: Any, x: Operand, y: Shape) -> str:
    """Write x / (k + alpha mean(x^2)) ** beta over channels.

    Windows of an even size, of which ONNX has the mirror image and runtimes none, are those of a pool over
    the channels as rows.
    """
    size, channels = int(operation.size), x.shape[1]
    numbers = float(operation.alpha), float(operation.beta), float(operation.k)
    if size % 2:
        alpha, beta, k = numbers
        inner = x if len(x.shape) == 4 else w.reshaped(x, (channels, -1, 1))  # as runtimes have it
        made = w.node("LRN", inner, size=size, alpha=alpha, beta=beta, bias=k)
        return made if len(x.shape) == 4 else w.reshaped(made, x.shape[1:])
    rows = Operand(w.reshaped(w.node("Mul", x, x), (1, channels, -1)), (0, 1, channels, 1))
    around = w.padded(rows, (size // 2, 0, (size - 1) // 2, 0))
    means = w.reshaped(w.node("AveragePool", around, kernel_shape=(size, 1), strides=(1, 1)), x.shape[1:])
    scale, power, shift = map(w.constant, numbers)
    return w.node("Div", x, w.node("Pow", w.node("Add", w.node("Mul", means, scale), shift), power))


def _normalized(w: Writer, x: Operand, axes: list[int], eps: float) -> str:
    """Return x with mean 0 and variance 1 over axes."""
    centered = w.node("Sub", x, w.reduced("ReduceMean", x, axes, True))
    var = w.reduced("ReduceMean", w.node("Mul", centered, centered), axes, True)
    return w.node("Div", centered, w.node("Sqrt", w.node("Add", var, w.constant(eps))))


def _affine(w: Writer, x: str, weight: Factors, bias: Factors, ndim: int) -> str:
    """Return x with a scale and a shift for each channel."""
    for kind, each in (("Mul", weight), ("Add", bias)):
        if each is not None:
            x = w.node(kind, x, w.by_channel(each, ndim))
    return x
