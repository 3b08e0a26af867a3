"""The networks of the zoo at sizes that tests can afford: all of their layers, for smaller images."""

from typing import Any

from fastcnn import nn, zoo

# Options that leave the layers, and few weights.
_OPTIONS: dict[str, dict[str, Any]] = {"vgg11_bn": {"hidden": 64}}
_LARGEST = 64


def shape_of(name: str) -> tuple[int, int, int]:
    """Return the shape of the images that a network was made for, or of smaller ones."""
    channels, height, width = zoo.find(name).input_shape
    return channels, min(height, _LARGEST), min(width, _LARGEST)


def make(name: str, seed: int | None = None, **options: Any) -> nn.Module:
    """Return a network for ten classes."""
    given = {"input_shape": shape_of(name), "num_classes": 10, **_OPTIONS.get(name, {}), **options}
    return zoo.build(name, seed, **given)
