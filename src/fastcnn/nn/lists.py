"""Modules that hold others under numbers or names: what a chain is made of, ModuleList, ModuleDict."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from operator import index as as_index
from typing import Any, TypeVar, overload

import numpy as np

from ..errors import DTypeError
from . import changes
from .module import Module

__all__ = ["ModuleDict", "ModuleList"]

Self = TypeVar("Self", bound="NumberedModules")


class NumberedModules(Module):
    """Base of modules that are lists of modules, which stand under the names "0", "1", ... or names given.

    Lists and names change as those of PyTorch: deleting numbers all members anew.
    """

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    @overload
    def __getitem__(self, index: int) -> Module: ...
    @overload
    def __getitem__(self: Self, index: slice) -> Self: ...
    def __getitem__(self, index: Any) -> Any:
        """Return a member, or for a slice a list of the same kind with some of them."""
        if isinstance(index, slice):
            return self._part(dict(list(self._modules.items())[index]))
        return self._modules[self._name_at(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        """Put another module in a member's place, under its name."""
        self._modules[self._name_at(index)] = self._checked(module)
        changes.note()

    def __delitem__(self, index: int | slice) -> None:
        names = list(self._modules)[index] if isinstance(index, slice) else [self._name_at(index)]
        self._number([module for name, module in self._modules.items() if name not in names])

    def __iadd__(self: Self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def append(self: Self, module: Module) -> Self:
        """Add a module at the end."""
        return self._add([self._checked(module)])

    def extend(self: Self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        return self._add(self._all_checked(modules))

    def insert(self: Self, index: int, module: Module) -> Self:
        """Add a module before the one at an index, as ``list.insert``, but within the list's ends.

        The members are numbered anew; those that have names keep them.
        """
        size, place = len(self), as_index(index)
        if not -size <= place <= size:
            raise IndexError(f"{self._kind}.insert: index {place} is out of range for {size} modules")
        self._checked(module)
        numbered = self._is_numbered()
        members = list(self._modules.items())
        members.insert(place, (self._free_name(), module))
        if numbered:
            self._number([each for _, each in members])
        else:
            self._set(dict(members))
        return self

    def pop(self, key: int | slice = -1) -> Module:
        """Remove a member, or a slice of them, and return it."""
        taken = self[key]
        del self[key]
        return taken

    # Inside -----------------------------------------------------------------------------------------

    @property
    def _kind(self) -> str:
        return type(self).__name__

    def _part(self, members: dict[str, Module]) -> NumberedModules:
        """Return a list of some of the members."""
        raise NotImplementedError

    def _checked(self, module: object) -> Module:
        if not isinstance(module, Module):
            raise DTypeError(f"{self._kind}: a Module is needed, got {type(module).__name__}")
        return module

    def _all_checked(self, modules: object) -> list[Module]:
        if isinstance(modules, str | Mapping | ModuleDict) or not isinstance(modules, Iterable):
            raise DTypeError(f"{self._kind}: an iterable of Modules is needed, got {type(modules).__name__}")
        return [self._checked(module) for module in modules]

    def _name_at(self, index: int) -> str:
        try:
            place = as_index(index)
        except TypeError:
            raise DTypeError(
                f"{self._kind}: an index must be an integer or a slice, got {type(index).__name__}"
            ) from None
        if not -len(self) <= place < len(self):
            raise IndexError(f"{self._kind}: index {place} is out of range for {len(self)} modules")
        return list(self._modules)[place]

    def _is_numbered(self) -> bool:
        return list(self._modules) == [str(i) for i in range(len(self))]

    def _free_name(self) -> str:
        number = len(self)
        while str(number) in self._modules:
            number += 1
        return str(number)

    def _add(self: Self, modules: list[Module]) -> Self:
        for module in modules:
            self._modules[self._free_name()] = module
        changes.note()
        return self

    def _number(self, modules: list[Module]) -> None:
        self._set({str(i): module for i, module in enumerate(modules)})

    def _set(self, members: dict[str, Module]) -> None:
        self._modules.clear()
        self._modules.update(members)
        changes.note()


class _Holder(Module):
    """Base of modules that only hold others."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Raise: what runs is written in the forward of the module that holds it."""
        raise NotImplementedError(
            f"{type(self).__name__} holds modules and does not run them: call its members in the forward of "
            "your own module, or use Sequential"
        )


class ModuleList(_Holder, NumberedModules):
    """A list of modules that registers them; it has no passes of its own.

    Parameters
    ----------
    modules : iterable of Module, optional
        Its members, which are called "0", "1", ...
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *self._all_checked(other)])

    def _part(self, members: dict[str, Module]) -> ModuleList:
        return ModuleList(members.values())


class ModuleDict(_Holder):
    """A dict of modules that registers them; it has no passes of its own.

    Parameters
    ----------
    modules : mapping of str to Module, or iterable of (str, Module), optional
        Its members, in their order.
    """

    def __init__(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def __getitem__(self, key: str) -> Module:
        if key not in self._modules:
            raise KeyError(f"ModuleDict: no module {key!r} (it has: {', '.join(self._modules) or 'none'})")
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.update({key: module})

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._modules.keys()

    def values(self) -> ValuesView[Module]:
        """Return the modules."""
        return self._modules.values()

    def items(self) -> ItemsView[str, Module]:
        """Return (name, module) of the members."""
        return self._modules.items()

    def pop(self, key: str) -> Module:
        """Remove a member and return it."""
        taken = self[key]
        del self._modules[key]
        changes.note()
        return taken

    def clear(self) -> None:
        """Remove all members."""
        self._modules.clear()
        changes.note()

    def update(self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]]) -> None:
        """Add members, in their order; one of a name that there is takes the other's place.

        Parameters
        ----------
        modules : mapping of str to Module, or iterable of (str, Module)

        Raises
        ------
        ArgumentError, DTypeError
            If one is no module, or its name cannot be one; nothing is changed then.
        """
        given: Any = modules.items() if isinstance(modules, Mapping | ModuleDict) else modules
        try:
            members = dict(given)
        except (TypeError, ValueError):
            raise DTypeError(
                "ModuleDict: modules must be a mapping of str to Module or (str, Module) pairs, got "
                f"{type(modules).__name__}"
            ) from None
        for key, module in members.items():
            if not isinstance(module, Module):
                raise DTypeError(f"ModuleDict: {key} must be a Module, got {type(module).__name__}")
            self._check_name(key, self._modules, "update")
        self._modules.update(members)
        changes.note()
