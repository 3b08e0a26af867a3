"""Max and average pooling, of sliding and of adaptive windows."""

from typing import Any

from .._arguments import Argument, Check, adaptive, divisor, flag, margins, one_or_two, optional
from .._outputs import adaptive_size, pooling
from .._shapes import no_stride, padding4, pair
from ..ops.pooling import checked_divisor
from . import functional as F
from .declaration import IMAGES, Shape, Values, declare, no
from .module import Module

__all__ = ["AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "AvgPool2d", "MaxPool2d"]


def pool_stride(pool: Any, name: str) -> Any:
    """Return the stride of a pool, None for that of its kernel."""
    return None if pool.stride == pool.kernel_size else pool.stride


def indices_text(pool: Any) -> str:
    """Return what repr shows of return_indices."""
    return ", return_indices=True" if pool.return_indices else ""


_WINDOW: dict[str, Check | Argument] = {
    "kernel_size": one_or_two,
    "stride": Argument(optional(one_or_two), read=pool_stride),
    "padding": margins,
}


def _pooled(values: Values, shape: Shape) -> Shape:
    window, _ = pooling(
        (shape[1], shape[2]),
        values["kernel_size"],
        values["stride"],
        values["padding"],
        values.get("dilation", 1),
        values["ceil_mode"],
        "pool2d",
    )
    return shape[0], window.out_h, window.out_w


@declare(
    {**_WINDOW, "dilation": one_or_two, "ceil_mode": flag, "return_indices": no},
    output=_pooled,
    takes=IMAGES,
)
class MaxPool2d(Module):
    """Maximum of each window; see `fastcnn.ops.max_pool2d`.

    Parameters
    ----------
    kernel_size : int or (vertical, horizontal)
        Size of the window.
    stride : int or (vertical, horizontal), optional
        Step between windows; kernel_size if None.
    padding : int, (vertical, horizontal) or (left, right, top, bottom)
        Padding, which never wins.
    dilation : int or (vertical, horizontal)
        Distance between the taps of a window.
    ceil_mode : bool
        Round the output size up.
    return_indices : bool
        Return a pair (maxima, int64 indices ``row * W + column`` in a plane of x), for `MaxUnpool2d`. By name
        only: PyTorch has it in the place that ceil_mode has here.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, int] = 1,
        ceil_mode: bool = False,
        *,
        return_indices: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = pair(kernel_size, "MaxPool2d: kernel_size", 1)
        self.stride = self.kernel_size if no_stride(stride) else pair(stride, "MaxPool2d: stride", 1)
        padding4(padding, "MaxPool2d: padding")
        self.padding = padding
        self.dilation = pair(dilation, "MaxPool2d: dilation", 1)
        self.ceil_mode = ceil_mode
        self.return_indices = flag(return_indices, "MaxPool2d: return_indices")

    def forward(self, x: Any) -> Any:
        """Return the maxima, or a pair of them and of where they stand."""
        window = self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        return F.max_pool2d(x, *window, self.return_indices)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding!r}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}{indices_text(self)}"
        )


@declare(
    {**_WINDOW, "ceil_mode": flag, "count_include_pad": flag, "divisor_override": optional(divisor)},
    output=_pooled,
    takes=IMAGES,
)
class AvgPool2d(Module):
    """Mean of each window; see `fastcnn.ops.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode
        The window, as in MaxPool2d.
    count_include_pad : bool
        Whether the padding counts in the divisor.
    divisor_override : int, optional
        The divisor, instead of the number of pixels.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = pair(kernel_size, "AvgPool2d: kernel_size", 1)
        self.stride = self.kernel_size if no_stride(stride) else pair(stride, "AvgPool2d: stride", 1)
        padding4(padding, "AvgPool2d: padding")
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        checked_divisor(divisor_override, "AvgPool2d")
        self.divisor_override = divisor_override

    def forward(self, x: Any) -> Any:
        """Return the means."""
        return F.avg_pool2d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding!r}"


class _Adaptive(Module):
    """Pooling over windows that divide the image."""

    def __init__(self, output_size: int | tuple[int | None, int | None] | None) -> None:
        super().__init__()
        self.output_size = output_size

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"output_size={self.output_size}"


def _divided(values: Values, shape: Shape) -> Shape:
    return shape[0], *adaptive_size(values["output_size"], shape[1:], "pool2d")


@declare({"output_size": optional(adaptive)}, output=_divided, takes=IMAGES)
class AdaptiveAvgPool2d(_Adaptive):
    """Mean over windows that divide the image into output_size parts; see `fastcnn.ops.adaptive_avg_pool2d`.

    Parameters
    ----------
    output_size : int, (out_h, out_w) or None
        Size of the output; None keeps the input's size.
    """

    def forward(self, x: Any) -> Any:
        """Return the means."""
        return F.adaptive_avg_pool2d(x, self.output_size)


@declare({"output_size": optional(adaptive), "return_indices": no}, output=_divided, takes=IMAGES)
class AdaptiveMaxPool2d(_Adaptive):
    """Maximum over windows that divide the image; see `fastcnn.ops.adaptive_max_pool2d`.

    Parameters
    ----------
    output_size : int, (out_h, out_w) or None
        Size of the output; None keeps the input's size.
    return_indices : bool
        Return a pair (maxima, int64 indices ``row * W + column`` in a plane of x).
    """

    def __init__(
        self, output_size: int | tuple[int | None, int | None] | None, return_indices: bool = False
    ) -> None:
        super().__init__(output_size)
        self.return_indices = flag(return_indices, "AdaptiveMaxPool2d: return_indices")

    def forward(self, x: Any) -> Any:
        """Return the maxima, or a pair of them and of where they stand."""
        return F.adaptive_max_pool2d(x, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return super().extra_repr() + indices_text(self)
