"""Margins around images and lines: zeros, another number, or the image itself once more."""

from typing import Any

from .._arguments import real
from .._moved import margined
from .._shapes import INT_MAX, padding4, pair
from ..errors import ShapeError
from ..ops.padding import checked_value
from . import functional as F
from .declaration import IMAGES, LINES, Shape, Values, declare
from .module import Module

__all__ = [
    "CircularPad1d",
    "CircularPad2d",
    "ConstantPad1d",
    "ConstantPad2d",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "ZeroPad1d",
    "ZeroPad2d",
]


def _four(value: Any, name: str) -> Any:
    """Return margins of images, of which negative ones cut off."""
    padding4(value, name, -INT_MAX)
    return tuple(map(int, value)) if isinstance(value, tuple) else int(value)


def _two(value: Any, name: str) -> tuple[int, int]:
    """Return margins of lines, of which negative ones cut off."""
    return pair(value, name, -INT_MAX)


class _Pad(Module):
    """A layer that puts margins around images."""

    # One of the modes of `fastcnn.ops.pad`, and what the margins are filled with if it is "constant".
    mode = "constant"
    value = 0.0

    def __init__(self, padding: int | tuple[int, int, int, int]) -> None:
        super().__init__()
        self.padding: tuple[int, ...] = padding4(padding, f"{type(self).__name__}: padding", -INT_MAX)

    def forward(self, x: Any) -> Any:
        """Return x with its margins."""
        return F.pad(x, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        return f"{self.padding}"


class _LinePad(_Pad):
    """A layer that puts margins at the ends of lines."""

    def __init__(self, padding: int | tuple[int, int]) -> None:
        Module.__init__(self)
        self.padding = _two(padding, f"{type(self).__name__}: padding")


def _of_images(mode: str) -> Any:
    def made(values: Values, shape: Shape) -> Shape:
        return _not_empty(margined(shape, padding4(values["padding"], "padding", -INT_MAX), mode, "pad"))

    return {"output": made, "takes": IMAGES}


def _of_lines(mode: str) -> Any:
    def made(values: Values, shape: Shape) -> Shape:
        margins = *_two(values["padding"], "padding"), 0, 0
        channels, _, columns = margined((shape[0], 1, shape[1]), margins, mode, "pad")
        return _not_empty((channels, columns))

    return {"output": made, "takes": LINES}


def _not_empty(shape: Shape) -> Shape:
    if 0 in shape:
        raise ShapeError(f"pad: nothing is left, but the shape {shape}")
    return shape


@declare({"padding": _four}, **_of_images("constant"))
class ZeroPad2d(_Pad):
    """Put zeros around images.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns of zeros on each side; as many are cut off where it is negative.
    """


@declare({"padding": _two}, **_of_lines("constant"))
class ZeroPad1d(_LinePad):
    """Put zeros at the ends of lines.

    Parameters
    ----------
    padding : int or (left, right)
        Columns of zeros at each end; as many are cut off where it is negative.
    """


@declare({"padding": _four, "value": real}, **_of_images("constant"))
class ConstantPad2d(_Pad):
    """Put one number around images.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns on each side; as many are cut off where it is negative.
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


@declare({"padding": _two, "value": real}, **_of_lines("constant"))
class ConstantPad1d(_LinePad):
    """Put one number at the ends of lines.

    Parameters
    ----------
    padding : int or (left, right)
        Columns at each end; as many are cut off where it is negative.
    value : float
        The number.
    """

    def __init__(self, padding: int | tuple[int, int], value: float) -> None:
        super().__init__(padding)
        checked_value(value, self.mode, "ConstantPad1d")
        self.value = value

    extra_repr = ConstantPad2d.extra_repr


@declare({"padding": _four}, **_of_images("reflect"))
class ReflectionPad2d(_Pad):
    """Mirror images at their outermost pixels, which stand once.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns on each side, fewer than the image has.
    """

    mode = "reflect"


@declare({"padding": _two}, **_of_lines("reflect"))
class ReflectionPad1d(_LinePad):
    """Mirror lines at their ends, which stand once.

    Parameters
    ----------
    padding : int or (left, right)
        Columns at each end, fewer than the line has.
    """

    mode = "reflect"


@declare({"padding": _four}, **_of_images("replicate"))
class ReplicationPad2d(_Pad):
    """Put an image's outermost pixels around it, again and again.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns on each side.
    """

    mode = "replicate"


@declare({"padding": _two}, **_of_lines("replicate"))
class ReplicationPad1d(_LinePad):
    """Put the ends of lines beside them, again and again.

    Parameters
    ----------
    padding : int or (left, right)
        Columns at each end.
    """

    mode = "replicate"


@declare({"padding": _four}, **_of_images("circular"))
class CircularPad2d(_Pad):
    """Let images go on from their other ends.

    Parameters
    ----------
    padding : int or (left, right, top, bottom)
        Rows and columns on each side, at most as many as the image has.
    """

    mode = "circular"


@declare({"padding": _two}, **_of_lines("circular"))
class CircularPad1d(_LinePad):
    """Let lines go on from their other ends.

    Parameters
    ----------
    padding : int or (left, right)
        Columns at each end, at most as many as the line has.
    """

    mode = "circular"
