"""Parts along axes, and what is put together of them, from ONNX."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .network import Network
from .nodes import Source, rule
from .shapes import axis_of
from .values import BATCHES, Known, Made, Parts, Row


@rule("Concat")
def concat(net: Network, source: Source, *inputs: Any) -> Made:
    """Read values one after the other along an axis."""
    values = [source.made(each, "each input") for each in inputs]
    if not values:
        source.refuse("has no input")
    axis = axis_of(source, source.integer("axis", 1), len(values[0].shape) + 1)
    return values[0] if len(values) == 1 else net.call(source, "cat", *values, dim=axis)


@rule("Split")
def split(net: Network, source: Source, x: Any, sizes: Any = None) -> list[Made]:
    """Read parts along an axis, the sizes of which were an attribute at first."""
    x = source.made(x)
    axis = axis_of(source, source.integer("axis", 0), len(x.shape) + 1)
    whole, count = x.shape[axis - 1], len(source.outputs)
    given = source.listed(sizes, "split") if sizes is not None else source.integers("split", ())
    if not given:
        parts = source.integer("num_outputs", count)
        if parts != count or not count:
            source.refuse(f"num_outputs must be its {count} outputs, got {parts}")
        part = -(-whole // parts)
        given = tuple(max(min(part, whole - start), 0) for start in range(0, part * count, part))
    if len(given) != count or sum(given) != whole or min(given) < 1:
        source.refuse(f"split must be {count} sizes that make {whole}, got {given}")
    ends = np.cumsum(given)
    return [
        _part(net, source, x, axis, int(end) - size, int(end)) for end, size in zip(ends, given, strict=True)
    ]


@rule("SplitToSequence")
def split_to_sequence(net: Network, source: Source, x: Any, sizes: Any = None) -> Parts:
    """Read parts along an axis, of one size or of several."""
    x = source.made(x)
    axis = axis_of(source, source.integer("axis", 0), len(x.shape) + 1)
    whole, given = x.shape[axis - 1], None if sizes is None else source.listed(sizes, "split")
    if given is None and not source.integer("keepdims", 1):
        return Parts(tuple(net.part(source, x, *_before(axis), i) for i in range(whole)))
    if given is None or not sizes.first.ndim:
        size = 1 if given is None else given[0]
        if size < 1:
            source.refuse(f"split must be at least 1, got {size}")
        listed = [min(size, whole - start) for start in range(0, whole, size)]
    else:
        listed = list(given)
    if min(listed, default=0) < 1 or sum(listed) != whole:
        source.refuse(f"split must be sizes that make {whole}, got {listed}")
    ends = np.cumsum(listed).tolist()
    parts = zip(ends, listed, strict=True)
    return Parts(tuple(_part(net, source, x, axis, end - size, end) for end, size in parts))


@rule("SequenceAt")
def sequence_at(net: Network, source: Source, parts: Any, position: Any) -> Made:
    """Read one of several parts."""
    places = source.listed(position, "position")
    if len(places) != 1:
        source.refuse(f"position must be one number, got {len(places)}")
    place = places[0]
    if not isinstance(parts, Parts) or not -len(parts.values) <= place < len(parts.values):
        source.refuse(f"position {place} is none of the parts of a value")
    return parts.values[place]


def _part(net: Network, source: Source, x: Made, axis: int, start: int, stop: int) -> Made:
    return net.part(source, x, *_before(axis), slice(start, stop))


def _before(axis: int) -> list[slice]:
    """Return an index that takes all axes before one."""
    return [slice(None)] * axis


@rule("Slice")
def part(
    net: Network,
    source: Source,
    x: Any,
    starts: Any = None,
    ends: Any = None,
    axes: Any = None,
    steps: Any = None,
) -> Made:
    """Read elements from one to another along axes, in steps; all of it was attributes at first."""
    x = source.made(x)
    ndim = len(x.shape) + 1
    if source.opset < 10:
        first, last = source.integers("starts", ()), source.integers("ends", ())
        along, by = source.integers("axes", tuple(range(len(first)))), (1,) * len(first)
    else:
        first, last = source.listed(starts, "starts"), source.listed(ends, "ends")
        along = tuple(range(len(first))) if axes is None else source.listed(axes, "axes")
        by = (1,) * len(first) if steps is None else source.listed(steps, "steps")
    if not len(first) == len(last) == len(along) == len(by) or 0 in by:
        source.refuse("starts, ends, axes and steps must be as many, and steps not 0")
    index = _before(ndim)
    for start, stop, axis, step in zip(first, last, along, by, strict=True):
        if axis in (0, -ndim) and step == 1 and start == 0 and stop >= 2**31 - 1:
            continue
        place = axis_of(source, axis, ndim, "axes")
        low, high, by_one = slice(start, stop, step).indices(x.shape[place - 1])
        index[place] = slice(low, None if high < 0 else high, by_one)
    return net.part(source, x, *index)


@rule("Gather")
def gather(net: Network, source: Source, x: Any, indices: Any) -> Made:
    """Read elements along an axis in places that are known."""
    if isinstance(x, Row):
        return _of_samples(net, source, x.value, source.whole(indices, "indices"))
    x, places = source.made(x), source.array(indices, "indices")
    axis = axis_of(source, source.integer("axis", 0), len(x.shape) + 1)
    whole = x.shape[axis - 1]
    if places.dtype.kind not in "iu" or not places.size:
        source.refuse(f"indices must be integers, got the shape {places.shape} of {places.dtype}")
    if places.min() < -whole or places.max() >= whole:
        source.refuse(f"indices must be from {-whole} to {whole - 1}")
    listed = [int(each) % whole for each in places.ravel()]
    if places.ndim == 0:
        return net.part(source, x, *_before(axis), listed[0])
    y = _chosen(net, source, x, axis, listed)
    return net.reshaped(source, y, (*x.shape[: axis - 1], *places.shape, *x.shape[axis:]))


def _of_samples(net: Network, source: Source, x: Made, indices: Known) -> Made:
    """Return elements of each sample, from a row of those of all samples."""
    size, found = math.prod(x.shape), []
    parts = ((indices.first, BATCHES[0]), (indices.second, BATCHES[1]))
    for places, batch in parts:
        count = places.shape[0] if places.ndim and places.size else 0
        starts = np.arange(count).reshape(-1, *(1,) * (places.ndim - 1)) * size
        if count in (net.batches if indices.fixed else {batch}) and (places - starts == places[:1]).all():
            found.append(places[0])
    if len(found) != 2 or not np.array_equal(*found) or found[0].min() < 0 or found[0].max() >= size:
        source.refuse("indices must take the same elements of each sample: others mix the samples of a batch")
    if source.integer("axis", 0) not in (0, -1):
        source.refuse(f"axis must be 0, got {source.integer('axis', 0)}")
    row = net.reshaped(source, x, (size,))
    return net.reshaped(source, _chosen(net, source, row, 1, found[0].ravel().tolist()), found[0].shape)


def _chosen(net: Network, source: Source, x: Made, axis: int, places: list[int]) -> Made:
    """Return the elements in places along an axis."""
    steps = set(np.diff(places).tolist()) or {1}
    if len(steps) == 1 and 0 not in steps:
        step = steps.pop()
        stop = places[-1] + (1 if step > 0 else -1)
        if len(places) == x.shape[axis - 1] and step == 1:
            return x
        return net.part(source, x, *_before(axis), slice(places[0], None if stop < 0 else stop, step))
    runs = np.split(np.array(places), np.flatnonzero(np.diff(places) != 1) + 1)
    parts = [_part(net, source, x, axis, int(run[0]), int(run[-1]) + 1) for run in runs]
    return net.call(source, "cat", *parts, dim=axis)
