"""The receptive field of each layer: how much of the image one of its outputs sees.

With the receptive field r and the jump j (the distance, in pixels of the image, between neighbouring
positions), both 1 at the image, a window of k taps d apart that moves in steps of s gives

    r_out = r_in + d (k - 1) j_in        j_out = s j_in

Where branches meet, the largest of theirs counts. Padding counts as image, so a field may be larger than
the image. Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .. import _samples
from .._samples import Samples
from .._shapes import extent, pair
from .tree import Tree


class Field(NamedTuple):
    """What an output sees, each number for (rows, columns).

    Attributes
    ----------
    size : (int, int)
        The receptive field.
    jump : (int, int) or None
        None behind a Flatten: there are no neighbouring positions any more.
    reach : (int, int)
        By how much the first and the last of the flattened positions are apart.
    """

    size: tuple[int, int]
    jump: tuple[int, int] | None
    reach: tuple[int, int] = (0, 0)


class ReceptiveFields:
    """Follows arrays through a network, module by module, as `passive.observe` reports them.

    Parameters
    ----------
    x : array (1, C, H, W) or (1, C, L), or tuple of arrays for several inputs
        What goes into the network; fields of flat input are not known. Lines are images of one row.
    """

    def __init__(self, x: Samples) -> None:
        # An id is unique only among arrays that exist: all of them are kept.
        self._arrays = list(_samples.arrays(x))
        self._fields: dict[int, Field | None] = {
            id(each): Field((1, 1), (1, 1)) if each.ndim in (3, 4) else None for each in self._arrays
        }
        self._last: dict[int, Field | None] = {}

    def note(
        self, module: Tree[Any], xs: list[np.ndarray], ys: list[np.ndarray]
    ) -> tuple[Field | None, Field | None]:
        """Return the fields of a module's inputs and outputs; None where they are not known.

        Of several inputs or outputs it is the largest, and not known of a layer that joins or divides them.
        """
        before = _largest([self._fields.get(id(x)) for x in xs])
        children = list(module.children())
        if children:
            inside = _largest([before, *(self._last.get(id(child)) for child in children)])
            afters = [self._fields.get(id(y), inside) for y in ys]
        else:
            alone = len(xs) == len(ys) == 1
            afters = [_step(module, before, xs[0].shape, ys[0].shape) if alone else None] * len(ys)
        self._arrays += ys
        self._fields.update({id(y): after for y, after in zip(ys, afters, strict=True)})
        after = self._last[id(module)] = _largest(afters)
        return before, after


def _step(module: Tree[Any], field: Field | None, x: tuple[int, ...], y: tuple[int, ...]) -> Field | None:
    """Return the field behind a layer that turns the shape x into y.

    A layer that differs from all that can be told from its shapes and its ``kernel_size`` says it itself, in
    a method ``_field_behind(field, x, y)``.
    """
    if field is None:
        return None
    is_line, flattens = len(x) == 3, len(y) < len(x)
    x, y = _as_image(x), _as_image(y)
    own = getattr(module, "_field_behind", None)
    if own is not None:
        return own(field, x, y)
    if field.jump is None:
        return field
    if flattens:
        return Field(field.size, None, _times((x[2] - 1, x[3] - 1), field.jump))
    if hasattr(module, "kernel_size"):
        given = (module.kernel_size, getattr(module, "dilation", 1), module.stride)
        taps, apart, stride = ((1, pair(each, "", 1)[1]) if is_line else pair(each, "", 1) for each in given)
        rows, columns = map(extent, taps, apart)
        return slide(field, (rows, columns), stride)
    # A layer of someone's own that keeps the image's size is taken for one that works on each pixel.
    return field if x[2:] == y[2:] else None


def _as_image(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of lines (N, C, L) as that of images of one row, any other as it is."""
    return (*shape[:2], 1, shape[2]) if len(shape) == 3 else shape


def slide(field: Field, covered: tuple[int, int], stride: tuple[int, int]) -> Field:
    """Return the field behind a window of so many pixels that moves in steps."""
    if field.jump is None:
        return field
    grown = _times((covered[0] - 1, covered[1] - 1), field.jump)
    return Field(_sum(field.size, grown), _times(stride, field.jump))


def denser(field: Field, x: tuple[int, ...], y: tuple[int, ...], covered: tuple[int, int] = (1, 1)) -> Field:
    """Return the field behind what makes y rows and columns out of x, each of so many pixels.

    Where positions are less than a pixel of the image apart, or no whole number of them, the next whole
    number is taken: the field is not smaller than it says.
    """
    if field.jump is None:
        return field
    grown = slide(field, covered, (1, 1))
    rows, columns = (-(-jump * before // after) for jump, before, after in zip(field.jump, x, y, strict=True))
    return Field(grown.size, (rows, columns))


def parts(field: Field, x: tuple[int, ...], y: tuple[int, ...]) -> Field:
    """Return the field behind adaptive pooling of x rows and columns to y.

    Windows may differ by a pixel: the largest window and the largest step.
    """
    rows, columns = zip(x, y, strict=True)
    extent = _largest_part(*rows), _largest_part(*columns)
    return slide(field, extent, (-(-rows[0] // rows[1]), -(-columns[0] // columns[1])))


def _largest_part(size: int, parts: int) -> int:
    """Return the pixels of the largest window of adaptive pooling."""
    return max(-(-(i + 1) * size // parts) - i * size // parts for i in range(parts))


def scatter(field: Field, covered: tuple[int, int], stride: tuple[int, int]) -> Field | None:
    """Return the field behind a layer that spreads each position over so many pixels, in steps.

    A pixel sees the positions whose windows reach it. Where those are less than a step of the image apart,
    there is no jump in pixels, and the field is not known.
    """
    if field.jump is None:
        return field
    if field.jump[0] % stride[0] or field.jump[1] % stride[1]:
        return None
    seen = -(-covered[0] // stride[0]), -(-covered[1] // stride[1])
    grown = _times((seen[0] - 1, seen[1] - 1), field.jump)
    return Field(_sum(field.size, grown), (field.jump[0] // stride[0], field.jump[1] // stride[1]))


def gather(field: Field) -> Field | None:
    """Return the field behind a layer that reads all positions at once; None if they are not flattened."""
    return None if field.jump else Field(_sum(field.size, field.reach), None)


def _largest(fields: list[Field | None]) -> Field | None:
    known = [field for field in fields if field is not None]
    if not known or len(known) < len(fields):
        return None
    size = max(f.size[0] for f in known), max(f.size[1] for f in known)
    jumps = [f.jump for f in known if f.jump is not None]
    if len(jumps) < len(known):
        return Field(size, None, known[-1].reach)
    return Field(size, (max(j[0] for j in jumps), max(j[1] for j in jumps)))


def _sum(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


def _times(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] * b[0], a[1] * b[1]
