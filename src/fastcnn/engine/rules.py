"""Lowering rules: what nodes a layer becomes; those of pooling are in pool_rules.py.

A rule reads a layer as the layer's own forward does. Where that would raise, or where the engine has no such
operation, the rule raises UnsupportedError: the model then runs eagerly, and raises what there is to raise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import nn
from .._shapes import Window, conv_padding, integer, padding4, pair, window
from ..errors import FastcnnError
from .graph import Add, Apply, Concat, Conv, Dense, Node, Softmax, Value, View

# Of a sample's value: the places of elements are int32.
_MOST_ELEMENTS = 2**31 - 1


class UnsupportedError(FastcnnError):
    """A module has no lowering rule; the model then runs eagerly."""


class Rule(NamedTuple):
    """How a layer is lowered, and what of the layer that depends on beside its parameters and buffers."""

    lower: Callable[[Lowering, Any, View], View]
    reads: Callable[[Any], object]


class Lowering:
    """Collects the nodes of one model of one element type.

    Parameters
    ----------
    rules : mapping
        How each type of layer is lowered.
    dtype : np.dtype
        Of all parameters.
    names : mapping
        What to call a module, by its id.
    training : bool
        Whether each layer is in its own mode; else all are in evaluation mode.
    """

    def __init__(
        self,
        rules: Mapping[type[nn.Module], Rule],
        dtype: np.dtype,
        names: Mapping[int, str],
        training: bool,
    ) -> None:
        self.rules = rules
        self.dtype = dtype
        self.names = names
        self.training = training
        self.label = ""  # of the module that is being lowered
        self.nodes: list[Node] = []
        self.held: set[Value] = set()  # values that a later node reads too

    def append(self, node: Node, *others: Value) -> View:
        """Add a node and return a view of what it makes."""
        if node.y.size > _MOST_ELEMENTS:
            raise UnsupportedError("a sample with a value of 2**31 elements or more")
        node.y.producer = node
        node.label = self.label
        for value in (node.x, *others):
            value.consumers.append(node)
        self.nodes.append(node)
        return View(node.y)

    def run(self, module: nn.Module, x: View) -> View:
        """Lower one module that is applied to x."""
        rule = self.rules.get(type(module))
        if rule is None:
            raise UnsupportedError(f"{type(module).__name__} has no lowering rule")
        outer, self.label = self.label, self.names[id(module)]
        y = rule.lower(self, module, x)
        self.label = outer
        return y

    def weight(self, parameter: nn.Parameter, shape: tuple[int, ...]) -> None:
        """Check that a parameter has the shape that its layer needs."""
        self.array(parameter.data, shape, "a weight")

    def array(self, value: object, shape: tuple[int, ...], what: str) -> None:
        """Check that the program can read and write an array in place."""
        if not isinstance(value, np.ndarray) or value.shape != shape or value.dtype != self.dtype:
            raise UnsupportedError(f"{what} that is not a {self.dtype} array of the shape {shape}")
        if not (value.flags.c_contiguous and value.flags.aligned and value.flags.writeable):
            raise UnsupportedError(f"{what} that is not contiguous or not writeable")


def plain(x: View, what: str) -> Value:
    """Return the value of a view without margins."""
    if any(x.margin):
        raise UnsupportedError(f"{what} after padding")
    return x.value


def image(x: View, what: str) -> Value:
    """Return the value of a view that is not flattened."""
    if x.flat:
        raise UnsupportedError(f"{what} of flattened input")
    return x.value


def window_over(
    x: View,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pads: tuple[int, int, int, int],
    dilation: tuple[int, int],
    what: str,
    ceil_mode: bool = False,
) -> Window:
    """Return the window over x's value: its padding takes in x's margin, its sizes are the value's."""
    w = window((x.height, x.width), kernel, stride, pads, dilation, what, ceil_mode)
    return w._replace(
        in_h=x.value.height,
        in_w=x.value.width,
        pad_top=w.pad_top + x.margin[2],
        pad_left=w.pad_left + x.margin[0],
    )


