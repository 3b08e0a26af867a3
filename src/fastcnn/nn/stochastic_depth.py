"""Stochastic depth."""

from typing import Any

import numpy as np

from .. import graph
from .._arguments import share, word
from ..errors import ArgumentError
from . import init
from .declaration import declare
from .module import Module

__all__ = ["StochasticDepth"]


@declare({"p": share, "mode": word("row", "batch")})
class StochasticDepth(Module):
    """In training, set whole samples to zero with probability p and scale the others by 1 / (1 - p).

    It ends the body of a residual block, of which the shortcut alone is left then; see
    `fastcnn.ops.stochastic_depth`. The form is that of ``torchvision.ops.StochasticDepth``.

    Parameters
    ----------
    p : float in [0, 1]
        Probability of dropping a sample.
    mode : "row" or "batch"
        Whether each sample is drawn, or one draw decides about the whole batch.
    generator : numpy.random.Generator, optional
        Source of the masks; the default stream if None. `Module.reseed` replaces it.
    """

    def __init__(self, p: float, mode: str, generator: np.random.Generator | None = None) -> None:
        super().__init__()
        if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
            raise ArgumentError(f"StochasticDepth: p must lie in [0, 1], got {p!r}")
        if mode not in ("row", "batch"):
            raise ArgumentError(f"StochasticDepth: mode must be 'row' or 'batch', got {mode!r}")
        self.p = p
        self.mode = mode
        self.generator = generator

    def forward(self, x: Any) -> Any:
        """Return x with some samples dropped; in evaluation, x itself."""
        return graph.apply(graph.StochasticDepth(self, self.training), x)

    def stream(self) -> np.random.Generator:
        """Return what masks are drawn from."""
        return self.generator or init.default_generator()

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"p={self.p}, mode={self.mode!r}"
