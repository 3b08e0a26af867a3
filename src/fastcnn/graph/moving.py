"""Operations that put elements elsewhere: channels that become pixels or change places, axes divided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from .._arguments import axis, count, parts
from .batch import refuse
from .fields import Field, Fields, Shape, denser, of_images, pointwise, reshaped, slide
from .functions import function
from .operation import Array, Operation, Wanted


@function("pixel_shuffle", {"upscale_factor": count})
class PixelShuffle(Operation):
    """Squares of pixels made of channels; see `fastcnn.ops.pixel_shuffle`."""

    moves = True

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = upscale_factor

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the larger images."""
        return ops.pixel_shuffle(x, self.upscale_factor), None

    def trace(self, x: Array) -> Array:
        """Return y of no image."""
        if x.ndim == 3:
            refuse("pixel_shuffle of the batch")
        return self.forward(x)[0]

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy with its pixels where they were."""
        return (ops.pixel_unshuffle(dy, self.upscale_factor),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        field = of_images(fields[0], len(y))
        return None if field is None else denser(field, shapes[0][-2:], y[-2:])


@function("pixel_unshuffle", {"downscale_factor": count})
class PixelUnshuffle(Operation):
    """Channels made of squares of pixels; see `fastcnn.ops.pixel_unshuffle`."""

    moves = True

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = downscale_factor

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the smaller images."""
        return ops.pixel_unshuffle(x, self.downscale_factor), None

    def trace(self, x: Array) -> Array:
        """Return y of no image."""
        if x.ndim == 3:
            refuse("pixel_unshuffle of the batch")
        return self.forward(x)[0]

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy with its pixels where they were."""
        return (ops.pixel_shuffle(dy, self.downscale_factor),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        field, square = of_images(fields[0], len(y)), (self.downscale_factor, self.downscale_factor)
        return None if field is None else slide(field, square, square)


@function("channel_shuffle", {"groups": count})
class ChannelShuffle(Operation):
    """The channels of groups in turn; see `fastcnn.ops.channel_shuffle`."""

    moves = True

    field = pointwise

    def __init__(self, groups: int) -> None:
        self.groups = groups

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x with its channels in another order."""
        return ops.channel_shuffle(x, self.groups), None

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy with its channels where they were."""
        return (ops.channel_shuffle(dy, dy.shape[1] // self.groups or 1),)


@function("unflatten", {"dim": axis, "sizes": parts})
class Unflatten(Operation):
    """One axis divided into several; see `fastcnn.ops.unflatten`."""

    moves = True

    def __init__(self, dim: int, sizes: Any) -> None:
        self.dim = dim
        self.sizes = sizes

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x with the axis divided."""
        return ops.unflatten(x, self.dim, self.sizes), x.shape

    def trace(self, x: Array) -> Array:
        """Return y of no image."""
        if isinstance(self.dim, int | np.integer) and self.dim in (0, -x.ndim):
            refuse("unflatten of the batch")
        return self.forward(x)[0]

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy in the shape of x."""
        return (dy.reshape(saved),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        return None if fields[0] is None else reshaped(fields[0], shapes[0], y)
