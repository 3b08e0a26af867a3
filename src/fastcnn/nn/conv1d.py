"""1-D convolution."""

from typing import Any

import numpy as np

from .._arguments import Argument, count, cut_or_word, flag, one, word
from .._moved import repeated_line
from .._outputs import convolution
from .._shapes import conv_padding, filled, integer, row_of, single
from . import functional as F
from .conv import check_groups
from .convolution import PADDING_MODES, Convolution
from .declaration import LINES, Shape, Values, channels, declare, has
from .parameter import Parameter

__all__ = ["Conv1d"]


def _kernels(values: Values) -> list[Shape]:
    """Return the shape of the weight."""
    check_groups(values["in_channels"], values["out_channels"], values["groups"], "Conv1d")
    kernel_size = single(values["kernel_size"], "Conv1d: kernel_size", 1)
    return [(values["out_channels"], values["in_channels"] // values["groups"], kernel_size)]


def _maps(values: Values, shape: Shape) -> Shape:
    (kernel,) = _kernels(values)
    geometry = row_of(values["stride"], values["padding"], values["dilation"], "conv1d")
    window, margins = convolution((1, shape[1]), (1, kernel[2]), *geometry, "conv1d")
    if (mode := PADDING_MODES[values["padding_mode"]]) is not None:
        repeated_line(shape[1], margins[:2], mode, "conv1d")
    return values["out_channels"], window.out_w


@declare(
    {
        "in_channels": Argument(count, found=channels),
        "out_channels": count,
        "kernel_size": one,
        "stride": one,
        "padding": cut_or_word,
        "dilation": one,
        "groups": count,
        "bias": Argument(flag, read=has),
        "padding_mode": word(*PADDING_MODES),
    },
    output=_maps,
    weights=_kernels,
    takes=LINES,
)
class Conv1d(Convolution):
    """Convolve lines with learned kernels; see `fastcnn.ops.conv1d` for the equation.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output; both multiples of groups.
    kernel_size : int
        Size of the kernels.
    stride, dilation : int
        Step between windows; distance between taps.
    padding : int, "same" or "valid"
        Elements at both ends.
    groups : int
        Number of blocks of channels that are convolved apart.
    bias : bool
        Whether to add a learned bias to each output channel.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What the padding is made of, see `fastcnn.ops.pad`.

    Attributes
    ----------
    weight : Parameter (out_channels, in_channels / groups, kernel_size)
        Drawn from U(-b, b) with b = 1 / sqrt(fan_in).
    bias : Parameter (out_channels,) or None
        Drawn from the same distribution.
    """

    _usual = {"stride": (1,), "padding": (0,), "dilation": (1,), "groups": 1}  # noqa: RUF012

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int],
        stride: int | tuple[int] = 1,
        padding: int | tuple[int] | str = 0,
        dilation: int | tuple[int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        self.in_channels = integer(in_channels, "Conv1d: in_channels", 1)
        self.out_channels = integer(out_channels, "Conv1d: out_channels", 1)
        self.kernel_size = (single(kernel_size, "Conv1d: kernel_size", 1),)
        steps, pads, apart = row_of(stride, padding, dilation, "Conv1d")
        self.stride, self.dilation = steps[1:], apart[1:]
        conv_padding(pads, (1, *self.kernel_size), steps, apart, "Conv1d: padding")
        self.padding = pads if isinstance(pads, str) else pads[1:]
        self.padding_mode = word(*PADDING_MODES)(padding_mode, "Conv1d: padding_mode")
        self.groups = integer(groups, "Conv1d: groups", 1)
        (shape,) = _kernels(vars(self))
        self.weight = Parameter(filled(shape, 0, np.float32, "Conv1d: weight"))
        self.bias = Parameter(filled((self.out_channels,), 0, np.float32, "Conv1d: bias")) if bias else None
        self.reset_parameters()

    def forward(self, x: Any) -> Any:
        """Return the feature maps (N, out_channels, out)."""
        x, geometry = self._within(x)
        return F.conv1d(x, self.weight, self.bias, **geometry)

    def _margins(self) -> tuple[int, ...]:
        steps, pads, apart = row_of(self.stride, self.padding, self.dilation, "Conv1d")
        return conv_padding(pads, (1, *self.kernel_size), steps, apart, "Conv1d: padding")[:2]
