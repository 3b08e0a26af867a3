"""Max, average and adaptive average pooling."""

from __future__ import annotations

from typing import Any

from .. import ops
from .operation import Array, Operation, Wanted


class MaxPool2d(Operation):
    """Maximum of each window; see `fastcnn.ops.max_pool2d`."""

    def __init__(self, *window: Any) -> None:
        self.window = window

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the maxima."""
        y, argmax = ops.max_pool2d(x, *self.window)
        return y, (argmax, x.shape)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy at the maxima."""
        return (ops.max_pool2d_backward(dy, *saved),)


class AvgPool2d(Operation):
    """Mean of each window; see `fastcnn.ops.avg_pool2d`."""

    def __init__(self, *window: Any) -> None:
        self.window = window

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the means."""
        return ops.avg_pool2d(x, *self.window), x.shape

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy / divisor spread over each window."""
        return (ops.avg_pool2d_backward(dy, saved, *self.window),)


class AdaptiveAvgPool2d(Operation):
    """Mean of windows that divide the image; see `fastcnn.ops.adaptive_avg_pool2d`."""

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the means."""
        return ops.adaptive_avg_pool2d(x, self.output_size), x.shape

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy / size spread over each window."""
        return (ops.adaptive_avg_pool2d_backward(dy, saved),)
