"""The members of a module: parameters, buffers and modules below it, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import numpy as np

from ..errors import ArgumentError, DTypeError, StateError
from ..graph import leaves
from . import changes
from .parameter import Parameter

# What a tree is made of: `Module`, which stands on this file and is not known here.
M = TypeVar("M", bound="Tree")


class Tree(Generic[M]):
    """What `Module` knows of its members; every one that is assigned to an attribute is registered."""

    _parameters: dict[str, Parameter]
    _buffers: dict[str, np.ndarray]
    _modules: dict[str, M]

    def __init__(self) -> None:
        self.__dict__.update(_parameters={}, _buffers={}, _modules={})

    # Members ----------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            raise StateError(f"{type(self).__name__}: call super().__init__() before setting attributes")
        changes.assigning(self, name, value)
        kept = name == "saved" or (changes.is_private() and self._is_kept(name, value))
        self._assign(name, value)
        if not kept:
            changes.note()

    def _is_kept(self, name: str, value: Any) -> bool:
        """Tell whether a value is made of arrays, or is what the attribute has already, and no member."""
        if any(name in store for store in (self._parameters, self._buffers, self._modules)):
            return False
        parts = list(leaves(value))
        if any(isinstance(each, np.ndarray) for each in parts):
            return True
        plain = all(each is None or isinstance(each, bool | int | float | str) for each in parts)
        return plain and name in self.__dict__ and bool(value == self.__dict__[name])

    def _assign(self, name: str, value: Any) -> None:
        for _, kind, store in self._stores():
            if isinstance(value, kind):
                for other in (self.__dict__, self._parameters, self._buffers, self._modules):
                    if other is not store:
                        other.pop(name, None)
                store[name] = value  # a name that is known keeps its place
                return
        for what, _, store in self._stores():
            if name in store:
                if value is not None:
                    raise DTypeError(
                        f"{type(self).__name__}: {name} must be a {what} or None, got {type(value).__name__}"
                    )
                del store[name]
        if name in self._buffers:
            self._buffers[name] = np.asarray(value)
            return
        object.__setattr__(self, name, value)

    def _stores(self) -> tuple[tuple[str, type, dict[str, Any]], ...]:
        """Return what is registered by its type: what it is called, the type, and the members of it."""
        return ("Parameter", Parameter, self._parameters), ("Module", Tree, self._modules)

    def __getattr__(self, name: str) -> Any:
        for store in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(store, {}):
                return self.__dict__[store][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __delattr__(self, name: str) -> None:
        for store in (self._parameters, self._buffers, self._modules):
            if name in store:
                del store[name]
                break
        else:
            object.__delattr__(self, name)
        changes.note()

    def register_buffer(self, name: str, value: np.ndarray) -> None:
        """Add an array that is saved with the parameters but not trained, e.g. running statistics.

        Raises
        ------
        ArgumentError, DTypeError
            If the name cannot be one, or is that of another attribute.
        """
        self._check_name(name, self._buffers, "register_buffer")
        self._buffers[name] = np.asarray(value)
        changes.note()

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name, as assigning it to an attribute does; None says that there is none.

        Raises
        ------
        ArgumentError, DTypeError
            If the name cannot be one, or is that of another attribute, or `param` is no Parameter.
        """
        if param is not None and not isinstance(param, Parameter):
            raise DTypeError(
                f"{type(self).__name__}.register_parameter: param must be a Parameter or None, "
                f"got {type(param).__name__}"
            )
        self._check_name(name, self._parameters, "register_parameter")
        setattr(self, name, param)

    def add_module(self, name: str, module: M | None) -> None:
        """Add a module under a name, as assigning it to an attribute does; None says that there is none.

        Raises
        ------
        ArgumentError, DTypeError
            If the name cannot be one, or is that of another attribute, or `module` is no Module.
        """
        if module is not None and not isinstance(module, Tree):
            raise DTypeError(
                f"{type(self).__name__}.add_module: module must be a Module or None, "
                f"got {type(module).__name__}"
            )
        self._check_name(name, self._modules, "add_module")
        setattr(self, name, module)

    def register_module(self, name: str, module: M | None) -> None:
        """Do what `add_module` does."""
        self.add_module(name, module)

    def _check_name(self, name: object, store: Mapping[str, Any], function: str) -> None:
        """Raise unless a member of a store can have this name."""
        what = f"{type(self).__name__}.{function}"
        if not isinstance(name, str):
            raise DTypeError(f"{what}: name must be a str, got {name!r}")
        if not name or "." in name:
            raise ArgumentError(f"{what}: name must not be empty or have a dot, got {name!r}")
        if name not in store and hasattr(self, name):
            raise ArgumentError(f"{what}: {name!r} is another attribute: take another name")

    def get_submodule(self, target: str) -> M:
        """Return the module of a dotted name, as `named_modules` gives it; "" is this one.

        Raises
        ------
        AttributeError
            If there is none.
        """
        found: Any = self
        for name in target.split(".") if target else ():
            if name not in found._modules:
                raise AttributeError(
                    f"get_submodule: {target!r}: {type(found).__name__} has no module {name!r} "
                    f"(it has: {', '.join(found._modules) or 'none'})"
                )
            found = found._modules[name]
        return found

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter of a dotted name, as `named_parameters` gives it.

        Raises
        ------
        AttributeError
            If there is none.
        """
        return self._get("get_parameter", target, "_parameters", "parameter")

    def get_buffer(self, target: str) -> np.ndarray:
        """Return the buffer of a dotted name, as `named_buffers` gives it.

        Raises
        ------
        AttributeError
            If there is none.
        """
        return self._get("get_buffer", target, "_buffers", "buffer")

    def _get(self, function: str, target: str, store: str, what: str) -> Any:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        members = owner.__dict__[store]
        if name not in members:
            raise AttributeError(
                f"{function}: {target!r}: {type(owner).__name__} has no {what} {name!r} "
                f"(it has: {', '.join(members) or 'none'})"
            )
        return members[name]

    # Walks ------------------------------------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, M]]:
        """Yield (name, module) of the direct children."""
        yield from self._modules.items()

    def children(self) -> Iterator[M]:
        """Yield the direct children."""
        yield from self._modules.values()

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, M]]:
        """Yield (dotted name, module) of this module and all below it, each module once."""
        seen: set[int] = set()
        stack: list[tuple[str, Any]] = [(prefix, self)]
        while stack:
            name, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield name, module
            below = [(f"{name}.{key}" if name else key, child) for key, child in module._modules.items()]
            stack.extend(reversed(below))

    def modules(self) -> Iterator[M]:
        """Yield this module and all below it."""
        for _, module in self.named_modules():
            yield module

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """Yield (dotted name, parameter), each parameter once."""
        seen: set[int] = set()
        for path, module in self.named_modules(prefix):
            for name, parameter in module._parameters.items():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield (f"{path}.{name}" if path else name), parameter

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter once."""
        for _, parameter in self.named_parameters():
            yield parameter

    def named_buffers(self, prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
        """Yield (dotted name, array) of the buffers."""
        for path, module in self.named_modules(prefix):
            for name, value in module._buffers.items():
                yield (f"{path}.{name}" if path else name), value
