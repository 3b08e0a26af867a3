"""MobileNetV2, in torchvision's form and in one for images of 32x32.

Source: Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks" (2018).
"""

from __future__ import annotations

from typing import Any

from ... import nn
from .units import Shape, conv_unit, make_divisible

# Of each stage: how many times a block widens its input, channels, blocks, stride of the first of them.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class InvertedResidual(nn.Module):
    """A 1x1 convolution that widens, one for each channel, and a 1x1 convolution that narrows again.

    The input is added where its shape stays.

    Parameters
    ----------
    in_channels, out_channels, stride : int
    expand_ratio : int
        How many times the input is widened; 1: not at all.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, expand_ratio: int) -> None:
        super().__init__()
        hidden = in_channels * expand_ratio
        widened = [] if expand_ratio == 1 else [conv_unit(in_channels, hidden, 1, activation=nn.ReLU6)]
        self.conv = nn.Sequential(
            *widened,
            conv_unit(hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.use_res_connect = stride == 1 and in_channels == out_channels

    def forward(self, x: Any) -> Any:
        """Return conv(x), with x added where it fits."""
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """A convolution, stages of inverted residuals, a wide 1x1 convolution, the mean, dropout, linear.

    Parameters
    ----------
    in_channels, num_classes : int
    width_mult : float
        What channels are multiplied by.
    dropout : float
    late : bool
        Whether the first two strides are 1, as small images need it.
    """

    def __init__(
        self, in_channels: int, num_classes: int, width_mult: float, dropout: float, late: bool
    ) -> None:
        super().__init__()
        channels = make_divisible(32 * width_mult)
        last = make_divisible(1280 * max(1.0, width_mult))
        layers: list[nn.Module] = [conv_unit(in_channels, channels, 3, 1 if late else 2, activation=nn.ReLU6)]
        for number, (ratio, wide, blocks, stride) in enumerate(_STAGES):
            out_channels = make_divisible(wide * width_mult)
            first = 1 if late and number < 2 else stride
            for block in range(blocks):
                layers.append(InvertedResidual(channels, out_channels, 1 if block else first, ratio))
                channels = out_channels
        self.features = nn.Sequential(*layers, conv_unit(channels, last, 1, activation=nn.ReLU6))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes))

    def forward(self, x: Any) -> Any:
        """Return the logits."""
        return self.classifier(self.features(x).mean((2, 3)))


def mobilenet_v2(
    input_shape: Shape = (3, 224, 224), num_classes: int = 1000, width_mult: float = 1.0, dropout: float = 0.2
) -> MobileNetV2:
    """17 inverted residuals in seven stages.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    width_mult : float
        What channels are multiplied by.
    dropout : float
        Probability of dropping a feature before the last layer.
    """
    return MobileNetV2(input_shape[0], num_classes, width_mult, dropout, late=False)


def mobilenet_v2_cifar(
    input_shape: Shape = (3, 32, 32), num_classes: int = 10, width_mult: float = 1.0, dropout: float = 0.2
) -> MobileNetV2:
    """`mobilenet_v2` with three strides in place of five: 32x32 pixels become 4x4.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    width_mult : float
        What channels are multiplied by.
    dropout : float
        Probability of dropping a feature before the last layer.
    """
    return MobileNetV2(input_shape[0], num_classes, width_mult, dropout, late=True)
