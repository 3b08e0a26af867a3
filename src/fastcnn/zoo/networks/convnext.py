"""ConvNeXt in torchvision's form.

Source: Liu et al., "A ConvNet for the 2020s" (2022); layer scale is that of Touvron et al., "Going deeper
with image transformers" (2021), stochastic depth that of Huang et al. (2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import nn
from ...errors import ShapeError
from .units import Shape

# Of the norms; what a block is multiplied by at first; how much smaller features are than the image.
_EPS, _LAYER_SCALE, _STRIDE = 1e-6, 1e-6, 32


class Permute(nn.Module):
    """Put the axes of x into another order.

    Parameters
    ----------
    dims : sequence of int
    """

    def __init__(self, dims: Sequence[int]) -> None:
        super().__init__()
        self.dims = tuple(dims)

    def forward(self, x: Any) -> Any:
        """Return x with its axes in that order."""
        return x.permute(self.dims)


class CNBlock(nn.Module):
    """``y = x + layer_scale * block(x)``, where block is a 7x7 convolution of each channel and two layers.

    In training the second term is left out for some images.

    Parameters
    ----------
    dim : int
        Channels.
    p : float
        Probability of leaving the term out.

    Attributes
    ----------
    layer_scale : Parameter (dim, 1, 1)
        1e-6 at first, so that a new network's blocks do next to nothing.
    """

    def __init__(self, dim: int, p: float) -> None:
        super().__init__()
        self.layer_scale = nn.Parameter(np.full((dim, 1, 1), _LAYER_SCALE, np.float32))
        self.block = nn.Sequential(
            nn.Conv2d(dim, dim, 7, padding=3, groups=dim),
            Permute((0, 2, 3, 1)),
            nn.LayerNorm(dim, eps=_EPS),
            nn.Linear(dim, 4 * dim),
            nn.GELU(),
            nn.Linear(4 * dim, dim),
            Permute((0, 3, 1, 2)),
        )
        self.stochastic_depth = nn.StochasticDepth(p, "row")

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Set the scale to its first value."""
        nn.init.constant_(self.layer_scale, _LAYER_SCALE)

    def forward(self, x: Any) -> Any:
        """Return y."""
        return self.stochastic_depth(self.layer_scale * self.block(x)) + x


class ConvNeXt(nn.Module):
    """A 4x4 convolution of stride 4, stages of `CNBlock`, the mean, a norm, and a linear layer.

    Between stages there is a norm and a 2x2 convolution of stride 2.

    Parameters
    ----------
    in_channels, num_classes : int
    stages : sequence of (int, int)
        Channels and blocks of each.
    stochastic_depth_prob : float
        Of the last block; it rises from 0 with the block's number.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        stages: Sequence[tuple[int, int]],
        stochastic_depth_prob: float,
    ) -> None:
        super().__init__()
        channels = stages[0][0]
        layers: list[nn.Module] = [
            nn.Sequential(nn.Conv2d(in_channels, channels, 4, 4), nn.LayerNorm2d(channels, eps=_EPS))
        ]
        number, last = 0, sum(blocks for _, blocks in stages) - 1
        for wide, blocks in stages:
            if wide != channels:
                norm = nn.LayerNorm2d(channels, eps=_EPS)
                layers.append(nn.Sequential(norm, nn.Conv2d(channels, wide, 2, 2)))
                channels = wide
            stage = [CNBlock(wide, stochastic_depth_prob * (number + i) / last) for i in range(blocks)]
            layers.append(nn.Sequential(*stage))
            number += blocks
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.LayerNorm2d(channels, eps=_EPS), nn.Flatten(1), nn.Linear(channels, num_classes)
        )

    def forward(self, x: Any) -> Any:
        """Return the logits."""
        return self.classifier(self.avgpool(self.features(x)))


def convnext_tiny(
    input_shape: Shape = (3, 224, 224), num_classes: int = 1000, stochastic_depth_prob: float = 0.1
) -> ConvNeXt:
    """Stages of 3, 3, 9 and 3 blocks, 96 to 768 channels.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    stochastic_depth_prob : float
        What the probability of leaving out a block rises to, from 0, with its number.
    """
    if min(input_shape[1:]) < _STRIDE:
        raise ShapeError(f"images must have at least {_STRIDE}x{_STRIDE} pixels")
    stages = ((96, 3), (192, 3), (384, 9), (768, 3))
    return ConvNeXt(input_shape[0], num_classes, stages, stochastic_depth_prob)
