"""One convolution and one linear layer, for CIFAR-10."""

from ... import nn


def shallow(input_shape: tuple[int, int, int] = (3, 32, 32), num_classes: int = 10) -> nn.Sequential:
    """Convolution 5x5 with 32 channels -> ReLU -> pool -> linear.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    channels, height, width = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * (height // 2) * (width // 2), num_classes),
    )
