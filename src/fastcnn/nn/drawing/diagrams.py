"""Pictures of networks as text of other programs, which lay them out: Graphviz and Mermaid."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .picture import Box, Frame, Picture, printable
from .svg import COLOURS
from .texts import frame_title, lines_of


def to_dot(picture: Picture) -> str:
    """Return a picture as a graph of Graphviz."""
    numbers = _numbers(picture)

    def box(each: Box) -> str:
        fill, line = COLOURS[each.kind]
        label = _quoted("\n".join(_label(each)))
        return f'{numbers[each]} [label={label}, fillcolor="{fill}", color="{line}"];'

    def frame(each: Frame, number: int) -> tuple[str, str]:
        return f"subgraph cluster_{number} {{ label={_quoted(' '.join(_title(each)))};", "}"

    return "\n".join(
        [
            f"digraph {_quoted(printable(picture.title))} {{",
            '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11];',
            '  graph [style=rounded, color="#98a1af", fontname="Helvetica", fontsize=11];',
            '  edge [color="#7b8390"];',
            *_nested(picture.root, box, frame),
            *(f"  {numbers[a]} -> {numbers[b]};" for a, b in _edges(picture)),
            "}",
            "",
        ]
    )


def to_mermaid(picture: Picture) -> str:
    """Return a picture as a flowchart of Mermaid, which Markdown on many sites shows."""
    numbers = _numbers(picture)

    def box(each: Box) -> str:
        return f'{numbers[each]}["{"<br/>".join(map(_entities, _label(each)))}"]:::{_class(each.kind)}'

    def frame(each: Frame, number: int) -> tuple[str, str]:
        return f'subgraph f{number}["{_entities(" ".join(_title(each)))}"]', "end"

    kinds = dict.fromkeys(each.kind for each in numbers)
    return "\n".join(
        [
            "flowchart TD",
            *_nested(picture.root, box, frame),
            *(f"  {numbers[a]} --> {numbers[b]}" for a, b in _edges(picture)),
            *(
                f"  classDef {_class(kind)} fill:{COLOURS[kind][0]},stroke:{COLOURS[kind][1]},color:#1c2230"
                for kind in kinds
            ),
            "",
        ]
    )


def _class(kind: str) -> str:
    return f"k{kind}"  # "end" is a word of Mermaid's own


def _numbers(picture: Picture) -> dict[Box, str]:
    return {box: f"n{i}" for i, box in enumerate(picture.root.boxes())}


def _edges(picture: Picture) -> Iterator[tuple[Box, Box]]:
    return ((net.source, target) for net in picture.nets for target in net.targets)


def _label(box: Box) -> list[str]:
    return [" ".join(part for part in line if part) for line in lines_of(box)]


def _title(frame: Frame) -> list[str]:
    return [part for part in frame_title(frame) if part]


def _nested(
    root: Frame, box: Callable[[Box], str], frame: Callable[[Frame, int], tuple[str, str]]
) -> Iterator[str]:
    """Yield the lines of all boxes, within those that open and close frames."""
    count = 0

    def visit(around: Frame, indent: str) -> Iterator[str]:
        nonlocal count
        for member in around.members:
            if isinstance(member, Box):
                yield indent + box(member)
                continue
            begin, end = frame(member, count)
            count += 1
            yield indent + begin
            yield from visit(member, f"{indent}  ")
            yield indent + end

    return visit(root, "  ")


def _quoted(text: str) -> str:
    """Return a string of Graphviz, in which a backslash is one."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _entities(text: str) -> str:
    """Return text that is nothing but text to Mermaid: all other characters by their numbers."""
    plain = " .,:=-_/"
    return "".join(
        each if (each.isascii() and each.isalnum()) or each in plain else f"#{ord(each)};" for each in text
    )
