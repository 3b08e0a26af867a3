"""A node of an ONNX graph as rules see it, and the table of rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from ..._arguments import short
from ...errors import DataError
from ..library import library
from .values import Known, Made, Row

Rule = Callable[..., Any]
R = TypeVar("R", bound=Rule)

RULES: dict[str, Rule] = {}
_LONGEST = 2000  # of a message; a file may have lists of any length


class RefusedError(DataError):
    """A node has no form here."""


class Source:
    """One node: its operator, its attributes, and where it stands.

    Attributes
    ----------
    kind : str
        The operator.
    opset : int
        Version of the operators.
    name : str
        As in the file; "" if it has none.
    where : str
        To open the message of an error.
    inputs, outputs : list of str
    """

    def __init__(self, node: Any, opset: int, path: str) -> None:
        self.kind: str = node.op_type
        self.opset = opset
        self.name = str(node.name)
        self.inputs, self.outputs = list(node.input), list(node.output)
        shown = node.name or (node.output[0] if node.output else "")
        self.where = f"{path}: node {shown[:200]!r} ({node.op_type[:50]})"
        self._attributes = {each.name: each for each in node.attribute}

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute: a number, a text, an array, or a list of those."""
        if name not in self._attributes:
            return default
        try:
            found = library().helper.get_attribute_value(self._attributes[name])
        except ValueError as error:
            self.refuse(f"its attribute {name} cannot be read: {error}")
        return found.decode("utf-8", "replace") if isinstance(found, bytes) else found

    def integer(self, name: str, default: int) -> int:
        """Return an attribute that is an integer."""
        found = self.get(name, default)
        if not isinstance(found, int):
            self.refuse(f"{name} must be an integer, got {short(found)}")
        return found

    def text(self, name: str, default: str) -> str:
        """Return an attribute that is a text."""
        found = self.get(name, default)
        if not isinstance(found, str):
            self.refuse(f"{name} must be a text, got {short(found)}")
        return found

    def integers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Return an attribute that is a list of integers."""
        found = self.get(name)
        if found is None:
            return default
        if (
            isinstance(found, str)
            or not hasattr(found, "__len__")
            or any(not isinstance(each, int) for each in found)
        ):
            self.refuse(f"{name} must be integers, got {short(found)}")
        return tuple(found)

    def number(self, name: str, default: float, finite: bool = True) -> float:
        """Return an attribute that is a number, and finite unless it may be infinite."""
        found = self.get(name, default)
        if not isinstance(found, int | float):
            self.refuse(f"{name} must be a number, got {short(found)}")
        if finite and not math.isfinite(found):
            self.refuse(f"{name} must be finite, got {found}")
        # The nearest short decimal of what the file holds as float32.
        return float(str(np.float32(found))) if isinstance(found, float) else float(found)

    def epsilon(self) -> float:
        """Return what a normalisation adds to variances."""
        found = self.number("epsilon", 1e-5)
        if found < 0:
            self.refuse(f"epsilon must be at least 0, got {found:g}")
        return found

    def refuse(self, problem: str) -> NoReturn:
        """Raise that it has no form here."""
        shown = problem if len(problem) <= _LONGEST else f"{problem[:_LONGEST]}..."
        raise RefusedError(f"{self.where}: {shown}")

    def made(self, value: Any, name: str = "its input") -> Made:
        """Return an input that depends on the network's."""
        if isinstance(value, Row):
            self.refuse(f"{name} would mix the samples of a batch: all their elements are in a row")
        if not isinstance(value, Made):
            self.refuse(f"{name} must depend on the input of the network")
        return value

    def array(self, value: Any, name: str) -> np.ndarray:
        """Return an input that is the same for every batch."""
        if not isinstance(value, Known):
            self.refuse(f"{name} must be known when the file is read, and not depend on the input")
        if not value.fixed:
            self.refuse(f"{name} depends on the size of the batch")
        return value.first

    def weights(self, value: Any, name: str) -> np.ndarray:
        """Return an input that is an array of floating point numbers."""
        array = self.array(value, name)
        if array.dtype.kind != "f":
            self.refuse(f"{name} must be floating point numbers, got {array.dtype}")
        return array

    def optional(self, value: Any, name: str) -> np.ndarray | None:
        """Return an input that is an array of floating point numbers, or None."""
        return None if value is None else self.weights(value, name)

    def single(self, value: Any, name: str) -> float:
        """Return an input that is one number."""
        array = self.array(value, name)
        if array.size != 1:
            self.refuse(f"{name} must be one number, got the shape {array.shape}")
        return float(array.ravel()[0])

    def spread(self, array: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
        """Return an array broadcast to a shape, in front of which it may have axes of one element."""
        whole = array
        while whole.ndim > len(shape) and whole.shape[0] == 1:
            whole = whole[0]
        try:
            return np.broadcast_to(whole, shape)
        except ValueError:
            self.refuse(f"{name} must broadcast to {shape}, got the shape {array.shape}")

    def listed(self, value: Any, name: str) -> tuple[int, ...]:
        """Return an input that is a list of integers, or one."""
        array = self.array(value, name)
        self.whole(value, name)
        return tuple(int(each) for each in array.ravel())

    def whole(self, value: Any, name: str) -> Known:
        """Return integers that are known when the file is read, if perhaps for each size of the batch."""
        if not isinstance(value, Known):
            self.refuse(f"{name} must be known when the file is read")
        if value.first.dtype.kind not in "iu":
            self.refuse(f"{name} must be integers, got {value.first.dtype}")
        return value

    def axes(self, given: Any, attribute: str = "axes") -> tuple[int, ...] | None:
        """Return axes, which are an attribute in older versions and an input in newer ones."""
        if given is not None:
            return self.listed(given, attribute)
        return self.integers(attribute, ()) if attribute in self._attributes else None


def rule(*kinds: str) -> Callable[[R], R]:
    """Let a function read nodes of operators; use it as a decorator.

    It is called with the network, the node, and its inputs (each Made, Known, or None where it is left out),
    and returns what the node makes: one value, or a list.
    """

    def register(function: R) -> R:
        for kind in kinds:
            RULES[kind] = function
        return function

    return register
