"""Interpolation of images and of lines."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from ... import graph
from ...errors import ShapeError
from ...graph import apply
from ...ops.resampling import Resizing, of_rows
from .lines import over_rows

__all__ = ["interpolate"]

T = TypeVar("T")


def interpolate(
    input: T,
    size: int | tuple[int, ...] | None = None,
    scale_factor: float | tuple[float, ...] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> T:
    """Resize images (N, C, H, W), or lines (N, C, L); see `fastcnn.ops.interpolate`.

    Lines have the modes "nearest", "nearest-exact", "linear", of which align_corners is one, and "area"; size
    and scale_factor are a number, or a tuple of one.
    """
    given = Resizing(size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    ndim = len(graph.shape_of(input))
    if ndim == 3:
        rows = of_rows(given, "interpolate")
        made: Any = over_rows(lambda x: apply(graph.Interpolate(*rows), x), "interpolate", input)
        return made
    if ndim != 4 and isinstance(input, np.ndarray | graph.Operand):
        raise ShapeError(
            f"interpolate: x must be images (N, C, H, W) or lines (N, C, L), got the shape {input.shape}"
        )
    return apply(graph.Interpolate(*given), input)
