"""Lowering: from a tree of modules to a graph of nodes, one rule for each type of layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import nn
from .._shapes import Window, conv_padding, padding4, window
from ..errors import FastcnnError
from .graph import Add, Apply, Concat, Conv, Dense, Graph, Node, Pool, Value, View


class UnsupportedError(FastcnnError):
    """A module has no lowering rule; the model then runs eagerly."""


class _Lowering:
    """Collects the nodes of one model."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def append(self, node: Node, *others: Value) -> View:
        """Add a node and return a view of what it makes."""
        node.y.producer = node
        for value in (node.x, *others):
            value.consumers.append(node)
        self.nodes.append(node)
        return View(node.y)

    def run(self, module: nn.Module, x: View) -> View:
        """Lower one module that is applied to x."""
        rule = _RULES.get(type(module))
        if rule is None:
            raise UnsupportedError(f"{type(module).__name__} has no lowering rule")
        if type(module).forward is not _FORWARD[type(module)]:
            raise UnsupportedError(f"{type(module).__name__} has a forward of its own")
        return rule(self, module, x)


def lower(model: nn.Module, input_shape: tuple[int, ...]) -> Graph:
    """Lower `model` for samples of input_shape: (C, H, W) or (F,).

    Raises
    ------
    UnsupportedError
        If a module has no rule.
    """
    if len(input_shape) not in (1, 3) or 0 in input_shape:
        raise UnsupportedError(f"samples of the shape {input_shape}")
    source = Value(*input_shape) if len(input_shape) == 3 else Value(input_shape[0], 1, 1)
    lowering = _Lowering()
    result = lowering.run(model, View(source, flat=len(input_shape) == 1))
    if result.value is source or any(result.margin):
        raise UnsupportedError("a model that only changes shapes")
    return Graph(source, result.value, result.flat, lowering.nodes)


def _plain(x: View, what: str) -> Value:
    """Return the value of a view without margins."""
    if any(x.margin):
        raise UnsupportedError(f"{what} after padding")
    return x.value


def _image(x: View, what: str) -> Value:
    if x.flat:
        raise UnsupportedError(f"{what} of flattened input")
    return x.value


def _sequential(lowering: _Lowering, module: nn.Sequential, x: View) -> View:
    for child in module:
        x = lowering.run(child, x)
    return x


def _conv2d(lowering: _Lowering, module: nn.Conv2d, x: View) -> View:
    value = _image(x, "Conv2d")
    if value.channels != module.in_channels:
        raise UnsupportedError(f"Conv2d of {value.channels} channels")
    pads = conv_padding(module.padding, module.kernel_size, module.stride, module.dilation, "Conv2d: padding")
    w = _window(x, module.kernel_size, module.stride, pads, module.dilation, "conv2d", False)
    y = Value(module.out_channels, w.out_h, w.out_w)
    if module.groups == 1 and (w.in_h, w.in_w) == module.kernel_size and pads == x.margin == (0, 0, 0, 0):
        return lowering.append(Dense(value, y, module.weight, module.bias))  # the window is the image
    return lowering.append(Conv(value, y, module.weight, module.bias, w, module.groups))


def _window(
    x: View,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pads: tuple[int, int, int, int],
    dilation: tuple[int, int],
    what: str,
    ceil_mode: bool,
) -> Window:
    """Return the window over x's value: its padding takes in x's margin, its sizes are the value's."""
    w = window((x.height, x.width), kernel, stride, pads, dilation, what, ceil_mode)
    return w._replace(
        in_h=x.value.height,
        in_w=x.value.width,
        pad_top=w.pad_top + x.margin[2],
        pad_left=w.pad_left + x.margin[0],
    )


def _linear(lowering: _Lowering, module: nn.Linear, x: View) -> View:
    value = _plain(x, "Linear")
    if not x.flat or value.size != module.in_features:
        raise UnsupportedError("Linear over the last axis of images")
    y = Value(module.out_features, 1, 1)
    view = lowering.append(Dense(value, y, module.weight, module.bias))
    return View(view.value, flat=True)


def _elementwise(lowering: _Lowering, x: View, **parts: object) -> View:
    value = _plain(x, "an elementwise layer")
    y = Value(value.channels, value.height, value.width)
    return View(lowering.append(Apply(value, y, **parts)).value, flat=x.flat)  # type: ignore[arg-type]


def _batch_norm(lowering: _Lowering, module: nn.BatchNorm2d, x: View) -> View:
    value = _image(x, "BatchNorm2d")
    if value.channels != module.num_features or not module.track_running_stats or module.momentum is None:
        raise UnsupportedError("BatchNorm2d without running statistics of a fixed momentum")
    return _elementwise(lowering, x, norm=module)


def _relu(lowering: _Lowering, module: nn.ReLU, x: View) -> View:
    return _elementwise(lowering, x, relu=True)


def _dropout(lowering: _Lowering, module: nn.Dropout, x: View) -> View:
    return _elementwise(lowering, x, dropout=module)


def _flatten(lowering: _Lowering, module: nn.Flatten, x: View) -> View:
    if (module.start_dim, module.end_dim) not in ((1, -1), (1, 1 if x.flat else 3)):
        raise UnsupportedError("Flatten of some axes")
    return View(_plain(x, "Flatten"), flat=True)


def _zero_pad(lowering: _Lowering, module: nn.ZeroPad2d, x: View) -> View:
    value = _image(x, "ZeroPad2d")
    margin = tuple(a + b for a, b in zip(x.margin, module.padding, strict=True))
    return View(value, margin)  # type: ignore[arg-type]


