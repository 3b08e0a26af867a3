"""A network whose convolutions have a bias for each position, with overlapping pools padded on one side."""

from ... import nn


def position_bias(input_shape: tuple[int, int, int] = (1, 28, 28), num_classes: int = 10) -> nn.Sequential:
    """Three convolutions with position biases, two pools, two linear layers.

    A pool covers 3x3 pixels every 2; the zeros on the right and at the bottom take part in the maximum,
    and 28 becomes 14, then 7.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    channels, height, width = input_shape
    layers: list[nn.Module] = []
    for number, out_channels in enumerate((16, 32, 64)):
        if number:
            layers += [nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(3, stride=2)]
            height, width = height // 2, width // 2
        layers += [
            nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
            nn.PositionBias((out_channels, height, width)),
            nn.ReLU(),
        ]
        channels = out_channels
    features = channels * height * width
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(features, 100), nn.ReLU(), nn.Linear(100, num_classes)
    )