def is_number(value: object, maximum: float = np.inf) -> bool:
    """Tell whether `value` is a finite number from 0 to `maximum`."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    return math.isfinite(value) and bool(0 <= value <= maximum)


def sequential(lowering: Lowering, module: nn.Sequential, x: View) -> View:
    """Lower layer after layer."""
    for child in module:
        x = lowering.run(child, x)
    return x


def conv2d(lowering: Lowering, module: nn.Conv2d, x: View) -> View:
    """Lower a convolution; one whose window is the image is a linear layer."""
    value, weight, bias = image(x, "Conv2d"), module.weight, module.bias
    groups = integer(module.groups, "Conv2d: groups", 1)
    if weight is None or len(weight.shape) != 4 or 0 in weight.shape or weight.shape[0] % groups:
        raise UnsupportedError("Conv2d without a weight that fits")
    out, kernel = weight.shape[0], (weight.shape[2], weight.shape[3])
    if value.channels != weight.shape[1] * groups:
        raise UnsupportedError(f"Conv2d of {value.channels} channels")
    lowering.weight(weight, weight.shape)
    if bias is not None:
        lowering.weight(bias, (out,))
    stride, dilation = pair(module.stride, "Conv2d: stride", 1), pair(module.dilation, "Conv2d: dilation", 1)
    pads = conv_padding(module.padding, kernel, stride, dilation, "Conv2d: padding")
    w = window_over(x, kernel, stride, pads, dilation, "conv2d")
    y = Value(out, w.out_h, w.out_w)
    if groups == 1 and (w.in_h, w.in_w) == kernel and pads == x.margin == (0, 0, 0, 0):
        return lowering.append(Dense(value, y, weight, bias))
    return lowering.append(Conv(value, y, weight, bias, w, groups))


def linear(lowering: Lowering, module: nn.Linear, x: View) -> View:
    """Lower a linear layer over whole samples."""
    value, weight, bias = plain(x, "Linear"), module.weight, module.bias
    if weight is None or len(weight.shape) != 2 or weight.shape[0] == 0:
        raise UnsupportedError("Linear without a weight that fits")
    if not x.flat or value.size != weight.shape[1]:
        raise UnsupportedError("Linear over the last axis of images")
    lowering.weight(weight, weight.shape)
    if bias is not None:
        lowering.weight(bias, weight.shape[:1])
    view = lowering.append(Dense(value, Value(weight.shape[0], 1, 1), weight, bias))
    return View(view.value, flat=True)


def _elementwise(lowering: Lowering, x: View, **parts: Any) -> View:
    value = plain(x, "an elementwise layer")
    y = Value(value.channels, value.height, value.width)
    return View(lowering.append(Apply(value, y, **parts)).value, flat=x.flat)


def norm_is_fixed(module: nn.BatchNorm2d) -> bool:
    """Tell whether eps and momentum are what batch normalisation in the engine can read."""
    return is_number(module.eps) and is_number(module.momentum)


def batch_norm(lowering: Lowering, module: nn.BatchNorm2d, x: View) -> View:
    """Lower batch normalisation with running statistics."""
    value, shape = image(x, "BatchNorm2d"), (x.value.channels,)
    if not module.track_running_stats or not norm_is_fixed(module):
        raise UnsupportedError("BatchNorm2d without running statistics of a fixed momentum")
    if value.channels != module.num_features:
        raise UnsupportedError(f"BatchNorm2d of {value.channels} channels")
    for parameter in (module.weight, module.bias):
        if parameter is not None:
            lowering.weight(parameter, shape)
    for name in ("running_mean", "running_var"):
        lowering.array(getattr(module, name), shape, f"BatchNorm2d with a {name}")
    return _elementwise(lowering, x, norm=module, fixed=not (lowering.training and module.training))


def relu(lowering: Lowering, module: nn.ReLU, x: View) -> View:
    """Lower ReLU."""
    return _elementwise(lowering, x, relu=True)


def dropout(lowering: Lowering, module: nn.Dropout, x: View) -> View:
    """Lower dropout, which does nothing in evaluation mode."""
    if not is_number(module.p, 1.0):
        raise UnsupportedError(f"Dropout with p={module.p!r}")
    if not (lowering.training and module.training):
        return x
    return _elementwise(lowering, x, dropout=module)


def softmax(lowering: Lowering, module: nn.Softmax | nn.LogSoftmax, x: View) -> View:
    """Lower softmax over the features of a sample."""
    value = plain(x, "Softmax")
    dims = (None, 1, -1) if x.flat else (None, 1, -3) if value.pixels == 1 else ()
    if module.dim not in dims or isinstance(module.dim, bool):
        raise UnsupportedError(f"{type(module).__name__} over dim={module.dim!r} of a part of a sample")
    y = Value(value.channels, value.height, value.width)
    log = isinstance(module, nn.LogSoftmax)
    return View(lowering.append(Softmax(value, y, log)).value, flat=x.flat)


def identity(lowering: Lowering, module: nn.Identity, x: View) -> View:
    """Lower Identity: nothing is done."""
    return x


def flatten(lowering: Lowering, module: nn.Flatten, x: View) -> View:
    """Lower Flatten: nothing moves."""
    if (module.start_dim, module.end_dim) not in ((1, -1), (1, 1 if x.flat else 3)):
        raise UnsupportedError("Flatten of some axes")
    return View(plain(x, "Flatten"), flat=True)


def zero_pad(lowering: Lowering, module: nn.ZeroPad2d, x: View) -> View:
    """Lower zero padding: the next layer reads the margin."""
    added = padding4(module.padding, "ZeroPad2d: padding")
    left, right, top, bottom = (a + b for a, b in zip(x.margin, added, strict=True))
    return View(image(x, "ZeroPad2d"), (left, right, top, bottom))


def position_bias(lowering: Lowering, module: nn.PositionBias, x: View) -> View:
    """Lower a bias for each position: the convolution before it starts from it."""
    conv, value = image(x, "PositionBias").producer, plain(x, "PositionBias")
    if not isinstance(conv, Conv) or conv.bias is not None or conv.position_bias is not None:
        raise UnsupportedError("PositionBias that does not follow a convolution without bias")
    if value.consumers or value in lowering.held:
        raise UnsupportedError("PositionBias of a value that others read without it")
    if module.bias is None:
        raise UnsupportedError("PositionBias without a bias")
    lowering.weight(module.bias, (value.channels, value.height, value.width))
    conv.position_bias = module.bias
    conv.label += f" + {lowering.label}"
    return x


def residual(lowering: Lowering, module: nn.Residual, x: View) -> View:
    """Lower x + body(x)."""
    value = plain(x, "Residual")
    body = _branch(lowering, module.body, x)
    made = plain(body, "Residual")
    if made is value or x.flat != body.flat:
        raise UnsupportedError("Residual around a body that only changes shapes")
    if (made.channels, made.height, made.width) != (value.channels, value.height, value.width):
        raise UnsupportedError("Residual around a body that changes the shape")
    y = Value(value.channels, value.height, value.width)
    return View(lowering.append(Add(value, y, made), made).value, flat=x.flat)


def dense_residual(lowering: Lowering, module: nn.DenseResidual, x: View) -> View:
    """Lower concat(x, body(x))."""
    value, body = plain(x, "DenseResidual"), _branch(lowering, module.body, x)
    made = plain(body, "DenseResidual")
    if made is value or x.flat or body.flat or (made.height, made.width) != (value.height, value.width):
        raise UnsupportedError("DenseResidual around a body that changes the size")
    y = Value(value.channels + made.channels, value.height, value.width)
    return lowering.append(Concat(value, y, made), made)


def _branch(lowering: Lowering, body: nn.Module, x: View) -> View:
    """Lower a body whose input is read once more after it."""
    lowering.held.add(x.value)
    return lowering.run(body, x)
