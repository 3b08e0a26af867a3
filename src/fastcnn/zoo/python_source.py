"""Networks as Python source."""

from __future__ import annotations

from collections.abc import Sequence

from .. import nn
from ..errors import ArgumentError
from .definition import Layer
from .describe import describe
from .layers import BLOCKS, LAYERS


def to_python(model: nn.Module, name: str = "model") -> str:
    """Return Python source that makes a network of the same layers, with weights of its own.

    Parameters
    ----------
    model : Sequential
    name : str
        Of the variable.

    Raises
    ------
    ArgumentError
        If a layer cannot be written, such as one of your own, or `name` is no name of a variable.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise ArgumentError(f"to_python: name must be the name of a variable, got {name!r}")
    lines = _sequential(describe(model, "to_python"), "")
    return "\n".join(["from fastcnn import nn", "", f"{name} = {lines[0]}", *lines[1:]]) + "\n"


def _sequential(layers: Sequence[Layer], indent: str) -> list[str]:
    """Return the lines of a Sequential; the first without its indent."""
    if not layers:
        return ["nn.Sequential()"]
    inner = f"{indent}    "
    named = any(layer.name is not None for layer in layers)
    lines = ["nn.Sequential({" if named else "nn.Sequential("]
    for index, layer in enumerate(layers):
        first, *rest = _layer(layer, inner)
        key = f"{layer.name or str(index)!r}: " if named else ""
        block = [f"{inner}{key}{first}", *rest]
        block[-1] += ","
        lines += block
    return [*lines, f"{indent}}})" if named else f"{indent})"]


def _layer(layer: Layer, indent: str) -> list[str]:
    if layer.kind == "Sequential":
        return _sequential(layer.body, indent)  # type: ignore[arg-type]
    if layer.kind not in BLOCKS:
        return [f"nn.{layer.kind}({_arguments(layer)})"]
    body = layer.body
    first, *rest = _layer(body, indent) if isinstance(body, Layer) else _sequential(body or (), indent)
    lines = [f"nn.{layer.kind}({first}", *rest]
    lines[-1] += ")"
    return lines


def _arguments(layer: Layer) -> str:
    defaults = LAYERS[layer.kind].defaults
    needed = [repr(value) for key, value in layer.arguments.items() if key not in defaults]
    others = [
        f"{key}={value!r}"
        for key, value in layer.arguments.items()
        if key in defaults and value != defaults[key]
    ]
    return ", ".join(needed + others)
