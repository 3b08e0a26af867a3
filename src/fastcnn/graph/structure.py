"""Tensors in tuples, lists and dicts: taken out in order, and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def leaves(given: Any) -> Iterator[Any]:
    """Yield what is in nested tuples, lists and dicts, or the thing itself."""
    if isinstance(given, tuple | list):
        for each in given:
            yield from leaves(each)
    elif isinstance(given, dict):
        for each in given.values():
            yield from leaves(each)
    else:
        yield given


def replaced(given: Any, function: Callable[[Any], Any]) -> Any:
    """Return a copy of tuples, lists and dicts with function(each) in the place of each thing in them."""
    if isinstance(given, tuple) and hasattr(given, "_fields"):
        return type(given)(*(replaced(each, function) for each in given))
    if isinstance(given, tuple | list):
        return type(given)(replaced(each, function) for each in given)
    if isinstance(given, dict):
        return {name: replaced(each, function) for name, each in given.items()}
    return function(given)


def filled(given: Any, new: Iterator[Any]) -> Any:
    """Return a copy of tuples, lists and dicts with the next of `new` in the place of each thing in them."""
    return replaced(given, lambda _: next(new))
