"""The levels of a layout: each frame with what stands in it, in rows, and the links between.

All boxes of a picture stand in rows of one grid. A frame takes as many rows as the longest chain of boxes in
it, and what takes its values comes below it. Where a value is taken further down than in the next row, a lane
leads it past the rows between; a value that leaves or enters a frame crosses its border at the bottom or at
the top. So nothing but the gaps between two rows has lines that are not vertical, and no line meets a box.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from .picture import Box, Frame, Net, Picture

Member = Box | Frame


@dataclass(eq=False)
class Item:
    """What takes a place in some rows of a level: a box, a frame or a lane.

    Attributes
    ----------
    member : Box, Frame or None
        None for a lane.
    first, last : int
        Its rows.
    passes : bool
        Whether it is a lane past other boxes that take the same value, or come from the same frame.
    left, right : float
        How far it reaches from its axis, both >= 0.
    x : float
        Its axis: within the level at first, in the picture in the end.
    entries, exits : dict
        Where the values cross its upper and its lower border, from its axis.
    direct : set
        The values that go on from there to something else than a lane past boxes.
    """

    member: Member | None
    first: int
    last: int
    passes: bool = False
    left: float = 0
    right: float = 0
    x: float = 0
    entries: dict[Net, float] = field(default_factory=dict)
    exits: dict[Net, float] = field(default_factory=dict)
    direct: set[Net] = field(default_factory=set)


@dataclass(eq=False)
class Link:
    """The way of a value over one gap between rows, within one level.

    Attributes
    ----------
    gap : int
        The row above it.
    upper, lower : Item or None
        None is the border of the frame: the upper for a value that enters, the lower for one that leaves.
    border : float
        Where the value crosses the border, for one that does.
    """

    net: Net
    gap: int
    upper: Item | None
    lower: Item | None
    border: float = 0

    def above(self) -> float:
        """Return where it begins, from the axis of the frame; at an item."""
        assert self.upper is not None
        return self.upper.x + self.upper.exits.get(self.net, 0)

    def below(self) -> float:
        """Return where it ends."""
        assert self.lower is not None
        return self.lower.x + self.lower.entries.get(self.net, 0)


@dataclass(eq=False)
class Level:
    """A frame with its items and links; depth is the number of frames around it."""

    frame: Frame
    depth: int
    first: int
    last: int
    items: list[Item] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    below: dict[Item, Level] = field(default_factory=dict)


def levels(picture: Picture) -> Level:
    """Return the level of the whole picture, with all others below it."""
    chains = picture.chains()
    through: dict[Frame, list[Net]] = defaultdict(list)
    for net in picture.nets:
        for frame in dict.fromkeys(each for box in (net.source, *net.targets) for each in chains[box]):
            through[frame].append(net)
    return _Grid(chains, through).level(picture.root, 0, 0)


class _Grid:
    """Gives rows to the members of frames."""

    def __init__(self, chains: dict[Box, tuple[Frame, ...]], through: dict[Frame, list[Net]]) -> None:
        self._chains = chains
        self._through = through
        self._known: dict[Frame, tuple[dict[Member, int], int]] = {}

    def level(self, frame: Frame, depth: int, first: int) -> Level:
        """Return the level of a frame whose first row is given."""
        rows, count = self._rows(frame, depth)
        level = Level(frame, depth, first, first + count - 1)
        items: dict[Member, Item] = {}
        for member in frame.members:
            row = first + rows[member]
            items[member] = item = Item(member, row, row + self._span(member, depth) - 1)
            level.items.append(item)
            if isinstance(member, Frame):
                level.below[item] = self.level(member, depth + 1, row)
        for net in self._through[frame]:
            self._route(net, level, items)
        lowers: dict[Item | None, set[Item | None]] = defaultdict(set)
        for link in level.links:
            lowers[link.upper].add(link.lower)
        for link in level.links:
            if link.lower is not None and link.lower.member is None:
                link.lower.passes = link.upper is None or len(lowers[link.upper]) > 1
        return level

    def _member(self, box: Box, frame: Frame, depth: int) -> Member | None:
        """Return the member of a frame that a box is, or is in; None outside of it."""
        chain = self._chains[box]
        if len(chain) <= depth or chain[depth] is not frame:
            return None
        return chain[depth + 1] if len(chain) > depth + 1 else box

    def _span(self, member: Member, depth: int) -> int:
        return self._rows(member, depth + 1)[1] if isinstance(member, Frame) else 1

    def _rows(self, frame: Frame, depth: int) -> tuple[dict[Member, int], int]:
        """Return the row of each member from the top of the frame, and how many rows there are."""
        if frame in self._known:
            return self._known[frame]
        takers: dict[Member, list[Member]] = defaultdict(list)
        rows: dict[Member, int] = dict.fromkeys(frame.members, 0)
        fed = set()
        for net in self._through[frame]:
            source = self._member(net.source, frame, depth)
            for box in net.targets:
                target = self._member(box, frame, depth)
                fed.update([] if target is None else [target])
                if source is not None and target is not None and target is not source:
                    takers[source].append(target)
        # Members stand in the order of their calls: what one takes was made by those before it.
        for member in frame.members:
            below = rows[member] + self._span(member, depth)
            for taker in takers[member]:
                rows[taker] = max(rows[taker], below)
        for member in reversed(frame.members):
            if member not in fed and isinstance(member, Box) and takers[member]:
                rows[member] = min(rows[taker] for taker in takers[member]) - 1
        count = max((row + self._span(member, depth) for member, row in rows.items()), default=0)
        self._known[frame] = rows, count
        return self._known[frame]

    def _route(self, net: Net, level: Level, items: dict[Member, Item]) -> None:
        """Add the links of a value, and its lane if it has one."""
        start = self._member(net.source, level.frame, level.depth)
        found = dict.fromkeys(self._member(box, level.frame, level.depth) for box in net.targets)
        ends = [items[each] for each in found if each is not None and each is not start]
        leaves = start is not None and None in found
        if not ends and not leaves:
            return
        upper = None if start is None else items[start]
        gap = level.first - 1 if upper is None else upper.last
        rows = [item.first for item in ends] + ([level.last + 1] if leaves else [])
        lane = None
        if max(rows) > gap + 1:
            lane = Item(None, gap + 1, max(rows) - 1)
            level.items.append(lane)
            level.links.append(Link(net, gap, upper, lane))
        for item in ends:
            level.links.append(Link(net, item.first - 1, upper if item.first == gap + 1 else lane, item))
        if leaves:
            level.links.append(Link(net, level.last, upper if level.last == gap else lane, None))
