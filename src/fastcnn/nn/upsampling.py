"""Images and lines of another size by interpolation."""

from typing import Any

from .._arguments import count, factor, factors, flag, one_or_two, optional, word
from ..errors import ShapeError
from ..ops.resampling import MODES, Resizing, checked_resizing, of_rows, resized_shape
from . import functional as F
from .declaration import IMAGES, Shape, Values, declare
from .module import Module

__all__ = ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"]

_SIZES = {"size": optional(one_or_two), "scale_factor": optional(factors)}


def _resized(values: Values, shape: Shape) -> Shape:
    return shape[0], *resized_shape(shape[1:], Resizing(**values), "interpolate")


def _images_or_lines(values: Values, shape: Shape) -> Shape:
    if len(shape) == 2:
        given = of_rows(Resizing(**values), "interpolate")
        return shape[0], resized_shape((1, shape[1]), given, "interpolate")[1]
    if len(shape) != 3:
        raise ShapeError(f"Upsample needs images (C, H, W) or lines (C, L), but samples {shape} come in")
    checked_resizing(Resizing(**values), "interpolate")
    return _resized(values, shape)


def _one_or_two_factors(value: Any, name: str) -> Any:
    """Return a factor, which may stand in a tuple, or two."""
    return (factor(*value, name),) if isinstance(value, tuple) and len(value) == 1 else factors(value, name)


def _one_or_two_sizes(value: Any, name: str) -> Any:
    """Return a size, which may stand in a tuple, or two."""
    return (count(*value, name),) if isinstance(value, tuple) and len(value) == 1 else one_or_two(value, name)


def _floats(scale_factor: Any) -> Any:
    """Return integers among scale factors as floats, as PyTorch does, and leave the rest to the check."""
    if isinstance(scale_factor, tuple | list):
        return tuple(map(_floats, scale_factor))
    return float(scale_factor) if type(scale_factor) is int else scale_factor


@declare(
    {
        "size": optional(_one_or_two_sizes),
        "scale_factor": optional(_one_or_two_factors),
        "mode": word(*MODES, "linear"),
        "align_corners": optional(flag),
        "recompute_scale_factor": optional(flag),
    },
    output=_images_or_lines,
)
class Upsample(Module):
    """Resize images, or lines (N, C, L); see `fastcnn.ops.interpolate`.

    Parameters
    ----------
    size : int, (out_h, out_w) or (out,), optional
        Size of the output.
    scale_factor : float, (vertical, horizontal) or a tuple of one, optional
        The output's size is that of x times this, rounded down; the one or the other must be given.
    mode : {"nearest", "nearest-exact", "bilinear", "bicubic", "area", "linear"}
        What pixels are made of; lines have "linear" where images have "bilinear", and no "bicubic".
    align_corners : bool, optional
        With "bilinear", "bicubic" and "linear": whether the centers of the corners stay where they are, not
        the edges.
    recompute_scale_factor : bool, optional
        Whether the quotient of the sizes tells how far pixels are apart, not scale_factor itself.
    """

    def __init__(
        self,
        size: int | tuple[int, ...] | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = tuple(size) if isinstance(size, list) else size
        self.scale_factor = _floats(scale_factor)
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor
        given, what = self._given(), type(self).__name__
        if mode == "linear" or any(isinstance(e, tuple) and len(e) == 1 for e in given[:2]):
            of_rows(given, what)
        else:
            checked_resizing(given, what)

    def _given(self) -> Resizing:
        return Resizing(
            self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def forward(self, x: Any) -> Any:
        """Return the images or lines in their new size."""
        return F.interpolate(x, *self._given())

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        name = "size" if self.scale_factor is None else "scale_factor"
        return f"{name}={getattr(self, name)}, mode={self.mode!r}"


def _resized_as(mode: str, align_corners: bool | None = None) -> Any:
    return lambda values, shape: _resized({**values, "mode": mode, "align_corners": align_corners}, shape)


@declare(_SIZES, output=_resized_as("nearest"), takes=IMAGES)
class UpsamplingNearest2d(Upsample):
    """Resize images by repeating pixels: `Upsample` with mode "nearest".

    Parameters
    ----------
    size, scale_factor
        As in Upsample.
    """

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        scale_factor: float | tuple[float, float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, "nearest")


@declare(_SIZES, output=_resized_as("bilinear", True), takes=IMAGES)
class UpsamplingBilinear2d(Upsample):
    """Resize images with their corners in place: `Upsample` with mode "bilinear" and align_corners.

    Parameters
    ----------
    size, scale_factor
        As in Upsample.
    """

    def __init__(
        self,
        size: int | tuple[int, int] | None = None,
        scale_factor: float | tuple[float, float] | None = None,
    ) -> None:
        super().__init__(size, scale_factor, "bilinear", align_corners=True)
