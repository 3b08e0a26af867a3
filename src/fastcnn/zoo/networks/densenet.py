"""DenseNet-BC: in torchvision's form with 121 layers, and any depth and growth for images of 32x32.

Source: Huang et al., "Densely connected convolutional networks" (2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nn
from ..._shapes import integer
from ...errors import ArgumentError
from ...nn import functional as F
from .units import Shape

# Channels between the two convolutions of a layer, for each channel that it adds.
_BOTTLENECK = 4


class DenseLayer(nn.Module):
    """1x1 and 3x3 convolutions behind batch norm and ReLU, whose output is put behind the input's channels.

    Parameters
    ----------
    in_channels : int
    growth_rate : int
        Channels that it adds.
    """

    def __init__(self, in_channels: int, growth_rate: int) -> None:
        super().__init__()
        between = _BOTTLENECK * growth_rate
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, between, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(between)
        self.conv2 = nn.Conv2d(between, growth_rate, 3, padding=1, bias=False)

    def forward(self, x: Any) -> Any:
        """Return concat(x, what the layer makes of it)."""
        y = self.conv1(F.relu(self.norm1(x)))
        return F.cat((x, self.conv2(F.relu(self.norm2(y)))), 1)


def _transition(in_channels: int) -> nn.Sequential:
    """Return what halves channels and sizes between two blocks."""
    return nn.Sequential(
        {
            "norm": nn.BatchNorm2d(in_channels),
            "relu": nn.ReLU(),
            "conv": nn.Conv2d(in_channels, in_channels // 2, 1, bias=False),
            "pool": nn.AvgPool2d(2),
        }
    )


class DenseNet(nn.Module):
    """A stem, dense blocks with transitions between them, batch norm, ReLU, the mean, and a linear layer.

    Parameters
    ----------
    in_channels, num_classes : int
    growth_rate : int
        Channels that each layer adds.
    depths : sequence of int
        Layers of each block.
    small : bool
        Whether images are small: the stem is a 3x3 convolution then, and one of 7x7 with a pool otherwise.
    """

    def __init__(
        self, in_channels: int, num_classes: int, growth_rate: int, depths: Sequence[int], small: bool
    ) -> None:
        super().__init__()
        channels = 2 * growth_rate
        if small:
            parts: dict[str, nn.Module] = {"conv0": nn.Conv2d(in_channels, channels, 3, 1, 1, bias=False)}
        else:
            parts = {
                "conv0": nn.Conv2d(in_channels, channels, 7, 2, 3, bias=False),
                "norm0": nn.BatchNorm2d(channels),
                "relu0": nn.ReLU(),
                "pool0": nn.MaxPool2d(3, 2, 1),
            }
        for number, depth in enumerate(depths, 1):
            if number > 1:
                parts[f"transition{number - 1}"] = _transition(channels)
                channels //= 2
            block: dict[str, nn.Module] = {}
            for layer in range(1, depth + 1):
                block[f"denselayer{layer}"] = DenseLayer(channels, growth_rate)
                channels += growth_rate
            parts[f"denseblock{number}"] = nn.Sequential(block)
        parts[f"norm{len(depths) + 1}"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(parts)
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x: Any) -> Any:
        """Return the logits."""
        return self.classifier(F.relu(self.features(x)).mean((2, 3)))


def densenet121(input_shape: Shape = (3, 224, 224), num_classes: int = 1000) -> DenseNet:
    """Blocks of 6, 12, 24 and 16 layers, each of which adds 32 channels.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    return DenseNet(input_shape[0], num_classes, 32, (6, 12, 24, 16), small=False)


def densenet_bc_cifar(
    input_shape: Shape = (3, 32, 32), num_classes: int = 10, depth: int = 40, growth_rate: int = 12
) -> DenseNet:
    """Three blocks of equally many layers.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    depth : int
        Layers in all: 6 for each of a block's, and 4.
    growth_rate : int
        Channels that each layer adds.
    """
    layers, rest = divmod(integer(depth, "depth", 10) - 4, 6)
    if rest:
        raise ArgumentError(f"depth must be 6 n + 4, such as 22, 40 or 100, got {depth}")
    growth = integer(growth_rate, "growth_rate", 1)
    return DenseNet(input_shape[0], num_classes, growth, (layers, layers, layers), small=True)
