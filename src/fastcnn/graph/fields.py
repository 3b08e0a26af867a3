"""Receptive fields: how much of the image one position of a value sees.

With the receptive field r and the jump j (the distance, in pixels of the image, between neighbouring
positions), both 1 at the image, a window of k taps d apart that moves in steps of s gives

    r_out = r_in + d (k - 1) j_in        j_out = s j_in

Where values meet, the largest of theirs counts. Padding counts as image, so a field may be larger than the
image; statistics of a normalisation do not count. Each operation has its rule in `Operation.field`, made of
the functions here. Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

Shape = tuple[int, ...]
Pair = tuple[int, int]
Fields = Sequence["Field | None"]
Axes = tuple[int | None, int | None]


class Field(NamedTuple):
    """What a position of a value sees, each number for (rows, columns).

    Attributes
    ----------
    size : (int, int)
        The receptive field.
    jump : (int, int) or None
        None where rows and columns have no axes of their own, as behind Flatten.
    reach : (int, int)
        Without a jump: by how much the first and the last of the positions are apart.
    axes : (int or None, int or None)
        The axes that positions lie along; None where there is one position, or all see the same, -1 if it
        is not known.
    images : frozenset of int
        Of several inputs, the numbers of those that are seen.
    """

    size: Pair
    jump: Pair | None
    reach: Pair = (0, 0)
    axes: Axes = (2, 3)
    images: frozenset[int] = frozenset()


def input_field(ndim: int, number: int) -> Field | None:
    """Return the field of an input: images (N, C, H, W), or lines (N, C, L), which are images of one row."""
    if ndim not in (3, 4):
        return None
    return Field((1, 1), (1, 1), (0, 0), (2, 3) if ndim == 4 else (None, 2), frozenset([number]))


def places(field: Field) -> Axes:
    """Return the axes along which positions see different parts."""
    rows, columns = (
        None if field.jump is None and apart == 0 else axis
        for axis, apart in zip(field.axes, field.reach, strict=True)
    )
    return rows, columns


def of_images(field: Field | None, ndim: int) -> Field | None:
    """Return the field of images (N, C, H, W) or lines (N, C, L); None if rows and columns lie otherwise."""
    if field is None:
        return None
    rows, columns = places(field)
    fits = rows is None or (rows == ndim - 2 and ndim > 3)
    return field if fits and columns in (None, ndim - 1) else None


# Windows ------------------------------------------------------------------------------------------------


def slide(field: Field, covered: Pair, stride: Pair) -> Field | None:
    """Return the field behind a window of so many pixels that moves in steps."""
    if field.jump is None:
        return _alike(field)
    return _grown(field, covered, _times(stride, field.jump))


def denser(field: Field, x: Shape, y: Shape, covered: Pair = (1, 1)) -> Field | None:
    """Return the field behind what makes y rows and columns out of x, each of so many pixels.

    Where positions are less than a pixel of the image apart, or no whole number of them, the next whole
    number is taken: the field is not smaller than it says.
    """
    if field.jump is None:
        return _alike(field)
    rows, columns = (-(-jump * before // after) for jump, before, after in zip(field.jump, x, y, strict=True))
    return _grown(field, covered, (rows, columns))


def parts(field: Field, x: Shape, y: Shape) -> Field | None:
    """Return the field behind adaptive pooling of x rows and columns to y.

    Windows may differ by a pixel: the largest window and the largest step.
    """
    rows, columns = zip(x, y, strict=True)
    covered = _largest_part(*rows), _largest_part(*columns)
    return slide(field, covered, (-(-rows[0] // rows[1]), -(-columns[0] // columns[1])))


def scatter(field: Field, covered: Pair, stride: Pair) -> Field | None:
    """Return the field behind a layer that spreads each position over so many pixels, in steps.

    A pixel sees the positions whose windows reach it. Where those are less than a step of the image apart,
    there is no jump in pixels, and the field is not known.
    """
    if field.jump is None:
        return _alike(field)
    if field.jump[0] % stride[0] or field.jump[1] % stride[1]:
        return None
    seen = -(-covered[0] // stride[0]), -(-covered[1] // stride[1])
    return _grown(field, seen, (field.jump[0] // stride[0], field.jump[1] // stride[1]))


def _alike(field: Field) -> Field | None:
    """Return the field behind a window over positions that see the same; None if they do not."""
    return field if field.reach == (0, 0) else None


def _grown(field: Field, covered: Pair, jump: Pair) -> Field:
    """Return the field of windows over so many positions, which are so far apart then."""
    assert field.jump is not None
    rows, columns = (
        size if axis is None else size + (taps - 1) * step
        for size, axis, taps, step in zip(field.size, field.axes, covered, field.jump, strict=True)
    )
    return field._replace(size=(rows, columns), jump=jump)


def _largest_part(size: int, parts: int) -> int:
    """Return the pixels of the largest window of adaptive pooling."""
    return max(-(-(i + 1) * size // parts) - i * size // parts for i in range(parts))


# What reads a whole axis --------------------------------------------------------------------------------


def gather(field: Field | None, shape: Shape, axis: int, keep: bool = False) -> Field | None:
    """Return the field behind what reads all elements along an axis.

    Parameters
    ----------
    keep : bool
        Whether the axis stays, with one position, as far from a next one as there were pixels.
    """
    if field is None:
        return None
    axes = places(field)
    if -1 in axes:
        return None
    size, reach, jump, left = list(field.size), list(field.reach), list(field.jump or (0, 0)), list(axes)
    for i in (0, 1):
        if axes[i] == axis:
            size[i] += reach[i] if field.jump is None else (shape[axis] - 1) * jump[i]
            reach[i] = 0
            if keep and field.jump is not None:
                jump[i] *= shape[axis]
            else:
                left[i] = None
    step = (jump[0], jump[1]) if field.jump and left != [None, None] else None
    return field._replace(
        size=(size[0], size[1]), jump=step, reach=(reach[0], reach[1]), axes=(left[0], left[1])
    )


# Shapes -------------------------------------------------------------------------------------------------


def placed(field: Field, new: dict[int, int]) -> Field:
    """Return the field where each axis is another one, `new[axis]`; those that are not named are gone."""
    rows, columns = (axis if axis in (None, -1) else new.get(axis) for axis in places(field))
    gone = rows is None and columns is None
    return field._replace(axes=(rows, columns), jump=None if gone else field.jump)


def reshaped(field: Field, x: Shape, y: Shape, together: range = range(0)) -> Field:
    """Return the field of the same elements in the shape y; the axes `together` of x become one."""
    old = places(field)
    found = [_place(axis, x, y, together) for axis in old]
    axes = found[0][0], found[1][0]
    if all(whole for _, whole in found):
        return field._replace(axes=axes, jump=None if axes == (None, None) else field.jump)
    reach = field.reach
    if field.jump is not None:
        rows, columns = (
            0 if axis is None else (x[axis] - 1) * step for axis, step in zip(old, field.jump, strict=True)
        )
        reach = rows, columns
    return field._replace(jump=None, reach=reach, axes=axes)


def _place(axis: int | None, x: Shape, y: Shape, together: range) -> tuple[int | None, bool]:
    """Return where an axis of x is in y, and whether it is an axis of its own there."""
    if axis is None:
        return None, True
    if axis == -1:
        return (1 if len(y) == 2 else -1), False
    before, size = _product(x[:axis]), x[axis]
    last_first = range(len(y) - 1, 0, -1)
    if axis not in together:
        for i in last_first:
            if y[i] == size and _product(y[:i]) == before:
                return i, True
    for i in last_first:
        outer = _product(y[:i])
        if before % outer == 0 and outer * y[i] % (before * size) == 0:
            return i, False
    return (None if size == 1 else -1), False


def _product(sizes: Shape) -> int:
    product = 1
    for size in sizes:
        product *= size
    return product


# Several values -----------------------------------------------------------------------------------------


def pointwise(operation: Any, fields: Fields, shapes: Sequence[Shape], y: Shape) -> Field | None:
    """Return the field of what is computed of the elements in one place; it can stand for a method."""
    return meet(fields, shapes, y)


def meet(fields: Fields, shapes: Sequence[Shape], y: Shape, along: int | None = None) -> Field | None:
    """Return the field where values meet, which are broadcast to the shape y.

    Parameters
    ----------
    fields : sequence of Field or None
        None of what sees nothing: parameters and constants.
    along : int, optional
        The axis along which values are put one after the other instead.
    """
    known = [(field, shape) for field, shape in zip(fields, shapes, strict=True) if field is not None]
    size, reach, jump = [0, 0], [0, 0], [0, 0]
    axes: list[int | None] = [None, None]
    apart = True  # whether rows and columns have axes of their own
    for i in (0, 1):
        size[i] = max(field.size[i] for field, _ in known)
        placed_at: set[int] = set()
        steps: list[int] = []
        for field, shape in known:
            axis = places(field)[i]
            if axis is None:
                continue
            at = axis if axis == -1 else axis + len(y) - len(shape)
            if at not in (-1, along) and shape[axis] != y[at]:
                continue  # one position for all
            placed_at.add(at)
            apart &= field.jump is not None
            steps.append(0 if field.jump is None else field.jump[i])
            reach[i] = max(reach[i], field.size[i] + field.reach[i])
        if len(placed_at) > 1:
            return None
        axes[i] = next(iter(placed_at), None)
        reach[i] = max(reach[i] - size[i], 0)
        jump[i] = max(steps or [field.jump[i] for field, _ in known if field.jump], default=0)
    if along in axes and len({field.images for field, _ in known}) > 1:
        return None  # positions of several images in a row
    spread = axes != [None, None]
    return Field(
        (size[0], size[1]),
        (jump[0], jump[1]) if apart and spread else None,
        (reach[0], reach[1]) if not apart else (0, 0),
        (axes[0], axes[1]),
        frozenset().union(*(field.images for field, _ in known)),
    )


def _times(a: Pair, b: Pair) -> Pair:
    return a[0] * b[0], a[1] * b[1]
