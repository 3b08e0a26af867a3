"""A residual network for photographs of 32x32, as users of PyTorch write it: blocks with a plain forward.

Source: He et al., "Deep residual learning for image recognition" (2015), section 4.2; where a stage begins,
the shortcut is a convolution of 1x1 pixels (their option B).
"""

from __future__ import annotations

from typing import Any

from .. import nn
from .._shapes import integer
from ..errors import ArgumentError
from ..nn import functional as F

# Channels of the three stages.
_CHANNELS = (16, 32, 64)


class BasicBlock(nn.Module):
    """Two convolutions beside a shortcut: ``y = relu(bn2(conv2(relu(bn1(conv1(x))))) + downsample(x))``.

    Parameters
    ----------
    in_channels, out_channels : int
    stride : int
        Of the first convolution. If it is not 1, or the channels change, the shortcut is a convolution.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Any) -> Any:
        """Return y."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """A convolution, three stages of blocks, the mean over all pixels, and one linear layer.

    Parameters
    ----------
    in_channels, num_classes : int
    blocks : int
        In each stage.
    """

    def __init__(self, in_channels: int, num_classes: int, blocks: int) -> None:
        super().__init__()
        first, second, third = _CHANNELS
        self.conv1 = nn.Conv2d(in_channels, first, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.layer1 = _stage(first, first, blocks, 1)
        self.layer2 = _stage(first, second, blocks, 2)
        self.layer3 = _stage(second, third, blocks, 2)
        self.fc = nn.Linear(third, num_classes)

    def forward(self, x: Any) -> Any:
        """Return the logits."""
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def _stage(in_channels: int, out_channels: int, blocks: int, stride: int) -> nn.Sequential:
    """Return blocks of which the first has a stride."""
    rest = (BasicBlock(out_channels, out_channels, 1) for _ in range(blocks - 1))
    return nn.Sequential(BasicBlock(in_channels, out_channels, stride), *rest)


def resnet(input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10, depth: int = 20) -> ResNet:
    """Three stages of 16, 32 and 64 channels, each of blocks of two convolutions.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    depth : int
        Layers in all: 6 for each block of a stage, and 2.
    """
    blocks, rest = divmod(integer(depth, "depth", 8) - 2, 6)
    if rest:
        raise ArgumentError(f"depth must be 6 n + 2, such as 8, 14, 20 or 32, got {depth}")
    return ResNet(input_shape[0], num_classes, blocks)
