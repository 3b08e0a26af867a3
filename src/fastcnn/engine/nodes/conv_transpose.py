"""Transposed convolution: a convolution from y to x, whose passes change their places."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ...nn.parameter import is_trained
from ..algorithms import Algorithm, Setting, pick
from ..graph import Value
from ..memory import Blob, Halo
from ..parts import Backward, Forward
from . import conv
from .bias import bias_grad
from .conv_forward import extras_of, write_forward
from .conv_gemm import gathered, gemm
from .conv_input import gradient_halo, write_input
from .conv_weight import Operand, in_place, sums_over_all, write_weight
from .conv_winograd import winograd, winograd_pairs
from .convolution import Convolution
from .multiply import Way, direct
from .product import Extras, group_count


@dataclass(eq=False)
class ConvTranspose(Convolution):
    """A transposed convolution; the window is that of the convolution from y to x, with pads that may be < 0.

    What makes y is what makes the gradient of that convolution's input, and so on: `mirrored` is the
    convolution, by which all products, halos and costs are found.
    """

    weight_reads_halo = True

    @property
    def reads_elements(self) -> bool:
        """Whether x is read element by element: not by the gradient of the weight."""
        return False

    @property
    def mirrored(self) -> conv.Conv:
        """The convolution from y to x."""
        return conv.Conv(self.y, self.x, self.weight, None, self.window, self.groups, label=self.label)

    def input_halo(self) -> Halo:
        """Return the halo that the products of each remainder read around x."""
        return gradient_halo(self.mirrored)

    def gradient_halo(self) -> Halo:
        """Return the halo that the windows read around the gradient of y."""
        return self.mirrored.input_halo()

    def cost(self, setting: Setting, wanted: Container[Value]) -> float:
        """Return the cost of each pass by its implementation."""
        passes = [FORWARD]
        if self.x in wanted:
            passes.append(INPUT_GRADIENT)
        if self.y in wanted and is_trained(self.weight):
            passes.append(WEIGHT_GRADIENT)
        mirrored = self.mirrored
        return sum(pick(each, mirrored, setting).cost(mirrored, setting) for each in passes)

    def exact(self, setting: Setting) -> bool:
        """Tell whether the forward pass's implementation is the same to the bit in both layouts."""
        return pick(FORWARD, self.mirrored, setting).exact

    def forward(self, f: Forward) -> None:
        """Write y = f(transposed conv(x) + bias)."""
        f.pick("forward", FORWARD, self.mirrored).write(f, self)

    def backward(self, b: Backward) -> None:
        """Write the gradients of bias, weight and, where it is wanted, x."""
        dy, mirrored = self.inner_gradient(b), self.mirrored
        bias_grad(b, self.bias, dy, is_zero=self.bias_is_taken_out)
        if (dweight := b.parameter(self.weight)) is not None:
            b.forward.pick("weight gradient", WEIGHT_GRADIENT, mirrored).write(b, self, dweight, dy)
        if b.wanted(self.x):
            b.forward.pick("input gradient", INPUT_GRADIENT, mirrored).write(b, self, dy)


def _forward(f: Forward, node: ConvTranspose, way: Way = direct) -> None:
    """Spread x as the gradient of a convolution's output is spread, and end as a convolution does."""
    x, y = f.blobs[node.x], f.blob(node.y)
    write_input(f.writer, node.mirrored, x, y, extras_of(f, node, node.y.channels), way)


def _input_gradient(b: Backward, node: ConvTranspose, dy: Blob, way: Way = direct) -> None:
    """Convolve dy."""
    dx, add = b.target(node.x)
    extras = [Extras(add=add)] * group_count(b.writer, node)
    write_forward(b.writer, node.mirrored, dy, dx, extras, way)


def _weight_gradient(
    b: Backward, node: ConvTranspose, dweight: np.ndarray, dy: Blob, operand: Operand = in_place
) -> None:
    """Write the gradient of the weight, of a convolution that reads dy and whose output's gradient is x."""
    mirrored = node.mirrored
    x = b.forward.blobs[node.x] if sums_over_all(b.writer.layout, mirrored) else b.operand(node.x)
    write_weight(b.writer, mirrored, dweight, dy, x, operand)


def _readable(fits: Callable[[Convolution, Setting], bool], node: Convolution, setting: Setting) -> bool:
    """Tell whether x, the mirrored convolution's y, has whole vectors: a sample that is laid out may not."""
    readable = node.y.producer is not None or node.y.channels % setting.layout.lanes == 0
    return readable and fits(node, setting)


# As those of conv.py, each with its costs and what it fits, for the mirrored convolution.
_WAYS = (winograd, winograd_pairs, gemm, direct)
FORWARD = [
    replace(each, write=partial(_forward, way=way), fits=partial(_readable, each.fits))
    for each, way in zip(conv.INPUT_GRADIENT[:2], _WAYS[:2], strict=True)
]
FORWARD += [
    replace(each, write=partial(_forward, way=way))
    for each, way in zip(conv.INPUT_GRADIENT[2:], _WAYS[2:], strict=True)
]
INPUT_GRADIENT = [
    replace(each, write=partial(_input_gradient, way=way))
    for each, way in zip(conv.FORWARD, _WAYS, strict=True)
]
WEIGHT_GRADIENT: list[Algorithm[Convolution]] = [
    replace(each, write=partial(_weight_gradient, operand=operand))
    for each, operand in zip(conv.WEIGHT_GRADIENT[1:], (gathered, in_place), strict=True)
]
