"""A network as plain data, from which the other libraries build it: lists of [type, arguments, children].

Padding is (left, right, top, bottom); sizes of windows are (vertical, horizontal).
"""

from __future__ import annotations

from typing import Any

from fastcnn import nn
from fastcnn._shapes import conv_padding, padding4

Layer = list[Any]


def describe(module: nn.Module) -> Layer:
    """Return a module of fastcnn as data.

    Raises
    ------
    TypeError
        If the other sides know no such layer.
    """
    kind = type(module).__name__
    children = [describe(child) for child in module.children()]
    return [kind, _arguments(module), children]


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
    if isinstance(m, nn.Sequential | nn.Residual | nn.DenseResidual | nn.ReLU | nn.Flatten):
        return {}
    raise TypeError(f"the other libraries have no {m!r} here")
