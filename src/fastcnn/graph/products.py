"""Sums of products with weights: convolution and linear layers."""

from __future__ import annotations

from typing import Any

from .. import ops
from .operation import Array, Operation, Wanted


class Conv2d(Operation):
    """Convolution of x with a weight, plus a bias or None; see `fastcnn.ops.conv2d`."""

    def __init__(self, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> None:
        self.geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def forward(self, x: Array, weight: Array, bias: Array | None) -> tuple[Array, Any]:
        """Return the feature maps."""
        return ops.conv2d(x, weight, bias, **self.geometry), (x, weight)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        return ops.conv2d_backward(dy, *saved, **self.geometry, output_mask=wanted)


class Conv1d(Operation):
    """Convolution along lines, with a weight and a bias or None; see `fastcnn.ops.conv1d`."""

    def __init__(self, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> None:
        self.geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}

    def forward(self, x: Array, weight: Array, bias: Array | None) -> tuple[Array, Any]:
        """Return the feature maps."""
        return ops.conv1d(x, weight, bias, **self.geometry), (x, weight)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        return ops.conv1d_backward(dy, *saved, **self.geometry, output_mask=wanted)


class ConvTranspose2d(Operation):
    """Transposed convolution, with a weight and a bias or None; see `fastcnn.ops.conv_transpose2d`."""

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


class Linear(Operation):
    """y = x weight^T + bias, or without a bias for None."""

    def forward(self, x: Array, weight: Array, bias: Array | None) -> tuple[Array, Any]:
        """Return (..., out_features)."""
        return ops.linear(x, weight, bias), (x, weight)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array | None, ...]:
        """Return the gradients of x, weight and bias."""
        return ops.linear_backward(dy, *saved, output_mask=wanted)
