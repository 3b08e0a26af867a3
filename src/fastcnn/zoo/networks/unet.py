"""U-Net: logits of the classes of each pixel.

Source: Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation" (2015), with
batch norm, and with padding, so that the output has the image's size.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from ... import nn
from ..._shapes import integer
from ...errors import ArgumentError, ShapeError
from ...nn import functional as F
from .units import Shape


def _double(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return two times convolution -> batch norm -> ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
        nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def _up(in_channels: int, out_channels: int, bilinear: bool) -> nn.Module:
    """Return what doubles height and width."""
    if not bilinear:
        return nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(in_channels, out_channels, 1)
    )


class UNet(nn.Module):
    """Levels of half the size and more channels, and back, each joined with the level of its size.

    Parameters
    ----------
    in_channels, num_classes : int
    widths : sequence of int
        Channels of each level.
    bilinear : bool
        Whether levels are enlarged bilinearly, with a 1x1 convolution behind it, or by transposed
        convolutions of 2x2.
    """

    def __init__(self, in_channels: int, num_classes: int, widths: Sequence[int], bilinear: bool) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(widths))
        self.down = nn.ModuleList([_double(a, b) for a, b in [(in_channels, widths[0]), *pairs]])
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList([_up(b, a, bilinear) for a, b in reversed(pairs)])
        self.joined = nn.ModuleList([_double(2 * a, a) for a, _ in reversed(pairs)])
        self.head = nn.Conv2d(widths[0], num_classes, 1)

    def forward(self, x: Any) -> Any:
        """Return the logits (N, num_classes, H, W)."""
        levels: list[Any] = []
        for block in self.down:
            x = block(self.pool(x) if levels else x)
            levels.append(x)
        for up, block, level in zip(self.up, self.joined, levels[-2::-1], strict=True):
            x = block(F.cat((level, up(x)), 1))
        return self.head(x)


def unet(
    input_shape: Shape = (3, 128, 128),
    num_classes: int = 2,
    widths: Sequence[int] = (64, 128, 256, 512, 1024),
    bilinear: bool = False,
) -> UNet:
    """Five levels, unless there are other widths.

    Parameters
    ----------
    input_shape : (C, H, W)
        H and W are multiples of 2 for each level behind the first: of 16 with five levels.
    num_classes : int
    widths : sequence of int
        Channels of each level.
    bilinear : bool
        Whether levels are enlarged bilinearly, with a 1x1 convolution behind it, or by transposed
        convolutions of 2x2.
    """
    if not isinstance(widths, tuple | list) or not widths:
        raise ArgumentError(f"widths must be a sequence of channels, got {widths!r}")
    channels = [integer(each, "widths", 1) for each in widths]
    factor = 2 ** (len(channels) - 1)
    if any(size % factor for size in input_shape[1:]):
        raise ShapeError(f"{len(channels)} levels need heights and widths that are multiples of {factor}")
    return UNet(input_shape[0], num_classes, channels, bilinear)


def unet_scenes(
    input_shape: Shape = (1, 64, 64), num_classes: int = 11, widths: Sequence[int] = (8, 16, 32, 64)
) -> UNet:
    """Four levels of few channels, which learn from small images within minutes.

    Parameters
    ----------
    input_shape, num_classes, widths
        As of `unet`; H and W are multiples of 8.
    """
    return unet(input_shape, num_classes, widths)
