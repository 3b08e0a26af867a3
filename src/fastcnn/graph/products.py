"""Sums of products with weights: convolution and linear layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .. import ops
from .._shapes import extent, pair
from .fields import Field, Fields, Shape, gather, of_images, scatter, slide
from .operation import Array, Operation, Wanted


class Conv2d(Operation):
    """Convolution of x with a weight, plus a bias or None; see `fastcnn.ops.conv2d`."""

    weight_input = 1

    def __init__(self, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> None:
        self.geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def forward(self, x: Array, weight: Array, bias: Array | None) -> tuple[Array, Any]:
        """Return the feature maps."""
        return ops.conv2d(x, weight, bias, **self.geometry), (x, weight)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        return ops.conv2d_backward(dy, *saved, **self.geometry, output_mask=wanted)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return _windows(slide, self.geometry, fields, shapes)

    def macs(self, shapes: Sequence[Shape], y: Shape) -> int:
        """Return the products of weights and elements."""
        return math.prod(y) * math.prod(shapes[1][1:])


class Conv1d(Operation):
    """Convolution along lines, with a weight and a bias or None; see `fastcnn.ops.conv1d`."""

    weight_input = 1

    def __init__(self, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> None:
        self.geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def forward(self, x: Array, weight: Array, bias: Array | None) -> tuple[Array, Any]:
        """Return the feature maps."""
        return ops.conv1d(x, weight, bias, **self.geometry), (x, weight)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        return ops.conv1d_backward(dy, *saved, **self.geometry, output_mask=wanted)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return _along_lines(slide, self.geometry, fields, shapes)

    def macs(self, shapes: Sequence[Shape], y: Shape) -> int:
        """Return the products of weights and elements."""
        return math.prod(y) * math.prod(shapes[1][1:])


class ConvTranspose2d(Operation):
    """Transposed convolution, with a weight and a bias or None; see `fastcnn.ops.conv_transpose2d`."""

    weight_input = 1

    def __init__(
        self,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> None:
        self.geometry = {
            "stride": stride,
            "padding": padding,
            "output_padding": output_padding,
            "groups": groups,
            "dilation": dilation,
        }

    def forward(self, x: Array, weight: Array, bias: Array | None) -> tuple[Array, Any]:
        """Return the images."""
        return ops.conv_transpose2d(x, weight, bias, **self.geometry), (x, weight)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        return ops.conv_transpose2d_backward(dy, *saved, **self.geometry, output_mask=wanted)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return _windows(scatter, self.geometry, fields, shapes)

    def macs(self, shapes: Sequence[Shape], y: Shape) -> int:
        """Return the products of weights and elements."""
        return math.prod(shapes[0]) * math.prod(shapes[1][1:])


class ConvTranspose1d(ConvTranspose2d):
    """Transposed convolution along lines; see `fastcnn.ops.conv_transpose1d`."""

    def forward(self, x: Array, weight: Array, bias: Array | None) -> tuple[Array, Any]:
        """Return the lines."""
        return ops.conv_transpose1d(x, weight, bias, **self.geometry), (x, weight)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        return ops.conv_transpose1d_backward(dy, *saved, **self.geometry, output_mask=wanted)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return _along_lines(scatter, self.geometry, fields, shapes)


class Linear(Operation):
    """y = x weight^T + bias, or without a bias for None."""

    weight_input = 1

    def forward(self, x: Array, weight: Array, bias: Array | None) -> tuple[Array, Any]:
        """Return (..., out_features)."""
        return ops.linear(x, weight, bias), (x, weight)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        return ops.linear_backward(dy, *saved, output_mask=wanted)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return gather(fields[0], shapes[0], len(y) - 1) if fields[1] is None else None

    def macs(self, shapes: Sequence[Shape], y: Shape) -> int:
        """Return the products of weights and elements."""
        return math.prod(y) * shapes[1][1]


Rule = Callable[[Field, tuple[int, int], tuple[int, int]], Field | None]


def _along_lines(
    rule: Rule, geometry: dict[str, Any], fields: Fields, shapes: Sequence[Shape]
) -> Field | None:
    """Return the field behind windows of lines, whose weight sees nothing of them."""
    field = of_images(fields[0], len(shapes[0])) if fields[1] is None else None
    stride, dilation = (pair(geometry[name], name, 1)[0] for name in ("stride", "dilation"))
    return None if field is None else rule(field, (1, extent(shapes[1][2], dilation)), (1, stride))


def _windows(
    rule: Rule,
    geometry: dict[str, Any],
    fields: Fields,
    shapes: Sequence[Shape],
) -> Field | None:
    """Return the field behind windows of images, whose weight sees nothing of them."""
    field = of_images(fields[0], len(shapes[0])) if fields[1] is None else None
    if field is None:
        return None
    stride, dilation = (pair(geometry[name], name, 1) for name in ("stride", "dilation"))
    rows, columns = map(extent, shapes[1][2:], dilation)
    return rule(field, (rows, columns), stride)
