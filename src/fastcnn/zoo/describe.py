"""What a network that exists consists of, as the layers of a definition."""

from __future__ import annotations

from .. import nn
from ..errors import ArgumentError
from ..nn.declaration import Declaration, declaration_of
from .definition import MOST_LEVELS, Chain, Layer
from .layers import arguments_of, known


def describe(model: nn.Module, what: str) -> Chain:
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
        raise ArgumentError(
            f"{what}: the network must be a Sequential, got {type(model).__name__}, which is no chain: "
            "zoo.to_dicts(model, input_shape) writes it as nodes for JSON and TOML"
        )
    return _Describer(what).chain(model, "")


class _Describer:
    def __init__(self, what: str) -> None:
        self._what = what
        # Id of a module or parameter -> the layer that it was met in.
        self._places: dict[int, str] = {}

    def chain(self, module: nn.Module, prefix: str, level: int = 0) -> Chain:
        """Return the layers of a Sequential."""
        return tuple(
            self._layer(child, f"{prefix}{name}", None if name == str(index) else name, level)
            for index, (name, child) in enumerate(module.named_children())
        )

    def _layer(self, module: nn.Module, path: str, name: str | None, level: int) -> Layer:
        where = f"{self._what}: layer {path} ({type(module).__name__})"
        declaration = declared(module, where)
        for part in (module, *module._parameters.values()):
            if self._places.setdefault(id(part), path) != path:
                other = self._places[id(part)]
                raise ArgumentError(
                    f"{where}: shares its weights with layer {other}, which cannot be written"
                )
        kind = type(module).__name__
        if level == MOST_LEVELS and declaration.bodies:
            raise ArgumentError(f"{where}: more than {MOST_LEVELS} blocks inside each other")
        return Layer(
            kind,
            arguments_of(module, declaration, where),
            where,
            name,
            self._bodies(module, declaration, path, level),
        )

    def _bodies(
        self, module: nn.Module, declaration: Declaration, path: str, level: int
    ) -> dict[str, Chain | Layer]:
        bodies: dict[str, Chain | Layer] = {}
        for key, body in declaration.bodies.items():
            inner = body.read(module, key)
            if inner is None:
                continue
            place = path if inner is module else f"{path}.{key}"
            if type(inner) is nn.Sequential:
                bodies[key] = self.chain(inner, f"{place}.", level + 1)
            else:
                bodies[key] = self._layer(inner, place, None, level + 1)
        return bodies


def declared(module: nn.Module, where: str) -> Declaration:
    """Return what the class of a module has declared; raise ArgumentError if it has not."""
    declaration = declaration_of(module)
    if declaration is None:
        raise ArgumentError(f"{where}: only layers of fastcnn.nn can be written: {', '.join(known())}")
    return declaration
