"""The residual network for MNIST and its two plain predecessors: five strided convolutions each."""

from ... import nn

# Output channels of the strided units; the last has one channel a class.
_CHANNELS = (8, 16, 32, 16)


def _unit(in_channels: int, out_channels: int, stride: int) -> list[nn.Module]:
    """Convolution -> ReLU -> batch norm, in that order."""
    return [
        nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False),
        nn.ReLU(),
        nn.BatchNorm2d(out_channels),
    ]


def residual(
    input_shape: tuple[int, int, int] = (1, 28, 28), num_classes: int = 10, dense: bool = False
) -> nn.Sequential:
    """Four strided units, each with a residual block behind it, and a fifth that gives the logits.

    Images of up to 32x32 shrink to one pixel: 28 -> 14 -> 7 -> 4 -> 2 -> 1.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    dense : bool
        Merge a block by concatenating channels (`fastcnn.nn.DenseResidual`) instead of adding.
    """
    layers: list[nn.Module] = []
    channels = input_shape[0]
    for width in _CHANNELS:
        body = nn.Sequential(*_unit(width, width, 1), *_unit(width, width, 1))
        layers += [*_unit(channels, width, 2), nn.DenseResidual(body) if dense else nn.Residual(body)]
        channels = 2 * width if dense else width
    return nn.Sequential(*layers, *_unit(channels, num_classes, 2), nn.Flatten())


def plain_relu_bn(input_shape: tuple[int, int, int] = (1, 28, 28), num_classes: int = 10) -> nn.Sequential:
    """Five strided units convolution -> ReLU -> batch norm, without blocks.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    layers: list[nn.Module] = []
    channels = input_shape[0]
    for width in (*_CHANNELS, num_classes):
        layers += _unit(channels, width, 2)
        channels = width
    return nn.Sequential(*layers, nn.Flatten())


def plain_bn_relu(input_shape: tuple[int, int, int] = (1, 28, 28), num_classes: int = 10) -> nn.Sequential:
    """Five strided units convolution with bias -> batch norm -> ReLU; no ReLU behind the last.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    layers: list[nn.Module] = []
    channels = input_shape[0]
    for width in (*_CHANNELS, num_classes):
        layers += [nn.Conv2d(channels, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers[:-1], nn.Flatten())
