"""Tables and pictures as HTML, for pages and for the output of notebooks: all text is escaped.

What notebooks show needs no script and nothing from elsewhere, brings its own style, and takes the colours of
the page around it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from html import escape

# Colours are parts of those around them: pages are light or dark.
_STYLE = """
.fastcnn { overflow-x: auto; }
.fastcnn p { margin: 0 0 6px; }
.fastcnn .note { opacity: .75; }
.fastcnn table { border-collapse: collapse; width: auto; margin: 0 0 6px;
  font-variant-numeric: tabular-nums; }
.fastcnn th, .fastcnn td { padding: 2px 8px; text-align: left; white-space: nowrap;
  border-bottom: 1px solid rgba(128, 128, 128, .35); }
.fastcnn .number { text-align: right; }
.fastcnn tr.best td { font-weight: 600; background: rgba(47, 109, 179, .2); }
.fastcnn .side { display: flex; flex-wrap: wrap; gap: 10px; align-items: flex-end; margin: 0 0 6px; }
.fastcnn figure { margin: 0; }
.fastcnn figcaption { font-size: 85%; text-align: center; max-width: 200px; overflow-wrap: anywhere; }
.fastcnn img { display: block; margin: 0 auto; max-width: none; image-rendering: pixelated; }
"""


def output(*parts: str) -> str:
    """Return parts of HTML as a notebook shows them, those that are empty left out."""
    return f'<div class="fastcnn"><style>{_STYLE}</style>{"".join(parts)}</div>'


def paragraph(text: str, kind: str = "note") -> str:
    """Return a paragraph of text; one of the kind "" is no note."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def side_by_side(parts: Iterable[str]) -> str:
    """Return parts of HTML in rows, as many in each as there is room for."""
    return f'<div class="side">{"".join(parts)}</div>'


def image(png: bytes, alt: str, width: int) -> str:
    """Return the picture of a PNG that is part of the page."""
    data = base64.b64encode(png).decode("ascii")
    return f'<img alt="{escape(alt)}" width="{width}" src="data:image/png;base64,{data}">'


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Sequence[bool] | None = None,
    best: int | None = None,
    shade: Callable[[int, int], str] = lambda row, column: "",
) -> str:
    """Return a table.

    Parameters
    ----------
    head : sequence of str
    rows : iterable of sequence of str
    numbers : sequence of bool, optional
        Which columns are numbers and stand to the right. Default: all but the first.
    best : int, optional
        Index of a row that stands out.
    shade : function of (row, column)
        Returns the colour of a cell's background as CSS has it, or "".
    """
    right = [i > 0 for i in range(len(head))] if numbers is None else numbers
    kinds = [' class="number"' if each else "" for each in right]
    top = "".join(f"<th{kind}>{escape(cell)}</th>" for kind, cell in zip(kinds, head, strict=True))
    lines = []
    for index, row in enumerate(rows):
        colours = [shade(index, column) for column in range(len(head))]
        styles = [f' style="background: {colour}"' if colour else "" for colour in colours]
        cells = "".join(
            f"<td{kind}{style}>{escape(cell)}</td>"
            for kind, style, cell in zip(kinds, styles, row, strict=True)
        )
        lines.append(f"<tr{' class=best' if index == best else ''}>{cells}</tr>")
    body = "\n".join(lines)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def few(count: int, most: int, always: Iterable[int] = ()) -> list[int | None]:
    """Return which of so many rows a table of about `most` has: the first and last ones; None is a gap.

    Parameters
    ----------
    count, most : int
    always : iterable of int
        Rows that are not left out.
    """
    if count <= most:
        return list(range(count))
    kept = sorted({*range(most // 2), *range(count - (most - most // 2), count), *always})
    rows: list[int | None] = []
    for before, row in zip([-1, *kept], kept, strict=False):
        rows += [row] if row == before + 1 else [None, row]
    return rows


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many characters, with dots in the place of its middle."""
    if len(text) <= most:
        return text
    front = (most - 1) // 2
    return f"{text[:front]}\u2026{text[front + 1 - most :]}"
