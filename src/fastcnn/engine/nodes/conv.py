"""Convolution: tables of places, the forward pass, and the gradients of weight and biases."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..._shapes import Window
from ...nn import Parameter
from ..emit import Writer
from ..graph import Add, Apply, Conv, Dense, Node, NormPool
from ..memory import Blob, table
from ..parts import Backward, Forward
from .conv_input import backward_input
from .norm import operand
from .product import Places, Product, bands_of, group_count, kernel_rows, multiply, pack, segments

# A layer with at most so many output pixels has its weight gradient made over all images at once: the partial
# sums of each slot would cost more than the products.
_FEW_PIXELS = 16
# Where channels are in the lanes, one with at most so many makes it for several images at once: its sums are
# more than its arrays.
_SEVERAL_IMAGES = 100


def _product(node: Conv, groups: int, group: int, x: Blob, y: Blob) -> Product:
    """Return the places of one group of channels."""
    win = node.window
    out, inner = node.weight.shape[0] // groups, node.weight.shape[1]
    kernel = win.kernel_h * win.kernel_w
    depthwise = groups < node.groups
    # Pixels of a kernel row follow each other in memory if no padding and no other group lies between.
    rows = x.pitch == inner * x.step and win.dilation_w == 1 and not depthwise
    # Where windows begin, and where their elements are from there.
    top = np.arange(win.out_h) * win.stride_h - win.pad_top
    left = np.arange(win.out_w) * win.stride_w - win.pad_left
    u, v = np.arange(win.kernel_h) * win.dilation_h, np.arange(1 if rows else win.kernel_w) * win.dilation_w

    def weight_at() -> np.ndarray:
        c, taps = np.arange(inner), np.arange(kernel)
        return table((c * kernel + taps[:, None]).ravel())

    return Product(
        pixels=win.out_h * win.out_w,
        width=win.out_w,
        depth=kernel * inner,
        channels=out,
        y_at=partial(y.pixels, group * out),
        x_at=lambda: x.grid(top, left),
        runs=lambda: x.offset(u[:, None], v).ravel() + x.channel(group * inner),
        run_length=win.kernel_w * inner if rows else inner,
        weight_at=weight_at,
        channel_at=lambda: table((group * out + np.arange(out)) * inner * kernel),
        segments=segments(kernel_rows(top, u, win.in_h), win.out_w, v.size),
        depthwise=depthwise,
    )


def _require_halo(window: Window, x: Blob) -> None:
    """Ask for the halo that a window reads around x."""
    reach_h = (
        (window.out_h - 1) * window.stride_h + window.dilation_h * (window.kernel_h - 1) - window.pad_top
    )
    reach_w = (
        (window.out_w - 1) * window.stride_w + window.dilation_w * (window.kernel_w - 1) - window.pad_left
    )
    x.require(window.pad_left, reach_w - (x.width - 1), window.pad_top, reach_h - (x.height - 1))


def _position_bias(w: Writer, bias: Parameter) -> np.ndarray:
    """Let the bias (C, H, W) of each pixel be laid out pixel by pixel, in padded rows; return where."""
    channels, height, width = bias.shape
    pixels, row = height * width, w.layout.row(channels)
    rows = w.constant(pixels * row)
    if w.layout.by_channels:
        w.prepare("pack", [rows, bias], [lambda: table(row * np.arange(pixels))], [pixels, channels], tasks=1)
    else:
        places = np.arange(bias.size).reshape(channels, pixels).T
        w.prepare("gather", [rows, bias], [lambda: table(places).ravel()], [rows.size], tasks=1)
    return rows


def _bias_of(
    w: Writer, bias: Parameter | np.ndarray | None, first: int, out: int
) -> Parameter | np.ndarray | None:
    """Return the biases of a group as kernels read them: in "channels" from its first one on."""
    if not w.layout.by_channels:
        return bias
    return bias[first:] if isinstance(bias, np.ndarray) else w.padded(bias, first, first + out)


def forward(f: Forward, node: Conv) -> None:
    """Write y = conv(x) + bias, perhaps clipped, for each group of channels."""
    w, x = f.writer, f.blobs[node.x]
    norm = f.folded.get(node)
    y = f.blob(node.y)
    _require_halo(node.window, x)
    channels = node.weight.shape[0]
    bias: Parameter | np.ndarray | None = node.bias if norm is None else None
    scale, relu = None, node.relu
    if norm is not None:
        rows, row = f.norms[norm].rows, w.layout.row(channels)
        scale, bias, relu = rows[:row], rows[row : 2 * row], norm.relu
    position = None if node.position_bias is None else _position_bias(w, node.position_bias)
    groups = group_count(w, node)
    out = channels // groups
    for group in range(groups):
        product, first = _product(node, groups, group, x, y), group * out
        packed = pack(w, product, node.weight, None if scale is None else scale[first : first + out])
        multiply(
            w,
            product,
            y,
            x,
            packed,
            bias=_bias_of(w, bias, first, out),
            position_bias=position,
            relu=relu,
            all_channels=channels,
            first_channel=first,
            flops=2 * product.pixels * product.depth * out,
        )


def relu_masked(b: Backward, node: Add | Conv | Dense) -> Blob:
    """Return the gradient of a node's product or sum: that of y where y > 0 if it has a ReLU."""
    g = b.grads[node.y]
    if not node.relu or node.y in b.masked:
        return g
    y = b.forward.blobs[node.y]
    dy = b.writer.blob(node.y.channels, node.y.height, node.y.width)
    tables = [dy.pixels, g.pixels, y.pixels]
    b.writer.add("relu_grad", [dy, g, y], tables, [node.y.pixels, b.writer.vectors(node.y.channels)], [1.0])
    return dy


