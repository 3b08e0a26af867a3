"""Modules of one function, and their gradients against differences."""

from collections.abc import Callable, Sequence

import numpy as np

from fastcnn import nn
from fastcnn.testing import gradcheck


class Formula(nn.Module):
    """A module whose forward is a function of its inputs and its parameters a, b, ..."""

    def __init__(self, function: Callable, *weights: np.ndarray) -> None:
        super().__init__()
        for name, weight in zip("abcd", weights, strict=False):
            setattr(self, name, nn.Parameter(weight))
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs, *self.parameters())


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Return reals, the same for a shape and a seed."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def check_gradients(function: Callable, inputs: Sequence[np.ndarray], weights: Sequence[np.ndarray] = ()):
    """Compare the gradients of inputs and parameters with differences, in float64."""
    model, count = Formula(function, *weights), len(inputs)

    def forward(*arrays):
        for parameter, weight in zip(model.parameters(), arrays[count:], strict=True):
            parameter.data[...] = weight
        return model(*arrays[:count])

    def backward(dy, *arrays):
        forward(*arrays)
        model.zero_grad()
        dx = model.backward(dy)
        return [*(dx if count != 1 else [dx]), *(p.grad for p in model.parameters())]

    gradcheck(forward, backward, [*inputs, *weights])


def passes(function: Callable, *inputs: np.ndarray, dy: np.ndarray | None = None):
    """Return the output of a function of inputs, and their gradients for a dy, of ones if None."""
    model = Formula(function)
    y = model(*inputs)
    return y, model.backward(np.ones_like(y) if dy is None else dy)
