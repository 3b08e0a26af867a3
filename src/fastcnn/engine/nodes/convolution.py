"""What a convolution is made of; how it is written stands in conv.py and the files beside it."""

from __future__ import annotations

from dataclasses import dataclass

from ..._shapes import Window
from ...nn import Parameter
from ..memory import Halo
from .activation import Activated


@dataclass(eq=False)
class Convolution(Activated):
    """A convolution, perhaps with a bias for each position; window pads include margins."""

    weight: Parameter
    bias: Parameter | None
    window: Window
    groups: int
    position_bias: Parameter | None = None

    multiplies = reads_gradient_late = normalizes_output = (
        True  # weights of few pixels and biases are summed last
    )

    @property
    def parameters(self) -> tuple[Parameter | None, ...]:
        """Weight, biases and slopes."""
        return self.weight, self.bias, self.position_bias, *super().parameters

    @property
    def depthwise(self) -> bool:
        """Whether each channel has a window of its own."""
        return self.groups == self.x.channels == self.y.channels > 1

    @property
    def channel_bias(self) -> Parameter | None:
        """Its bias."""
        return self.bias

    @property
    def folds_normalization(self) -> bool:
        """Whether nothing stands between the products and a normalisation but a bias for each channel."""
        return self.activation is None and self.position_bias is None

    @property
    def bias_is_taken_out(self) -> bool:
        """Whether batch normalisation takes the mean out again: the gradient of a bias is then exactly 0."""
        reader = self.y.only_reader
        return reader is not None and reader.takes_statistics and self.activation is None

    @property
    def takes_channels(self) -> bool:
        """Whether its groups of channels have kernels."""
        return self.groups == 1 or self.depthwise or self.position_bias is None

    @property
    def writes_past_channels(self) -> bool:
        """Whether groups of channels end within vectors."""
        return self.groups > 1 and not self.depthwise

    @property
    def reads_elements(self) -> bool:
        """Whether one input channel after the other is multiplied by all weights."""
        return not self.depthwise

    def input_halo(self) -> Halo:
        """Return the halo that the windows read around x."""
        win = self.window
        last_row = (win.out_h - 1) * win.stride_h + win.dilation_h * (win.kernel_h - 1) - win.pad_top
        last_column = (win.out_w - 1) * win.stride_w + win.dilation_w * (win.kernel_w - 1) - win.pad_left
        return win.pad_left, last_column - (win.in_w - 1), win.pad_top, last_row - (win.in_h - 1)
