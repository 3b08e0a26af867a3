"""The backward pass of a training step, which needs the gradients of parameters alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np


def has_trained(module: Any) -> bool:
    """Tell whether a parameter of a module is trained."""
    return any(parameter.requires_grad for parameter in module.parameters())


def backward_parameters(module: Any, dy: np.ndarray) -> None:
    """Add the gradients of a module's parameters, without that of its input.

    What lies before the first trained layer has no backward pass. A module takes part in it if its backward
    has the argument ``input_gradient``; another one makes its dx for nothing.

    Parameters
    ----------
    module : Module
    dy : array
        Gradient of the loss with respect to the output of the last forward pass.
    """
    if not has_trained(module):
        return
    if takes_part(module):
        module.backward(dy, input_gradient=False)
    else:
        module.backward(dy)


def takes_part(module: Any) -> bool:
    """Tell whether a module's backward has the argument ``input_gradient``."""
    return _has_argument(module.__dict__.get("backward", type(module).backward))


@lru_cache(256)
def _has_argument(backward: Callable) -> bool:
    return "input_gradient" in inspect.signature(backward).parameters
