"""Generators of random numbers that a training draws from, and where they are in their streams."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..nn import init
from ..nn.module import Module


def streams(model: Module) -> list[np.random.Generator]:
    """Return the generators of the model's layers, and behind them the one that layers without take."""
    own = [module.__dict__.get("generator") for module in model.modules()]
    return [each for each in (*own, init.default_generator()) if isinstance(each, np.random.Generator)]


def places(model: Module) -> list[Any]:
    """Return where the model's generators are, and NumPy's and Python's global ones."""
    return [*(each.bit_generator.state for each in streams(model)), np.random.get_state(), random.getstate()]


def put_back(model: Module, saved: Sequence[Any]) -> None:
    """Let the generators go on from where `places` found them.

    Raises
    ------
    ArgumentError
        If the model has other generators; nothing is changed then.
    """
    before = places(model)
    try:
        _put(model, saved)
    except (TypeError, ValueError, KeyError, IndexError) as error:
        _put(model, before)
        raise ArgumentError(
            f"the state is that of {len(saved)} generators of random numbers, there are {len(before)}, or "
            f"they are of another kind: {error}"
        ) from error


def _put(model: Module, saved: Sequence[Any]) -> None:
    *own, of_numpy, of_python = saved
    for stream, place in zip(streams(model), own, strict=True):
        stream.bit_generator.state = place
    np.random.set_state(tuple(of_numpy))
    version, numbers, gauss = of_python
    random.setstate((version, tuple(numbers), gauss))
