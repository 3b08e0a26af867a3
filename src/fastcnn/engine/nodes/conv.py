"""Convolution: places, the forward pass, and the gradients of weight and biases."""

from __future__ import annotations

import numpy as np

from ..._kernels.program import TASK_TAPS
from ...nn import Parameter
from ..emit import Writer
from ..graph import Apply, Conv, NormPool
from ..memory import Blob, Halo, table
from ..parts import Backward, Forward
from .bias import bias_grad, bias_of_group, position_bias, position_bias_grad
from .conv_input import backward_input
from .norm import operand
from .product import Extras, Product, bands_of, group_count, kernel_rows, multiply, pack, segments
from .relu import relu_masked

# A layer with at most so many output pixels has its weight gradient made over all images at once: the partial
# sums of each slot would cost more than the products.
_FEW_PIXELS = 16
# Where channels are in the lanes, one with at most so many makes it for several images between a load and a
# store of its sums, which are larger than the images' arrays.
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
    return Product(
        pixels=win.out_h * win.out_w,
        row_pixels=win.out_w,
        channels=out,
        y_at=y.pixels(group * out),
        x_at=x.grid(top, left),
        span_at=x.offset(u[:, None], v).ravel() + x.channel(group * inner),
        span_length=win.kernel_w * inner if rows else inner,
        weight_at=table((np.arange(inner) * kernel + np.arange(kernel)[:, None]).ravel()),
        channel_at=table((group * out + np.arange(out)) * inner * kernel),
        segments=segments(kernel_rows(top, u, win.in_h), win.out_w, v.size),
        depthwise=depthwise,
    )


def input_halo(node: Conv) -> Halo:
    """Return the halo that the windows read around x."""
    win = node.window
    last_row = (win.out_h - 1) * win.stride_h + win.dilation_h * (win.kernel_h - 1) - win.pad_top
    last_column = (win.out_w - 1) * win.stride_w + win.dilation_w * (win.kernel_w - 1) - win.pad_left
    return win.pad_left, last_column - (win.in_w - 1), win.pad_top, last_row - (win.in_h - 1)


def forward(f: Forward, node: Conv) -> None:
    """Write y = conv(x) + bias, perhaps clipped, for each group of channels."""
    w, x, y = f.writer, f.blobs[node.x], f.blob(node.y)
    channels, norm = node.weight.shape[0], f.folded.get(node)
    bias: Parameter | np.ndarray | None = node.bias
    scale, relu = None, node.relu
    if norm is not None:
        rows, row = f.norms[norm].rows, w.layout.row(channels)
        scale, bias, relu = rows[:row], rows[row : 2 * row], norm.relu
    groups = group_count(w, node)
    out, position = channels // groups, position_bias(w, node.position_bias)
    for group in range(groups):
        product, first = _product(node, groups, group, x, y), group * out
        packed = pack(w, product, node.weight, None if scale is None else scale[first : first + out])
        extras = Extras(
            bias=bias_of_group(w, bias, first, out),
            position_bias=position,
            relu=relu,
            all_channels=channels,
            first_channel=first,
        )
        multiply(w, product, y, x, packed, extras, flops=2 * product.pixels * product.depth * out)


def _before_norm(node: Conv) -> bool:
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
    # Batch normalisation takes the mean out again: the gradient of a bias before it is exactly 0.
    bias_grad(b, node.bias, dy, is_zero=_before_norm(node) and not node.relu)
    position_bias_grad(b, node.position_bias, dy)
    if (dweight := b.parameter(node.weight)) is not None:
        over_all = node.y.pixels <= _FEW_PIXELS and not b.writer.layout.by_channels
        x = b.forward.blobs[node.x] if over_all else operand(b, node.x)
        for group in range(group_count(b.writer, node)):
            p = _product(node, group_count(b.writer, node), group, x, dy)
            if over_all:
                weight_of_all(b.writer, node.weight, dweight, x, dy, p)
            else:
                _weight_grad(b.writer, node.weight, dweight, x, dy, p)
    if b.wanted(node.x):
        backward_input(b, node, dy)


def _weight_grad(w: Writer, weight: Parameter, dweight: np.ndarray, x: Blob, dy: Blob, p: Product) -> None:
    """Write the weight gradient of a group of channels: partial sums for each slot, then their sum."""
    bands = bands_of(w, 2 * p.pixels * p.depth * p.channels)
    taps, vectors = p.taps(x), w.vectors(p.channels)
    for band in range(bands):
        some = slice(p.depth * band // bands, p.depth * (band + 1) // bands)
        depth = some.stop - some.start
        sums = w.sums(depth * vectors, weight.size)
        common = {
            "sums": sums,
            "x": x,
            "dy": dy,
            "x_at": p.x_at,
            "tap_at": taps[some],
            "dy_at": p.y_at,
            "vectors": vectors,
            "whole_chunk": w.layout.by_channels and p.pixels <= _SEVERAL_IMAGES,
            "band": band if bands > 1 else None,
            "flops": 2 * p.pixels * depth * p.channels,
        }
        if p.depthwise:
            w.depthwise_weight(**common)
        else:
            w.conv_weight(**common, in_channels=weight.shape[1])
        w.after.conv_weight_sum(
            dweight=dweight,
            sums=sums,
            weight_at=p.weight_at[some],
            channel_at=p.channel_at,
            tasks=-(-depth // TASK_TAPS) if w.layout.by_channels else w.blocks(p.channels),
        )


def weight_of_all(
    w: Writer, weight: Parameter, dweight: np.ndarray, x: Blob, dy: Blob, p: Product, *, dense: bool = False
) -> None:
    """Write the weight gradient of a layer of few pixels, over all groups at once."""
    w.after.weight_of_all(
        dweight=dweight,
        x=x,
        dy=dy,
        x_at=p.x_at,
        tap_at=p.taps(x),
        dy_at=p.y_at,
        weight_at=p.weight_at,
        channel_at=p.channel_at,
        dense=dense,
        tasks=-(-p.depth // TASK_TAPS),
        most_slots=w.most_slots(weight.size),
        flops=2 * p.pixels * p.depth * p.channels,
    )
