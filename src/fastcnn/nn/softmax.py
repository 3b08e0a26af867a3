"""Softmax, its logarithm, and gates: layers that see all elements along an axis."""

from typing import Any

from .. import graph
from .._arguments import axis, optional
from .._outputs import class_axis
from ..errors import ShapeError
from . import functional as F
from .declaration import IMAGES, Shape, Values, declare
from .module import Module

__all__ = ["GLU", "LogSoftmax", "Softmax", "Softmax2d", "Softmin"]


def _along_dim(values: Values, shape: Shape) -> Shape:
    class_axis(values["dim"], 1 + len(shape), "softmax")
    return shape


class _AlongAxis(Module):
    """The base of layers that have the axis of the classes as their argument."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"dim={self.dim}"


@declare({"dim": optional(axis)}, output=_along_dim)
class Softmax(_AlongAxis):
    """Turn logits into probabilities along one axis; see `fastcnn.ops.softmax`.

    Parameters
    ----------
    dim : int, optional
        The axis of the classes; None takes axis 0 of 1-D and 3-D input and axis 1 of all else.
    """

    def forward(self, x: Any) -> Any:
        """Return the probabilities."""
        return F.softmax(x, self.dim)


@declare({"dim": optional(axis)}, output=_along_dim)
class LogSoftmax(_AlongAxis):
    """Logarithm of the softmax along one axis; see `fastcnn.ops.log_softmax`.

    Parameters
    ----------
    dim : int, optional
        As in Softmax.
    """

    def forward(self, x: Any) -> Any:
        """Return the log-probabilities."""
        return F.log_softmax(x, self.dim)


@declare({"dim": optional(axis)}, output=_along_dim)
class Softmin(_AlongAxis):
    """Take the softmax of ``-x`` along one axis: small values have large probabilities.

    Parameters
    ----------
    dim : int, optional
        As in Softmax.
    """

    def forward(self, x: Any) -> Any:
        """Return the probabilities."""
        return F.softmin(x, self.dim)


@declare(takes=IMAGES)
class Softmax2d(Module):
    """Turn the channels of each pixel of images (N, C, H, W) or (C, H, W) into probabilities."""

    def forward(self, x: Any) -> Any:
        """Return the probabilities."""
        shape = graph.shape_of(x)
        if len(shape) not in (3, 4):
            raise ShapeError(f"Softmax2d: x must be (N, C, H, W) or (C, H, W), got the shape {shape}")
        return F.softmax(x, -3)


def _half(values: Values, shape: Shape) -> Shape:
    along = class_axis(values["dim"], 1 + len(shape), "GLU") - 1
    if along < 0 or shape[along] % 2:
        raise ShapeError(f"GLU: the size of axis {values['dim']} must be even, got samples {shape}")
    return *shape[:along], shape[along] // 2, *shape[along + 1 :]


@declare({"dim": axis}, output=_half)
class GLU(Module):
    """Let one half along an axis decide how much of the other passes: ``y = a sigmoid(b)`` for x = (a, b).

    Source: Dauphin et al., "Language Modeling with Gated Convolutional Networks" (2017).

    Parameters
    ----------
    dim : int
        The axis, of an even size.
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """Return y."""
        return F.glu(x, self.dim)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"dim={self.dim}"
