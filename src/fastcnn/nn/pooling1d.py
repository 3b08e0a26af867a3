"""Max and average pooling along lines, of sliding and of adaptive windows."""

from typing import Any

from .._arguments import Argument, cut, flag, one, optional
from .._outputs import pooling
from .._shapes import no_stride, single
from . import functional as F
from .declaration import LINES, Shape, Values, declare, no
from .module import Module
from .pooling import indices_text, pool_stride

__all__ = ["AdaptiveAvgPool1d", "AdaptiveMaxPool1d", "AvgPool1d", "MaxPool1d"]

_WINDOW = {"kernel_size": one, "stride": Argument(optional(one), read=pool_stride), "padding": cut}


def _pooled(values: Values, shape: Shape) -> Shape:
    """Return the shape behind a pool, from the numbers that files have."""
    kernel, padding = (1, values["kernel_size"]), (0, values["padding"])
    stride = None if values["stride"] is None else (1, values["stride"])
    dilation, ceil_mode = (1, values.get("dilation", 1)), values["ceil_mode"]
    window, _ = pooling((1, shape[1]), kernel, stride, padding, dilation, ceil_mode, "pool1d")
    return shape[0], window.out_w


@declare({**_WINDOW, "dilation": one, "return_indices": no, "ceil_mode": flag}, output=_pooled, takes=LINES)
class MaxPool1d(Module):
    """Maximum of each window of a line; see `fastcnn.ops.max_pool2d`.

    Parameters
    ----------
    kernel_size : int
        Size of the window.
    stride : int, optional
        Step between windows; kernel_size if None.
    padding : int
        Padding at both ends, which never wins.
    dilation : int
        Distance between the taps of a window.
    return_indices : bool
        Return a pair (maxima, int64 indices in a line of x), for `MaxUnpool1d`.
    ceil_mode : bool
        Round the output size up.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int] = 0,
        dilation: int | tuple[int] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = single(kernel_size, "MaxPool1d: kernel_size", 1)
        self.stride = self.kernel_size if no_stride(stride) else single(stride, "MaxPool1d: stride", 1)
        self.padding = single(padding, "MaxPool1d: padding")
        self.dilation = single(dilation, "MaxPool1d: dilation", 1)
        self.return_indices = flag(return_indices, "MaxPool1d: return_indices")
        self.ceil_mode = ceil_mode

    def forward(self, x: Any) -> Any:
        """Return the maxima, or a pair of them and of where they stand."""
        window = self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode
        return F.max_pool1d(x, *window, self.return_indices)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}{indices_text(self)}"
        )


@declare({**_WINDOW, "ceil_mode": flag, "count_include_pad": flag}, output=_pooled, takes=LINES)
class AvgPool1d(Module):
    """Mean of each window of a line; see `fastcnn.ops.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode
        The window, as in MaxPool1d.
    count_include_pad : bool
        Whether the padding counts in the divisor.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = single(kernel_size, "AvgPool1d: kernel_size", 1)
        self.stride = self.kernel_size if no_stride(stride) else single(stride, "AvgPool1d: stride", 1)
        self.padding = single(padding, "AvgPool1d: padding")
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, x: Any) -> Any:
        """Return the means."""
        window = self.kernel_size, self.stride, self.padding, self.ceil_mode
        return F.avg_pool1d(x, *window, self.count_include_pad)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _Adaptive(Module):
    """Pooling over windows that divide a line."""

    def __init__(self, output_size: int | tuple[int]) -> None:
        super().__init__()
        self.output_size = single(output_size, f"{type(self).__name__}: output_size", 1)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"output_size={self.output_size}"


def _divided(values: Values, shape: Shape) -> Shape:
    return shape[0], values["output_size"]


@declare({"output_size": one}, output=_divided, takes=LINES)
class AdaptiveAvgPool1d(_Adaptive):
    """Mean over windows that divide a line into output_size parts; see `fastcnn.ops.adaptive_avg_pool2d`.

    Parameters
    ----------
    output_size : int
        Size of the output.
    """

    def forward(self, x: Any) -> Any:
        """Return the means."""
        return F.adaptive_avg_pool1d(x, self.output_size)


@declare({"output_size": one, "return_indices": no}, output=_divided, takes=LINES)
class AdaptiveMaxPool1d(_Adaptive):
    """Maximum over windows that divide a line into output_size parts; see `fastcnn.ops.adaptive_max_pool2d`.

    Parameters
    ----------
    output_size : int
        Size of the output.
    return_indices : bool
        Return a pair (maxima, int64 indices in a line of x).
    """

    def __init__(self, output_size: int | tuple[int], return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = flag(return_indices, "AdaptiveMaxPool1d: return_indices")

    def forward(self, x: Any) -> Any:
        """Return the maxima, or a pair of them and of where they stand."""
        return F.adaptive_max_pool1d(x, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return super().extra_repr() + indices_text(self)
