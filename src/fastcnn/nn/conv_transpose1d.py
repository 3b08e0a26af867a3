"""Transposed 1-D convolution."""

from typing import Any

import numpy as np

from .._arguments import Argument, count, cut, flag, one, word
from .._outputs import transposed_convolution
from .._shapes import filled, integer, single, transposed_row
from ..errors import ArgumentError
from . import functional as F
from .conv import check_groups
from .convolution import TransposedConvolution
from .declaration import LINES, Shape, Values, channels, declare, has
from .parameter import Parameter

__all__ = ["ConvTranspose1d"]


def _kernels(values: Values) -> list[Shape]:
    """Return the shape of the weight."""
    ends = values["in_channels"], values["out_channels"]
    check_groups(*ends, values["groups"], "ConvTranspose1d")
    kernel_size = single(values["kernel_size"], "ConvTranspose1d: kernel_size", 1)
    return [(ends[0], ends[1] // values["groups"], kernel_size)]


def _lines(values: Values, shape: Shape) -> Shape:
    names = ("stride", "padding", "output_padding", "dilation")
    geometry = transposed_row(**{name: values[name] for name in names}, what="ConvTranspose1d")
    sizes = (1, shape[1]), (1, _kernels(values)[0][2])
    return values["out_channels"], transposed_convolution(*sizes, **geometry, what="ConvTranspose1d").in_w


@declare(
    {
        "in_channels": Argument(count, found=channels),
        "out_channels": count,
        "kernel_size": one,
        "stride": one,
        "padding": cut,
        "output_padding": cut,
        "groups": count,
        "bias": Argument(flag, read=has),
        "dilation": one,
        "padding_mode": word("zeros"),
    },
    output=_lines,
    weights=_kernels,
    takes=LINES,
)
class ConvTranspose1d(TransposedConvolution):
    """Spread each element over a window by learned kernels; see `fastcnn.ops.conv_transpose1d`.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output; both multiples of groups.
    kernel_size : int
        Size of the kernels.
    stride, dilation : int
        Step between the windows of neighbouring elements; distance between taps.
    padding : int
        Elements that are cut off at both ends of the output.
    output_padding : int
        Elements at the right end that the output has more.
    groups : int
        Number of blocks of channels that are apart from each other.
    bias : bool
        Whether to add a learned bias to each output channel.
    padding_mode : {"zeros"}
        There is no other.

    Attributes
    ----------
    weight : Parameter (in_channels, out_channels / groups, kernel_size)
        Drawn from U(-b, b) with b = 1 / sqrt(out_channels / groups kernel_size).
    bias : Parameter (out_channels,) or None
        Drawn from the same distribution.
    """

    _usual = {  # noqa: RUF012
        "stride": (1,),
        "padding": (0,),
        "output_padding": (0,),
        "dilation": (1,),
        "groups": 1,
    }

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] = 1,
        padding: int | tuple[int] = 0,
        output_padding: int | tuple[int] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int] = 1,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        what = "ConvTranspose1d"
        self.in_channels = integer(in_channels, f"{what}: in_channels", 1)
        self.out_channels = integer(out_channels, f"{what}: out_channels", 1)
        self.kernel_size = (single(kernel_size, f"{what}: kernel_size", 1),)
        geometry = transposed_row(stride, padding, output_padding, dilation, what)
        self.stride, self.padding = geometry["stride"][1:], geometry["padding"][1:]
        self.output_padding, self.dilation = geometry["output_padding"][1:], geometry["dilation"][1:]
        self.groups = integer(groups, f"{what}: groups", 1)
        if padding_mode != "zeros":
            raise ArgumentError(f"{what}: padding_mode must be 'zeros', got {padding_mode!r}")
        self.padding_mode = padding_mode
        (shape,) = _kernels(vars(self))
        self.weight = Parameter(filled(shape, 0, np.float32, f"{what}: weight"))
        self.bias = Parameter(filled((self.out_channels,), 0, np.float32, f"{what}: bias")) if bias else None
        self.reset_parameters()

    def forward(self, x: Any, output_size: tuple[int, ...] | None = None) -> Any:
        """Return the lines (N, out_channels, out).

        Parameters
        ----------
        x : array (N, in_channels, L) or (in_channels, L)
        output_size : (out,), or all sizes of the output; optional
            One of those that a convolution of this stride takes back to x; output_padding then follows.
        """
        return F.conv_transpose1d(x, self.weight, self.bias, *self._rest(x, output_size))
