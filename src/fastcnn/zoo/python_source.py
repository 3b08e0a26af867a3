"""Networks as Python source."""

from __future__ import annotations

from collections.abc import Sequence

from .. import nn
from ..errors import ArgumentError
from .definition import Layer, chain_of
from .describe import describe
from .layers import find


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
    layers = describe(model, "to_python")
    lines = _sequential(layers, "")
    imports = ["from fastcnn import nn", *sorted(_imports(layers))]
    return "\n".join([*imports, "", f"{name} = {lines[0]}", *lines[1:]]) + "\n"


def _imports(layers: Sequence[Layer]) -> set[str]:
    """Return the imports of classes that are not in `fastcnn.nn`."""
    found = set()
    for layer in layers:
        kind = find(layer.kind).layer
        if not _is_ours(kind):
            if "." in kind.__qualname__:
                raise ArgumentError(f"{layer.where}: its class {kind.__qualname__} cannot be imported")
            found.add(f"from {kind.__module__} import {kind.__name__}")
        for body in layer.bodies.values():
            found |= _imports(chain_of(body))
    return found


def _is_ours(kind: type) -> bool:
    return getattr(nn, kind.__name__, None) is kind


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
    if find(layer.kind).layer is nn.Sequential:
        return _sequential(chain_of(layer.bodies["body"]), indent)
    declaration = find(layer.kind)
    lines = [f"nn.{layer.kind}(" if _is_ours(declaration.layer) else f"{layer.kind}("]
    between = ""
    for key, body in layer.bodies.items():
        first, *rest = _layer(body, indent) if isinstance(body, Layer) else _sequential(body, indent)
        lines[-1] += between + (f"{key}={first}" if key in declaration.defaults else first)
        lines += rest
        between = ", "
    if layer.arguments:
        lines[-1] += between + _arguments(layer)
    lines[-1] += ")"
    return lines


def _arguments(layer: Layer) -> str:
    defaults = find(layer.kind).defaults
    needed = [repr(value) for key, value in layer.arguments.items() if key not in defaults]
    others = [
        f"{key}={value!r}"
        for key, value in layer.arguments.items()
        if key in defaults and value != defaults[key]
    ]
    return ", ".join(needed + others)
