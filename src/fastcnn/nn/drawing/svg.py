"""Pictures of networks as SVG: text that can be selected, no script, nothing from elsewhere.

Colours are such that the picture can stand on a light and on a dark page.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from .gaps import Heights, end_of, start_of, walk
from .levels import Item, Level, Link, levels
from .picture import Box, Frame, Picture, printable
from .places import place, spread
from .texts import LINE, ROUND, SMALL, TITLE, frame_title, lines_of, size_of, text_width

_MARGIN = 10
_ROUNDING = 6
_ARROW = 4, 6  # half its width, and its length
# Fill and border of each kind of box.
COLOURS = {
    "conv": ("#cfe1f6", "#4a80b8"),
    "linear": ("#fbe7b0", "#b18a2c"),
    "norm": ("#e6def4", "#8467b3"),
    "activation": ("#fcdcc8", "#cb7440"),
    "pool": ("#d3edd7", "#4c975c"),
    "join": ("#f8d2da", "#bf566c"),
    "shape": ("#e3e6eb", "#7d8591"),
    "arithmetic": ("#d2ecee", "#3f8d94"),
    "own": ("#f1ede4", "#8a7f66"),
    "end": ("#f3f4f6", "#7d8591"),
}
_STYLE = f"""
text {{ font: {SMALL}px Helvetica, Arial, "Liberation Sans", sans-serif; fill: #4b5261; white-space: pre; }}
.b {{ font-size: {TITLE}px; font-weight: bold; fill: #1c2230; }}
.r {{ text-anchor: end; }}
.f {{ fill: #737a86; }}
.n {{ font-weight: bold; }}
.frame {{ fill: #8792a6; fill-opacity: .09; stroke: #98a1af; }}
.line {{ fill: none; stroke: #7b8390; stroke-width: 1.4; }}
.tip {{ fill: #7b8390; }}
""" + "".join(f".{kind} {{ fill: {fill}; stroke: {line}; }}\n" for kind, (fill, line) in COLOURS.items())


def to_svg(picture: Picture) -> str:
    """Return a picture as the text of an SVG file."""
    root = levels(picture)
    outside = place(root)
    spread(root, outside.left)
    heights = Heights(root)
    width = outside.left + outside.right
    parts = [*_frames(root, heights), *_lines(root, heights), *_boxes(root, heights)]
    size = [_number(each + 2 * _MARGIN) for each in (width, heights.height)]
    corner = _number(-_MARGIN)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
            f'viewBox="{corner} {corner} {size[0]} {size[1]}">',
            f"<title>{text(picture.title)}</title>",
            f"<style>{_STYLE}</style>",
            *parts,
            "</svg>",
            "",
        ]
    )


def text(words: str) -> str:
    """Return text as it stands in XML, which has no form for some characters."""
    return escape(printable(words))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


# Frames and boxes -------------------------------------------------------------------------------------


def _frames(level: Level, heights: Heights) -> Iterator[str]:
    for item, below in level.below.items():
        assert isinstance(item.member, Frame)
        left, top = item.x - item.left, heights.tops[below.first - 1, below.depth]
        bottom = heights.bottoms[below.last, below.depth]
        name, kind = frame_title(item.member)
        yield _rectangle("frame", left, top, item.left + item.right, bottom - top, 8)
        named = f'<tspan class="n">{text(name)}</tspan> ' if name else ""
        tip = f"<title>{text(item.member.path)}</title>" if item.member.path else ""
        place = f'x="{_number(left + 10)}" y="{_number(top + 15)}"'
        yield f'<text class="f" {place}>{tip}{named}{text(kind)}</text>'
        yield from _frames(below, heights)


def _boxes(root: Level, heights: Heights) -> Iterator[str]:
    for level in walk(root):
        for item in level.items:
            if isinstance(item.member, Box):
                yield _box(item, item.member, heights)


def _box(item: Item, box: Box, heights: Heights) -> str:
    top, height = upright(item, heights)
    left, width = item.x - item.left, item.left + item.right
    rounding = height / 2 if box.kind in ROUND else 5
    parts = [_rectangle(box.kind, left, top, width, height, rounding)]
    lines = lines_of(box)
    for i, line in enumerate(lines):
        y = _number(top + 5 + LINE * i + 11)
        start = left + 10
        if line.bold:
            parts.append(f'<text class="b" x="{_number(start)}" y="{y}">{text(line.bold)}</text>')
            start += text_width(f"{line.bold} ", TITLE, True)
        if line.left:
            parts.append(f'<text x="{_number(start)}" y="{y}">{text(line.left)}</text>')
        if line.right:
            right = _number(left + width - 10)
            parts.append(f'<text class="r" x="{right}" y="{y}">{text(line.right)}</text>')
    whole = " ".join(each for each in (box.path, box.type, box.settings, box.shape, box.parameters) if each)
    return f"<g><title>{text(whole)}</title>{''.join(parts)}</g>"


def upright(item: Item, heights: Heights) -> tuple[float, float]:
    """Return the top and the height of a box, in the middle of its row."""
    assert isinstance(item.member, Box)
    top, bottom = heights.rows[item.first]
    height = size_of(item.member)[1]
    return (top + bottom - height) / 2, height


def _rectangle(kind: str, left: float, top: float, width: float, height: float, rounding: float) -> str:
    numbers = zip(
        ("x", "y", "width", "height", "rx"), map(_number, (left, top, width, height, rounding)), strict=True
    )
    return f'<rect class="{kind}" ' + " ".join(f'{name}="{value}"' for name, value in numbers) + "/>"


# Lines ------------------------------------------------------------------------------------------------


def _lines(root: Level, heights: Heights) -> list[str]:
    """Return all lines as one path, and all arrows as another."""
    lines, tips = [], []
    for level in walk(root):
        for item in level.items:
            if item.member is None:
                top, bottom = heights.rows[item.first][0], heights.rows[item.last][1]
                lines.append(f"M{_number(item.x)} {_number(top)}V{_number(bottom)}")
        for link in level.links:
            start, end = ends_of(link, level, heights)
            arrives = link.lower is not None and isinstance(link.lower.member, Box)
            x = end_of(link)
            lines.append(_line(start_of(link), start, x, end - (_ARROW[1] if arrives else 0), heights, link))
            if arrives:
                half, length = _ARROW
                corner = f"{_number(x)} {_number(end)}"
                tips.append(f"M{corner}l{-half} {-length}h{2 * half}z")
    if not lines:
        return []
    return [f'<path class="line" d="{"".join(lines)}"/>', f'<path class="tip" d="{"".join(tips)}"/>']


def ends_of(link: Link, level: Level, heights: Heights) -> tuple[float, float]:
    """Return the heights where a link begins and ends."""
    upper, lower = link.upper, link.lower
    if upper is None:
        start = heights.tops[level.first - 1, level.depth]
    elif isinstance(upper.member, Box):
        start = sum(upright(upper, heights))
    elif upper.member is None:
        start = heights.rows[link.gap][1]
    else:
        start = heights.bottoms[upper.last, level.depth + 1]
    if lower is None:
        end = heights.bottoms[level.last, level.depth]
    elif isinstance(lower.member, Box):
        end = upright(lower, heights)[0]
    elif lower.member is None:
        end = heights.rows[lower.first][0]
    else:
        end = heights.tops[lower.first - 1, level.depth + 1]
    return start, end


def _line(x: float, top: float, to: float, bottom: float, heights: Heights, link: Link) -> str:
    """Return a line down, along the link's track and down again, with round corners."""
    aside = to - x
    begin = f"M{_number(x)} {_number(top)}"
    if link not in heights.tracks or abs(aside) < 0.05:
        return f"{begin}V{_number(bottom)}"
    track = heights.tracks[link]
    r = min(_ROUNDING, abs(aside) / 2, track - top, bottom - track)
    turn = r if aside > 0 else -r
    return (
        f"{begin}V{_number(track - r)}Q{_number(x)} {_number(track)} {_number(x + turn)} {_number(track)}"
        f"H{_number(to - turn)}Q{_number(to)} {_number(track)} {_number(to)} {_number(track + r)}"
        f"V{_number(bottom)}"
    )
