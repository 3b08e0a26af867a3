"""What stands in boxes and over frames, line by line, and how much room it takes."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from ..._html import shortened
from .picture import Box, Frame, printable

# Kinds of boxes with round ends and one line.
ROUND = ("join", "end")
TITLE, SMALL = 12, 11  # pixels
LINE = 15
_PADDING = 10
_BETWEEN = 12
_NARROWEST = 76
_LONGEST_NAME, _LONGEST_SETTINGS = 26, 36

# Characters by their width in Helvetica and Arial, in thousandths of the size.
_CHARACTERS = {
    191: "'",
    222: "ijl",
    260: "|",
    278: " !,./:;I[\\]ft",
    333: "()-`r",
    334: "{}",
    355: '"',
    389: "*",
    469: "^",
    500: "Jcksvxyz",
    556: "#$0123456789?L_abdeghnopqu",
    584: "+<=>~",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "\u2026\u2192\ufffd",
    1015: "@",
}
_WIDTHS = {each: width for width, characters in _CHARACTERS.items() for each in characters}
_BOLD = 1.07
# Other fonts that may stand in their place are wider.
_ROOM = 1.06


class Line(NamedTuple):
    """A line of a box: a bold word and what follows it, from the left, and a name or number on the right."""

    bold: str
    left: str
    right: str


def lines_of(box: Box) -> list[Line]:
    """Return the lines that stand in a box."""
    kind = shortened(printable(box.type), _LONGEST_NAME)
    name = shortened(printable(box.name), _LONGEST_NAME)
    settings = shortened(printable(box.settings), _LONGEST_SETTINGS)
    shape = shortened(printable(box.shape), _LONGEST_SETTINGS)
    if box.kind == "join":
        return [Line(kind, " ".join(part for part in (name, settings) if part), shape)]
    if not box.parameters and not settings:
        return [Line(kind, name, shape)]
    if not box.parameters:
        return [Line(kind, "", name), Line("", settings, shape)]
    second = [Line("", settings, "")] if settings else []
    return [Line(kind, "", name), *second, Line("", shape, box.parameters)]


def frame_title(frame: Frame) -> tuple[str, str]:
    """Return the name and the class that stand over a frame."""
    return shortened(printable(frame.name), _LONGEST_NAME), shortened(printable(frame.type), _LONGEST_NAME)


def frame_title_width(frame: Frame) -> float:
    """Return the pixels that a frame's title takes."""
    name, kind = frame_title(frame)
    return text_width(name, SMALL, True) + text_width(f" {kind}", SMALL)


def size_of(box: Box) -> tuple[float, float]:
    """Return the width and the height of a box."""
    lines = lines_of(box)
    widths = [
        sum(text_width(part, size, bold) for part, size, bold in _parts(line)) + _BETWEEN * _breaks(line)
        for line in lines
    ]
    return max(_NARROWEST, 2 * _PADDING + max(widths)), LINE * len(lines) + 10


def _parts(line: Line) -> list[tuple[str, int, bool]]:
    return [(line.bold, TITLE, True), (f" {line.left}", SMALL, False), (line.right, SMALL, False)]


def _breaks(line: Line) -> int:
    return bool((line.bold or line.left) and line.right)


def text_width(text: str, size: float, bold: bool = False) -> float:
    """Return about how many pixels a text takes."""
    thousandths = sum(_width(character) for character in text)
    return thousandths * size / 1000 * (_BOLD if bold else 1) * _ROOM


def _width(character: str) -> int:
    if character in _WIDTHS:
        return _WIDTHS[character]
    if unicodedata.combining(character):
        return 0
    return 1000 if unicodedata.east_asian_width(character) in "WF" else 600
