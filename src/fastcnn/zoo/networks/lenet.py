"""A LeNet that is written as text; see `fastcnn.zoo.spec` for the grammar."""

from ... import nn
from ..spec import from_spec

SPEC = """\
# OUT KERNEL STRIDE PADDING; sizes for MNIST
Conv 6 5 1 2      # 6 x 28 x 28
ReLU
Pool 2 2          # 6 x 14 x 14
Conv 12 5 1 0     # 12 x 10 x 10
ReLU
Pool 2 2          # 12 x 5 x 5
Conv 100 5 1 0    # 100 x 1 x 1
ReLU
Flatten
FC {num_classes}
Softmax
"""


def lenet(input_shape: tuple[int, int, int] = (1, 28, 28), num_classes: int = 10) -> nn.Sequential:
    """Three 5x5 convolutions, two pools, one linear layer.

    Parameters
    ----------
    input_shape : (C, H, W)
    num_classes : int
    """
    return from_spec(SPEC.format(num_classes=num_classes), input_shape, "spec-lenet")
