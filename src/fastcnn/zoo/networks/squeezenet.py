"""SqueezeNet 1.1, in torchvision's form and in a smaller one for images of 32x32.

Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters" (2016).
"""

from __future__ import annotations

from typing import Any

from ... import nn
from ...nn import functional as F
from .units import Shape


class Fire(nn.Module):
    """A 1x1 convolution to few channels, of which 1x1 and 3x3 convolutions make many, side by side.

    Parameters
    ----------
    in_channels, squeezed, expanded : int
        Channels of the input, of the first convolution, and of each of the other two.
    """

    def __init__(self, in_channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Any) -> Any:
        """Return the channels of both."""
        x = F.relu(self.squeeze(x))
        return F.cat((F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))), 1)


def _squeezenet(features: nn.Module, channels: int, num_classes: int, dropout: float) -> nn.Sequential:
    """Return features, and a convolution with a channel for each class, whose mean is the logit."""
    classifier = nn.Sequential(
        nn.Dropout(dropout),
        nn.Conv2d(channels, num_classes, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )
    return nn.Sequential({"features": features, "classifier": classifier})


def squeezenet1_1(
    input_shape: Shape = (3, 224, 224), num_classes: int = 1000, dropout: float = 0.5
) -> nn.Sequential:
    """Eight fire modules, 64 to 512 channels, with three pools.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    dropout : float
        Probability of dropping an element before the last convolution.
    """
    features = nn.Sequential(
        nn.Conv2d(input_shape[0], 64, 3, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(64, 16, 64),
        Fire(128, 16, 64),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(128, 32, 128),
        Fire(256, 32, 128),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(256, 48, 192),
        Fire(384, 48, 192),
        Fire(384, 64, 256),
        Fire(512, 64, 256),
    )
    return _squeezenet(features, 512, num_classes, dropout)


def squeezenet_cifar(
    input_shape: Shape = (3, 32, 32), num_classes: int = 10, dropout: float = 0.2
) -> nn.Sequential:
    """Six fire modules, 64 to 384 channels, each with batch norm behind it, and two pools.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    dropout : float
        Probability of dropping an element before the last convolution.
    """
    layers: list[nn.Module] = [
        nn.Conv2d(input_shape[0], 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
    ]
    channels = 64
    for stage, (squeezed, expanded) in enumerate(((16, 64), (32, 128), (48, 192))):
        if stage:
            layers.append(nn.MaxPool2d(2))
        for _ in range(2):
            layers += [Fire(channels, squeezed, expanded), nn.BatchNorm2d(2 * expanded)]
            channels = 2 * expanded
    return _squeezenet(nn.Sequential(*layers), channels, num_classes, dropout)
