"""The networks of the zoo at sizes that tests can afford: all of their layers, for smaller images."""

from typing import Any

import numpy as np

from fastcnn import nn, zoo

# Options that leave the layers, and few weights.
_OPTIONS: dict[str, dict[str, Any]] = {"unet": {"widths": (4, 6, 8, 10, 12)}, "vgg11_bn": {"hidden": 64}}
_LARGEST = 64
_LARGEST_OF = {"unet": 32}


def shape_of(name: str) -> tuple[int, int, int]:
    """Return the shape of the images that a network was made for, or of smaller ones."""
    channels, height, width = zoo.find(name).input_shape
    most = _LARGEST_OF.get(name, _LARGEST)
    return channels, min(height, most), min(width, most)


def make(name: str, seed: int | None = None, **options: Any) -> nn.Module:
    """Return a network for ten classes, if it has classes."""
    classes = {} if zoo.find(name).output == "images" else {"num_classes": 10}
    given = {"input_shape": shape_of(name), **classes, **_OPTIONS.get(name, {}), **options}
    return zoo.build(name, seed, **given)


def loss_and_targets(name: str, rng: np.random.Generator, count: int) -> tuple[Any, np.ndarray]:
    """Return a loss that suits what a network makes, and targets for so many images."""
    output = make(name).output_shape((count, *shape_of(name)))
    if zoo.find(name).output == "images":
        return nn.MSELoss(), rng.uniform(0, 1, output)
    return nn.CrossEntropyLoss(), rng.integers(0, output[1], (count, *output[2:]))
