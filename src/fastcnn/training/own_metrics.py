"""Metrics of one's own: ``metrics={name: function}`` of a Trainer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from .tasks import TASKS

Functions = dict[str, Callable[..., Any]]
_TAKEN = {
    *("epoch", "lr", "loss", "seconds", "images_per_second", "count", "correct", "confusion", "f1"),
    *(column for task in TASKS.values() for column in task.columns),
}


def check_metrics(value: Any) -> Functions:
    """Return metrics of one's own after a look at their names.

    Raises
    ------
    ArgumentError, DTypeError
        If they are no functions by name, or a name is taken or no identifier.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise DTypeError(f"Trainer: metrics must be a mapping of names to functions, got {value!r}")
    for name, function in value.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ArgumentError(f"Trainer: metrics: a name must be an identifier, got {name!r}")
        if name in _TAKEN or name.startswith(("val_", "sample_")):
            raise ArgumentError(f"Trainer: metrics: the name {name!r} is taken: choose another one")
        if not callable(function):
            raise DTypeError(f"Trainer: metrics: {name} must be callable, got {type(function).__name__}")
    return dict(value)


def takes_weights(function: Any) -> bool:
    """Tell whether a function, or a loss, takes `sample_weight`."""
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except (TypeError, ValueError):  # a built-in without a signature
        return False


class OwnMetrics:
    """Values of metrics of one's own; of several batches the means, by the weight of the samples."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._sums = dict.fromkeys(functions, 0.0)
        self._last: dict[str, float] = {}
        self._weight = 0.0
        self._batches = 0

    def add(self, outputs: Any, targets: np.ndarray, weights: np.ndarray | None) -> None:
        """Take a batch into account."""
        share = float(len(targets) if weights is None else weights.sum())
        for name, function in self._functions.items():
            options = {}
            if weights is not None and takes_weights(function):
                options["sample_weight"] = weights
            value = function(outputs, targets, **options)
            if np.ndim(value) or np.asarray(value).dtype.kind not in "biuf":
                raise DTypeError(f"evaluate: the metric {name!r} must return one number, got {value!r}")
            self._last[name] = float(value)
            self._sums[name] += share * float(value) if share else 0.0
        self._weight += share
        self._batches += 1

    def results(self) -> dict[str, float]:
        """Return them by name."""
        if self._batches == 1:
            return dict(self._last)
        nan = float("nan")
        return {name: each / self._weight if self._weight else nan for name, each in self._sums.items()}
