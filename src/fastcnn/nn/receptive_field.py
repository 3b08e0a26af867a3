"""The receptive field of each layer: how much of the image one of its outputs sees.

Each operation has its rule, see `fastcnn.graph.fields`. A module with a backward of its own is taken for what
its shapes and its ``kernel_size`` tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _samples, graph
from .._samples import Samples
from .._shapes import extent, pair
from ..graph import Field, slide
from .tree import Tree

__all__ = ["Field", "ReceptiveFields", "slide"]


class ReceptiveFields:
    """Follows arrays through a network, as `calls.watched` and `passive.observed` report them.

    Parameters
    ----------
    model : Module
        Whose parameters and buffers see nothing of the image.
    x : array (1, C, H, W) or (1, C, L), or tuple of arrays for several inputs
        What goes into the network; fields of flat input are not known. Lines are images of one row.
    """

    def __init__(self, model: Tree[Any], x: Samples) -> None:
        # An id is unique only among arrays that exist: all of them are kept.
        self._arrays: list[np.ndarray] = []
        self._fields: dict[int, Field | None] = {}
        self._last: dict[int, Field | None] = {}
        self._constants = {id(p.data) for p in model.parameters()} | {id(b) for _, b in model.named_buffers()}
        for i, each in enumerate(_samples.arrays(x)):
            self._put(each, graph.input_field(each.ndim, i))

    def _put(self, y: np.ndarray, field: Field | None) -> None:
        self._arrays.append(y)
        self._fields[id(y)] = field

    def of(self, x: np.ndarray) -> Field | None:
        """Return the field of an array, None if it is not known."""
        return self._fields.get(id(x))

    def apply(self, operation: graph.Operation, xs: list[np.ndarray], ys: list[np.ndarray]) -> None:
        """Note what an operation makes."""
        if operation.runs_code:
            return  # `note` says what is known of the module
        blind = [self._sees_nothing(x) for x in xs]
        if all(blind):
            self._constants.update(map(id, ys))
            self._arrays += ys
            return
        fields = [None if each else self._fields.get(id(x)) for x, each in zip(xs, blind, strict=True)]
        known = all(each or field is not None for field, each in zip(fields, blind, strict=True))
        shapes = [x.shape for x in xs]
        for y in ys:
            after = operation.field(fields, shapes, y.shape) if known else None
            # An array that comes out as it came in has still what it had.
            if after is not None or id(y) not in self._fields:
                self._put(y, after)

    def _sees_nothing(self, x: np.ndarray) -> bool:
        """Tell whether an array is a number, a parameter or a buffer, or made of them alone."""
        if id(x) in self._fields:
            return False
        return x.ndim == 0 or id(x) in self._constants or id(x.base) in self._constants

    def note(
        self, module: Tree[Any], xs: list[np.ndarray], ys: list[np.ndarray]
    ) -> tuple[Field | None, Field | None]:
        """Return the fields of a module's inputs and outputs; None where they are not known.

        Of several inputs or outputs it is the largest. Of outputs that no operation has made it is not known
        if a layer joins or divides its inputs, and the largest inside of a module of several.
        """
        before = _largest([self._fields.get(id(x)) for x in xs])
        children = list(module.children())
        afters: list[Field | None]
        if children:
            inside = _largest([before, *(self._last.get(id(child)) for child in children)])
            afters = [self._fields.get(id(y), inside) for y in ys]
        else:
            told = hasattr(module, "_field_behind")
            afters = [
                self._fields[id(y)]
                if id(y) in self._fields and not told
                else _step(module, before, xs[0].shape, y.shape)
                if len(xs) == len(ys) == 1
                else None
                for y in ys
            ]
        for y, field in zip(ys, afters, strict=True):
            self._put(y, field)
        after = self._last[id(module)] = _largest(afters)
        return before, after


def _step(module: Tree[Any], field: Field | None, x: tuple[int, ...], y: tuple[int, ...]) -> Field | None:
    """Return the field behind a layer, of which operations do not tell, that turns the shape x into y.

    A layer that differs from all that can be told from its shapes and its ``kernel_size`` says it itself, in
    a method ``_field_behind(field, x, y)``.
    """
    if field is None:
        return None
    is_line, flattens = len(x) == 3, len(y) < len(x)
    own = getattr(module, "_field_behind", None)
    if own is not None:
        return own(field, _as_image(x), _as_image(y))
    if field.jump is None:
        return field
    if flattens:
        return graph.Flatten(1).field([field], [x], y)
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


def _largest(fields: list[Field | None]) -> Field | None:
    known = [field for field in fields if field is not None]
    if not known or len(known) < len(fields):
        return None
    size = max(f.size[0] for f in known), max(f.size[1] for f in known)
    jumps = [f.jump for f in known if f.jump is not None]
    if len(jumps) < len(known):
        return known[-1]._replace(size=size, jump=None)
    return known[-1]._replace(size=size, jump=(max(j[0] for j in jumps), max(j[1] for j in jumps)))
