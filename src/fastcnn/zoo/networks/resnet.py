"""Residual networks: those of torchvision, and forms of them for images of 32x32.

Source: He et al., "Deep residual learning for image recognition" (2015); the stride of a bottleneck is that
of its 3x3 convolution, as torchvision has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nn
from ..._shapes import integer
from ...errors import ArgumentError
from ...nn import functional as F
from .units import Shape


class BasicBlock(nn.Module):
    """Two convolutions beside a shortcut: ``y = relu(bn2(conv2(relu(bn1(conv1(x))))) + downsample(x))``.

    Parameters
    ----------
    in_channels, out_channels : int
    stride : int
        Of the first convolution.
    projection : bool
        Where sizes or channels change, the shortcut is a convolution of 1x1 pixels (the source's option B).
        Without it every stride-th pixel is added to the first channels, and nothing to the others (option A).
    """

    expansion = 1

    def __init__(self, in_channels: int, out_channels: int, stride: int, projection: bool = True) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.downsample = _projection(in_channels, out_channels, stride) if projection else None
        self.stride = stride

    def forward(self, x: Any) -> Any:
        """Return y."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.downsample is not None:
            return F.relu(y + self.downsample(x))
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        channels = x.shape[1]
        if channels == y.shape[1]:
            return F.relu(y + x)
        return F.relu(F.cat((y[:, :channels] + x, y[:, channels:]), 1))


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; the last has four times as many channels.

    Parameters
    ----------
    in_channels, channels : int
        Of the block's input, and of its first two convolutions.
    stride : int
        Of the second.
    """

    expansion = 4

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        out_channels = channels * self.expansion
        self.conv1 = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = _projection(in_channels, out_channels, stride)

    def forward(self, x: Any) -> Any:
        """Return y."""
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def _projection(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    """Return what brings a block's input to the shape of its output, if they differ."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
    )


class ResNet(nn.Module):
    """A stem, stages of blocks, the mean over all pixels, and one linear layer.

    Parameters
    ----------
    in_channels, num_classes : int
    block : BasicBlock or Bottleneck
    depths : sequence of int
        Blocks of each stage; from the second on the first of them halves the size.
    width : int
        Channels of the first stage's 3x3 convolutions; each stage doubles them.
    small : bool
        Whether images are small: the stem is a 3x3 convolution then, and one of 7x7 with a pool otherwise.
    **options
        Of the blocks.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        width: int,
        small: bool,
        **options: Any,
    ) -> None:
        super().__init__()
        kernel_size, stride = (3, 1) if small else (7, 2)
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size, stride, kernel_size // 2, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = None if small else nn.MaxPool2d(3, 2, 1)
        self.stages = len(depths)
        channels = width
        for stage, depth in enumerate(depths):
            blocks = []
            for number in range(depth):
                stride = 2 if stage and not number else 1
                blocks.append(block(channels, width << stage, stride, **options))
                channels = (width << stage) * block.expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Any) -> Any:
        """Return the logits."""
        x = F.relu(self.bn1(self.conv1(x)))
        if self.maxpool is not None:
            x = self.maxpool(x)
        for stage in range(self.stages):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


def resnet18(input_shape: Shape = (3, 224, 224), num_classes: int = 1000) -> ResNet:
    """Four stages of two blocks, 64 to 512 channels.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    return ResNet(input_shape[0], num_classes, BasicBlock, (2, 2, 2, 2), 64, small=False)


def resnet34(input_shape: Shape = (3, 224, 224), num_classes: int = 1000) -> ResNet:
    """Four stages of 3, 4, 6 and 3 blocks, 64 to 512 channels.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    return ResNet(input_shape[0], num_classes, BasicBlock, (3, 4, 6, 3), 64, small=False)


def resnet50(input_shape: Shape = (3, 224, 224), num_classes: int = 1000) -> ResNet:
    """Four stages of 3, 4, 6 and 3 bottlenecks, 256 to 2048 channels.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    return ResNet(input_shape[0], num_classes, Bottleneck, (3, 4, 6, 3), 64, small=False)


def resnet18_cifar(input_shape: Shape = (3, 32, 32), num_classes: int = 10) -> ResNet:
    """The stages of `resnet18` behind a 3x3 convolution of stride 1, without a pool.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    return ResNet(input_shape[0], num_classes, BasicBlock, (2, 2, 2, 2), 64, small=True)


def resnet_cifar(input_shape: Shape = (3, 32, 32), num_classes: int = 10, depth: int = 20) -> ResNet:
    """Three stages of 16, 32 and 64 channels, whose shortcuts are convolutions (option B).

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    depth : int
        Layers in all: 6 for each block of a stage, and 2.
    """
    return ResNet(input_shape[0], num_classes, BasicBlock, _stages_of(depth), 16, small=True)


def resnet20_cifar(input_shape: Shape = (3, 32, 32), num_classes: int = 10, depth: int = 20) -> ResNet:
    """The network of the source's section 4.2, whose shortcuts have no parameters (option A).

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    depth : int
        Layers in all: 6 for each block of a stage, and 2.
    """
    return ResNet(
        input_shape[0], num_classes, BasicBlock, _stages_of(depth), 16, small=True, projection=False
    )


def _stages_of(depth: int) -> tuple[int, int, int]:
    blocks, rest = divmod(integer(depth, "depth", 8) - 2, 6)
    if rest:
        raise ArgumentError(f"depth must be 6 n + 2, such as 8, 14, 20 or 32, got {depth}")
    return blocks, blocks, blocks
