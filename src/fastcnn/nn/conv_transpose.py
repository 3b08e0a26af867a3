"""Transposed 2-D convolution."""

from typing import Any

import numpy as np

from .._arguments import Argument, count, flag, one_or_two, one_or_two_cut, word
from .._outputs import transposed_convolution
from .._shapes import filled, integer, pair
from ..errors import ArgumentError
from . import functional as F
from .conv import check_groups
from .convolution import TransposedConvolution
from .declaration import IMAGES, Shape, Values, channels, declare, has
from .parameter import Parameter

__all__ = ["ConvTranspose2d"]


def _kernels(values: Values) -> list[Shape]:
    """Return the shape of the weight."""
    ends = values["in_channels"], values["out_channels"]
    check_groups(*ends, values["groups"], "ConvTranspose2d")
    kernel_size = pair(values["kernel_size"], "ConvTranspose2d: kernel_size", 1)
    return [(ends[0], ends[1] // values["groups"], *kernel_size)]


def _images(values: Values, shape: Shape) -> Shape:
    kernel = _kernels(values)[0][2:]
    steps = {name: values[name] for name in ("stride", "padding", "output_padding", "dilation")}
    sizes = (shape[1], shape[2]), (kernel[0], kernel[1])
    w = transposed_convolution(*sizes, **steps, what="ConvTranspose2d")
    return values["out_channels"], w.in_h, w.in_w


@declare(
    {
        "in_channels": Argument(count, found=channels),
        "out_channels": count,
        "kernel_size": one_or_two,
        "stride": one_or_two,
        "padding": one_or_two_cut,
        "output_padding": one_or_two_cut,
        "groups": count,
        "bias": Argument(flag, read=has),
        "dilation": one_or_two,
        "padding_mode": word("zeros"),
    },
    output=_images,
    weights=_kernels,
    takes=IMAGES,
)
class ConvTranspose2d(TransposedConvolution):
    """Spread each pixel over a window by learned kernels; see `fastcnn.ops.conv_transpose2d`.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output; both multiples of groups.
    kernel_size : int or (vertical, horizontal)
        Size of the kernels.
    stride, dilation : int or (vertical, horizontal)
        Step between the windows of neighbouring pixels; distance between taps.
    padding : int or (vertical, horizontal)
        Rows and columns that are cut off on each side of the output.
    output_padding : int or (vertical, horizontal)
        Rows at the bottom and columns on the right that the output has more.
    groups : int
        Number of blocks of channels that are apart from each other.
    bias : bool
        Whether to add a learned bias to each output channel.
    padding_mode : {"zeros"}
        There is no other.

    Attributes
    ----------
    weight : Parameter (in_channels, out_channels / groups, kernel_h, kernel_w)
        Drawn from U(-b, b) with b = 1 / sqrt(out_channels / groups kernel_h kernel_w).
    bias : Parameter (out_channels,) or None
        Drawn from the same distribution.
    """

    _usual = {  # noqa: RUF012
        "stride": (1, 1),
        "padding": (0, 0),
        "output_padding": (0, 0),
        "dilation": (1, 1),
        "groups": 1,
    }

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        output_padding: int | tuple[int, int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, int] = 1,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        what = "ConvTranspose2d"
        self.in_channels = integer(in_channels, f"{what}: in_channels", 1)
        self.out_channels = integer(out_channels, f"{what}: out_channels", 1)
        self.kernel_size = pair(kernel_size, f"{what}: kernel_size", 1)
        self.stride = pair(stride, f"{what}: stride", 1)
        self.padding = pair(padding, f"{what}: padding")
        self.output_padding = pair(output_padding, f"{what}: output_padding")
        self.groups = integer(groups, f"{what}: groups", 1)
        self.dilation = pair(dilation, f"{what}: dilation", 1)
        if padding_mode != "zeros":
            raise ArgumentError(f"{what}: padding_mode must be 'zeros', got {padding_mode!r}")
        self.padding_mode = padding_mode
        (shape,) = _kernels(vars(self))
        self.weight = Parameter(filled(shape, 0, np.float32, f"{what}: weight"))
        self.bias = Parameter(filled((self.out_channels,), 0, np.float32, f"{what}: bias")) if bias else None
        self.reset_parameters()

    def forward(self, x: Any, output_size: tuple[int, ...] | None = None) -> Any:
        """Return the images (N, out_channels, out_h, out_w).

        Parameters
        ----------
        x : array (N, in_channels, H, W) or (in_channels, H, W)
        output_size : (out_h, out_w), or all sizes of the output; optional
            One of those that a convolution of this stride takes back to x; output_padding then follows.
        """
        return F.conv_transpose2d(x, self.weight, self.bias, *self._rest(x, output_size))
