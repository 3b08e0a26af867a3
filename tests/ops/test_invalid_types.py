"""Arguments of the wrong type are refused by name."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.errors import DTypeError

from .refusal import VALID, Invalid, assert_refused

# Not one of float32 and float64, or not an array at all.
NOT_FLOATS: dict[str, Callable[[np.ndarray], Any]] = {
    "none": lambda a: None,
    "list": lambda a: a.tolist(),
    "int": lambda a: a.astype(int),
    "bool": lambda a: a.astype(bool),
    "complex": lambda a: a.astype(complex),
    "object": lambda a: a.astype(object),
    "string": lambda a: a.astype(str),
    "float16": lambda a: a.astype(np.float16),
    "records": lambda a: a.astype([("value", float)]),
    "number": lambda a: 1.5,
}
# Arguments that None, or another kind of number, does not make invalid.
OPTIONAL = {"bias", "weight", "pos_weight", "mask", "running_mean", "running_var"}
OF_CLASSES = {"cross_entropy", "nll_loss", "multi_margin_loss"}
NOT_TARGETS = {"none", "list", "bool", "complex", "object", "string", "float16", "records", "number"}


def _calls() -> Iterator[Invalid]:
    for function, valid in VALID.items():
        for name, value in valid.items():
            if not isinstance(value, np.ndarray) or name in ("argmax", "indices"):
                continue
            for kind, change in NOT_FLOATS.items():
                required = name not in OPTIONAL or (
                    name == "weight" and function.startswith(("conv2d", "linear"))
                )
                if kind == "none" and not required:
                    continue
                if kind == "number" and name == "var":
                    continue
                if name == "target" and function in OF_CLASSES and kind not in NOT_TARGETS:
                    continue
                yield Invalid(function, f"{name}-{kind}", {name: change(value)}, name)
    for kind in ("none", "list", "bool", "complex", "object", "string", "float16", "records", "number"):
        argmax = VALID["max_pool2d_backward"]["argmax"]
        yield Invalid("max_pool2d_backward", f"argmax-{kind}", {"argmax": NOT_FLOATS[kind](argmax)}, "argmax")


@pytest.mark.parametrize("call", list(_calls()), ids=str)
def test_is_refused(call: Invalid) -> None:
    assert isinstance(assert_refused(call), DTypeError)


@pytest.mark.parametrize("function", VALID)
def test_the_calls_that_are_varied_are_valid(function: str) -> None:
    assert getattr(ops, function)(**VALID[function]) is not None


def test_errors_are_also_the_exceptions_of_the_language() -> None:
    with pytest.raises(TypeError, match="x must be a NumPy array"):
        ops.relu(None)
    with pytest.raises(ValueError, match="x has 3 channels but weight expects 4"):
        ops.conv2d(np.zeros((1, 3, 5, 5)), np.zeros((2, 4, 3, 3)))
    with pytest.raises(MemoryError, match="the output would have the shape"):
        ops.zero_pad2d(np.zeros((1, 3, 5, 5)), 2**40)
