"""A network that was read and not yet built: its layers in order, with sizes that may still be unknown.

It follows the shape of an image through the layers in plain integers, finds every size and what all
of it takes, and only then `build_layers` makes arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from .. import nn
from .._shapes import available_bytes, check_size, integer
from ..errors import DataError, FastcnnError, ShapeError, SizeError
from .arguments import short
from .layers import BLOCKS, LAYERS, Shape

MOST_LAYERS = 10_000
# Blocks inside each other.
MOST_LEVELS = 32
# Bytes of a weight while it is drawn: float64 beside float32. An output is float32.
_WEIGHT_BYTES, _OUTPUT_BYTES = 12, 4


class Layer(NamedTuple):
    """One layer of a network.

    Attributes
    ----------
    kind : str
        A name of `LAYERS` or `BLOCKS`.
    arguments : dict
        Those that are given, checked.
    where : str
        Where it stands, to open the message of an error.
    name : str or None
        Its name in the Sequential around it; None: its number.
    body : tuple of Layer, or Layer, or None
        What a block holds: a Sequential of layers, or just one layer.
    """

    kind: str
    arguments: dict[str, Any]
    where: str
    name: str | None = None
    body: tuple[Layer, ...] | Layer | None = None


def build_layers(
    layers: Sequence[Layer], input_shape: Sequence[int], *, logits: bool = False
) -> nn.Sequential:
    """Make a network with fresh weights.

    Parameters
    ----------
    layers : sequence of Layer
    input_shape : (C, H, W) or (F,)
        Shape of one sample.
    logits : bool
        Leave out a Softmax at the end, as a network needs whose loss applies it.

    Raises
    ------
    ShapeError
        If input_shape is no shape.
    DataError
        If a layer does not fit what comes before it, or all of it does not fit into memory; the message
        names the layer's place.
    """
    if not isinstance(input_shape, tuple | list) or len(input_shape) not in (1, 3):
        raise ShapeError(f"input_shape must be (C, H, W) or (features,), got {short(input_shape)}")
    shape = tuple(integer(size, "input_shape", 1) for size in input_shape)
    if logits and len(layers) > 1 and layers[-1].kind == "Softmax":
        layers = layers[:-1]
    whole, _ = _Sizes().chain(layers, shape)
    return _sequential(whole)


class _Sizes:
    """Finds the sizes of all layers, and counts what they take."""

    def __init__(self) -> None:
        self._free = available_bytes()
        self._bytes = 0
        self._layers = 0

    def chain(self, layers: Sequence[Layer], shape: Shape) -> tuple[tuple[Layer, ...], Shape]:
        """Return the layers with all their arguments, a Flatten where one is needed, and the shape behind."""
        whole: list[Layer] = []
        for layer in layers:
            try:
                if layer.kind == "Linear" and _needs_flatten(layer, shape):
                    flatten = Layer("Flatten", {}, layer.where)
                    flatten, shape = self._one(flatten, shape)
                    whole.append(flatten)
                layer, shape = self._one(layer, shape)
            except DataError:
                raise
            except FastcnnError as error:
                raise DataError(f"{layer.where}: {error}") from error
            whole.append(layer)
        return tuple(whole), shape

    def _one(self, layer: Layer, shape: Shape) -> tuple[Layer, Shape]:
        self._layers += 1
        if self._layers > MOST_LAYERS:
            raise SizeError(f"more than {MOST_LAYERS:,} layers")
        if layer.kind in BLOCKS:
            return self._block(layer, shape)
        kind = LAYERS[layer.kind]
        if kind.images and len(shape) != 3:
            count = math.prod(shape)
            raise ShapeError(f"{layer.kind} needs images (C, H, W), but {count:,} flat features come in")
        values = {**kind.defaults, **layer.arguments}
        for key, size in kind.sizes.items():
            found = size(shape)
            if values.setdefault(key, found) != found:
                raise ShapeError(f"{key} is {values[key]}, but {found} come in (samples {shape})")
        after = kind.output(values, shape)
        for weight in kind.weights(values):
            check_size(weight, _WEIGHT_BYTES, "the weight")
            self._take(math.prod(weight) * _WEIGHT_BYTES)
        check_size(after, _OUTPUT_BYTES, "the output")
        self._take(math.prod(after) * _OUTPUT_BYTES)
        return layer._replace(arguments=values), after

    def _block(self, layer: Layer, shape: Shape) -> tuple[Layer, Shape]:
        body = layer.body
        # A Layer is a tuple too, so this is the test that tells them apart.
        whole, after = self.chain((body,) if isinstance(body, Layer) else body or (), shape)
        if layer.kind == "Residual" and after != shape:
            raise ShapeError(f"Residual: body turns the shape {shape} into {after}; it must keep it")
        if layer.kind == "DenseResidual":
            if len(shape) != 3 or len(after) != 3 or after[1:] != shape[1:]:
                raise ShapeError(f"DenseResidual: body turns the shape {shape} into {after}; sizes must fit")
            after = (shape[0] + after[0], *after[1:])
        if layer.kind != "Sequential":
            self._take(math.prod(after) * _OUTPUT_BYTES)
        # A single layer that got a Flatten before it is two.
        single = isinstance(body, Layer) and len(whole) == 1
        return layer._replace(body=whole[0] if single else whole), after

    def _take(self, count: int) -> None:
        self._bytes += count
        if self._bytes > self._free:
            raise SizeError(
                f"the layers up to here take {self._bytes / 2**30:.1f} GiB, but only "
                f"{self._free / 2**30:.1f} GiB of memory are free"
            )


def _needs_flatten(layer: Layer, shape: Shape) -> bool:
    """Whether a linear layer takes all of a sample: always, unless it says that it takes the last axis."""
    return len(shape) > 1 and layer.arguments.get("in_features") != shape[-1]


def _sequential(layers: Sequence[Layer]) -> nn.Sequential:
    named: dict[str, nn.Module] = {}
    for index, layer in enumerate(layers):
        name = str(index) if layer.name is None else layer.name
        if name in named:
            raise DataError(f"{layer.where}: there are two layers with the name {name!r}")
        named[name] = _make(layer)
    return nn.Sequential(named)


def _make(layer: Layer) -> nn.Module:
    if layer.kind not in BLOCKS:
        return LAYERS[layer.kind].make(**layer.arguments)
    body = _make(layer.body) if isinstance(layer.body, Layer) else _sequential(layer.body or ())
    return body if layer.kind == "Sequential" else BLOCKS[layer.kind](body)
