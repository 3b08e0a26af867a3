"""The forward pass of a convolution, and where its windows stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...nn import Parameter
from ..memory import Blob, table
from ..parts import Forward
from ..writer import Writer
from .bias import bias_of_group, position_bias
from .convolution import Convolution
from .multiply import Way, direct
from .product import Extras, Product, group_count, kernel_rows, segments
from .slopes import slope_row


def conv_product(node: Convolution, groups: int, group: int, x: Blob, y: Blob) -> Product:
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


def extras_of(f: Forward, node: Convolution, channels: int) -> list[Extras]:
    """Return what goes with the products of each group of channels, of which y has so many in all.

    That is bias, activation and slopes, and a normalisation that is part of the weights or comes behind.
    """
    w, norm = f.writer, f.folded.get(node)
    bias: Parameter | np.ndarray | None = node.bias
    scale, ending, activation = None, None, node.activation
    if norm is not None:
        row = w.layout.row(channels)
        state = f.norms[norm].rows[: 2 * row].reshape(2, row)
        if node.folds_normalization:
            (scale, bias), activation = state, norm.ends_with
        else:
            ending = state
    groups = group_count(w, node)
    out, position = channels // groups, position_bias(w, node.position_bias, node.y.sizes)
    slopes = slope_row(w, activation, channels)
    return [
        Extras(
            scale=None if scale is None else scale[first : first + out],
            ending=ending,
            bias=bias_of_group(w, bias, first, out),
            position_bias=position,
            activation=activation,
            slopes=bias_of_group(w, slopes, first, out),
            all_channels=channels,
            first_channel=first,
        )
        for first in range(0, channels, out)
    ]


def forward(f: Forward, node: Convolution, way: Way = direct) -> None:
    """Write y = f(conv(x) + bias) for each group of channels."""
    x, y = f.blobs[node.x], f.blob(node.y)
    write_forward(f.writer, node, x, y, extras_of(f, node, node.weight.shape[0]), way)


def write_forward(
    w: Writer, node: Convolution, x: Blob, y: Blob, extras: Sequence[Extras], way: Way = direct
) -> None:
    """Write y, with what goes with it for each group of channels."""
    for group, extra in enumerate(extras):
        product = conv_product(node, len(extras), group, x, y)
        flops = 2 * product.pixels * product.depth * product.channels
        way(w, product, x, y, node.weight, extra, flops=flops)
