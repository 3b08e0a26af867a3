"""Dropout of elements and of channels, and of whole samples."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np

from ... import graph
from ...graph import apply
from .. import init

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "feature_alpha_dropout",
    "stochastic_depth",
]

T = TypeVar("T")


def dropout(
    input: T, p: float = 0.5, training: bool = True, *, generator: np.random.Generator | None = None
) -> T:
    """Set elements to zero with probability p and scale the others by 1 / (1 - p), in training.

    Parameters
    ----------
    input : array or value
    p : float in [0, 1]
        Probability of dropping an element.
    training : bool
        If False, nothing is dropped.
    generator : numpy.random.Generator, optional
        Source of the mask; the default stream if None.
    """
    return apply(graph.Dropout(_Source(p, generator), training), input)


def dropout1d(
    input: T, p: float = 0.5, training: bool = True, *, generator: np.random.Generator | None = None
) -> T:
    """Set whole channels of lines (N, C, L) or (C, L) to zero; see `fastcnn.ops.dropout1d`."""
    return apply(graph.Dropout1d(_Source(p, generator), training), input)


def dropout2d(
    input: T, p: float = 0.5, training: bool = True, *, generator: np.random.Generator | None = None
) -> T:
    """Set whole channels to zero with probability p and scale the others; see `fastcnn.ops.dropout2d`."""
    return apply(graph.Dropout2d(_Source(p, generator), training), input)


def alpha_dropout(
    input: T, p: float = 0.5, training: bool = False, *, generator: np.random.Generator | None = None
) -> T:
    """Set elements to the least value of SELU with probability p; see `fastcnn.ops.alpha_dropout`."""
    return apply(graph.AlphaDropout(_Source(p, generator), training), input)


def feature_alpha_dropout(
    input: T, p: float = 0.5, training: bool = False, *, generator: np.random.Generator | None = None
) -> T:
    """Drop whole channels as `alpha_dropout` drops elements."""
    return apply(graph.FeatureAlphaDropout(_Source(p, generator), training), input)


def stochastic_depth(
    input: T, p: float, mode: str, training: bool = True, *, generator: np.random.Generator | None = None
) -> T:
    """Set whole samples to zero with probability p and scale the others by 1 / (1 - p), in training.

    Parameters
    ----------
    input : array or value
    p : float in [0, 1]
    mode : "row" or "batch"
        Whether each sample is drawn, or one draw decides about all.
    training : bool
        If False, nothing is dropped.
    generator : numpy.random.Generator, optional
        Source of the mask; the default stream if None.
    """
    return apply(graph.StochasticDepth(_Source(p, generator, mode), training), input)


class _Source(NamedTuple):
    """Who drops in a call of a function."""

    p: float
    generator: np.random.Generator | None
    mode: str = "row"

    def stream(self) -> np.random.Generator:
        """Return what masks are drawn from."""
        return self.generator or init.default_generator()
