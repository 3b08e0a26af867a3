"""A small residual network for photographs of 32x32."""

from ... import nn


def _unit(in_channels: int, out_channels: int) -> list[nn.Module]:
    """Convolution -> batch norm -> ReLU."""
    return [
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    ]


def _block(channels: int) -> nn.Residual:
    return nn.Residual(nn.Sequential(*_unit(channels, channels), *_unit(channels, channels)))


def residual_cifar(
    input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10, width: int = 24
) -> nn.Sequential:
    """Three stages, each a convolution that doubles the channels and a pool; two end with a residual block.

    The largest of the values that are left of each channel feed one linear layer.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    width : int
        Channels of the first convolution; the last have 8 times as many.
    """
    channels, height, width_of_image = input_shape
    layers = _unit(channels, width)
    for stage, residual in enumerate((True, False, True)):
        wide = width << (stage + 1)
        layers += [*_unit(wide // 2, wide), nn.MaxPool2d(2)]
        if residual:
            layers.append(_block(wide))
    return nn.Sequential(
        *layers,
        nn.MaxPool2d((height // 8, width_of_image // 8)),
        nn.Flatten(),
        nn.Linear(8 * width, num_classes),
    )
