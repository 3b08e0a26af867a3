"""Read the stored answers. No torch here.

A file ``<name>.npz`` holds ``index``, the UTF-8 bytes of a JSON list of descriptions, and ``answers``, every
number of every answer in one float64 array in the order of the index. A description has ``op``, ``id``,
``args`` (JSON), ``inputs`` (recipes by name) and ``answers`` (``[name, shape, dtype]``).
"""

import functools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import recipe

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One question to PyTorch, with its answer."""

    op: str
    id: str
    args: dict[str, Any]
    specs: dict[str, recipe.Spec]
    answers: dict[str, np.ndarray]

    def input(self, name: str, dtype=np.float64) -> np.ndarray | None:
        """Return a fresh input array, or None if the case has no such input."""
        return recipe.make(self.specs[name], dtype) if name in self.specs else None

    def __getitem__(self, name: str) -> np.ndarray:
        return self.answers[name]

    def __contains__(self, name: str) -> bool:
        return name in self.answers

    def describe(self) -> str:
        """Return the geometry in one line, for the message of a failure."""
        shapes = ", ".join(f"{name} {tuple(spec['shape'])}" for name, spec in self.specs.items())
        return f"{self.op} [{self.id}] {shapes} {self.args}"


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


@functools.cache
def load(name: str) -> list[Case]:
    """Return the cases of one file."""
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as stored:
        index = json.loads(stored["index"].tobytes())
        numbers = stored["answers"]
    cases, start = [], 0
    for item in index:
        answers = {}
        for key, shape, dtype in item["answers"]:
            count = math.prod(shape)
            answers[key] = numbers[start : start + count].astype(dtype).reshape(shape)
            start += count
        cases.append(Case(item["op"], item["id"], _tuples(item["args"]), item["inputs"], answers))
    assert start == len(numbers), f"{name}.npz: the index and the answers do not fit"
    return cases


def select(name: str, op: str) -> list[Case]:
    """Return the cases of one operation; there is at least one."""
    chosen = [case for case in load(name) if case.op == op]
    assert chosen, f"{name}.npz has no case of {op}"
    return chosen
