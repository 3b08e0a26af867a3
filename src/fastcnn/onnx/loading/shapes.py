"""Shapes and orders, from ONNX."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .affine import regrouped
from .network import Network
from .nodes import Source, rule
from .values import BATCHES, Known, Made, Row, known


def axis_of(source: Source, axis: int, ndim: int, name: str = "axis") -> int:
    """Return an axis counted from the first, which must not be the batch."""
    if not -ndim <= axis < ndim:
        source.refuse(f"{name} must be from {-ndim} to {ndim - 1}, got {axis}")
    if axis % ndim == 0:
        source.refuse(f"{name} 0 would mix the samples of a batch")
    return axis % ndim


@rule("Shape")
def shape(net: Network, source: Source, x: Any) -> Known:
    """Read the sizes of a value, the first of which is that of the batch."""
    x = source.made(x)
    first, second = (np.array([batch, *x.shape], np.int64) for batch in BATCHES)
    part = slice(source.integer("start", 0), source.integer("end", len(first)))
    return known(first[part], second[part])


@rule("Size")
def size(net: Network, source: Source, x: Any) -> Known:
    """Read the number of elements of a value."""
    first, second = (np.array(batch * math.prod(source.made(x).shape), np.int64) for batch in BATCHES)
    return known(first, second)


@rule("Reshape")
def reshape(net: Network, source: Source, x: Any, shape: Any = None) -> Made | Row:
    """Read the same elements in another shape, whose first axis must be the batch's."""
    x = source.made(x)
    sizes = source.whole(shape, "shape")
    first, second = ([int(each) for each in part.ravel()] for part in (sizes.first, sizes.second))
    if not first:
        source.refuse("shape must have the axis of the batch")
    whole = (1, *x.shape)
    keep_zero = bool(source.integer("allowzero", 0))
    for i, each in enumerate(first[1:], 1):
        if each == 0 and not keep_zero:
            if i >= len(whole):
                source.refuse(f"shape {first} has a 0 where the input has no axis")
            first[i] = second[i] = whole[i]
    if first[1:] != second[1:]:
        source.refuse(
            f"shape must have the size of the batch in its first place alone, got {first} for {BATCHES[0]}"
        )
    sample, elements = first[1:], math.prod(x.shape)
    wholes = {(n * elements, n * elements) for n in net.batches} | {
        tuple(n * elements for n in BATCHES),
        (-1, -1),
    }
    if not sample and x.shape and (first[0], second[0]) in wholes:
        return Row(x, source.where)
    rest = math.prod(each for each in sample if each != -1)
    is_batch = (first[0], second[0]) == BATCHES or first[0] in (0, -1)
    if -1 in sample:
        fits = sample.count(-1) == 1 and rest > 0 and elements % rest == 0 and first[0] != -1
        fits = fits and (is_batch or first[0] in net.batches)
    else:
        fits = rest == elements
    if not (fits and (is_batch or first[0] > 0)) or (not is_batch and first[0] != second[0]):
        source.refuse(f"shape {first} of samples {x.shape} would mix the samples of a batch")
    done = tuple(elements // rest if each == -1 else each for each in sample)
    return regrouped(net, source, x, done) or net.reshaped(source, x, done)


@rule("Flatten")
def flatten(net: Network, source: Source, x: Any) -> Made:
    """Read all axes before one, and all others, as two."""
    x = source.made(x)
    ndim = len(x.shape) + 1
    axis = source.integer("axis", 1)
    if axis not in (1, 1 - ndim):
        source.refuse(f"axis must be 1, got {axis}: another one would mix the samples of a batch")
    return net.reshaped(source, x, (math.prod(x.shape),))


@rule("Squeeze")
def squeeze(net: Network, source: Source, x: Any, given: Any = None) -> Made:
    """Read a shape without some axes of one element."""
    x, axes = source.made(x), source.axes(given)
    ndim = len(x.shape) + 1
    if axes is None:
        gone = {i for i in range(1, ndim) if x.shape[i - 1] == 1}
    else:
        gone = {axis_of(source, axis, ndim, "axes") for axis in axes}
    if any(x.shape[i - 1] != 1 for i in gone):
        source.refuse(f"axes must have one element, got {axes} of samples {x.shape}")
    return net.reshaped(source, x, [size for i, size in enumerate(x.shape, 1) if i not in gone])


@rule("Unsqueeze")
def unsqueeze(net: Network, source: Source, x: Any, given: Any = None) -> Made:
    """Read a shape with more axes of one element."""
    x, axes = source.made(x), source.axes(given) or ()
    ndim = len(x.shape) + 1 + len(axes)
    places = {axis_of(source, axis, ndim, "axes") for axis in axes}
    if len(places) != len(axes):
        source.refuse(f"axes names an axis twice: {axes}")
    rest = iter(x.shape)
    return net.reshaped(source, x, [1 if i in places else next(rest) for i in range(1, ndim)])


@rule("Transpose")
def transpose(net: Network, source: Source, x: Any) -> Made:
    """Read the axes in another order, the batch first."""
    x = source.made(x)
    ndim = len(x.shape) + 1
    order = source.integers("perm", tuple(reversed(range(ndim))))
    if sorted(order) != list(range(ndim)):
        source.refuse(f"perm must name all {ndim} axes, got {order}")
    if order[0] != 0:
        source.refuse(f"perm must leave the batch where it is, got {order}")
    return net.permuted(source, x, order)


@rule("Expand")
def expand(net: Network, source: Source, x: Any, shape: Any) -> Made:
    """Read a shape that the value has already."""
    x = source.made(x)
    wanted = [int(each) for each in source.whole(shape, "shape").first.ravel()]
    whole = (BATCHES[0], *x.shape)
    fits = len(wanted) <= len(whole) and all(
        each in (1, own) for each, own in zip(reversed(wanted), reversed(whole), strict=False)
    )
    if not fits:
        source.refuse(f"repeats a value of the shape {x.shape} to {wanted}, which is not known here")
    return x


@rule("DepthToSpace", "SpaceToDepth")
def depth_and_space(net: Network, source: Source, x: Any) -> Made:
    """Read squares of pixels made of channels, in either order, or channels made of squares of pixels."""
    x, r = source.made(x), source.integer("blocksize", 0)
    if len(x.shape) != 3 or r < 1:
        source.refuse(f"must be of images (N, C, H, W) with a blocksize of at least 1, got {x.shape} and {r}")
    mode = source.text("mode", "DCR")
    if mode not in ("CRD", "DCR"):
        source.refuse(f"mode must be CRD or DCR, got {mode!r}")
    c, h, w = x.shape
    if source.kind == "DepthToSpace":
        if mode == "CRD":
            return net.call(source, "pixel_shuffle", x, upscale_factor=r)
        if c % (r * r):
            source.refuse(f"blocksize {r} does not divide {c} channels")
        made = net.reshaped(source, x, (r, r, c // (r * r), h, w))
        made = net.permuted(source, made, (0, 3, 4, 1, 5, 2))
        return net.reshaped(source, made, (c // (r * r), h * r, w * r))
    if h % r or w % r:
        source.refuse(f"blocksize {r} does not divide images of {h} x {w} pixels")
    if mode == "CRD":
        return net.call(source, "pixel_unshuffle", x, downscale_factor=r)
    made = net.reshaped(source, x, (c, h // r, r, w // r, r))
    made = net.permuted(source, made, (0, 3, 5, 1, 2, 4))
    return net.reshaped(source, made, (c * r * r, h // r, w // r))
