"""EfficientNet-B0 in torchvision's form.

Source: Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks" (2019);
squeeze-and-excitation is that of Hu et al. (2018).
"""

from __future__ import annotations

from typing import Any

from ... import nn
from ...nn import functional as F
from .units import Shape, conv_unit, make_divisible

# Of each stage: how many times a block widens its input, kernel size, stride of the first, channels, blocks.
_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
_FIRST, _LAST = 32, 1280


class SqueezeExcitation(nn.Module):
    """Weigh channels by what two layers make of their means: ``y = x sigmoid(fc2(silu(fc1(mean(x)))))``.

    Parameters
    ----------
    channels, squeezed : int
        Of x, and between the two layers.
    """

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.sigmoid(self.fc2(F.silu(self.fc1(x.mean((2, 3), True))))) * x


class MBConv(nn.Module):
    """1x1, depthwise and 1x1 convolutions, squeeze-and-excitation before the last.

    The input is added where its shape stays; in training the rest is left out for some images.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride : int
    expand_ratio : int
        How many times the input is widened; 1: not at all.
    p : float
        Probability of leaving the convolutions out.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int, expand_ratio: int, p: float
    ) -> None:
        super().__init__()
        hidden = make_divisible(in_channels * expand_ratio)
        widened = [] if expand_ratio == 1 else [conv_unit(in_channels, hidden, 1, activation=nn.SiLU)]
        self.block = nn.Sequential(
            *widened,
            conv_unit(hidden, hidden, kernel_size, stride, groups=hidden, activation=nn.SiLU),
            SqueezeExcitation(hidden, max(1, in_channels // 4)),
            conv_unit(hidden, out_channels, 1, activation=None),
        )
        self.use_res_connect = stride == 1 and in_channels == out_channels
        self.stochastic_depth = nn.StochasticDepth(p, "row")

    def forward(self, x: Any) -> Any:
        """Return block(x), with x added where it fits."""
        y = self.block(x)
        return self.stochastic_depth(y) + x if self.use_res_connect else y


class EfficientNet(nn.Module):
    """A convolution, stages of `MBConv`, a wide 1x1 convolution, the mean, dropout, and a linear layer.

    Parameters
    ----------
    in_channels, num_classes : int
    dropout : float
    stochastic_depth_prob : float
    """

    def __init__(
        self, in_channels: int, num_classes: int, dropout: float, stochastic_depth_prob: float
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv_unit(in_channels, _FIRST, 3, 2, activation=nn.SiLU)]
        channels, number, count = _FIRST, 0, sum(stage[-1] for stage in _STAGES)
        for ratio, kernel_size, stride, wide, blocks in _STAGES:
            stage: list[nn.Module] = []
            for block in range(blocks):
                p = stochastic_depth_prob * number / count
                stage.append(MBConv(channels, wide, kernel_size, 1 if block else stride, ratio, p))
                channels, number = wide, number + 1
            layers.append(nn.Sequential(*stage))
        self.features = nn.Sequential(*layers, conv_unit(channels, _LAST, 1, activation=nn.SiLU))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(_LAST, num_classes))

    def forward(self, x: Any) -> Any:
        """Return the logits."""
        return self.classifier(self.features(x).mean((2, 3)))


def efficientnet_b0(
    input_shape: Shape = (3, 224, 224),
    num_classes: int = 1000,
    dropout: float = 0.2,
    stochastic_depth_prob: float = 0.2,
) -> EfficientNet:
    """16 blocks in seven stages.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    dropout : float
        Probability of dropping a feature before the last layer.
    stochastic_depth_prob : float
        What the probability of leaving out a block rises to, from 0, with its number.
    """
    return EfficientNet(input_shape[0], num_classes, dropout, stochastic_depth_prob)
