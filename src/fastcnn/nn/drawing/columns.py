"""Columns: what stands below each other on one axis, and their order from left to right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .levels import Item, Level, Link

# Levels of more columns than this keep their first order.
_SORTED_UP_TO = 120
_ROUNDS = 4
# A line over the frame of a block is worse than one over another line.
_OVER_A_FRAME = 5


class Column:
    """Items in rows one below the other, whose links go straight down.

    Attributes
    ----------
    items : list of (Item, float)
        With the place of each one's axis from that of the column.
    first, last : int
        Its rows.
    light : bool
        Whether it is but a lane past other boxes.
    x : float
        Its axis within the level.
    """

    def __init__(self, items: list[tuple[Item, float]]) -> None:
        self.items = items
        self.first, self.last = items[0][0].first, items[-1][0].last
        self.light = all(item.passes for item, _ in items)
        self.x = 0.0

    def extents(self) -> Iterable[tuple[int, float, float]]:
        """Yield (row, how far it reaches to the left of its axis, and to the right)."""
        for item, offset in self.items:
            for row in range(item.first, item.last + 1):
                yield row, item.left - offset, item.right + offset


def columns(level: Level) -> list[Column]:
    """Return the columns of a level, from left to right."""
    straight = _straight(level.links)
    targets = {link.lower for link in straight.values()}
    found = []
    for item in level.items:
        if item in targets:
            continue
        items, offset = [(item, 0.0)], 0.0
        while item in straight:
            link = straight[item]
            assert link.lower is not None
            offset += item.exits.get(link.net, 0) - link.lower.entries.get(link.net, 0)
            item = link.lower
            items.append((item, offset))
        found.append(Column(items))
    # Lanes stand to the right of what they lead past, the longer further out.
    found.sort(key=lambda column: (column.light, column.last - column.first if column.light else 0))
    return _Order(found, level.links).improved()


def _straight(links: list[Link]) -> dict[Item, Link]:
    """Return the links that go straight down, by their upper end.

    Those are the only ones, at both of their ends, to something that is not a lane past it.
    """
    down: dict[Item, dict[Item, Link]] = defaultdict(dict)
    up: dict[Item, dict[Item, Link]] = defaultdict(dict)
    for link in links:
        if link.upper is not None and link.lower is not None:
            before = down[link.upper].get(link.lower)
            if before is None or _directness(link) > _directness(before):
                down[link.upper][link.lower] = up[link.lower][link.upper] = link
    found: dict[Item, Link] = {}
    for upper, links_down in down.items():
        only = _only(links_down)
        if only is not None and only.lower is not None and only is _only(up[only.lower]):
            found[upper] = only
    return found


def _directness(link: Link) -> int:
    """Return at how many of its ends a link goes on to a box, where it crosses the border of a frame."""
    ends = [end for end in (link.upper, link.lower) if end is not None]
    return sum(link.net in end.direct for end in ends)


def _only(links: dict[Item, Link]) -> Link | None:
    found = [link for item, link in links.items() if not item.passes] or list(links.values())
    return found[0] if len(found) == 1 else None


class _Order:
    """An order of columns, made better one column at a time."""

    def __init__(self, found: list[Column], links: list[Link]) -> None:
        self._columns = found
        place = {item: column for column in found for item, _ in column.items}
        # For each gap, (column above, port, column below, port, weight) of each line over it.
        self._lines: dict[int, list[tuple[Column, float, Column, float, int]]] = defaultdict(list)
        for link in links:
            upper, lower = link.upper, link.lower
            if upper is not None and lower is not None:
                ports = upper.exits.get(link.net, 0), lower.entries.get(link.net, 0)
                self._lines[link.gap].append((place[upper], ports[0], place[lower], ports[1], 1))
        for item, column in place.items():
            weight = 1 if item.member is None else _OVER_A_FRAME
            for gap in range(item.first, item.last):
                self._lines[gap].append((column, 0.0, column, 0.0, weight))

    def improved(self) -> list[Column]:
        """Return the columns in an order with fewer crossings."""
        order = list(self._columns)
        if not 2 < len(order) <= _SORTED_UP_TO:
            return order
        for _ in range(_ROUNDS):
            if not any([self._improve(column, order) for column in self._columns]):
                break
        return order

    def _improve(self, column: Column, order: list[Column]) -> bool:
        """Move one column where it crosses least; tell whether it moved."""
        gaps = [gap for gap in range(column.first - 1, column.last + 1) if self._lines[gap]]
        at = order.index(column)
        least = before = self._crossings(gaps, order)
        best = at
        if before == 0:
            return False
        order.pop(at)
        for place in range(len(order) + 1):
            count = self._crossings(gaps, [*order[:place], column, *order[place:]])
            if count < least or (count == least < before and abs(place - at) < abs(best - at)):
                least, best = count, place
        order.insert(best, column)
        return best != at

    def _crossings(self, gaps: list[int], order: list[Column]) -> int:
        place = {column: i for i, column in enumerate(order)}
        count = 0
        for gap in gaps:
            lines = [((place[a], p), (place[b], q), weight) for a, p, b, q, weight in self._lines[gap]]
            for i, (top, bottom, weight) in enumerate(lines):
                for other_top, other_bottom, other_weight in lines[:i]:
                    if (top < other_top and bottom > other_bottom) or (
                        top > other_top and bottom < other_bottom
                    ):
                        count += weight * other_weight
        return count
