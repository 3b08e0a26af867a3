"""A network as plain data, from which the other libraries build it: what it applies, in order, to what.

Padding is (left, right, top, bottom); sizes of windows are (vertical, horizontal).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastcnn import nn
from fastcnn._shapes import conv_padding, padding4
from fastcnn.zoo.definition import Call, Layer, Node
from fastcnn.zoo.describe_nodes import describe_nodes

# A layer or function of fastcnn by name, its arguments, the numbers of the values that it takes, and the
# layer's place in the tree of modules. Value 0 is the input, and each step makes the next.
Step = tuple[str, dict[str, Any], Sequence[int], str]

_FUNCTIONS = ("relu", "add", "cat", "mean")
_PLAIN = (nn.ReLU, nn.ReLU6, nn.Flatten)


def describe(model: nn.Module, input_shape: Sequence[int]) -> list[Step]:
    """Return a network of fastcnn of one input as data; its output is what the last step makes.

    Raises
    ------
    TypeError
        If the other sides know no such layer or function.
    """
    nodes = describe_nodes(model, input_shape, "describe")
    assert nodes.output == len(nodes.nodes), nodes.output
    return [_step(model, node, nodes.nodes) for node in nodes.nodes]


def last_uses(steps: list[Step]) -> list[list[int]]:
    """Return for each step the values that no later one takes."""
    seen: set[int] = set()
    found = []
    for step in reversed(steps):
        found.append([source for source in dict.fromkeys(step[2]) if source not in seen])
        seen.update(step[2])
    return found[::-1]


def _step(model: nn.Module, node: Node, nodes: Sequence[Node]) -> Step:
    what = node.what
    if isinstance(what, Call):
        if what.function not in _FUNCTIONS or not all(isinstance(each, int) for each in node.sources):
            raise TypeError(f"the other libraries have no {what.function} of {node.sources} here")
        return what.function, what.settings, node.sources, ""
    shared = isinstance(what, int)
    layer = nodes[what] if isinstance(what, int) else node
    assert isinstance(layer.what, Layer)
    assert layer.name
    module = model.get_submodule(layer.name)
    if shared and list(module.parameters()):
        raise TypeError("the other libraries have no layer here whose weights are used in several places")
    return layer.what.kind, _arguments(module), node.sources, "" if shared else layer.name


def _arguments(m: Any) -> dict[str, Any]:
    if isinstance(m, nn.Conv2d):
        return {
            "channels": (m.in_channels, m.out_channels),
            "kernel": m.kernel_size,
            "stride": m.stride,
            "padding": conv_padding(m.padding, m.kernel_size, m.stride, m.dilation, "Conv2d: padding"),
            "dilation": m.dilation,
            "groups": m.groups,
            "bias": m.bias is not None,
        }
    if isinstance(m, nn.ConvTranspose2d) and m.groups == 1 and m.dilation == (1, 1):
        return {
            "channels": (m.in_channels, m.out_channels),
            "kernel": m.kernel_size,
            "stride": m.stride,
            "padding": m.padding,
            "output_padding": m.output_padding,
            "bias": m.bias is not None,
        }
    if isinstance(m, nn.Linear):
        return {"features": m.weight.shape[::-1], "bias": m.bias is not None}
    if isinstance(m, nn.BatchNorm2d):
        return {"channels": m.num_features, "eps": m.eps, "momentum": m.momentum}
    if isinstance(m, nn.MaxPool2d | nn.AvgPool2d):
        padding = padding4(m.padding, f"{type(m).__name__}: padding")
        return {"kernel": m.kernel_size, "stride": m.stride, "padding": padding}
    if isinstance(m, nn.AdaptiveAvgPool2d) and m.output_size == 1:
        return {}
    if isinstance(m, nn.Dropout):
        return {"p": m.p}
    if isinstance(m, nn.ZeroPad2d):
        return {"padding": m.padding}
    if isinstance(m, nn.PositionBias):
        return {"shape": m.bias.shape}
    if isinstance(m, _PLAIN):
        return {}
    raise TypeError(f"the other libraries have no {m!r} here")