def _write_total(b: Backward, parameter: Parameter | None, dy: Blob, by_position: bool) -> None:
    """Sum dy over images, and over pixels unless by_position, into the gradient of a bias that is trained."""
    w, grad = b.writer, b.parameter(parameter)
    if grad is None:
        return
    vectors, row = w.vectors(dy.channels), w.layout.row(dy.channels)
    pixels = np.arange(dy.height * dy.width if by_position else 1)
    sums = w.scratch(pixels.size * vectors, per_slot=True)
    w.add("grad_sums", [sums, dy], [dy.pixels], [dy.height * dy.width, vectors, by_position])
    if by_position and w.layout.by_channels:
        rows = w.constant(pixels.size * row)
        w.defer("slot_sum", [rows, sums], [], [rows.size], tasks=-(-rows.size // w.task_totals))
        places = table(row * pixels)
        w.defer("unpack", [grad, rows], [lambda: places], [pixels.size, dy.channels], tasks=1, stage=1)
        return
    channels = np.arange(dy.channels)
    place = table((channels * pixels.size + pixels[:, None]).ravel())
    tables = [lambda: place, lambda: table(channels)]
    w.defer("total", [grad, sums], tables, [place.size], tasks=-(-place.size // w.task_totals))


def bias_grad(b: Backward, bias: Parameter | None, dy: Blob) -> None:
    """Write the gradient of a bias for each channel, if there is one and it is trained."""
    _write_total(b, bias, dy, False)


def _before_norm(node: Node) -> bool:
    """Tell whether only batch normalisation by the batch's own statistics reads what a node makes."""
    readers = node.y.consumers
    return (
        len(readers) == 1
        and isinstance(readers[0], Apply | NormPool)
        and readers[0].norm is not None
        and not readers[0].fixed
    )


def backward(b: Backward, node: Conv) -> None:
    """Write the gradients of biases, weight and, where it is wanted, x."""
    dy = relu_masked(b, node)
    if _before_norm(node) and not node.relu:
        b.parameter(node.bias)  # batch normalisation takes the mean out again: the gradient is exactly 0
    else:
        bias_grad(b, node.bias, dy)
    _write_total(b, node.position_bias, dy, True)
    if (dweight := b.parameter(node.weight)) is not None:
        _weight_grads(b, node, dweight, dy)
    if b.wanted(node.x):
        backward_input(b, node, dy)


def _weight_grads(b: Backward, node: Conv, dweight: np.ndarray, dy: Blob) -> None:
    """Write the gradient of the weight, for each group of channels."""
    over_all = node.y.pixels <= _FEW_PIXELS and not b.writer.layout.by_channels
    x = b.forward.blobs[node.x] if over_all else operand(b, node.x)
    _require_halo(node.window, x)
    for group in range(group_count(b.writer, node)):
        _weight_grad(b, node, dweight, x, dy, group)


def _weight_grad(b: Backward, node: Conv, dweight: np.ndarray, x: Blob, dy: Blob, group: int) -> None:
    w = b.writer
    p = _product(node, group_count(w, node), group, x, dy)
    flops = 2 * p.pixels * p.depth * p.channels
    tables = [p.y_at, p.x_at, lambda: p.taps(x)]
    if p.pixels <= _FEW_PIXELS and not w.layout.by_channels:
        weight_of_all(b, dweight, x, dy, tables, [p.weight_at, p.channel_at], p, False)
        return
    bands = bands_of(w, flops)
    for band in range(bands):
        first, last = (p.depth * i // bands for i in (band, band + 1))
        depth, taps = last - first, slice(first, last)
        sums = w.scratch(depth * w.vectors(p.channels), per_slot=True)
        w.add(
            "depthwise_weight" if p.depthwise else "conv_weight",
            [sums, x, dy],
            [p.y_at, p.x_at, lambda taps=taps: np.ascontiguousarray(p.taps(x)[taps])],
            [p.pixels, depth, w.vectors(p.channels), node.weight.shape[1]],
            together=w.layout.by_channels and p.pixels <= _SEVERAL_IMAGES,
            band=band if bands > 1 else None,
            flops=2 * p.pixels * depth * p.channels,
        )
        w.defer(
            "conv_weight_sum",
            [dweight, sums],
            [lambda taps=taps: np.ascontiguousarray(p.weight_at()[taps]), p.channel_at],
            [depth, p.channels],
            tasks=-(-depth // w.task_taps) if w.layout.by_channels else w.blocks(p.channels),
        )


def weight_of_all(
    b: Backward,
    dweight: np.ndarray,
    x: Blob,
    dy: Blob,
    tables: list[Places],
    places: list[Places],
    p: Product,
    dense: bool,
) -> None:
    """The weight gradient of a layer of few pixels, over all groups at once."""
    b.writer.defer(
        "weight_of_all",
        [dweight, x, dy],
        [*tables, lambda: np.concatenate([place() for place in places])],
        [p.pixels, p.depth, p.channels, dense],
        tasks=-(-p.depth // b.writer.task_taps),
        flops=2 * p.pixels * p.depth * p.channels,
    )
