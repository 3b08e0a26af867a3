"""Convolutions and products with matrices, from ONNX."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._shapes import extent
from .network import Network
from .nodes import Source, rule
from .values import Known, Made, names_of
from .windows import Windows, windows_of


@rule("Conv")
def conv(net: Network, source: Source, x: Any, weight: Any, bias: Any = None) -> Made:
    """Read a convolution of images or lines."""
    x, kernel = source.made(x), source.weights(weight, "W, the weight,")
    bias = None if _is_nothing(bias) else bias
    windows = windows_of(source, x.shape[1:], kernel.shape[2:])
    shift = source.optional(bias, "B, the bias,")
    names = names_of(weight, bias)
    if bias is None:
        shift, more = _bias(net, source, kernel.shape[0], len(x.shape) - 1)
        names = names_of(weight, *more)
    groups = _groups(source)
    arguments = {
        "in_channels": kernel.shape[1] * groups,
        "out_channels": kernel.shape[0],
        "groups": groups,
        "bias": shift is not None,
    }
    arrays = {"weight": kernel, "bias": shift}
    if len(x.shape) == 2:
        if windows.before != windows.after:
            x = net.call(source, "pad", x, padding=windows.margins)
            windows = windows._replace(before=(0,), after=(0,))
        (size,), (stride,), (dilation,), (padding,), _ = windows
        lines = {"kernel_size": size, "stride": stride, "dilation": dilation, "padding": padding}
        return net.layer(source, "Conv1d", x, arguments | lines, arrays, names)
    images = {
        "kernel_size": windows.kernel,
        "stride": windows.stride,
        "dilation": windows.dilation,
        "padding": windows.margins,
    }
    return net.layer(source, "Conv2d", x, arguments | images, arrays, names)


def _groups(source: Source) -> int:
    groups = source.integer("group", 1)
    if groups < 1:
        source.refuse(f"group must be at least 1, got {groups}")
    return groups


def _is_nothing(bias: Any) -> bool:
    """Tell whether a bias is zeros that the file computes, in the place of none."""
    return isinstance(bias, Known) and bias.fixed and not bias.name and not bias.first.any()


@rule("ConvTranspose")
def conv_transpose(net: Network, source: Source, x: Any, weight: Any, bias: Any = None) -> Made:
    """Read a transposed convolution of images or lines.

    Margins that are not alike are cut off from an output with margins of the smaller one.
    """
    x, kernel = source.made(x), source.weights(weight, "W, the weight,")
    shift = source.optional(bias, "B, the bias,")
    windows = _around(source, x.shape[1:], windows_of(source, x.shape[1:], kernel.shape[2:]))
    more = source.integers("output_padding", (0,) * (len(x.shape) - 1))
    if len(more) != len(windows.kernel):
        source.refuse(f"output_padding must fit {len(windows.kernel)} axes")
    groups = _groups(source)
    same = tuple(max(min(each), 0) for each in zip(windows.before, windows.after, strict=True))
    # What is made beyond the larger margin is cut off; more at the end is what output_padding makes.
    first = tuple(b - s for b, s in zip(windows.before, same, strict=True))
    if min(first) < 0:
        source.refuse(f"margins {windows.before} before the output must be at least 0")
    last = tuple(a - s - o for a, s, o in zip(windows.after, same, more, strict=True))
    extra = tuple(max(-each, 0) for each in last)
    arguments = {
        "in_channels": kernel.shape[0],
        "out_channels": kernel.shape[1] * groups,
        "kernel_size": windows.kernel,
        "stride": windows.stride,
        "padding": same,
        "output_padding": extra,
        "groups": groups,
        "bias": shift is not None,
        "dilation": windows.dilation,
    }
    kind = "ConvTranspose1d" if len(x.shape) == 2 else "ConvTranspose2d"
    y = net.layer(source, kind, x, arguments, {"weight": kernel, "bias": shift}, names_of(weight, bias))
    if any(first) or max(last) > 0:
        cut = (
            (start, size - max(stop, 0)) for start, stop, size in zip(first, last, y.shape[1:], strict=True)
        )
        y = net.part(source, y, ..., *(slice(start, stop) for start, stop in cut))
    return y


def _around(source: Source, sizes: tuple[int, ...], windows: Windows) -> Windows:
    """Return windows with the margins that make an output of the wanted size, if it is said so."""
    wanted, auto = source.integers("output_shape", ()), source.text("auto_pad", "NOTSET")
    if not wanted and auto in ("NOTSET", "VALID"):
        return windows
    more = source.integers("output_padding", (0,) * len(sizes))
    wanted = wanted[-len(sizes) :] or tuple(size * s for size, s in zip(sizes, windows.stride, strict=True))
    if len(wanted) != len(sizes) or len(more) != len(sizes):
        source.refuse(f"output_shape and output_padding must fit {len(sizes)} axes")
    parts = zip(sizes, wanted, more, windows.kernel, windows.stride, windows.dilation, strict=True)
    totals = [(size - 1) * s + extra + extent(k, d) - out for size, out, extra, k, s, d in parts]
    less, rest = tuple(each // 2 for each in totals), tuple(each - each // 2 for each in totals)
    if auto == "SAME_UPPER":
        return windows._replace(before=less, after=rest)
    return windows._replace(before=rest, after=less)


@rule("Gemm")
def gemm(net: Network, source: Source, a: Any, b: Any, c: Any = None) -> Made:
    """Read y = alpha a b + beta c."""
    x, matrix = source.made(a, "A"), source.weights(b, "B")
    if len(x.shape) != 1 or matrix.ndim != 2:
        source.refuse(f"A and B must have two axes, got samples {x.shape} and {matrix.shape}")
    if source.integer("transA", 0):
        source.refuse("transA must be 0: the first axis is the batch")
    alpha, beta = source.number("alpha", 1.0), source.number("beta", 1.0)
    weight = (matrix if source.integer("transB", 0) else matrix.T) * matrix.dtype.type(alpha)
    shift = source.optional(c, "C")
    bias = None
    if shift is not None:
        if shift.ndim == 2 and shift.shape[0] != 1:
            source.refuse(f"C must be the same for every sample, got the shape {shift.shape}")
        bias = source.spread(shift * shift.dtype.type(beta), weight.shape[:1], "C")
    return linear(net, source, x, weight, bias, names_of(b, c))


def linear(
    net: Network, source: Source, x: Made, weight: np.ndarray, bias: np.ndarray | None, names: list[str]
) -> Made:
    """Apply y = x weight^T + bias to the last axis."""
    arguments = {"in_features": weight.shape[1], "out_features": weight.shape[0], "bias": bias is not None}
    return net.layer(source, "Linear", x, arguments, {"weight": weight, "bias": bias}, names)


@rule("MatMul")
def matmul(net: Network, source: Source, a: Any, b: Any) -> Made:
    """Read a product with a matrix on the right, or on the left of the last two axes."""
    if isinstance(a, Made) and isinstance(b, Made):
        source.refuse(
            "one of its inputs must be known when the file is read: two values have no product here"
        )
    matrix = source.weights(b if isinstance(a, Made) else a, "one of its inputs")
    if matrix.ndim == 1 and isinstance(a, Made):
        y = linear(net, source, a, matrix[None], None, [])
        return net.reshaped(source, y, y.shape[:-1]) if len(y.shape) > 1 else y
    if matrix.ndim != 2:
        source.refuse(f"the matrix must have two axes, got the shape {matrix.shape}")
    if isinstance(a, Made):
        shift, more = _bias(net, source, matrix.shape[1])
        return linear(net, source, a, matrix.T, shift, names_of(b, *more))
    x = source.made(b)
    if len(x.shape) < 2:
        source.refuse("a matrix on the left would mix the samples of a batch")
    order = [*range(len(x.shape) - 1), len(x.shape), len(x.shape) - 1]
    y = linear(net, source, net.permuted(source, x, order), matrix, None, names_of(a))
    return net.permuted(source, y, order)


def _bias(
    net: Network, source: Source, features: int, axes: int = 0
) -> tuple[np.ndarray | None, list[Known]]:
    """Return what the only node that reads a product adds to its features, and take that node's work.

    They lie along the last axis, or before as many axes as are said. An array that other nodes read too is
    no layer's own.
    """
    shape = (features, *(1,) * axes)
    node = net.follower(source.outputs[0], "Add")
    if node is not None and not node.attribute:
        for name in node.input:
            value = net.values.get(name)
            if len(net.users[name]) > 1:
                continue
            if isinstance(value, Known) and value.fixed and value.first.shape in (shape, (1, *shape)):
                net.absorbed.add(id(node))
                return value.first.reshape(-1), [value]
    return None, []
