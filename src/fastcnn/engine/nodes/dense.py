"""Linear layers, and convolutions whose window is the whole image: one pixel, whose taps are all elements.

Training in float32 reads and writes the weight as it is, with rows in (C, H, W) order; where channels are in
the lanes, the sample is laid out anew in that order first. Inference, and training where values are narrow,
pack the weight, in the order of the sample, pixel by pixel, and multiply as a convolution does: both layouts
give the same to the bit.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from ...nn.parameter import is_trained
from ..algorithms import Algorithm, Setting, always
from ..graph import Value
from ..parts import Backward, Forward
from ..widths import converted
from . import costs
from .bias import bias_grad
from .dense_backward import input_gradient, weight_gradient
from .dense_forward import DEEP, of_all, of_chunk, of_images, on_own_weight
from .linear import Linear

# Weights from which on a layer multiplies all images at once; otherwise threads read them for each slot.
_LARGE = 32768


@dataclass(eq=False)
class Dense(Linear):
    """A linear layer, whose forward pass is written by an implementation that is chosen for it."""

    def cost(self, setting: Setting, wanted: Container[Value]) -> float:
        """Return the cost of its products, which all implementations have in common."""
        out, depth, layout = self.weight.shape[0], self.x.size, setting.layout
        total = costs.product(layout, depth, out)
        if self.x in wanted:
            total += costs.product(layout, out, depth)
        if self.y in wanted and is_trained(self.weight):
            total += costs.weight_gradient(layout, depth, out)
        return total

    def forward(self, f: Forward) -> None:
        """Write y = f(weight x + bias)."""
        way = f.pick("forward", FORWARD, self)
        with f.storing(self.y):
            y = f.blob(self.y)
        way.write(f, self, y)

    def backward(self, b: Backward) -> None:
        """Write the gradients of bias, weight and, where it is wanted, x."""
        f = b.forward
        with f.storing(self.y):
            dy = self.inner_gradient(b)
            bias_grad(b, self.bias, dy)
        dy = converted(b.writer, dy)
        if self._leaves_factors(b):
            b.leave_factors(self.weight, dy, f.flat.get(self, f.blobs[self.x]))
        elif (dweight := b.parameter(self.weight)) is not None:
            weight_gradient(b, self, dweight, dy)
        if b.wanted(self.x):
            input_gradient(b, self, dy)

    def _leaves_factors(self, b: Backward) -> bool:
        """Tell whether the weight's gradient is left as a product of two matrices, see nn/factored.py."""
        large = self.weight.size >= _LARGE and self.x.size >= DEEP
        return large and b.forward.setting.layout.by_channels and b.may_leave_factors(self.weight)


def _cost(node: Dense, setting: Setting) -> float:
    return costs.product(setting.layout, node.x.size, node.weight.shape[0])


# Ordered: the first that fits. All give a row the same bits in every batch, with and without training apart.
FORWARD = [
    Algorithm("images", lambda node, setting: not setting.layout.by_channels, _cost, of_images),
    Algorithm(
        "own weight", lambda node, setting: setting.training and not setting.narrow, _cost, on_own_weight
    ),
    Algorithm(
        "all images",
        lambda node, setting: node.weight.size >= _LARGE and not (setting.single or setting.wide),
        _cost,
        of_all,
    ),
    Algorithm("chunk", always, _cost, of_chunk),
]
