"""Operations whose pixels are sums of others: padding and interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import ops
from .._arguments import factors, flag, margins, one_or_two, optional, real, word
from .._shapes import padding4
from ..ops.padding import MODES as PADDINGS
from ..ops.padding import checked_value
from ..ops.resampling import MODES, Resizing, checked_resizing, resizing_reach
from .batch import refuse
from .fields import Field, Fields, Shape, denser, of_images, parts
from .functions import function
from .operation import Array, Operation, Wanted

_TITLES = {
    "constant": "ConstantPad",
    "reflect": "ReflectionPad",
    "replicate": "ReplicationPad",
    "circular": "CircularPad",
}


@function("pad", {"padding": margins, "mode": word(*PADDINGS), "value": real})
class Pad(Operation):
    """Margins around images, (left, right, top, bottom); see `fastcnn.ops.pad`."""

    def __init__(self, padding: Any, mode: str = "constant", value: float = 0.0) -> None:
        self.padding = padding
        self.mode = mode
        self.value = value

    @property
    def title(self) -> str:
        """What a picture calls it."""
        return "ZeroPad" if self.zeros else _TITLES[self.mode]

    @property
    def zeros(self) -> bool:
        """Whether the margins are zeros."""
        return self.mode == "constant" and checked_value(self.value, self.mode, "pad") == 0

    @property
    def margins(self) -> tuple[int, int, int, int]:
        """The margins: left, right, top, bottom."""
        return padding4(self.padding, "pad: padding")

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return x with its margins."""
        return ops.pad(x, self.padding, self.mode, self.value), None

    def trace(self, x: Array) -> Array:
        """Return y of no image."""
        if x.ndim == 2 and any(self.margins[2:]):
            refuse("padding of the batch")
        return self.forward(x)[0]

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return dy without its margins, which are added where their pixels come from."""
        return (ops.pad_backward(dy, self.padding, self.mode),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees: margins are seen as part of the image."""
        return of_images(fields[0], len(y))


_RESIZING = {
    "size": optional(one_or_two),
    "scale_factor": optional(factors),
    "mode": word(*MODES),
    "align_corners": optional(flag),
    "recompute_scale_factor": optional(flag),
    "antialias": flag,
}


@function("interpolate", _RESIZING, read=lambda operation, _: operation.given._asdict())
class Interpolate(Operation):
    """Images of another size; see `fastcnn.ops.interpolate`."""

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
        antialias: bool = False,
    ) -> None:
        given = Resizing(size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
        self.given = checked_resizing(given, "interpolate")

    def forward(self, x: Array) -> tuple[Array, Any]:
        """Return the images in their new size."""
        return ops.interpolate(x, *self.given), x.shape

    def backward(self, dy: Array, saved: Any, wanted: Wanted) -> tuple[Array]:
        """Return the transposed sum of dy."""
        return (ops.interpolate_backward(dy, saved, *self.given),)

    def field(self, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
        """Return what y sees."""
        field, x, made = of_images(fields[0], len(y)), shapes[0][-2:], y[-2:]
        if field is None:
            return None
        if self.given.mode == "area":
            return parts(field, x, made)
        return denser(field, x, made, resizing_reach(x, self.given, "interpolate"))
