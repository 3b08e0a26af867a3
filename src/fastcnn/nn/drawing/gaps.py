"""The gaps between rows: the tracks of lines that go aside, the borders of frames, and so every height.

From the top, a gap has the tracks of each level that do not come from its upper border, the deepest level
first, below each the lower border of the frames of that depth that end here; then the upper borders of frames
that begin here, the outermost first, below each the tracks of what enters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from .levels import Item, Level, Link
from .picture import Box
from .texts import size_of

_TRACK = 10
_FOOT, _HEAD = 8, 14  # free below the boxes of a row, and above those of the next, where the arrows are
_BELOW_BORDER, _ABOVE_BORDER = 8, 6
_TITLE = 20
_STRAIGHT = 0.5  # pixels
# Two vertical lines over each other would be taken for one.
_ONE_OVER_THE_OTHER = 100

# (depth of the level, whether the lines come from its upper border)
Zone = tuple[int, bool]


class Heights:
    """Where rows, borders and tracks stand.

    Attributes
    ----------
    rows : list of (top, bottom)
    tops, bottoms : dict
        Borders of the frames that begin below a gap, or end above it, by (gap, depth).
    tracks : dict
        Of each link that goes aside.
    height : float
        Of everything.
    """

    def __init__(self, root: Level) -> None:
        self.rows: list[tuple[float, float]] = []
        self.tops: dict[tuple[int, int], float] = {}
        self.bottoms: dict[tuple[int, int], float] = {}
        self.tracks: dict[Link, float] = {}
        self._begin: set[tuple[int, int]] = set()
        self._end: set[tuple[int, int]] = set()
        self._zones: dict[tuple[int, Zone], list[_Trunk]] = defaultdict(list)
        self._deepest = 0
        boxes = [0.0] * (root.last + 1)
        for level in walk(root):
            self._note(level, boxes)
        self.height = 0.0
        for row in range(-1, root.last + 1):
            if row >= 0:
                self.rows.append((self.height, self.height + boxes[row]))
                self.height += boxes[row]
            self._lay_gap(row, -1 < row < root.last)

    def _note(self, level: Level, boxes: list[float]) -> None:
        self._deepest = max(self._deepest, level.depth)
        if level.depth:
            self._begin.add((level.first - 1, level.depth))
            self._end.add((level.last, level.depth))
        for item in level.items:
            if isinstance(item.member, Box):
                boxes[item.first] = max(boxes[item.first], size_of(item.member)[1])
        trunks: dict[tuple[object, int, Item | None], _Trunk] = {}
        for link in level.links:
            key = link.net, link.gap, link.upper
            if key not in trunks:
                trunks[key] = _Trunk()
                enters = link.upper is None and link.gap == level.first - 1
                self._zones[link.gap, (level.depth, enters)].append(trunks[key])
            trunks[key].links.append(link)

    def _lay_gap(self, gap: int, between: bool) -> None:
        self.height += _FOOT if between else 0
        for depth in range(self._deepest, -1, -1):
            self._lay_tracks(gap, (depth, False))
            if (gap, depth) in self._end:
                self.height += _BELOW_BORDER
                self.bottoms[gap, depth] = self.height
                self.height += _BELOW_BORDER
        for depth in range(self._deepest + 1):
            if (gap, depth) in self._begin:
                self.height += _ABOVE_BORDER
                self.tops[gap, depth] = self.height
                self.height += _TITLE
            self._lay_tracks(gap, (depth, True))
        self.height += _HEAD if between else 0

    def _lay_tracks(self, gap: int, zone: Zone) -> None:
        trunks = [trunk for trunk in self._zones[gap, zone] if trunk.goes_aside()]
        if not trunks:
            return
        number: dict[_Trunk, int] = {}
        for trunk in _in_order(trunks):
            number[trunk] = 1 + max((n for other, n in number.items() if trunk.meets(other)), default=-1)
        for trunk, n in number.items():
            for link in trunk.links:
                self.tracks[link] = self.height + (n + 0.5) * _TRACK
        self.height += _TRACK * (1 + max(number.values()))


def walk(level: Level) -> Iterator[Level]:
    """Yield a level and all below it."""
    yield level
    for below in level.below.values():
        yield from walk(below)


class _Trunk:
    """The links of a value that leave from one place in one gap, and share a track."""

    def __init__(self) -> None:
        self.links: list[Link] = []

    def up(self) -> float:
        """Return where it comes from."""
        return start_of(self.links[0])

    def downs(self) -> list[float]:
        """Return where it goes."""
        return [end_of(link) for link in self.links]

    def span(self) -> tuple[float, float]:
        """Return how far it reaches to both sides."""
        ends = [self.up(), *self.downs()]
        return min(ends), max(ends)

    def goes_aside(self) -> bool:
        """Tell whether it needs a track."""
        return self.span()[1] - self.span()[0] > _STRAIGHT

    def meets(self, other: _Trunk) -> bool:
        """Tell whether two of them on one track would touch."""
        (left, right), (other_left, other_right) = self.span(), other.span()
        return left < other_right + _TRACK and other_left < right + _TRACK


def start_of(link: Link) -> float:
    """Return the x where a link begins; at an upper border that is in the mean of where the value goes."""
    return link.border if link.upper is None else link.above()


def end_of(link: Link) -> float:
    """Return the x where a link ends."""
    return link.border if link.lower is None else link.below()


def _in_order(trunks: list[_Trunk]) -> list[_Trunk]:
    """Return trunks from the top, so that they cross little."""
    order: list[_Trunk] = []
    for trunk in trunks:
        costs = [
            sum(_cost(other, trunk) for other in order[:place])
            + sum(_cost(trunk, other) for other in order[place:])
            for place in range(len(order) + 1)
        ]
        order.insert(costs.index(min(costs)), trunk)
    return order


def _cost(upper: _Trunk, lower: _Trunk) -> int:
    """Return how much two trunks cross, one above the other."""
    cost = 0
    left, right = lower.span()
    for x in upper.downs():
        cost += left < x < right
        cost += _ONE_OVER_THE_OTHER * (abs(x - lower.up()) < _TRACK / 2)
    left, right = upper.span()
    return cost + (left < lower.up() < right)
