"""Max and average pooling, of sliding and of adaptive windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import ops
from .._arguments import adaptive, divisor, flag, margins, one_or_two, optional
from .._shapes import extent, pair
from .fields import Field, Fields, Shape, of_images, parts, slide
from .functions import function
from .operation import Array, Operation, Wanted

_WINDOW = {"kernel_size": one_or_two, "stride": optional(one_or_two), "padding": margins}
_MAX = {**_WINDOW, "dilation": one_or_two, "ceil_mode": flag}
_AVG = {**_WINDOW, "ceil_mode": flag, "count_include_pad": flag, "divisor_override": optional(divisor)}


@function("max_pool2d", _MAX, read=lambda pool, _: dict(zip(_MAX, pool.window, strict=True)))
class MaxPool2d(Operation):
    """Maximum of each window; see `fastcnn.ops.max_pool2d`."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> None:
        self.window = kernel_size, stride, padding, dilation, ceil_mode

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the maxima."""
        y, argmax = ops.max_pool2d(x, *self.window)
        return y, (argmax, x.shape)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy at the maxima."""
        return (ops.max_pool2d_backward(dy, *saved),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        kernel_size, stride, _, dilation, _ = self.window
        return _slid(fields[0], y, kernel_size, stride, dilation)


@function("avg_pool2d", _AVG, read=lambda pool, _: dict(zip(_AVG, pool.window, strict=True)))
class AvgPool2d(Operation):
    """Mean of each window; see `fastcnn.ops.avg_pool2d`."""

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self.window = kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the means."""
        return ops.avg_pool2d(x, *self.window), x.shape

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy / divisor spread over each window."""
        return (ops.avg_pool2d_backward(dy, saved, *self.window),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return _slid(fields[0], y, *self.window[:2])


@function("adaptive_max_pool2d", {"output_size": optional(adaptive)})
class AdaptiveMaxPool2d(Operation):
    """Maximum of windows that divide the image; see `fastcnn.ops.adaptive_max_pool2d`."""

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the maxima."""
        y, argmax = ops.adaptive_max_pool2d(x, self.output_size)
        return y, (argmax, x.shape)

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy at the maxima."""
        return (ops.max_pool2d_backward(dy, *saved),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return _parted(fields[0], shapes[0], y)


@function("adaptive_avg_pool2d", {"output_size": optional(adaptive)})
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

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return _parted(fields[0], shapes[0], y)


def _slid(field: Field | None, y: Shape, kernel_size: Any, stride: Any, dilation: Any = 1) -> Field | None:
    """Return the field behind windows of sliding pools."""
    field = of_images(field, len(y))
    if field is None:
        return None
    kernel = pair(kernel_size, "kernel_size", 1)
    rows, columns = map(extent, kernel, pair(dilation, "dilation", 1))
    return slide(field, (rows, columns), kernel if stride is None else pair(stride, "stride", 1))


def _parted(field: Field | None, x: Shape, y: Shape) -> Field | None:
    """Return the field behind windows that divide an image."""
    field = of_images(field, len(y))
    return None if field is None else parts(field, x[-2:], y[-2:])
