"""Layers that change nothing, or only axes: Identity, Flatten and Unflatten."""

from typing import Any

from .. import graph
from .._arguments import axis, parts
from .._moved import unflattened
from .._outputs import flattened
from .._shapes import integer
from ..errors import DTypeError, ShapeError
from . import functional as F
from .declaration import Shape, Values, declare
from .module import Module

__all__ = ["Flatten", "Identity", "Unflatten"]


def _merged(values: Values, shape: Shape) -> Shape:
    start, axes = values["start_dim"], 1 + len(shape)
    if start in (0, -axes):
        raise ShapeError(
            f"start_dim {start} to end_dim {values['end_dim']} must be axes behind the batch axis, of {axes} "
            "in all"
        )
    return flattened((1, *shape), start, values["end_dim"], "flatten")[1:]


@declare()
class Identity(Module):
    """Return the input, e.g. in the place of a layer that was taken out.

    Parameters
    ----------
    *args, **kwargs
        Of no meaning, so that any layer can be replaced by it.
    """

    _reuses_input = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, x: Any) -> Any:
        """Return x."""
        return x


@declare({"start_dim": axis, "end_dim": axis}, output=_merged)
class Flatten(Module):
    """Merge the axes start_dim .. end_dim into one.

    Parameters
    ----------
    start_dim, end_dim : int
        First and last axis to merge; negative counts from the end.
    """

    _reuses_input = True

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Any) -> Any:
        """Return x with the axes merged."""
        return F.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


def _divided(values: Values, shape: Shape) -> Shape:
    if values["dim"] in (0, -1 - len(shape)):
        raise ShapeError(
            f"dim {values['dim']} must be an axis behind the batch axis, of {1 + len(shape)} in all"
        )
    return unflattened((1, *shape), values["dim"], values["unflattened_size"], "unflatten")[1:]


@declare({"dim": axis, "unflattened_size": parts}, output=_divided)
class Unflatten(Module):
    """Divide an axis into several.

    Parameters
    ----------
    dim : int
        The axis; negative counts from the end.
    unflattened_size : tuple of int
        Sizes that make up that of the axis; one may be -1: what is left.
    """

    _reuses_input = True

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        super().__init__()
        if not isinstance(unflattened_size, tuple | list):
            raise DTypeError(
                f"Unflatten: unflattened_size must be a tuple of integers, got {unflattened_size!r}"
            )
        self.dim = dim
        self.unflattened_size = tuple(
            integer(size, "Unflatten: unflattened_size", -1) for size in unflattened_size
        )

    def forward(self, x: Any) -> Any:
        """Return x with the axis divided."""
        return graph.apply(graph.Unflatten(self.dim, self.unflattened_size), x)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
