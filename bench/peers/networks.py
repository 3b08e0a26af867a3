"""The networks that are compared: the zoo's small and deep ones, and others, which no kernel was tuned on.

The others were chosen before anything was measured on them, and stay as they are: other depths and kernels,
strided stems, residual and dense stacks, channels that are no multiple of 8, images from 8x8 to 128x128, odd
batches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastcnn import nn, zoo

ZOO_BATCHES = (32, 128, 512)
DEEP_BATCHES = (32, 128)
SEED = 0


@dataclass(frozen=True)
class Network:
    """One network, and how it is trained: an optimizer by the name that it has everywhere."""

    name: str
    make: Callable[[], nn.Module]
    input_shape: tuple[int, int, int]
    optimizer: str
    options: dict[str, Any] = field(default_factory=dict)
    batches: tuple[int, ...] = ZOO_BATCHES
    group: str = "zoo"
    check_lr: float = 0.02  # of the steps that are compared; rounding grows more in deep networks


def _conv(
    a: int, b: int, kernel: Any = 3, stride: int = 1, padding: Any = 1, **options: Any
) -> list[nn.Module]:
    return [nn.Conv2d(a, b, kernel, stride, padding, **options), nn.ReLU()]


def _norm_conv(a: int, b: int, kernel: int = 3, stride: int = 1, padding: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(a, b, kernel, stride, padding, bias=False), nn.BatchNorm2d(b), nn.ReLU()]


def _block(channels: int) -> list[nn.Module]:
    """Two convolutions with batch norm, added to their input, then ReLU."""
    body = [*_norm_conv(channels, channels), *_norm_conv(channels, channels)[:-1]]
    return [nn.Residual(nn.Sequential(*body)), nn.ReLU()]


def _five_layers() -> nn.Module:
    layers: list[nn.Module] = []
    for a, b in ((1, 32), (32, 64), (64, 128)):
        layers += [*_norm_conv(a, b), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 3 * 3, 128), nn.ReLU(), nn.Linear(128, 10))


def _thin_deep() -> nn.Module:
    layers = _norm_conv(1, 12)
    for i in range(8):
        layers += _norm_conv(12, 12)
        if i in (2, 5):
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(12 * 7 * 7, 10))


def _strided_stem() -> nn.Module:
    stem = [*_norm_conv(3, 20, 7, 2, 3), nn.MaxPool2d(3, 2, 1)]
    layers = [*stem, *_block(20), *_norm_conv(20, 44, 3, 2, 1), *_block(44)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(44, 10))


def _vgg() -> nn.Module:
    layers = [*_conv(3, 32), *_conv(32, 32), nn.MaxPool2d(2), *_conv(32, 64), *_conv(64, 64), nn.MaxPool2d(2)]
    layers += [*_conv(64, 128), nn.MaxPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(128 * 4 * 4, 100), nn.ReLU(), nn.Linear(100, 10))


def _deep_vgg() -> nn.Module:
    layers: list[nn.Module] = []
    for a, b in ((3, 64), (64, 128), (128, 256)):
        layers += [*_norm_conv(a, b), *_norm_conv(b, b), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 4 * 4, 10))


def _shortcut(a: int, b: int, stride: int) -> list[nn.Module]:
    """Two convolutions with batch norm, added to a convolution of their input by one pixel, then ReLU."""
    body = [*_norm_conv(a, b, 3, stride), *_norm_conv(b, b)[:-1]]
    return [nn.Residual(nn.Sequential(*body), nn.Sequential(*_norm_conv(a, b, 1, stride, 0)[:-1])), nn.ReLU()]


def _resnet() -> nn.Module:
    layers = [*_norm_conv(3, 16), *_block(16), *_block(16), *_block(16)]
    for a, b in ((16, 32), (32, 64)):
        layers += [*_shortcut(a, b, 2), *_block(b), *_block(b)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def _tiny() -> nn.Module:
    layers = [*_conv(4, 24), *_conv(24, 36), *_conv(36, 50, 2, 2, 0)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(50 * 4 * 4, 10))


def _large() -> nn.Module:
    layers = [*_norm_conv(3, 10, 5, 2, 2), nn.MaxPool2d(2), *_norm_conv(10, 20), nn.MaxPool2d(2)]
    layers += [*_norm_conv(20, 40), nn.MaxPool2d(2), *_norm_conv(40, 40)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(40, 10))


def _long_kernels() -> nn.Module:
    layers = _conv(1, 18, 7, 2, 3)
    for _ in range(2):
        body = [*_conv(18, 9, 1, 1, 0), *_conv(9, 9, (1, 7), 1, (0, 3)), *_conv(9, 9, (7, 1), 1, (3, 0))]
        layers.append(nn.Residual(nn.Sequential(*body, nn.Conv2d(9, 18, 1))))
    layers += [nn.AvgPool2d(2), *_conv(18, 30)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(30 * 10 * 10, 10))


def _dense_stack() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(2, 11, 3, padding=1)]
    for channels in (11, 22, 33):
        body = [nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 11, 3, padding=1)]
        layers.append(nn.DenseResidual(nn.Sequential(*body)))
    layers += [nn.MaxPool2d(2), *_norm_conv(44, 22, 1, 1, 0), *_norm_conv(22, 33)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(33, 10))


def _dilated() -> nn.Module:
    layers = [*_conv(3, 14), *_conv(14, 14, padding=2, dilation=2), *_conv(14, 28, padding=4, dilation=4)]
    layers += [nn.MaxPool2d(3), *_conv(28, 28, 5, 1, 2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(28 * 16 * 16, 10))


def _zoo(name: str, optimizer: str, **options: Any) -> Network:
    return Network(name, lambda: zoo.build(name), zoo.find(name).input_shape, optimizer, options)


def _deep(name: str) -> Network:
    shape = (3, 32, 32)
    return Network(
        name,
        lambda: zoo.build(name, input_shape=shape),
        shape,
        "SGD",
        {"momentum": 0.9, "weight_decay": 5e-4},
        DEEP_BATCHES,
        "deep",
        check_lr=2e-4,
    )


def _other(name: str, make: Callable, shape: tuple[int, int, int], batches: tuple, optimizer: str) -> Network:
    options = {"momentum": 0.9} if optimizer == "SGD" else {}
    return Network(name, make, shape, optimizer, options, batches, "other")


_ALL = (
    # What one would write for Fashion-MNIST without a second thought.
    _other("own-28", _five_layers, (1, 28, 28), (64, 256), "Adam"),
    _other("thin-deep-28", _thin_deep, (1, 28, 28), (48, 200), "Adam"),
    _other("strided-stem-64", _strided_stem, (3, 64, 64), (31, 100), "AdamW"),
    _other("vgg-32", _vgg, (3, 32, 32), (64, 250), "SGD"),
    _other("vgg-256", _deep_vgg, (3, 32, 32), (32, 128), "SGD"),
    _other("resnet-20", _resnet, (3, 32, 32), (32, 128), "SGD"),
    _other("tiny-8", _tiny, (4, 8, 8), (37, 400), "SGD"),
    _other("large-128", _large, (3, 128, 128), (16, 50), "Adam"),
    _other("long-kernels-40", _long_kernels, (1, 40, 40), (33, 150), "Adam"),
    _other("dense-24", _dense_stack, (2, 24, 24), (50, 130), "AdamW"),
    _other("dilated-48", _dilated, (3, 48, 48), (24, 90), "SGD"),
    _zoo("residual-mnist", "AdamW", betas=(0.9, 0.99), weight_decay=0.01),
    _zoo("position-bias-mnist", "SGD"),
    _zoo("compact-mnist", "Adam"),
    _zoo("spec-lenet", "SGD"),
    _zoo("list-cifar", "SGD", momentum=0.9, weight_decay=1e-3),
    _deep("resnet18-cifar"),
    _deep("mobilenet-v2-cifar"),
    _deep("densenet-bc-cifar"),
    _deep("unet"),
)
NETWORKS = {network.name: network for network in _ALL}


def choose(text: str) -> list[Network]:
    """Return the networks that a comma-separated list names; "zoo", "other", "deep" and "all" are several.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    chosen: dict[str, Network] = {}
    for word in text.split(","):
        found = [n for n in _ALL if word in (n.name, n.group, "all")]
        if not found:
            raise ValueError(
                f"no network is called {word!r}; there is {', '.join(['zoo', 'other', 'deep', *NETWORKS])}"
            )
        chosen.update({network.name: network for network in found})
    return list(chosen.values())


def build(network: Network) -> nn.Module:
    """Return the network with weights and running statistics of its own seed."""
    model = network.make().initialize(seed=SEED).reseed(SEED)
    rng = np.random.default_rng(SEED)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean[...] = 0.1 * rng.standard_normal(module.num_features)
            module.running_var[...] = rng.uniform(0.5, 1.5, module.num_features)
    return model
