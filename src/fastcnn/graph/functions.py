"""The functions that networks in files may have: operations that are declared, under PyTorch's names.

An operation is declared where its class stands, and files know of it what is said there and nothing else. It
takes tensors alone, no weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .._arguments import Check
from ..errors import ArgumentError
from .operation import Operation, apply

O = TypeVar("O", bound=Operation)  # noqa: E741
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Function:
    """What an operation has declared; `function` explains the rest.

    Attributes
    ----------
    operation : type
        Its class.
    defaults : dict
        Of the settings that have one.
    """

    operation: type[Operation]
    name: str
    settings: dict[str, Check]
    defaults: dict[str, Any]
    least: int
    most: int | None
    numbers: bool
    apply: Callable[..., Any]
    make: Callable[..., Operation]
    read: Callable[[Any, Shape], dict[str, Any]]


# The functions that are declared, by name; and by the operation's class.
FUNCTIONS: dict[str, Function] = {}
_BY_OPERATION: dict[type[Operation], Function] = {}


def function(
    name: str,
    settings: Mapping[str, Check] | None = None,
    *,
    inputs: int | None = 1,
    numbers: bool = False,
    apply: Callable[..., Any] = apply,
    make: Callable[..., Operation] | None = None,
    read: Callable[[Any, Shape], dict[str, Any]] | None = None,
) -> Callable[[type[O]], type[O]]:
    """Let files have an operation; use it as a decorator.

    Parameters
    ----------
    name : str
        Of the function in files.
    settings : mapping of str to check
        What each setting may be, see `fastcnn.zoo.arguments`. Defaults are those of the class.
    inputs : int or None
        How many tensors it takes; None: one or more.
    numbers : bool
        Whether some of them may be numbers.
    apply : callable
        ``apply(operation, *inputs)``.
    make : callable, optional
        What makes the operation of the settings, if it is not the class.
    read : callable, optional
        ``read(operation, shape)``: the settings of an operation that makes samples of a shape. Default: its
        attributes.

    Returns
    -------
    callable
        It returns the class as it is.

    Raises
    ------
    ArgumentError
        If another operation has the name.
    """
    checks = dict(settings or {})

    def attributes(operation: Operation, shape: Shape) -> dict[str, Any]:
        return {key: getattr(operation, key) for key in checks}

    def register(operation: type[O]) -> type[O]:
        before = FUNCTIONS.get(name)
        if before is not None and _place(before.operation) != _place(operation):
            raise ArgumentError(f"function: {name} is {_place(before.operation)} already: take another name")
        parameters = inspect.signature(make or operation).parameters
        FUNCTIONS[name] = _BY_OPERATION[operation] = Function(
            operation,
            name,
            checks,
            {key: parameters[key].default for key in checks if parameters[key].default is not inspect._empty},
            1 if inputs is None else inputs,
            inputs,
            numbers,
            apply,
            make or operation,
            read or attributes,
        )
        return operation

    return register


def _place(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def function_of(operation: Operation) -> Function | None:
    """Return what the class of an operation has declared, None if it has not."""
    return _BY_OPERATION.get(type(operation))
