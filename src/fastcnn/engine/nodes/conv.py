"""Convolution: the node, and which implementation each of its passes has."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from functools import partial
from math import prod

from ...nn.parameter import is_trained
from ..algorithms import Algorithm, Setting, always, pick
from ..graph import Node, Value
from ..memory import Halo
from ..parts import Backward, Forward
from . import costs
from .bias import bias_grad, position_bias_grad
from .conv_forward import forward
from .conv_gemm import gathered, gemm
from .conv_input import backward_input, gradient_halo
from .conv_weight import sums_over_all, weight_gradient
from .conv_weight_tiles import FEWEST_CHANNELS, filled
from .conv_winograd import (
    SMALL,
    forward_cost,
    input_cost,
    takes_forward,
    takes_input_gradient,
    weight_cost,
    winograd,
    winograd_pairs,
    winograd_weight,
)
from .convolution import Convolution
from .spread import PositionBias


@dataclass(eq=False)
class Conv(Convolution):
    """A convolution, each of whose passes is written by an implementation that is chosen for it."""

    def joined(self, after: Node, training: bool) -> Node | None:
        """Join a bias for each position, which the products start from, or what any product joins."""
        starts_from_0 = self.activation is self.bias is self.position_bias is None
        if starts_from_0 and isinstance(after, PositionBias):
            return replace(self, y=after.y, position_bias=after.parameter)
        return super().joined(after, training)

    def gradient_halo(self) -> Halo:
        """Return the halo that the input's gradient reads."""
        return gradient_halo(self)

    def cost(self, setting: Setting, wanted: Container[Value]) -> float:
        """Return the cost of each pass by its implementation."""
        passes = [FORWARD]
        if self.x in wanted:
            passes.append(INPUT_GRADIENT)
        if self.y in wanted and is_trained(self.weight):
            passes.append(WEIGHT_GRADIENT)
        return sum(pick(each, self, setting).cost(self, setting) for each in passes)

    def exact(self, setting: Setting) -> bool:
        """Tell whether the forward pass's implementation is the same to the bit in both layouts."""
        return pick(FORWARD, self, setting).exact

    def forward(self, f: Forward) -> None:
        """Write y = f(conv(x) + bias)."""
        f.pick("forward", FORWARD, self).write(f, self)

    def backward(self, b: Backward) -> None:
        """Write the gradients of biases, weight and, where it is wanted, x."""
        dy = self.inner_gradient(b)
        bias_grad(b, self.bias, dy, is_zero=self.bias_is_taken_out)
        position_bias_grad(b, self.position_bias, dy)
        if (dweight := b.parameter(self.weight)) is not None:
            b.forward.pick("weight gradient", WEIGHT_GRADIENT, self).write(b, self, dweight, dy)
        if b.wanted(self.x):
            b.forward.pick("input gradient", INPUT_GRADIENT, self).write(b, self, dy)


def _sizes(node: Convolution) -> tuple[int, int, int]:
    """Return output channels and input channels of a group, and its windows' pixels in all groups."""
    out, inner = node.weight.shape[0] // node.groups, node.weight.shape[1]
    return out, inner, node.y.pixels * prod(node.weight.shape[2:]) * node.groups


def _cost(
    of: Callable[[Setting, int, int, int], float],
) -> Callable[[Convolution, Setting], float]:
    """Return the cost of a pass; that of a depthwise convolution is the same for all passes."""

    def cost(node: Convolution, setting: Setting) -> float:
        out, inner, size = _sizes(node)
        if node.depthwise:
            return costs.depthwise(setting.layout, size // node.groups, node.groups)
        return of(setting, size, out, inner)

    return cost


def _of_product(setting: Setting, terms: int, channels: int) -> float:
    return costs.product(setting.layout, terms, channels) / costs.rate(setting, by_tiles=True)


def _of_weight(setting: Setting, size: int, out: int, inner: int) -> float:
    by_tiles = setting.tiles and inner >= FEWEST_CHANNELS
    terms = size * (filled(inner) if by_tiles else inner)
    return costs.weight_gradient(setting.layout, terms, out) / costs.rate(setting, by_tiles)


_forward_cost = _cost(lambda setting, size, out, inner: _of_product(setting, size * inner, out))
_input_cost = _cost(lambda setting, size, out, inner: _of_product(setting, size * out, inner))
_weight_cost = _cost(_of_weight)


def _has_columns(node: Convolution, setting: Setting) -> bool:
    return not (node.depthwise and setting.layout.by_channels)


def _with_columns(
    cost: Callable[[Convolution, Setting], float], node: Convolution, setting: Setting
) -> float:
    """Return a cost with that of laying out what each window reads."""
    _, inner, size = _sizes(node)
    return cost(node, setting) + costs.copy(setting.layout, size, inner)


def _filters_weight(node: Convolution, setting: Setting) -> bool:
    return takes_forward(node, setting) and not sums_over_all(setting.layout, node)


# Ordered lists of implementations; the last one takes every convolution. "direct" multiplies x where it
# stands; "gemm" first lays out what each window reads as one row, the textbook's way (im2col); "winograd" has
# fewer products for windows of 3x3, and "winograd_pairs" multiplies pairs of values there.
FORWARD = [
    Algorithm("winograd", takes_forward, forward_cost, partial(forward, way=winograd), exact=False),
    Algorithm(
        "winograd_pairs",
        partial(takes_forward, pixels=SMALL),
        partial(forward_cost, pixels=SMALL),
        partial(forward, way=winograd_pairs),
        exact=False,
    ),
    Algorithm("gemm", _has_columns, partial(_with_columns, _forward_cost), partial(forward, way=gemm)),
    Algorithm("direct", always, _forward_cost, forward),
]
INPUT_GRADIENT = [
    Algorithm(
        "winograd", takes_input_gradient, input_cost, partial(backward_input, way=winograd), exact=False
    ),
    Algorithm(
        "winograd_pairs",
        partial(takes_input_gradient, pixels=SMALL),
        partial(input_cost, pixels=SMALL),
        partial(backward_input, way=winograd_pairs),
        exact=False,
    ),
    Algorithm("gemm", _has_columns, partial(_with_columns, _input_cost), partial(backward_input, way=gemm)),
    Algorithm("direct", always, _input_cost, backward_input),
]
WEIGHT_GRADIENT = [
    Algorithm("winograd", _filters_weight, weight_cost, winograd_weight, exact=False),
    Algorithm(
        "gemm", _has_columns, partial(_with_columns, _weight_cost), partial(weight_gradient, operand=gathered)
    ),
    Algorithm("direct", always, _weight_cost, weight_gradient),
]
