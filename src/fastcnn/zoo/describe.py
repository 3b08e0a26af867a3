"""What a network that exists consists of, as the layers of a definition."""

from __future__ import annotations

from typing import Any

from .. import nn
from ..errors import ArgumentError, FastcnnError
from .definition import MOST_LEVELS, Layer
from .layers import BLOCKS, LAYERS, check_argument


def describe(model: nn.Module, what: str) -> tuple[Layer, ...]:
    """Return the layers of a Sequential with all their arguments.

    Parameters
    ----------
    model : Sequential
    what : str
        Opens messages: the function that was called.

    Raises
    ------
    ArgumentError
        If a layer cannot be written as data: one of somebody's own, or one that stands in several places.
    """
    if type(model) is not nn.Sequential:
        raise ArgumentError(f"{what}: the network must be a Sequential, got {type(model).__name__}")
    return _Describer(what).chain(model, "")


class _Describer:
    def __init__(self, what: str) -> None:
        self._what = what
        # Id of a module or parameter -> the layer that it was met in.
        self._places: dict[int, str] = {}

    def chain(self, module: nn.Module, prefix: str, level: int = 0) -> tuple[Layer, ...]:
        """Return the layers of a Sequential."""
        return tuple(
            self._layer(child, f"{prefix}{name}", None if name == str(index) else name, level)
            for index, (name, child) in enumerate(module.named_children())
        )

    def _layer(self, module: nn.Module, path: str, name: str | None, level: int) -> Layer:
        kind = type(module).__name__
        where = f"{self._what}: layer {path} ({kind})"
        if type(module) is not (LAYERS[kind].make if kind in LAYERS else BLOCKS.get(kind)):
            known = ", ".join([*LAYERS, *BLOCKS])
            raise ArgumentError(f"{where}: only layers of fastcnn.nn can be written: {known}")
        for part in (module, *module._parameters.values()):
            if self._places.setdefault(id(part), path) != path:
                other = self._places[id(part)]
                raise ArgumentError(
                    f"{where}: shares its weights with layer {other}, which cannot be written"
                )
        if kind not in BLOCKS:
            return Layer(kind, _arguments(module, kind, where), where, name)
        if level == MOST_LEVELS:
            raise ArgumentError(f"{where}: more than {MOST_LEVELS} blocks inside each other")
        if kind == "Sequential":
            return Layer(kind, {}, where, name, self.chain(module, f"{path}.", level + 1))
        if getattr(module, "shortcut", None) is not None:
            raise ArgumentError(f"{where}: has a shortcut, which cannot be written")
        body: tuple[Layer, ...] | Layer
        if type(module.body) is nn.Sequential:
            body = self.chain(module.body, f"{path}.body.", level + 1)
        else:
            body = self._layer(module.body, f"{path}.body", None, level + 1)
        return Layer(kind, {}, where, name, body)


def _arguments(module: nn.Module, kind: str, where: str) -> dict[str, Any]:
    """Return the arguments that make a layer like this one."""
    values: dict[str, Any] = {}
    for key in LAYERS[kind].arguments:
        if key == "bias":
            # Batch norm that is not affine has no bias either way.
            values[key] = module.bias is not None or not getattr(module, "affine", True)
        elif kind == "PositionBias":
            values[key] = module.bias.shape
        else:
            values[key] = getattr(module, key)
        try:
            values[key] = check_argument(kind, key, values[key])
        except FastcnnError as error:
            raise ArgumentError(f"{where}: {error}") from error
    if LAYERS[kind].defaults.get("stride", 1) is None and values["stride"] == values["kernel_size"]:
        values["stride"] = None
    return values