def _position_bias(lowering: _Lowering, module: nn.PositionBias, x: View) -> View:
    value = _plain(x, "PositionBias")
    conv = value.producer
    if (
        not isinstance(conv, Conv)
        or conv.bias is not None
        or conv.position_bias is not None
        or value.consumers
    ):
        raise UnsupportedError("PositionBias that does not follow a convolution without bias")
    if module.bias.shape != (value.channels, value.height, value.width):
        raise UnsupportedError(f"PositionBias of the shape {module.bias.shape}")
    conv.position_bias = module.bias
    return x


def _taps(w: Window, rows: tuple[int, int], columns: tuple[int, int]) -> list[list[tuple[int, int]]]:
    """Return the taps of each output pixel that lie in these ranges of rows and columns."""
    windows = []
    for i, j in np.ndindex(w.out_h, w.out_w):
        us = [i * w.stride_h - w.pad_top + u * w.dilation_h for u in range(w.kernel_h)]
        vs = [j * w.stride_w - w.pad_left + v * w.dilation_w for v in range(w.kernel_w)]
        windows.append(
            [(u, v) for u in us for v in vs if rows[0] <= u < rows[1] and columns[0] <= v < columns[1]]
        )
    return windows


def _max_pool(lowering: _Lowering, module: nn.MaxPool2d, x: View) -> View:
    value, margin = _image(x, "MaxPool2d"), x.margin
    pads = padding4(module.padding, "MaxPool2d: padding")
    w = _window(x, module.kernel_size, module.stride, pads, module.dilation, "max_pool2d", module.ceil_mode)
    # The margin's zeros take part in the maximum; the pool's own padding does not.
    taps = _taps(w, (-margin[2], value.height + margin[3]), (-margin[0], value.width + margin[1]))
    return lowering.append(Pool(value, Value(value.channels, w.out_h, w.out_w), taps, None))


def _avg_pool(lowering: _Lowering, module: nn.AvgPool2d, x: View) -> View:
    value = _image(x, "AvgPool2d")
    pads = padding4(module.padding, "AvgPool2d: padding")
    w = _window(x, module.kernel_size, module.stride, pads, (1, 1), "avg_pool2d", module.ceil_mode)
    left, right, top, bottom = (m + p for m, p in zip(x.margin, pads, strict=True))
    inside = _taps(w, (0, value.height), (0, value.width))
    counted = _taps(w, (-top, value.height + bottom), (-left, value.width + right))
    if not module.count_include_pad:
        in_rows, in_columns = (
            (-x.margin[2], value.height + x.margin[3]),
            (-x.margin[0], value.width + x.margin[1]),
        )
        counted = _taps(w, in_rows, in_columns)
    factors = [1 / (module.divisor_override or max(1, len(window))) for window in counted]
    return lowering.append(Pool(value, Value(value.channels, w.out_h, w.out_w), inside, factors))


def _adaptive_avg_pool(lowering: _Lowering, module: nn.AdaptiveAvgPool2d, x: View) -> View:
    value = _plain(x, "AdaptiveAvgPool2d")
    size = module.output_size
    wanted = tuple(size) if isinstance(size, tuple | list) else (size, size)
    out_h, out_w = (n if k is None else k for k, n in zip(wanted, (value.height, value.width), strict=True))

    def extent(i: int, size: int, out: int) -> range:
        return range(i * size // out, -(-(i + 1) * size // out))

    taps = [
        [(u, v) for u in extent(i, value.height, out_h) for v in extent(j, value.width, out_w)]
        for i, j in np.ndindex(out_h, out_w)
    ]
    factors = [1 / len(window) for window in taps]
    return lowering.append(
        Pool(_image(x, "AdaptiveAvgPool2d"), Value(value.channels, out_h, out_w), taps, factors)
    )


def _residual(lowering: _Lowering, module: nn.Residual, x: View) -> View:
    value, body = _plain(x, "Residual"), lowering.run(module.body, x)
    made = _plain(body, "Residual")
    if made is value or x.flat != body.flat:
        raise UnsupportedError("Residual around a body that only changes shapes")
    if (made.channels, made.height, made.width) != (value.channels, value.height, value.width):
        raise UnsupportedError("Residual around a body that changes the shape")
    y = Value(value.channels, value.height, value.width)
    return View(lowering.append(Add(value, y, made), made).value, flat=x.flat)


def _dense_residual(lowering: _Lowering, module: nn.DenseResidual, x: View) -> View:
    value, made = _plain(x, "DenseResidual"), _plain(lowering.run(module.body, x), "DenseResidual")
    if made is value or x.flat or (made.height, made.width) != (value.height, value.width):
        raise UnsupportedError("DenseResidual around a body that changes the size")
    y = Value(value.channels + made.channels, value.height, value.width)
    return lowering.append(Concat(value, y, made), made)


_RULES: dict[type[nn.Module], Callable[[_Lowering, Any, View], View]] = {
    nn.AdaptiveAvgPool2d: _adaptive_avg_pool,
    nn.AvgPool2d: _avg_pool,
    nn.BatchNorm2d: _batch_norm,
    nn.Conv2d: _conv2d,
    nn.DenseResidual: _dense_residual,
    nn.Dropout: _dropout,
    nn.Flatten: _flatten,
    nn.Linear: _linear,
    nn.MaxPool2d: _max_pool,
    nn.PositionBias: _position_bias,
    nn.ReLU: _relu,
    nn.Residual: _residual,
    nn.Sequential: _sequential,
    nn.ZeroPad2d: _zero_pad,
}
# A layer whose forward was replaced no longer does what its rule says.
_FORWARD = {kind: kind.forward for kind in _RULES}
