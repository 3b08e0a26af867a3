"""A network for MNIST with few parameters: batch norm, a little dropout, one small linear layer."""

from ... import nn


def _unit(in_channels: int, out_channels: int) -> list[nn.Module]:
    return [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]


def compact(input_shape: tuple[int, int, int] = (1, 28, 28), num_classes: int = 10) -> nn.Sequential:
    """Two blocks of two convolutions with a pool behind each, a fifth, a 1x1 convolution to 8 channels.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    channels, height, width = input_shape
    return nn.Sequential(
        *_unit(channels, 16),
        *_unit(16, 16),
        nn.Dropout(0.1),
        nn.MaxPool2d(2),
        *_unit(16, 16),
        *_unit(16, 16),
        nn.Dropout(0.1),
        nn.MaxPool2d(2),
        *_unit(16, 32),
        nn.Conv2d(32, 8, 1),
        nn.Flatten(),
        nn.Linear(8 * (height // 4) * (width // 4), num_classes),
    )
