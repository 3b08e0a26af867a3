"""VGG with 11 layers and batch norm, in torchvision's form and in one for images of 32x32.

Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition" (2014),
configuration A.
"""

from __future__ import annotations

from ... import nn
from .units import Shape

# Channels of the 3x3 convolutions between pools.
_STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))


def _features(channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for stage in _STAGES:
        for wide in stage:
            layers += [nn.Conv2d(channels, wide, 3, padding=1), nn.BatchNorm2d(wide), nn.ReLU()]
            channels = wide
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def vgg11_bn(
    input_shape: Shape = (3, 224, 224), num_classes: int = 1000, hidden: int = 4096, dropout: float = 0.5
) -> nn.Sequential:
    """Eight convolutions in five stages, means of 7x7 parts, three linear layers.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    hidden : int
        Features between the linear layers; most of the parameters are theirs.
    dropout : float
        Probability of dropping a feature behind each of the first two.
    """
    classifier = nn.Sequential(
        nn.Linear(_STAGES[-1][-1] * 7 * 7, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, num_classes),
    )
    return nn.Sequential(
        {
            "features": _features(input_shape[0]),
            "avgpool": nn.AdaptiveAvgPool2d((7, 7)),
            "flatten": nn.Flatten(),
            "classifier": classifier,
        }
    )


def vgg11_bn_cifar(input_shape: Shape = (3, 32, 32), num_classes: int = 10) -> nn.Sequential:
    """The convolutions of `vgg11_bn`, the mean over what is left, 1x1 pixels of 32x32, and a linear layer.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    return nn.Sequential(
        {
            "features": _features(input_shape[0]),
            "avgpool": nn.AdaptiveAvgPool2d(1),
            "flatten": nn.Flatten(),
            "classifier": nn.Linear(_STAGES[-1][-1], num_classes),
        }
    )
