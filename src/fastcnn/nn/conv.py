"""2-D convolution."""

from typing import Any

import numpy as np

from .._arguments import count, flag, margins_or_word, one_or_two, word
from .._moved import repeated
from .._outputs import convolution
from .._shapes import conv_padding, filled, integer, pair
from ..errors import ArgumentError
from . import functional as F
from .convolution import PADDING_MODES, Convolution
from .declaration import IMAGES, Argument, Shape, Values, channels, declare, has
from .parameter import Parameter

__all__ = ["Conv2d"]


def check_groups(in_channels: int, out_channels: int, groups: int, what: str) -> None:
    """Refuse channels that do not divide into groups."""
    if in_channels % groups or out_channels % groups:
        raise ArgumentError(
            f"{what}: in_channels {in_channels} and out_channels {out_channels} must be multiples of groups "
            f"{groups}"
        )


def _kernels(out_channels: int, in_channels: int, groups: int, kernel_size: tuple[int, int]) -> Shape:
    """Return the shape of the weight."""
    check_groups(in_channels, out_channels, groups, "Conv2d")
    return out_channels, in_channels // groups, *kernel_size


def _weights(values: Values) -> list[Shape]:
    kernel_size = pair(values["kernel_size"], "kernel_size", 1)
    return [_kernels(values["out_channels"], values["in_channels"], values["groups"], kernel_size)]


def _maps(values: Values, shape: Shape) -> Shape:
    _weights(values)  # whose check of the groups comes before that of the window
    kernel_size = pair(values["kernel_size"], "kernel_size", 1)
    window, margins = convolution(
        (shape[1], shape[2]), kernel_size, values["stride"], values["padding"], values["dilation"], "conv2d"
    )
    if (mode := PADDING_MODES[values["padding_mode"]]) is not None:
        repeated(shape, margins, mode, "conv2d")
    return values["out_channels"], window.out_h, window.out_w


@declare(
    {
        "in_channels": Argument(count, found=channels),
        "out_channels": count,
        "kernel_size": one_or_two,
        "stride": one_or_two,
        "padding": margins_or_word,
        "dilation": one_or_two,
        "groups": count,
        "bias": Argument(flag, read=has),
        "padding_mode": word(*PADDING_MODES),
    },
    output=_maps,
    weights=_weights,
    takes=IMAGES,
)
class Conv2d(Convolution):
    """Convolve images with learned kernels; see `fastcnn.ops.conv2d` for the equation.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output; both multiples of groups.
    kernel_size : int or (vertical, horizontal)
        Size of the kernels.
    stride, dilation : int or (vertical, horizontal)
        Step between windows; distance between taps.
    padding : int, (vertical, horizontal), (left, right, top, bottom), "same" or "valid"
        Rows and columns around the image.
    groups : int
        Number of blocks of channels that are convolved apart.
    bias : bool
        Whether to add a learned bias to each output channel.
    padding_mode : {"zeros", "reflect", "replicate", "circular"}
        What the padding is made of, see `fastcnn.ops.pad`.

    Attributes
    ----------
    weight : Parameter (out_channels, in_channels / groups, kernel_h, kernel_w)
        Drawn from U(-b, b) with b = 1 / sqrt(fan_in).
    bias : Parameter (out_channels,) or None
        Drawn from the same distribution.
    """

    _usual = {"stride": (1, 1), "padding": 0, "dilation": (1, 1), "groups": 1}  # noqa: RUF012

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
    ) -> None:
        super().__init__()
        self.in_channels = integer(in_channels, "Conv2d: in_channels", 1)
        self.out_channels = integer(out_channels, "Conv2d: out_channels", 1)
        self.kernel_size = pair(kernel_size, "Conv2d: kernel_size", 1)
        self.stride = pair(stride, "Conv2d: stride", 1)
        self.dilation = pair(dilation, "Conv2d: dilation", 1)
        self.groups = integer(groups, "Conv2d: groups", 1)
        conv_padding(padding, self.kernel_size, self.stride, self.dilation, "Conv2d: padding")
        self.padding = padding
        self.padding_mode = word(*PADDING_MODES)(padding_mode, "Conv2d: padding_mode")
        shape = _kernels(self.out_channels, self.in_channels, self.groups, self.kernel_size)
        self.weight = Parameter(filled(shape, 0, np.float32, "Conv2d: weight"))
        self.bias = Parameter(filled((self.out_channels,), 0, np.float32, "Conv2d: bias")) if bias else None
        self.reset_parameters()

    def forward(self, x: Any) -> Any:
        """Return the feature maps (N, out_channels, out_h, out_w)."""
        x, geometry = self._within(x)
        return F.conv2d(x, self.weight, self.bias, **geometry)

    def _margins(self) -> tuple[int, ...]:
        return conv_padding(self.padding, self.kernel_size, self.stride, self.dilation, "Conv2d: padding")
