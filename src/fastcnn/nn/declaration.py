"""What a layer's class declares of itself, so that files (`fastcnn.zoo`) can have it.

A class is declared where it stands, and that is all that files know of it: its arguments and what each may
be, what samples it takes, and the shapes of its output and of its weights, in plain integers. Only the class
itself is declared: a class derived from it is another one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .._arguments import Argument, flag
from ..errors import ArgumentError, DTypeError
from ..graph import FUNCTIONS
from .module import Module

Shape = tuple[int, ...]
Values = Mapping[str, Any]
M = TypeVar("M", bound=Module)

# What the samples are that a layer takes.
ANY, IMAGES, LINES, FEATURES = "any", "images", "lines", "features"


@dataclass(frozen=True)
class Body:
    """An argument of a block that is a network: a chain of layers.

    Attributes
    ----------
    single : bool
        Whether it may also be one layer by itself.
    read : callable
        As in `Argument`.
    """

    single: bool = True
    read: Callable[[Any, str], Any] = getattr


@dataclass(frozen=True)
class Declaration:
    """What a class has declared; `declare` explains the rest.

    Attributes
    ----------
    layer : type
        The class.
    defaults : dict
        Of the arguments that have one: those of the class itself.
    """

    layer: type[Module]
    make: Callable[..., Module]
    arguments: dict[str, Argument]
    bodies: dict[str, Body]
    defaults: dict[str, Any]
    output: Callable[[Values, Shape], Shape]
    weights: Callable[[Values], list[Shape]]
    takes: str

    @property
    def found(self) -> dict[str, Callable[[Shape], Any]]:
        """What each argument that follows from the samples is for samples of a shape."""
        return {name: find for name, find in self.usual.items() if not self.arguments[name].free}

    @property
    def usual(self) -> dict[str, Callable[[Shape], Any]]:
        """What each argument that may be left out for it is for samples of a shape."""
        return {name: each.found for name, each in self.arguments.items() if each.found is not None}


_PASSES = frozenset({"forward", "backward"})
# The classes that are declared, by name: those without bodies and those with.
LAYERS: dict[str, Declaration] = {}
BLOCKS: dict[str, Declaration] = {}


def _as_it_came(values: Values, shape: Shape) -> Shape:
    return shape


def _without_weights(values: Values) -> list[Shape]:
    return []


def declare(
    arguments: Mapping[str, Any] | None = None,
    *,
    output: Callable[[Values, Shape], Shape] = _as_it_came,
    weights: Callable[[Values], list[Shape]] = _without_weights,
    takes: str = ANY,
    make: Callable[..., Module] | None = None,
) -> Callable[[type[M]], type[M]]:
    """Let files have a class of layers; use it as a decorator.

    A file can then have ``{"type": "NameOfTheClass"}`` with these arguments, in every process that has
    imported the class; its defaults are those of the class. Nothing is made of a file before the memory of
    the whole network is known, so `output` and `weights` must tell all that a layer takes.

    Parameters
    ----------
    arguments : mapping of str to check, Argument or Body
        Of the class, in their order; those that are not named must have a default.
    output : callable
        ``output(values, shape)``: the shape of a sample behind the layer, of all arguments and the shape in
        front of it. The value of a `Body` is the shape behind that, None if there is none. Default: the same.
    weights : callable
        ``weights(values)``: the shapes of its arrays, the largest first. Default: none.
    takes : "any", "images", "lines" or "features"
        Whether samples must be (C, H, W) or (C, L); or flat, so that a chain gets a Flatten before the layer,
        unless the sizes that the file gives fit the last axis.
    make : callable, optional
        What makes the layer of the values, if it is not the class.

    Returns
    -------
    callable
        It returns the class as it is.

    Raises
    ------
    ArgumentError, DTypeError
        If it is no class of modules, another one has its name, or the arguments are not those of the class.
    """
    given = {
        name: each if isinstance(each, Argument | Body) else Argument(each)
        for name, each in (arguments or {}).items()
    }
    if takes not in (ANY, IMAGES, LINES, FEATURES):
        raise ArgumentError(f"declare: takes must be 'any', 'images', 'lines' or 'features', got {takes!r}")

    def register(layer: type[M]) -> type[M]:
        if not (isinstance(layer, type) and issubclass(layer, Module)):
            raise DTypeError(f"declare: a class of modules is needed, got {layer!r}")
        name = layer.__name__
        before = LAYERS.get(name, BLOCKS.get(name))
        if name in FUNCTIONS:
            raise ArgumentError(f"declare: {name} is a function of files already: take another name")
        if before is not None and _place(before.layer) != _place(layer):
            raise ArgumentError(f"declare: {name} is {_place(before.layer)} already: take another name")
        declaration = Declaration(
            layer,
            make or layer,
            {name: each for name, each in given.items() if isinstance(each, Argument)},
            {name: each for name, each in given.items() if isinstance(each, Body)},
            _defaults(make or layer, given, name),
            output,
            weights,
            takes,
        )
        (BLOCKS if declaration.bodies else LAYERS)[name] = declaration
        return layer

    return register


def declaration_of(module: Module) -> Declaration | None:
    """Return what the class of a module has declared; None also of a module with passes of its own."""
    name = type(module).__name__
    found = LAYERS.get(name, BLOCKS.get(name))
    if found is None or found.layer is not type(module) or not _PASSES.isdisjoint(module.__dict__):
        return None
    return found


def has(layer: Module, name: str) -> bool:
    """Tell whether a layer has the parameter of that name; the `read` of an argument that asks for one."""
    return getattr(layer, name) is not None


def no(value: Any, name: str) -> bool:
    """Return False, of a flag with which a layer makes more than the one tensor that files have."""
    if flag(value, name):
        raise ArgumentError(f"{name} must be false: a layer in a file makes one tensor")
    return False


def channels(shape: Shape) -> int:
    """Return the channels of a sample (C, ...)."""
    return shape[0]


def _place(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _defaults(make: Callable[..., Module], given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the defaults of the arguments that are declared, after a look at the others."""
    parameters = inspect.signature(make).parameters
    for key in given:
        if key not in parameters:
            raise ArgumentError(f"declare: {name} has no argument {key!r}; it takes {', '.join(parameters)}")
    for key, each in parameters.items():
        variadic = each.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        if key not in given and not variadic and each.default is inspect.Parameter.empty:
            raise ArgumentError(f"declare: {name} needs {key}: it must be declared, or have a default")
    return {
        key: parameters[key].default
        for key in given
        if parameters[key].default is not inspect.Parameter.empty
    }
