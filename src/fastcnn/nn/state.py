"""The arrays of a tree of modules by name, as PyTorch names them: how they get out, and back in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError
from . import changes
from .parameter import Parameter
from .tree import Tree

# What PyTorch's wrappers put in front of, and torch.compile also between, the names of a network.
_WRAPPERS = {"module.": "DataParallel", "_orig_mod.": "torch.compile"}


class _IncompatibleKeys(NamedTuple("_Keys", [("missing_keys", list[str]), ("unexpected_keys", list[str])])):
    """The names that only the model has, and those that only the state has."""

    __slots__ = ()

    def __repr__(self) -> str:
        return super().__repr__() if any(self) else "<All keys matched successfully>"

    __str__ = __repr__


class Entry(NamedTuple):
    """One name of a state dict: the array `key` of `module`."""

    name: str
    module: Tree[Any]
    key: str

    @property
    def array(self) -> np.ndarray:
        """The array, to be read only."""
        parameter = self.module._parameters.get(self.key)
        return self.module._buffers[self.key] if parameter is None else parameter._data

    @property
    def optional(self) -> bool:
        """Whether a state may do without it."""
        return self.key in self.module._optional_state

    def store(self, values: np.ndarray) -> None:
        """Put values of the array's own shape and type into it."""
        parameter = self.module._parameters.get(self.key)
        if self.array.flags.writeable:
            (self.array if parameter is None else parameter.data)[...] = values
        elif parameter is not None:
            parameter.data = values
        else:
            self.module._buffers[self.key] = values
            changes.note()


def entries(module: Tree[Any], prefix: str = "", above: tuple[Tree[Any], ...] = ()) -> Iterator[Entry]:
    """Yield every name of the tree. What is shared has several, as in PyTorch."""
    for key in (*module._parameters, *module._buffers):
        yield Entry(prefix + key, module, key)
    for key, child in module._modules.items():
        # A module may stand in itself, by way of a reference to its parent.
        if not any(child is each for each in (*above, module)):
            yield from entries(child, f"{prefix}{key}.", (*above, module))


def state_dict(module: Tree[Any]) -> dict[str, np.ndarray]:
    """See `Module.state_dict`."""
    return {entry.name: entry.array.copy() for entry in entries(module)}


def load_state_dict(module: Tree[Any], state: Mapping[str, Any], strict: bool) -> _IncompatibleKeys:
    """See `Module.load_state_dict`."""
    if not isinstance(state, Mapping):
        raise DTypeError(
            f"load_state_dict: state must be a mapping of names to arrays, got {type(state).__name__}"
        )
    for name in state:
        if not isinstance(name, str):
            raise DTypeError(f"load_state_dict: the names in state must be text, got {name!r}")
    own = list(entries(module))
    result = compare(own, state)
    if strict and any(result):
        raise ArgumentError(
            f"load_state_dict: missing names {result.missing_keys}, unexpected names "
            f"{result.unexpected_keys} (strict=False ignores both){advice(own, state, 'state')}"
        )
    # Everything is converted before anything is stored: until then each error leaves the model as it was.
    values = [(entry, _converted(entry, state[entry.name])) for entry in own if entry.name in state]
    for entry, value in values:
        entry.store(value)
    return result


def compare(own: Collection[Entry], names: Collection[str]) -> _IncompatibleKeys:
    """Compare the names of a model with those of a state.

    A name is not missed if the state has the same array under another name of it: files that name what is
    shared only once can be read.
    """
    given = {id(entry.array) for entry in own if entry.name in names}
    known = {entry.name for entry in own}
    missing = [
        entry.name
        for entry in own
        if entry.name not in names and id(entry.array) not in given and not entry.optional
    ]
    return _IncompatibleKeys(missing, [name for name in names if name not in known])


def fits(shape: tuple[int, ...], own: tuple[int, ...]) -> bool:
    """Tell whether an array can be loaded; as in PyTorch, a single number may stand in brackets."""
    return shape == own or (own == () and shape == (1,))


def advice(own: Collection[Entry], names: Collection[str], source: str) -> str:
    """Return what to do, for a message, if the names are the model's with something in front, else nothing.

    `source` is the expression that gives the state in the line that is shown.
    """
    needed = [entry.name for entry in own if not entry.optional]
    inside = "._orig_mod."
    plain = {name.replace(inside, ".") for name in names}
    ends = [name[: -len(needed[0])] for name in plain if name.endswith(needed[0])] if needed else []
    prefixes = [each for each in ends if not each or each.endswith(".")]
    prefix = max(prefixes, key=lambda each: sum(each + name in plain for name in needed), default="")
    if sum(prefix + name in plain for name in needed) <= sum(name in names for name in needed):
        return ""
    marks, stripped = [], "name"
    if any(inside in name for name in names):
        marks, stripped = ["_orig_mod."], f"{stripped}.replace({inside!r}, '.')"
    if prefix:
        marks, stripped = [prefix, *marks], f"{stripped}.removeprefix({prefix!r})"
    makers = [maker for mark, maker in _WRAPPERS.items() if any(mark in each for each in marks)]
    return (
        f". Without {' and '.join(map(repr, marks))}{' of ' * bool(makers)}{' and '.join(makers)} the names "
        f"fit: model.load_state_dict({{{stripped}: value for name, value in {source}.items()}})"
    )


def _converted(entry: Entry, given: object) -> np.ndarray:
    """Return a new array of the entry's type and shape with the values that were given for it."""
    own, name = entry.array, entry.name
    try:
        value = given._data if isinstance(given, Parameter) else np.asarray(given)
    except (TypeError, ValueError) as error:
        raise DTypeError(f"load_state_dict: {name} must be an array of numbers: {error}") from error
    # Types that NumPy learns from elsewhere, such as bfloat16, are numbers too.
    if not np.can_cast(value.dtype, np.float64, "same_kind"):
        raise DTypeError(f"load_state_dict: {name} must be numbers, got {value.dtype}")
    if not fits(value.shape, own.shape):
        raise ShapeError(f"load_state_dict: {name} must have the shape {own.shape}, got {value.shape}")
    return np.array(value, own.dtype, order="C").reshape(own.shape)
