"""The rule of each operation: what nodes it is in an ONNX file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ... import graph
from .writer import Writer

Rule = Callable[..., str]
R = TypeVar("R", bound=Rule)

_RULES: dict[type[graph.Operation], Rule] = {}


def rule(*operations: type[graph.Operation]) -> Callable[[R], R]:
    """Let a function write operations of these classes; use it as a decorator.

    It is called with the writer, the operation, its inputs (each an Operand, or None where there is none)
    and the shape of the output, (0, ...), and returns the name of that.
    """

    def register(function: R) -> R:
        for operation in operations:
            _RULES[operation] = function
        return function

    return register


def rule_of(operation: graph.Operation) -> Rule | None:
    """Return the rule of an operation, None if there is none."""
    return next((_RULES[kind] for kind in type(operation).__mro__ if kind in _RULES), None)


def same(w: Writer, operation: Any, x: Any, *others: Any) -> str:
    """Return x: the rule of what does nothing in evaluation mode."""
    name: str = x.name
    return name
