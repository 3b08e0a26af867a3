"""Dropout."""

from typing import Any

import numpy as np

from .. import graph
from .._arguments import share
from ..errors import ArgumentError
from . import init
from .declaration import declare
from .module import Module

__all__ = ["Dropout"]


@declare({"p": share})
class Dropout(Module):
    """In training, set elements to zero with probability p and scale the others by 1 / (1 - p).

    Parameters
    ----------
    p : float in [0, 1]
        Probability of dropping an element.
    generator : numpy.random.Generator, optional
        Source of the masks; the default stream if None. `Module.reseed` replaces it.
    """

    def __init__(self, p: float = 0.5, generator: np.random.Generator | None = None) -> None:
        super().__init__()
        if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
            raise ArgumentError(f"Dropout: p must lie in [0, 1], got {p!r}")
        self.p = p
        self.generator = generator

    def forward(self, x: Any) -> Any:
        """Return x with some elements dropped; in evaluation, x itself."""
        return graph.apply(graph.Dropout(self, self.training), x)

    def stream(self) -> np.random.Generator:
        """Return what masks are drawn from."""
        return self.generator or init.default_generator()

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"p={self.p}"
