"""The backward pass of a training step, which needs the gradients of parameters alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from .module import Module


def has_trained(module: Module) -> bool:
    """Tell whether a parameter of a module is trained."""
    return any(parameter.requires_grad for parameter in module.parameters())


def backward_parameters(module: Module, dy: np.ndarray) -> None:
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
    if _takes_part(module.__dict__.get("backward", type(module).backward)):
        module.backward(dy, input_gradient=False)  # type: ignore[call-arg]
    else:
        module.backward(dy)


@lru_cache(256)
def _takes_part(backward: Callable) -> bool:
    return "input_gradient" in inspect.signature(backward).parameters
