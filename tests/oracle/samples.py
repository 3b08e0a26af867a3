"""Arguments of a call as JSON: arrays stand outside, as recipes, and their names in their places."""

import operator
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import recipe
from .cases import Case

# The only key of what stands in the place of an array, and of a part of an index: three numbers, or none.
ARRAY, SLICE = "array", "slice"


def named(name: str) -> dict[str, str]:
    """Return what stands in the place of an array."""
    return {ARRAY: name}


def filled(value: Any, array: Callable[[str], Any]) -> Any:
    """Return arguments with array(name) in the places of arrays."""
    if isinstance(value, dict):
        if set(value) == {ARRAY}:
            return array(value[ARRAY])
        if set(value) == {SLICE}:
            return slice(*value[SLICE]) if value[SLICE] else Ellipsis
        return {key: filled(each, array) for key, each in value.items()}
    return type(value)(filled(each, array) for each in value) if isinstance(value, list | tuple) else value


def names(value: Any) -> Iterator[str]:
    """Yield the names of the arrays in arguments, in their order."""
    if isinstance(value, dict):
        for each in (value[ARRAY],) if set(value) == {ARRAY} else value.values():
            yield from (each,) if isinstance(each, str) and set(value) == {ARRAY} else names(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from names(each)


def array_of(case: Case, name: str, dtype: Any) -> np.ndarray:
    """Return an array of a sample: of its own type, if the sample has one, else floats of a type."""
    spec = case.specs[name]
    return recipe.make(spec).astype(spec["dtype"]) if "dtype" in spec else recipe.make(spec, dtype)


def arguments(case: Case, what: str, array: Callable[[str], Any]) -> tuple[tuple, dict[str, Any]]:
    """Return the arguments that a module is made with, "made", or that it or a function is called with."""
    args, options = filled(case.args[what], array)
    return args, options


def module_of(library: Any, case: Case, dtype: Any) -> Any:
    """Return the module of a sample, in its mode, with the sample's weights if it has any."""
    args, options = arguments(case, "made", lambda name: array_of(case, name, dtype))
    module = getattr(library, case.args["name"])(*args, **options).astype(dtype).train(case.args["training"])
    if "state" in case.args:
        module.load_state_dict({key: case.input(f"state:{key}", dtype) for key in case.args["state"]})
    return module


_OPERATORS = {
    **{name: getattr(operator, name) for name in ("add", "sub", "mul", "pow", "neg")},
    "div": operator.truediv,
    "__rdiv__": lambda x, other: other / x,
}


def function_of(functions: Any, name: str) -> Callable:
    """Return the function of a name, or what calls the method or operator of its first argument."""
    found = _OPERATORS.get(name) or getattr(functions, name, None)
    return found or (lambda x, *args, **options: getattr(x, name)(*args, **options))
