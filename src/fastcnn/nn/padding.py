"""Margins around images: zeros, another number, or the image itself once more."""

from typing import Any

from .. import graph
from .._arguments import margins, real
from .._moved import repeated
from .._outputs import padded
from .._shapes import padding4
from ..ops.padding import checked_value
from .declaration import IMAGES, Shape, Values, declare
from .module import Module

__all__ = ["CircularPad2d", "ConstantPad2d", "ReflectionPad2d", "ReplicationPad2d", "ZeroPad2d"]


class _Pad(Module):
    """A layer that puts margins around images."""

    # One of the modes of `fastcnn.ops.pad`, and what the margins are filled with if it is "constant".
    mode = "constant"
    value = 0.0

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__()
        self.padding = padding4(padding, f"{type(self).__name__}: padding")

    def forward(self, x: Any) -> Any:
        """Return x with its margins."""
        return graph.apply(graph.Pad(self.padding, self.mode, self.value), x)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"{self.padding}"


def _filled(values: Values, shape: Shape) -> Shape:
    return padded(shape, padding4(values["padding"], "padding"))


def _reflected(values: Values, shape: Shape) -> Shape:
    return repeated(shape, padding4(values["padding"], "padding"), "reflect", "pad")


def _gone_on(values: Values, shape: Shape) -> Shape:
    return repeated(shape, padding4(values["padding"], "padding"), "circular", "pad")


@declare({"padding": margins}, output=_filled, takes=IMAGES)
class ZeroPad2d(_Pad):
    """Put zeros around images.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns of zeros on each side.
    """


@declare({"padding": margins, "value": real}, output=_filled, takes=IMAGES)
class ConstantPad2d(_Pad):
    """Put one number around images.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns on each side.
    value : float
        The number.
    """

    def __init__(self, padding: int | tuple[int, int, int, int], value: float) -> None:
        super().__init__(padding)
        checked_value(value, self.mode, "ConstantPad2d")
        self.value = value

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"padding={self.padding}, value={self.value}"


@declare({"padding": margins}, output=_reflected, takes=IMAGES)
class ReflectionPad2d(_Pad):
    """Mirror images at their outermost pixels, which stand once.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns on each side, fewer than the image has.
    """

    mode = "reflect"


@declare({"padding": margins}, output=_filled, takes=IMAGES)
class ReplicationPad2d(_Pad):
    """Put an image's outermost pixels around it, again and again.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns on each side.
    """

    mode = "replicate"


@declare({"padding": margins}, output=_gone_on, takes=IMAGES)
class CircularPad2d(_Pad):
    """Let images go on from their other ends.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns on each side, at most as many as the image has.
    """

    mode = "circular"
