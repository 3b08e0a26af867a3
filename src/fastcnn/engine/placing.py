"""Concatenations that take no copies: their parts are written where the whole has them.

In predictions, where channels are in the lanes, the parts of a concatenation are channels of one blob, and so
is a concatenation that another one begins with, as in a DenseNet. Found before anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .graph import Graph, Node, Value
from .layout import Layout
from .memory import NO_HALO, Halo, widest


class Place(NamedTuple):
    """Where a value is: from a channel on in the blob that a larger one has, with the halo of that blob."""

    holder: Value
    first: int
    halo: Halo


def find_places(
    graph: Graph, folded: Mapping[Node, Node], halos: Mapping[Value, Halo], layout: Layout
) -> dict[Value, Place]:
    """Return the places of the values that are written into a larger one, and of those."""
    firsts: dict[Value, tuple[Value, int]] = {}
    # The last ones first: they hold what those before them are made of.
    for node in reversed(graph.nodes):
        parts = node.joins
        if not parts:
            continue
        ends = _ends(parts)
        if _stand_so(parts, ends, firsts):
            firsts[node.y] = firsts[parts[0]]
            continue
        holder, first = firsts.setdefault(node.y, (node.y, 0))
        for value, end in zip(parts, ends, strict=True):
            start = first + end - value.channels
            whole_vectors = start % layout.lanes == 0 and (
                value.channels % layout.lanes == 0 or start + value.channels == holder.channels
            )
            if value.producer is not None and whole_vectors:
                firsts.setdefault(value, (holder, start))
    for node in reversed(graph.nodes):
        behind = folded.get(node)
        if behind is not None and behind.elementwise and behind.y in firsts:
            firsts.setdefault(behind.x, firsts[behind.y])
    shared: dict[Value, Halo] = {}
    for value, (holder, _) in firsts.items():
        shared[holder] = widest(shared.get(holder, NO_HALO), halos.get(value, NO_HALO))
    return {value: Place(holder, first, shared[holder]) for value, (holder, first) in firsts.items()}


def _ends(parts: tuple[Value, ...]) -> list[int]:
    """Return the channels up to the end of each part."""
    ends, end = [], 0
    for value in parts:
        end += value.channels
        ends.append(end)
    return ends


def _stand_so(parts: tuple[Value, ...], ends: list[int], firsts: Mapping[Value, tuple[Value, int]]) -> bool:
    """Tell whether all parts have places that follow each other in one holder."""
    if parts[0] not in firsts:
        return False
    holder, start = firsts[parts[0]]
    return all(
        firsts.get(value) == (holder, start + end - value.channels)
        for value, end in zip(parts, ends, strict=True)
    )
