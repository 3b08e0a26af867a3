"""Tensors in tuples, lists and dicts: taken out in order, and put back."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import ShapeError


def as_tuple(made: Any) -> tuple[Any, ...]:
    """Return a tuple as it is, and anything else in one: what makes a single thing may return it bare."""
    return made if isinstance(made, tuple) else (made,)


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
        new = copy.copy(given)  # of its own class
        new.update({name: replaced(each, function) for name, each in given.items()})
        return new
    return function(given)


def paired(like: Any, given: Any, what: str) -> Iterator[tuple[Any, Any]]:
    """Yield (each thing in `like`, what stands in its place in `given`) of two that are built alike.

    Lists and tuples are the same, dicts go by their keys, and None in `given` is None for all within.

    Parameters
    ----------
    what : str
        Name of `given` in the message of an error.

    Raises
    ------
    ShapeError
        If the two are not built alike.
    """
    if not isinstance(like, tuple | list | dict):
        yield like, given
        return
    places = like if isinstance(like, dict) else range(len(like))
    if given is not None:
        if isinstance(like, dict):
            fits = isinstance(given, dict) and given.keys() == like.keys()
            expected = f"be a dict of {list(like)}"
        else:
            fits = isinstance(given, tuple | list) and len(given) == len(like)
            expected = f"have {len(like)} arrays"
        if not fits:
            raise ShapeError(f"{what} must {expected}, as the output, got {_built(given)}")
    for place in places:
        yield from paired(like[place], None if given is None else given[place], what)


def _built(given: Any) -> str:
    if isinstance(given, dict):
        return f"a dict of {list(given)}"
    return f"{len(given)}" if isinstance(given, tuple | list) else f"one {type(given).__name__}"


def filled(given: Any, new: Iterator[Any]) -> Any:
    """Return a copy of tuples, lists and dicts with the next of `new` in the place of each thing in them."""
    return replaced(given, lambda _: next(new))
