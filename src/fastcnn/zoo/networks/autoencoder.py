"""A convolutional autoencoder: images, through few numbers, to images again.

Source: Masci et al., "Stacked convolutional auto-encoders for hierarchical feature extraction" (2011), with
strides in the place of pools, as in Radford et al. (2015).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from ... import nn
from ..._shapes import integer
from ...errors import ArgumentError
from .units import Shape


def conv_autoencoder(
    input_shape: Shape = (1, 28, 28), widths: Sequence[int] = (16, 32), code: int = 4
) -> nn.Sequential:
    """Convolutions of stride 2 to a code, and transposed ones of the same sizes back to an image of 0 to 1.

    Parameters
    ----------
    input_shape : (C, H, W)
        Any; sizes that are odd are so again in the image that comes out.
    widths : sequence of int
        Channels behind each convolution of stride 2.
    code : int
        Channels of the code, which has as many pixels as the last of them leaves: 4 x 7 x 7 of 28x28 pixels.
    """
    if not isinstance(widths, tuple | list) or not widths:
        raise ArgumentError(f"widths must be a sequence of channels, got {widths!r}")
    channels = [input_shape[0], *(integer(each, "widths", 1) for each in widths)]
    depth = integer(code, "code", 1)
    _, height, width = input_shape
    encoder: list[nn.Module] = []
    decoder: list[nn.Module] = []
    for level, (few, many) in enumerate(itertools.pairwise(channels)):
        encoder += [nn.Conv2d(few, many, 3, 2, 1, bias=False), nn.BatchNorm2d(many), nn.ReLU()]
        # Two sizes become one; the padding of the output says which of them it was.
        even = 1 - height % 2, 1 - width % 2
        end = [nn.BatchNorm2d(few), nn.ReLU()] if level else [nn.Sigmoid()]
        back = nn.ConvTranspose2d(many, few, 3, 2, 1, output_padding=even, bias=not level)
        decoder = [back, *end, *decoder]
        height, width = (height + 1) // 2, (width + 1) // 2
    encoder += [nn.Conv2d(channels[-1], depth, 1)]
    first = nn.Conv2d(depth, channels[-1], 1, bias=False), nn.BatchNorm2d(channels[-1]), nn.ReLU()
    return nn.Sequential({"encoder": nn.Sequential(*encoder), "decoder": nn.Sequential(*first, *decoder)})
