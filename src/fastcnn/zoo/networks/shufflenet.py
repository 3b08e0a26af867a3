"""ShuffleNetV2 in torchvision's form.

Source: Ma et al., "ShuffleNet V2: practical guidelines for efficient CNN architecture design" (2018).
"""

from __future__ import annotations

from typing import Any

from ... import nn
from ...nn import functional as F
from .units import Shape

# Blocks and channels of the stages, each with half the size of the one before.
_STAGES = ((4, 116), (8, 232), (4, 464))


def _depthwise(channels: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
    return [conv, nn.BatchNorm2d(channels)]


def _pointwise(in_channels: int, out_channels: int) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
    return [conv, nn.BatchNorm2d(out_channels), nn.ReLU()]


class InvertedResidual(nn.Module):
    """Two branches of half of the channels, which are shuffled; with stride 1 the first is the input's half.

    Parameters
    ----------
    in_channels, out_channels, stride : int
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.stride = stride
        first = [] if stride == 1 else [*_depthwise(in_channels, stride), *_pointwise(in_channels, half)]
        self.branch1 = nn.Sequential(*first)
        self.branch2 = nn.Sequential(
            *_pointwise(half if stride == 1 else in_channels, half),
            *_depthwise(half, stride),
            *_pointwise(half, half),
        )

    def forward(self, x: Any) -> Any:
        """Return the shuffled channels of both branches."""
        if self.stride == 1:
            kept, x = F.chunk(x, 2, 1)
        else:
            kept = self.branch1(x)
        return F.channel_shuffle(F.cat((kept, self.branch2(x)), 1), 2)


class ShuffleNetV2(nn.Module):
    """A convolution, a pool, three stages, a wide 1x1 convolution, the mean, and a linear layer.

    Parameters
    ----------
    in_channels, num_classes : int
    """

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        channels, last = 24, 1024
        stem = nn.Conv2d(in_channels, channels, 3, 2, 1, bias=False)
        self.conv1 = nn.Sequential(stem, nn.BatchNorm2d(channels), nn.ReLU())
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for stage, (blocks, wide) in enumerate(_STAGES, 2):
            rest = (InvertedResidual(wide, wide, 1) for _ in range(blocks - 1))
            self.add_module(f"stage{stage}", nn.Sequential(InvertedResidual(channels, wide, 2), *rest))
            channels = wide
        self.conv5 = nn.Sequential(*_pointwise(channels, last))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Any) -> Any:
        """Return the logits."""
        x = self.maxpool(self.conv1(x))
        for stage in range(2, 2 + len(_STAGES)):
            x = self.get_submodule(f"stage{stage}")(x)
        return self.fc(self.conv5(x).mean((2, 3)))


def shufflenet_v2_x1_0(input_shape: Shape = (3, 224, 224), num_classes: int = 1000) -> ShuffleNetV2:
    """16 blocks in three stages, 116 to 464 channels.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    return ShuffleNetV2(input_shape[0], num_classes)
