"""Convolution: tables of places, the forward pass, and the gradients of weight and biases."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ..._shapes import Window
from ...nn import Parameter
from ..graph import Apply, Conv, Dense, Node, NormPool
from ..memory import Blob, table
from ..parts import Backward, Forward
from .conv_input import backward_input
from .places import segments

# A layer with at most so many output pixels has its weight gradient made over all images at once: the partial
# sums of each slot would cost more than the products.
_FEW_PIXELS = 16


def _place(node: Conv, group: int, x: Blob, y: Blob, name: str) -> np.ndarray:
    """Return the places of pixels ("y", "x"), taps ("tap") or weights ("weight", "channel") of one group."""
    window, groups, weight = node.window, node.groups, node.weight
    out, depth_channels = weight.shape[0] // groups, weight.shape[1]
    i, j = np.divmod(np.arange(window.out_h * window.out_w), window.out_w)
    u, v, c = (a.ravel() for a in np.mgrid[: window.kernel_h, : window.kernel_w, :depth_channels])
    lanes = x.lanes
    taps = x.offset(u * window.dilation_h, v * window.dilation_w) + (group * depth_channels + c) * lanes
    kernel_size = window.kernel_h * window.kernel_w
    places = {
        "y": y.at(i, j) + np.int32(group * out * lanes),
        "x": x.at(i * window.stride_h - window.pad_top, j * window.stride_w - window.pad_left),
        "tap": table(taps),
        "weight": table(c * kernel_size + u * window.kernel_w + v),
        "channel": table((group * out + np.arange(out)) * depth_channels * kernel_size),
    }
    return places[name]


def _places(node: Conv, group: int, x: Blob, y: Blob) -> Callable[[str], Callable[[], np.ndarray]]:
    """Return what turns the name of a table into a function that makes it."""
    return lambda name: partial(_place, node, group, x, y, name)


def _kernel_rows(window: Window) -> list[tuple[int, int]]:
    """Return the kernel rows [first, last) of each output row that lie in the image."""
    ranges = []
    for i in range(window.out_h):
        top = i * window.stride_h - window.pad_top
        first = max(0, -(top // window.dilation_h))
        last = min(window.kernel_h, (window.in_h - 1 - top) // window.dilation_h + 1)
        ranges.append((first, max(first, last)) if first < window.kernel_h else (0, 0))
    return ranges


def _require_halo(window: Window, x: Blob) -> None:
    """Ask for the halo that a window reads around x."""
    reach_h = (
        (window.out_h - 1) * window.stride_h + window.dilation_h * (window.kernel_h - 1) - window.pad_top
    )
    reach_w = (
        (window.out_w - 1) * window.stride_w + window.dilation_w * (window.kernel_w - 1) - window.pad_left
    )
    x.require(window.pad_left, reach_w - (x.width - 1), window.pad_top, reach_h - (x.height - 1))


def _position_places(bias: Parameter) -> np.ndarray:
    """Where the bias (C, H, W) of each pixel and channel stands, pixel by pixel."""
    return table(np.arange(bias.size).reshape(bias.shape).transpose(1, 2, 0).ravel())


def forward(f: Forward, node: Conv) -> None:
    """Write y = conv(x) + bias, perhaps clipped, for each group of channels."""
    w, x = f.writer, f.blobs[node.x]
    norm = f.folded.get(node)
    y = f.blob(node.y)
    _require_halo(node.window, x)
    out, depth = node.weight.shape[0] // node.groups, int(np.prod(node.weight.shape[1:]))
    bias: Parameter | np.ndarray | None = node.bias
    scale, relu = None, node.relu
    if norm is not None:
        relu = norm.relu
        rows, channels = f.norms[norm].rows, node.weight.shape[0]
        scale, bias = rows[:channels], rows[channels : 2 * channels]
    position = None
    if node.position_bias is not None:
        position = w.constant(node.position_bias.size)
        place = _position_places(node.position_bias)
        w.prepare("gather", [position, node.position_bias], [lambda: place], [position.size], tasks=1)
    runs = segments(_kernel_rows(node.window), node.window.out_w, node.window.kernel_w * node.weight.shape[1])
    for group in range(node.groups):
        packed = w.constant(out * depth)
        places = _places(node, group, x, y)
        first = group * out
        w.prepare(
            "conv_pack",
            [packed, node.weight, None if scale is None else scale[first : first + out]],
            [places("weight"), places("channel")],
            [depth, out],
            tasks=w.blocks(out),
        )
        w.add(
            "conv",
            [y, x, packed, bias, position],
            [places("y"), places("x"), places("tap"), lambda: runs],
            [node.y.pixels, depth, out, relu, 0, node.weight.shape[0], first, runs.size // 4],
            flops=2 * node.y.pixels * depth * out,
        )


def relu_masked(b: Backward, node: Conv | Dense) -> Blob:
    """Return the gradient of a node's product: that of y where y > 0 if it has a ReLU."""
    g = b.grads[node.y]
    if not node.relu or node.y in b.masked:
        return g
    y = b.forward.blobs[node.y]
    dy = b.writer.blob(node.y.channels, node.y.height, node.y.width)
    tables = [dy.pixels, g.pixels, y.pixels]
    b.writer.add("relu_grad", [dy, g, y], tables, [node.y.pixels, node.y.channels], [1.0])
    return dy


