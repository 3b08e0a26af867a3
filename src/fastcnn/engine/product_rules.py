"""Lowering rules of products: convolutions and linear layers."""

from __future__ import annotations

from .. import graph, nn
from .._outputs import convolution, transposed_convolution
from .._shapes import Window, integer, row_of, transposed_row
from .graph import Value
from .nodes.conv import Conv
from .nodes.conv_transpose import ConvTranspose
from .nodes.dense import Dense
from .rules import Lowering, Source, image, over_value, tensor
from .shape_rules import channels_first, channels_last
from .tracing import UnsupportedError
from .view import View

# The geometry of a transposed convolution.
_TRANSPOSED = ("stride", "padding", "output_padding", "dilation")


def conv2d(lowering: Lowering, op: graph.Conv2d, x: Source, weight: Source, bias: Source) -> View:
    """Lower a convolution; one whose window is the image is a linear layer."""
    view = tensor(lowering, x, "Conv2d")
    image(view, "Conv2d")
    weight, bias = _parameters(lowering, "Conv2d", weight, bias)
    kernel = weight.shape[2], weight.shape[3]
    stride, padding, dilation = (op.geometry[name] for name in ("stride", "padding", "dilation"))
    placed = convolution((view.height, view.width), kernel, stride, padding, dilation, "conv2d")
    return _convolution(lowering, op, view, weight, bias, placed.window, placed.padding)


def conv1d(lowering: Lowering, op: graph.Conv1d, x: Source, weight: Source, bias: Source) -> View:
    """Lower a convolution along lines: images of one row."""
    view = tensor(lowering, x, "Conv1d")
    if not view.line:
        raise UnsupportedError("Conv1d of something else than lines")
    weight, bias = _parameters(lowering, "Conv1d", weight, bias)
    steps = {name: op.geometry[name] for name in ("stride", "padding", "dilation")}
    geometry = row_of(**steps, what="conv1d")
    placed = convolution((1, view.width), (1, weight.shape[2]), *geometry, "conv1d")
    made = _convolution(lowering, op, view, weight, bias, placed.window, placed.padding)
    return View(made.value, line=True)


def _convolution(
    lowering: Lowering,
    op: graph.Conv1d | graph.Conv2d,
    view: View,
    weight: nn.Parameter,
    bias: nn.Parameter | None,
    window: Window,
    pads: tuple[int, int, int, int],
) -> View:
    value, groups = view.value, integer(op.geometry["groups"], "groups", 1)
    w = over_value(view, window)
    y = Value(weight.shape[0], w.out_h, w.out_w)
    whole = (w.in_h, w.in_w) == (w.kernel_h, w.kernel_w) and pads == view.margin == (0, 0, 0, 0)
    if groups == 1 and whole:
        return lowering.append(Dense(value, y, weight, bias))
    return lowering.append(Conv(value, y, weight, bias, w, groups))


def conv_transpose2d(
    lowering: Lowering, op: graph.ConvTranspose2d, x: Source, weight: Source, bias: Source
) -> View:
    """Lower a transposed convolution; a margin makes more of y, and nothing else."""
    what = "ConvTranspose2d"
    view = tensor(lowering, x, what)
    value, groups = image(view, what), integer(op.geometry["groups"], f"{what}: groups", 1)
    weight, bias = _parameters(lowering, what, weight, bias, groups)
    kernel = weight.shape[2], weight.shape[3]
    steps = {name: op.geometry[name] for name in _TRANSPOSED}
    w = transposed_convolution((view.height, view.width), kernel, **steps, what="conv_transpose2d")
    left, _, top, _ = view.margin
    w = w._replace(
        out_h=value.height,
        out_w=value.width,
        pad_top=w.pad_top - top * w.stride_h,
        pad_left=w.pad_left - left * w.stride_w,
    )
    y = Value(weight.shape[1] * groups, w.in_h, w.in_w)
    return lowering.append(ConvTranspose(value, y, weight, bias, w, groups))


def conv_transpose1d(
    lowering: Lowering, op: graph.ConvTranspose1d, x: Source, weight: Source, bias: Source
) -> View:
    """Lower a transposed convolution along lines: images of one row."""
    what = "ConvTranspose1d"
    view = tensor(lowering, x, what)
    if not view.line:
        raise UnsupportedError(f"{what} of something else than lines")
    groups = integer(op.geometry["groups"], f"{what}: groups", 1)
    weight, bias = _parameters(lowering, what, weight, bias, groups)
    steps = transposed_row(**{name: op.geometry[name] for name in _TRANSPOSED}, what=what)
    w = transposed_convolution((1, view.width), (1, weight.shape[2]), **steps, what="conv_transpose1d")
    y = Value(weight.shape[1] * groups, w.in_h, w.in_w)
    return View(lowering.append(ConvTranspose(view.value, y, weight, bias, w, groups)).value, line=True)


def linear(lowering: Lowering, op: graph.Linear, x: Source, weight: Source, bias: Source) -> View:
    """Lower a linear layer over whole samples, or over the last axis: that is a convolution of 1x1."""
    if not isinstance(x, View):
        raise UnsupportedError("Linear of a parameter")
    weight, bias = _parameters(lowering, "Linear", weight, bias)
    if len(x.shape) > 1:
        return _over_last_axis(lowering, x, weight, bias)
    value = lowering.written(tensor(lowering, x, "Linear")).value
    made = lowering.append(Dense(value, Value(weight.shape[0], 1, 1), weight, bias))
    return View(made.value, flat=True)


def _over_last_axis(lowering: Lowering, x: View, weight: nn.Parameter, bias: nn.Parameter | None) -> View:
    """Lower y[..., o] = sum_c x[..., c] weight[o][c] + bias[o].

    Where x is a view of a value whose channels it has in its last axis, no element moves.
    """
    x = lowering.written(x)
    value = channels_first(lowering, x, 1)
    y = Value(weight.shape[0], *value.sizes[1:])
    window = Window(*value.sizes[1:], *value.sizes[1:], 1, 1, 1, 1, 0, 0, 1, 1)
    made = lowering.append(Conv(value, y, weight, bias, window, 1)).value
    return channels_last(made, (*x.shape[:-1], y.channels))


def _parameters(
    lowering: Lowering, what: str, weight: Source, bias: Source, groups: int | None = None
) -> tuple[nn.Parameter, nn.Parameter | None]:
    """Return weight and bias, which a program can read; with `groups`, of a transposed convolution."""
    if not isinstance(weight, nn.Parameter) or not (bias is None or isinstance(bias, nn.Parameter)):
        raise UnsupportedError(f"{what} with a weight that is no parameter")
    lowering.weight(weight, weight.shape)
    if bias is not None:
        lowering.weight(bias, weight.shape[:1] if groups is None else (weight.shape[1] * groups,))
    return weight, bias
