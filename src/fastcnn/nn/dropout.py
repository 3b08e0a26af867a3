"""Dropout of elements and of channels, to zero or to the least value of SELU."""

from typing import Any, ClassVar

import numpy as np

from .. import graph
from .._arguments import share
from ..errors import ArgumentError
from . import init
from .declaration import LINES, declare
from .module import Module

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "FeatureAlphaDropout"]


class _Dropout(Module):
    """Something that is dropped with a probability in training."""

    # What is applied.
    operation: ClassVar[type[graph.Dropout]] = graph.Dropout

    def __init__(self, p: float = 0.5, generator: np.random.Generator | None = None) -> None:
        super().__init__()
        if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
            raise ArgumentError(f"{type(self).__name__}: p must lie in [0, 1], got {p!r}")
        self.p = p
        self.generator = generator

    def forward(self, x: Any) -> Any:
        """Return x with what is dropped; in evaluation, x itself."""
        return graph.apply(self.operation(self, self.training), x)

    def stream(self) -> np.random.Generator:
        """Return what masks are drawn from."""
        return self.generator or init.default_generator()

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"p={self.p}"


@declare({"p": share})
class Dropout(_Dropout):
    """In training, set elements to zero with probability p and scale the others by 1 / (1 - p).

    Parameters
    ----------
    p : float in [0, 1]
        Probability of dropping an element.
    generator : numpy.random.Generator, optional
        Source of the masks; the default stream if None. `Module.reseed` replaces it.
    """


@declare({"p": share}, takes=LINES)
class Dropout1d(_Dropout):
    """In training, set whole channels of lines (N, C, L) or (C, L) to zero; see `fastcnn.ops.dropout1d`.

    Parameters
    ----------
    p : float in [0, 1]
        Probability of dropping a channel.
    generator : numpy.random.Generator, optional
        As in Dropout.
    """

    operation = graph.Dropout1d


@declare({"p": share})
class Dropout2d(_Dropout):
    """In training, set whole channels to zero; see `fastcnn.ops.dropout2d`.

    Parameters
    ----------
    p : float in [0, 1]
        Probability of dropping a channel.
    generator : numpy.random.Generator, optional
        As in Dropout.
    """

    operation = graph.Dropout2d


@declare({"p": share})
class AlphaDropout(_Dropout):
    """In training, set elements to the least value of SELU, whose statistics stay; see `ops.alpha_dropout`.

    Parameters
    ----------
    p : float in [0, 1]
        Probability of dropping an element.
    generator : numpy.random.Generator, optional
        As in Dropout.
    """

    operation = graph.AlphaDropout


@declare({"p": share})
class FeatureAlphaDropout(_Dropout):
    """In training, drop whole channels as AlphaDropout drops elements.

    Parameters
    ----------
    p : float in [0, 1]
        Probability of dropping a channel.
    generator : numpy.random.Generator, optional
        As in Dropout.
    """

    operation = graph.FeatureAlphaDropout
