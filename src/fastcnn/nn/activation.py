"""ReLU and its like, softmax, log-softmax, dropout."""

from typing import Any

import numpy as np

from .. import graph
from .._arguments import axis, optional, real, share
from .._outputs import class_axis
from ..errors import ArgumentError
from . import functional as F
from . import init
from .declaration import Shape, Values, declare
from .module import Module

__all__ = ["Dropout", "LeakyReLU", "LogSoftmax", "ReLU", "Sigmoid", "Softmax"]


def _along_dim(values: Values, shape: Shape) -> Shape:
    class_axis(values["dim"], 1 + len(shape), "softmax")
    return shape


@declare()
class ReLU(Module):
    """Rectify: ``y = max(x, 0)``."""

    _reuses_input = True

    def forward(self, x: Any) -> Any:
        """Return max(x, 0)."""
        return F.relu(x)


@declare({"negative_slope": real})
class LeakyReLU(Module):
    """Let a part of negative values through: ``y = x where x > 0, else negative_slope x``.

    Parameters
    ----------
    negative_slope : float
        That part. Source: Maas et al., "Rectifier Nonlinearities Improve Neural Network Acoustic
        Models" (2013).
    """

    _reuses_input = True

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        self.negative_slope = real(negative_slope, "LeakyReLU: negative_slope")

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"negative_slope={self.negative_slope}"


@declare()
class Sigmoid(Module):
    """Squash to (0, 1): ``y = 1 / (1 + exp(-x))``."""

    _reuses_input = True

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.sigmoid(x)


@declare({"dim": optional(axis)}, output=_along_dim)
class Softmax(Module):
    """Turn logits into probabilities along one axis; see `fastcnn.ops.softmax`.

    Parameters
    ----------
    dim : int, optional
        The axis of the classes; None takes axis 0 of 1-D and 3-D input and axis 1 of all else.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """Return the probabilities."""
        return F.softmax(x, self.dim)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"dim={self.dim}"


@declare({"dim": optional(axis)}, output=_along_dim)
class LogSoftmax(Module):
    """Logarithm of the softmax along one axis; see `fastcnn.ops.log_softmax`.

    Parameters
    ----------
    dim : int, optional
        As in Softmax.
    """

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """Return the log-probabilities."""
        return F.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"dim={self.dim}"


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
