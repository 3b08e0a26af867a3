"""What a forward does beside computing, found and undone after a trace: random numbers and attributes."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from .. import nn
from ..nn import changes

_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
# Longer lists, tuples and dicts hold data, and are not searched.
_SEARCHED = 100


class Generators:
    """The sources of random numbers that a forward could draw from, as far as they can be found.

    Those are the shared ones, attributes of modules and of their classes, and what the code of forwards
    refers to by a name: globals and variables around it; in short lists, tuples and dicts too.
    """

    def __init__(self, model: nn.Module) -> None:
        shared = (nn.init.default_generator(), np.random.mtrand._rand, random)
        self._all = list({id(each): each for each in (*shared, *_reached(model))}.values())
        self._before = self.states()

    def states(self) -> list[Any]:
        """Return the states of now."""
        return [self._state(each) for each in self._all]

    def differ(self, before: list[Any]) -> bool:
        """Tell whether one has changed since."""
        return any(map(self._differ, self.states(), before))

    @staticmethod
    def _state(generator: Any) -> Any:
        if isinstance(generator, np.random.Generator):
            return generator.bit_generator.state
        if isinstance(generator, np.random.RandomState):
            return generator.get_state(legacy=False)
        return generator.getstate()

    @staticmethod
    def _differ(one: Any, other: Any) -> bool:
        if isinstance(one, dict):
            return any(Generators._differ(value, other[name]) for name, value in one.items())
        return not np.array_equal(one, other) if isinstance(one, np.ndarray) else one != other

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Put back at the end what is drawn within."""
        before = self.states()
        try:
            yield
        finally:
            self._put(before)

    def undo(self) -> None:
        """Put all states back."""
        self._put(self._before)

    def _put(self, states: list[Any]) -> None:
        for generator, before in zip(self._all, states, strict=True):
            if not self._differ(self._state(generator), before):
                continue
            if isinstance(generator, np.random.Generator):
                generator.bit_generator.state = before
            elif isinstance(generator, np.random.RandomState):
                generator.set_state(before)
            else:
                generator.setstate(before)


def _reached(model: nn.Module) -> Iterator[Any]:
    """Yield the generators that a model's forwards can reach."""
    modules = list(model.modules())
    kinds = {kind for module in modules for kind in type(module).__mro__ if _is_own(kind)}
    places: list[Any] = [*map(vars, modules), *map(vars, kinds)]
    for each in [value for place in places for value in list(place.values())]:
        code = inspect.unwrap(each) if isinstance(each, FunctionType | MethodType) else None
        code = getattr(code, "__func__", code)
        if isinstance(code, FunctionType):
            around = [cell.cell_contents for cell in code.__closure__ or () if _is_set(cell)]
            places += [code.__globals__, around]
    for place in {id(each): each for each in places}.values():
        yield from _generators_in(place, 2)


def _is_own(kind: type) -> bool:
    """Tell whether a class of a module is a user's."""
    return issubclass(kind, nn.Module) and not kind.__module__.startswith(nn.__name__)


def _is_set(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _generators_in(place: Any, depth: int) -> Iterator[Any]:
    for each in list(place.values() if isinstance(place, dict) else place):
        if isinstance(each, _GENERATORS):
            yield each
        elif depth and isinstance(each, tuple | list | dict) and len(each) <= _SEARCHED:
            yield from _generators_in(each, depth - 1)


class Attributes:
    """The attributes that a forward assigns to the modules of a model."""

    def __init__(self, model: nn.Module) -> None:
        modules = {id(module): module for module in model.modules()}
        self._modules = modules
        # Of buffers alone there are copies: they can be written in place, ``self.count += 1``.
        self._buffers = {
            (key, name): buffer.copy()
            for key, module in modules.items()
            for name, buffer in module._buffers.items()
        }
        self._undone: list[Callable[[], object]] = []
        self._first: str | None = None

    def note(self, module: Any, name: str, value: Any) -> None:
        """Remember what an attribute is, before it is assigned."""
        if id(module) not in self._modules or name == "saved":
            return
        stores = module.__dict__, module._parameters, module._buffers, module._modules
        store = next((each for each in stores if name in each), None)
        before = None if store is None else store[name]
        copy: Any = self._buffers.get((id(module), name))
        if store is not None and value is before and (copy is None or np.array_equal(before, copy)):
            return
        if not changes.is_private():
            self._first = self._first or f"{name} of {type(module).__name__}"

        def undo() -> None:
            for each in stores:
                if each is not store:
                    each.pop(name, None)
            if store is not None:
                store[name] = before
            if copy is not None and before is not None:
                before[...] = copy

        self._undone.append(undo)

    def undo(self) -> str | None:
        """Put all attributes back; return the first that was changed, if one was."""
        for undo in reversed(self._undone):
            undo()
        return self._first
