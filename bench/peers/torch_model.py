"""A network of `layers.describe` as a module of PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .layers import Step, last_uses


class PositionBias(nn.Module):
    """y = x + a bias for each position."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias


class Network(nn.Module):
    """Applies the steps in order; layers stand in the tree of modules where they do in fastcnn's."""

    def __init__(self, steps: list[Step]) -> None:
        super().__init__()
        self._calls: list[tuple[Callable, tuple[int, ...], list[int]]] = []
        for (kind, arguments, sources, place), last in zip(steps, last_uses(steps), strict=True):
            call = _made(kind, arguments)
            if isinstance(call, nn.Module) and place:
                _put(self, place, call)
            self._calls.append((call, tuple(sources), last))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values: list[torch.Tensor | None] = [x]
        for call, sources, last in self._calls:
            y = call(*[values[source] for source in sources])
            for source in last:  # its memory is free for others
                values[source] = None
            values.append(y)
        return values[-1]


def build(steps: list[Step]) -> nn.Module:
    """Return the module that the steps of `layers.describe` stand for."""
    return Network(steps)


def _put(root: nn.Module, place: str, module: nn.Module) -> None:
    *path, name = place.split(".")
    for each in path:
        if each not in root._modules:
            root.add_module(each, nn.Module())
        root = root._modules[each]
    root.add_module(name, module)


def _made(kind: str, a: dict[str, Any]) -> Callable:
    makers: dict[str, Callable[[], Callable]] = {
        "Conv2d": lambda: nn.Conv2d(
            *a["channels"],
            tuple(a["kernel"]),
            tuple(a["stride"]),
            _symmetric(a["padding"]),
            tuple(a["dilation"]),
            a["groups"],
            a["bias"],
        ),
        "ConvTranspose2d": lambda: nn.ConvTranspose2d(
            *a["channels"],
            tuple(a["kernel"]),
            tuple(a["stride"]),
            tuple(a["padding"]),
            tuple(a["output_padding"]),
            bias=a["bias"],
        ),
        "Linear": lambda: nn.Linear(*a["features"], bias=a["bias"]),
        "BatchNorm2d": lambda: nn.BatchNorm2d(a["channels"], a["eps"], a["momentum"]),
        "ReLU": nn.ReLU,
        "ReLU6": nn.ReLU6,
        "MaxPool2d": lambda: nn.MaxPool2d(tuple(a["kernel"]), tuple(a["stride"]), _symmetric(a["padding"])),
        "AvgPool2d": lambda: nn.AvgPool2d(tuple(a["kernel"]), tuple(a["stride"]), _symmetric(a["padding"])),
        "AdaptiveAvgPool2d": lambda: nn.AdaptiveAvgPool2d(1),
        "Dropout": lambda: nn.Dropout(a["p"]),
        "Flatten": nn.Flatten,
        "ZeroPad2d": lambda: nn.ZeroPad2d(tuple(a["padding"])),
        "PositionBias": lambda: PositionBias(tuple(a["shape"])),
        "relu": lambda: nn.functional.relu,
        "add": lambda: torch.add,
        "cat": lambda: lambda *values: torch.cat(values, a["dim"]),
        "mean": lambda: lambda x: x.mean(a["dim"], a["keepdim"]),
    }
    return makers[kind]()


def _symmetric(padding: list[int]) -> tuple[int, int]:
    left, right, top, bottom = padding
    assert (left, top) == (right, bottom), padding
    return top, left