def _write_total(b: Backward, parameter: Parameter, dy: Blob, by_position: bool, place: np.ndarray) -> None:
    """Sum dy over images, and over pixels unless by_position, into the gradient of a bias."""
    w, grad = b.writer, b.parameter(parameter)
    sums = w.scratch(place.size, per_slot=True)
    w.add("grad_sums", [sums, dy], [dy.pixels], [dy.height * dy.width, dy.channels, by_position])
    tasks = -(-place.size // w.task_totals)
    w.defer("total", [grad, sums], [lambda: place], [place.size], tasks=tasks)


def bias_grad(b: Backward, bias: Parameter, dy: Blob) -> None:
    """Write the gradient of a bias for each channel."""
    _write_total(b, bias, dy, False, table(np.arange(dy.channels)))


def _before_norm(node: Node) -> bool:
    readers = node.y.consumers
    return len(readers) == 1 and isinstance(readers[0], Apply | NormPool) and readers[0].norm is not None


def backward(b: Backward, node: Conv) -> None:
    """Write the gradients of biases, weight and, where it is wanted, x."""
    f, w = b.forward, b.writer
    x, dy = f.blobs[node.x], relu_masked(b, node)
    if node.bias is not None:
        if _before_norm(node) and not node.relu:
            b.parameter(node.bias)  # batch normalisation takes the mean out again: the gradient is exactly 0
        else:
            bias_grad(b, node.bias, dy)
    if node.position_bias is not None:
        _write_total(b, node.position_bias, dy, True, _position_places(node.position_bias))
    out, depth = node.weight.shape[0] // node.groups, int(np.prod(node.weight.shape[1:]))
    dweight = b.parameter(node.weight)
    for group in range(node.groups):
        places = _places(node, group, x, dy)
        tables = [places("y"), places("x"), places("tap")]
        sizes = [node.y.pixels, depth, out]
        flops = 2 * node.y.pixels * depth * out
        if node.y.pixels <= _FEW_PIXELS:
            weight_of_all(b, dweight, x, dy, tables, [places("weight"), places("channel")], sizes)
            continue
        sums = w.scratch(out * depth, per_slot=True)
        w.add("conv_weight", [sums, x, dy], tables, [*sizes, node.weight.shape[1]], flops=flops)
        w.defer(
            "conv_weight_sum",
            [dweight, sums],
            [places("weight"), places("channel")],
            [depth, out],
            tasks=w.blocks(out),
        )
    if b.wanted(node.x):
        backward_input(b, node, dy)


def weight_of_all(
    b: Backward,
    dweight: np.ndarray,
    x: Blob,
    dy: Blob,
    tables: list,
    places: list,
    sizes: list[int],
    dense: bool = False,
) -> None:
    """The weight gradient of a layer of few pixels, over all groups at once."""
    pixels, depth, out = sizes
    b.writer.defer(
        "weight_of_all",
        [dweight, x, dy],
        [*tables, lambda: np.concatenate([place() for place in places])],
        [*sizes, dense],
        tasks=-(-depth // b.writer.task_taps),
        flops=2 * pixels * depth * out,
    )
