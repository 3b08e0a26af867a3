"""Where the columns of a level stand: side by side, each as near as it can to what it is linked with."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from .columns import Column, columns
from .levels import Item, Level, Link
from .picture import Box, Frame, Net
from .texts import ROUND, frame_title_width, size_of

# Free pixels between two columns, where one of them is a lane, and where both are boxes.
_BESIDE_LANE, _BESIDE_BOX = 14, 24
LANE = 1
FRAME_PADDING = 14
# Between two lines into a box, or over a border.
_PORTS = 26
# A line that would move aside by less enters a box beside its middle.
_SMALL_STEP = 10
_LIGHT = 1e-4
_SETTLED, _ROUNDS = 0.01, 60


def place(level: Level) -> Item:
    """Give an x to everything in a level and below it, from the level's axis.

    Returns
    -------
    Item
        How the level's frame looks to the level around it.
    """
    for item in level.items:
        if isinstance(item.member, Frame):
            inner = place(level.below[item])
            item.left, item.right = inner.left, inner.right
            item.entries, item.exits, item.direct = inner.entries, inner.exits, inner.direct
        elif item.member is not None:
            item.left = item.right = size_of(item.member)[0] / 2
        else:
            item.left = item.right = LANE
    found = columns(level)
    for column in found:
        _make_even([item for item, _ in column.items])
    _settle(found, level.links)
    for column in found:
        for item, offset in column.items:
            item.x = column.x + offset
    _enter_boxes(level.links)
    return _outside(level)


def _make_even(items: list[Item]) -> None:
    """Give the boxes of a column one width, but for those that are only as wide as their line."""
    boxes = [item for item in items if isinstance(item.member, Box) and item.member.kind not in ROUND]
    width = max((item.right for item in boxes), default=0)
    for item in boxes:
        item.left = item.right = width


def spread(level: Level, x: float) -> None:
    """Count all places of a level, whose axis is at x, from the left of the picture."""
    for link in level.links:
        link.border += x
    for item in level.items:
        item.x += x
        if item in level.below:
            spread(level.below[item], item.x)


def _settle(found: list[Column], links: list[Link]) -> None:
    """Give each column its x: in rounds, all move to where their links pull them and then apart."""
    gaps = _separations(found)
    place = {item: (column, offset) for column in found for item, offset in column.items}
    above: dict[Column, list[tuple[Column, float]]] = defaultdict(list)
    below: dict[Column, list[tuple[Column, float]]] = defaultdict(list)
    for link in links:
        if link.upper is None or link.lower is None:
            continue
        (upper, from_), (lower, to) = place[link.upper], place[link.lower]
        if upper is not lower:
            step = from_ + link.upper.exits.get(link.net, 0) - to - link.lower.entries.get(link.net, 0)
            above[lower].append((upper, step))
            below[upper].append((lower, -step))
    weights = [_LIGHT if column.light else 1.0 for column in found]
    for _ in range(_ROUNDS):
        wanted = []
        for column in found:
            wanted.append(_pulled(column, above[column]))
        if _move(found, _apart(wanted, weights, gaps)) < _SETTLED:
            break
    # What stands first goes to what takes it, which stays.
    firsts = [not above[column] for column in found]
    wanted = [
        _pulled(column, below[column]) if f else column.x for f, column in zip(firsts, found, strict=True)
    ]
    _move(
        found, _apart(wanted, [w * (_LIGHT if f else 1) for f, w in zip(firsts, weights, strict=True)], gaps)
    )


def _pulled(column: Column, pulls: list[tuple[Column, float]]) -> float:
    """Return where a column is pulled to: by boxes, or else by lanes; if by nothing, it stays."""
    pulls = [each for each in pulls if not each[0].light] or pulls
    return sum(other.x + step for other, step in pulls) / len(pulls) if pulls else column.x


def _move(found: list[Column], places: list[float]) -> float:
    """Put columns to new places, and return the furthest way."""
    ways = [abs(x - column.x) for x, column in zip(places, found, strict=True)]
    for x, column in zip(places, found, strict=True):
        column.x = x
    return max(ways, default=0)


def _separations(found: list[Column]) -> list[dict[int, float]]:
    """Return for each column the numbers of those left of it, and how far from them it must stay."""
    rows: dict[int, list[tuple[int, float, float]]] = defaultdict(list)
    for i, column in enumerate(found):
        for row, left, right in column.extents():
            rows[row].append((i, left, right))
    gaps: list[dict[int, float]] = [{} for _ in found]
    for beside in rows.values():
        for (i, _, right), (j, left, _) in pairwise(beside):
            lane = found[i].light or found[j].light
            gap = right + left + (_BESIDE_LANE if lane else _BESIDE_BOX)
            gaps[j][i] = max(gaps[j].get(i, gap), gap)
    return gaps


def _apart(wanted: list[float], weights: list[float], gaps: list[dict[int, float]]) -> list[float]:
    """Return places near those that are wanted, by least squares, that keep all distances.

    Columns come from left to right. One that stands too near to those before it makes a block with them,
    which goes where its members want to be in the mean, and may then stand too near to others.
    """
    block = list(range(len(wanted)))  # the block of each column
    offset = [0.0] * len(wanted)
    members: dict[int, list[int]] = {i: [i] for i in block}
    at: dict[int, float] = {}
    for j, x in enumerate(wanted):
        at[j] = x
        mine = j
        while True:
            worst, pair = 1e-6, None
            for k in members[mine]:
                for i, gap in gaps[k].items():
                    lack = at[block[i]] + offset[i] + gap - at[mine] - offset[k]
                    if block[i] != mine and lack > worst:
                        worst, pair = lack, (i, k)
            if pair is None:
                break
            i, k = pair
            other, shift = block[i], offset[i] + gaps[k][i] - offset[k]
            for each in members.pop(mine):
                block[each] = other
                offset[each] += shift
                members[other].append(each)
            weight = sum(weights[each] for each in members[other])
            at[other] = sum(weights[e] * (wanted[e] - offset[e]) for e in members[other]) / weight
            mine = other
    return [at[block[i]] + offset[i] for i in range(len(wanted))]


def _enter_boxes(links: list[Link]) -> None:
    """Let the values that a box takes come in side by side, and those that it makes leave so."""
    into: dict[Item, list[Link]] = defaultdict(list)
    out: dict[Item, dict[Net, None]] = defaultdict(dict)
    for link in links:
        if link.lower is not None and isinstance(link.lower.member, Box):
            into[link.lower].append(link)
        if link.upper is not None and isinstance(link.upper.member, Box):
            out[link.upper][link.net] = None
    for box, nets in out.items():
        step = _step(box, len(nets))
        box.exits = {net: (i - (len(nets) - 1) / 2) * step for i, net in enumerate(nets)}
    for box, found in into.items():
        found.sort(key=lambda link: box.x if link.upper is None else link.above())
        aside = [0.0 if link.upper is None else link.above() - box.x for link in found]
        middle = next((i for i, each in enumerate(aside) if abs(each) < 1), (len(found) - 1) / 2)
        step = _step(box, len(found))
        for i, link in enumerate(found):
            near = len(found) == 1 and abs(aside[i]) <= min(_SMALL_STEP, box.left)
            box.entries[link.net] = aside[i] if near else (i - middle) * step


def _step(box: Item, count: int) -> float:
    return min(_PORTS, (box.left + box.right - 16) / (count + 1))


def _outside(level: Level) -> Item:
    """Return the level as an item of the level around it, and count its places from where values enter."""
    outside = Item(level.frame, level.first, level.last)
    ends: dict[Net, list[Link]] = defaultdict(list)
    for link in level.links:
        if link.upper is None:
            ends[link.net].append(link)
        if link.lower is None:
            outside.exits[link.net] = link.above()
            if link.upper is not None and not link.upper.passes:
                outside.direct.add(link.net)
    for net, links in ends.items():
        heavy = [link for link in links if link.lower is not None and not link.lower.passes]
        outside.direct.update([net] if heavy else [])
        heavy = heavy or links
        outside.entries[net] = sum(link.below() for link in heavy) / len(heavy)
    _keep_apart(outside.entries)
    _keep_apart(outside.exits)
    direct = [x for net, x in outside.entries.items() if net in outside.direct]
    mains = [
        *direct,
        *outside.entries.values(),
        *outside.exits.values(),
        *(item.x for item in level.items),
        0.0,
    ]
    axis = mains[0]
    for item in level.items:
        item.x -= axis
    outside.entries = {net: x - axis for net, x in outside.entries.items()}
    outside.exits = {net: x - axis for net, x in outside.exits.items()}
    for link in level.links:
        link.border = (outside.entries if link.upper is None else outside.exits).get(link.net, 0)
    outside.left = max((item.left - item.x for item in level.items), default=0) + FRAME_PADDING
    outside.right = max((item.right + item.x for item in level.items), default=0) + FRAME_PADDING
    # The title stands left of the first line that enters.
    nearest = min(outside.entries.values(), default=0.0)
    outside.left = max(outside.left, frame_title_width(level.frame) - nearest + 18)
    return outside


def _keep_apart(ports: dict[Net, float]) -> None:
    """Let no two lines cross a border at one place."""
    last = None
    for net, x in sorted(ports.items(), key=lambda each: each[1]):
        if last is not None and x < last + _PORTS / 2:
            ports[net] = x = last + _PORTS / 2
        last = x
