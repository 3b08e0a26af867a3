"""Layers that compute nothing: Identity, Flatten and ZeroPad2d."""

from typing import Any

from .. import graph
from .._arguments import axis, margins
from .._outputs import flattened, padded
from .._shapes import padding4
from ..errors import ShapeError
from . import functional as F
from .declaration import IMAGES, Shape, Values, declare
from .module import Module
from .receptive_field import Field

__all__ = ["Flatten", "Identity", "ZeroPad2d"]


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


@declare(
    {"padding": margins},
    output=lambda values, shape: padded(shape, padding4(values["padding"], "padding")),
    takes=IMAGES,
)
class ZeroPad2d(Module):
    """Put zeros around images.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns of zeros on each side.
    """

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__()
        self.padding = padding4(padding, "ZeroPad2d: padding")

    def forward(self, x: Any) -> Any:
        """Return x with its margins."""
        return graph.apply(graph.ZeroPad(self.padding), x)

    def _field_behind(self, field: Field, x: tuple[int, ...], y: tuple[int, ...]) -> Field:
        return field  # zeros are seen as part of the image

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"{self.padding}"
