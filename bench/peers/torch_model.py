"""A network of `layers.describe` as modules of PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class PositionBias(nn.Module):
    """y = x + a bias for each position."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias


class Residual(nn.Module):
    """y = shortcut(x) + body(x); without a shortcut x is added."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None) -> None:
        super().__init__()
        self.body = body
        self.shortcut = nn.Identity() if shortcut is None else shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shortcut(x) + self.body(x)


class DenseResidual(Residual):
    """y = concat(x, body(x)) over channels."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.body(x)], 1)


def build(layer: list[Any]) -> nn.Module:
    """Return the module that a layer of `layers.describe` stands for, with the same names of parameters."""
    kind, a, children = layer
    inner = [build(child) for child in children]
    makers = {
        "Sequential": lambda: nn.Sequential(*inner),
        "Residual": lambda: Residual(*inner),
        "DenseResidual": lambda: DenseResidual(*inner),
        "Conv2d": lambda: nn.Conv2d(
            *a["channels"],
            tuple(a["kernel"]),
            tuple(a["stride"]),
            _symmetric(a["padding"]),
            tuple(a["dilation"]),
            a["groups"],
            a["bias"],
        ),
        "Linear": lambda: nn.Linear(*a["features"], bias=a["bias"]),
        "BatchNorm2d": lambda: nn.BatchNorm2d(a["channels"], a["eps"], a["momentum"]),
        "ReLU": nn.ReLU,
        "MaxPool2d": lambda: nn.MaxPool2d(tuple(a["kernel"]), tuple(a["stride"]), _symmetric(a["padding"])),
        "AvgPool2d": lambda: nn.AvgPool2d(tuple(a["kernel"]), tuple(a["stride"]), _symmetric(a["padding"])),
        "AdaptiveAvgPool2d": lambda: nn.AdaptiveAvgPool2d(1),
        "Dropout": lambda: nn.Dropout(a["p"]),
        "Flatten": nn.Flatten,
        "ZeroPad2d": lambda: nn.ZeroPad2d(tuple(a["padding"])),
        "PositionBias": lambda: PositionBias(tuple(a["shape"])),
    }
    return makers[kind]()


def _symmetric(padding: list[int]) -> tuple[int, int]:
    left, right, top, bottom = padding
    assert (left, top) == (right, bottom), padding
    return top, left
