"""Power-average pooling of images and along lines."""

from typing import Any

from .._arguments import Argument, flag, one, one_or_two, optional, real
from .._outputs import pooling
from .._shapes import no_stride, pair, single
from ..errors import ArgumentError
from . import functional as F
from .declaration import IMAGES, LINES, Shape, Values, declare
from .functional.power_pooling import checked_norm_type
from .module import Module
from .pooling import pool_stride

__all__ = ["LPPool1d", "LPPool2d"]


class _LPPool(Module):
    """A layer that is told a power and a window."""

    norm_type: float
    kernel_size: Any
    stride: Any
    ceil_mode: bool

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


def _power(value: Any, name: str) -> float:
    """Return a finite number that is not 0."""
    found = real(value, name)
    if found == 0:
        raise ArgumentError(f"{name} must not be 0")
    return found


def _images(values: Values, shape: Shape) -> Shape:
    window = values["kernel_size"], values["stride"], 0, 1, values["ceil_mode"]
    w, _ = pooling((shape[1], shape[2]), *window, "lp_pool2d")
    return shape[0], w.out_h, w.out_w


def _lines(values: Values, shape: Shape) -> Shape:
    step = values["stride"]
    window = (1, values["kernel_size"]), None if step is None else (1, step), 0, 1, values["ceil_mode"]
    return shape[0], pooling((1, shape[1]), *window, "lp_pool1d").window.out_w


@declare(
    {
        "norm_type": _power,
        "kernel_size": one_or_two,
        "stride": Argument(optional(one_or_two), read=pool_stride),
        "ceil_mode": flag,
    },
    output=_images,
    takes=IMAGES,
)
class LPPool2d(_LPPool):
    """Root of the sum of powers of each window; see `fastcnn.nn.functional.lp_pool2d`.

    Parameters
    ----------
    norm_type : float
        The power, any number but 0; a file has finite ones.
    kernel_size, stride, ceil_mode
        The window, as in `AvgPool2d`.
    """

    def __init__(
        self,
        norm_type: float,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, ...] | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        checked_norm_type(norm_type, "LPPool2d")
        self.norm_type = norm_type
        self.kernel_size = pair(kernel_size, "LPPool2d: kernel_size", 1)
        self.stride = self.kernel_size if no_stride(stride) else pair(stride, "LPPool2d: stride", 1)
        self.ceil_mode = flag(ceil_mode, "LPPool2d: ceil_mode")

    def forward(self, x: Any) -> Any:
        """Return the roots."""
        return F.lp_pool2d(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)


@declare(
    {
        "norm_type": _power,
        "kernel_size": one,
        "stride": Argument(optional(one), read=pool_stride),
        "ceil_mode": flag,
    },
    output=_lines,
    takes=LINES,
)
class LPPool1d(_LPPool):
    """Root of the sum of powers of each window of a line; see `fastcnn.nn.functional.lp_pool2d`.

    Parameters
    ----------
    norm_type : float
        The power, any number but 0; a file has finite ones.
    kernel_size, stride, ceil_mode
        The window, as in `AvgPool1d`.
    """

    def __init__(
        self,
        norm_type: float,
        kernel_size: int | tuple[int],
        stride: int | tuple[int, ...] | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        checked_norm_type(norm_type, "LPPool1d")
        self.norm_type = norm_type
        self.kernel_size = single(kernel_size, "LPPool1d: kernel_size", 1)
        self.stride = self.kernel_size if no_stride(stride) else single(stride, "LPPool1d: stride", 1)
        self.ceil_mode = flag(ceil_mode, "LPPool1d: ceil_mode")

    def forward(self, x: Any) -> Any:
        """Return the roots."""
        return F.lp_pool1d(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)
