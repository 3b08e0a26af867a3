"""Networks as text, one layer a line.

    Conv OUT KERNEL STRIDE PADDING    convolution with bias
    Pool KERNEL STRIDE                max-pooling
    FC OUT                            fully connected layer with bias
    ReLU
    Flatten                           may be left out before FC
    Softmax                           may stand at the end: the loss applies it

``#`` starts a comment. Channels and features of the input are inferred, so that one text fits images of
different sizes. The network returns logits whether or not the text ends with Softmax.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from os import PathLike
from typing import Any

from .. import nn
from .._arguments import short
from .._shapes import conv_padding, pair
from ..errors import ArgumentError, DataError, suggestion
from .building import build_chain
from .definition import MOST_LAYERS, Layer
from .describe import describe
from .files import read_text
from .layers import find

# Word -> the type of layer, and the arguments that its numbers are, in order.
GRAMMAR: dict[str, tuple[str, dict[str, str]]] = {
    "Conv": (
        "Conv2d",
        {"out": "out_channels", "kernel": "kernel_size", "stride": "stride", "padding": "padding"},
    ),
    "Pool": ("MaxPool2d", {"kernel": "kernel_size", "stride": "stride"}),
    "FC": ("Linear", {"out": "out_features"}),
    "ReLU": ("ReLU", {}),
    "Flatten": ("Flatten", {}),
    "Softmax": ("Softmax", {}),
}
# All numbers are at least 1 but for these.
_MAY_BE_ZERO = ("padding",)
# More digits than any size has; int() itself refuses some thousand.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


def parse(text: str, source: str = "<text>") -> tuple[Layer, ...]:
    """Read the layers of a text.

    Parameters
    ----------
    text : str
    source : str
        What messages call it: the file's path.

    Raises
    ------
    DataError
        If a line is not in the grammar, Softmax is not at the end, or there is no layer; the message names
        file, line and text.
    """
    layers: list[Layer] = []
    for number, raw in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        words = raw.partition("#")[0].split()
        if words:
            layers.append(_parse_line(words, f"{source}:{number}: {short(raw.strip())}"))
            if len(layers) > MOST_LAYERS:
                raise DataError(f"{layers[-1].where}: more than {MOST_LAYERS:,} layers")
    if not layers:
        raise DataError(f"{source}: no layers (each line is one of: {_usages()})")
    for layer in layers[:-1]:
        if layer.kind == "Softmax":
            raise DataError(f"{layer.where}: Softmax can only be the last layer")
    if all(layer.kind == "Softmax" for layer in layers):
        raise DataError(f"{layers[0].where}: there is no layer before Softmax")
    return tuple(layers)


def from_spec(text: str, input_shape: Sequence[int], source: str = "<text>") -> nn.Sequential:
    """Make the network that a text describes, for images of `input_shape`; it returns logits.

    Parameters
    ----------
    text : str
    input_shape : (C, H, W)
    source : str
        What messages call the text.

    Raises
    ------
    DataError
        If the text is not right, or a layer does not fit what comes before it; the message names source,
        line and text.
    """
    return build_chain(parse(text, source), input_shape, logits=True)


def read_spec(path: str | PathLike[str], input_shape: Sequence[int]) -> nn.Sequential:
    """Make the network that a text file describes; see `from_spec`."""
    text, source = read_text(path)
    return from_spec(text, input_shape, source)


def to_spec(model: nn.Module) -> str:
    """Return the text of a network; `from_spec` makes one of the same layers, with weights of its own.

    Raises
    ------
    ArgumentError
        If the format has no line for a layer; the message names it.
    """
    layers = describe(model, "to_spec")
    lines = []
    for layer in layers:
        if layer.kind == "Softmax" and layer is not layers[-1]:
            raise ArgumentError(f"{layer.where}: Softmax can only be the last layer of a text")
        lines.append(_line(layer))
    return "\n".join(lines) + "\n"


def _line(layer: Layer) -> str:
    word = next((word for word, (kind, _) in GRAMMAR.items() if kind == layer.kind), None)
    if word is None or layer.name is not None:
        has = "this name" if word else "this type"
        raise ArgumentError(
            f"{layer.where}: the text format has no layers of {has}, only {', '.join(GRAMMAR)}"
        )
    values = dict(layer.arguments)
    if word == "Conv":
        values["padding"] = _padding(values)
    elif word == "Pool" and values["stride"] is None:
        values["stride"] = values["kernel_size"]
    numbers = [values.pop(key) for key in GRAMMAR[word][1].values()]
    kind = find(layer.kind)
    special = [key for key in values if key not in kind.found and values[key] != kind.defaults[key]]
    if special or not all(isinstance(number, int) for number in numbers):
        shown = ", ".join(f"{key}={layer.arguments[key]!r}" for key in special or GRAMMAR[word][1].values())
        raise ArgumentError(f"{layer.where}: a line {_usage(word)} cannot say {shown}")
    return " ".join([word, *map(str, numbers)])


def _padding(values: dict[str, Any]) -> Any:
    """Return the padding of a convolution as one number, if it is one."""
    kernel, stride, dilation = (pair(values[key], key) for key in ("kernel_size", "stride", "dilation"))
    sides = conv_padding(values["padding"], kernel, stride, dilation, "padding")
    return sides[0] if len(set(sides)) == 1 else sides


def _usage(word: str) -> str:
    return " ".join([word, *map(str.upper, GRAMMAR[word][1])])


def _usages() -> str:
    return ", ".join(map(_usage, GRAMMAR))


def _parse_line(words: list[str], where: str) -> Layer:
    word, *rest = words
    if word not in GRAMMAR:
        raise DataError(
            f"{where}: unknown layer {short(word)}{suggestion(word, GRAMMAR)}; known are: {_usages()}"
        )
    kind, names = GRAMMAR[word]
    if len(rest) != len(names):
        raise DataError(f"{where}: {word} takes {len(names)} numbers ({_usage(word)}), got {len(rest)}")
    arguments = {}
    for name, digits in zip(names, rest, strict=True):
        least = 0 if name in _MAY_BE_ZERO else 1
        if not _INTEGER.fullmatch(digits) or int(digits) < least:
            raise DataError(f"{where}: {name} must be an integer of at least {least}, got {short(digits)}")
        arguments[names[name]] = int(digits)
    return Layer(kind, arguments, where)
