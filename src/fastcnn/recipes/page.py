"""Elements of a self-contained HTML page: no scripts, nothing from the network, all text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from .._html import image

_STYLE = """
:root { color-scheme: light; --ink: #1f2430; --soft: #5d6473; --line: #e3e6ec; --blue: #2f6db3; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f5f8; color: var(--ink); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 36px 20px 48px; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 14px; }
p { margin: 0 0 12px; }
.lead { color: var(--soft); margin: 6px 0 22px; }
.note { color: var(--soft); font-size: .9rem; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 12px; margin-bottom: 18px; }
@media (max-width: 760px) { .tiles { grid-template-columns: repeat(2, 1fr); } }
.tile, section { background: #fff; border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 14px 16px; }
.tile b { display: block; font-size: 1.45rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile span { display: block; color: var(--soft); font-size: .82rem; }
.tile:first-child b { color: var(--blue); }
section { padding: 20px 22px; margin-top: 18px; }
figure { margin: 0 0 14px; }
figure:last-child { margin-bottom: 0; }
figcaption { color: var(--soft); font-size: .88rem; margin-bottom: 6px; }
img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 2px solid var(--line); }
td { border-bottom: 1px solid var(--line); }
th, td { padding: 5px 10px; white-space: nowrap; }
td.wrap { white-space: normal; overflow-wrap: anywhere; }
.number { text-align: right; }
tr.best td { background: #eaf2fb; font-weight: 600; }
tr:last-child td { border-bottom: 0; }
pre { margin: 0; padding: 14px 16px; overflow-x: auto; background: #f7f8fa; border: 1px solid var(--line);
  border-radius: 8px; font: .84rem/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
summary { cursor: pointer; color: var(--blue); font-size: .92rem; margin-bottom: 8px; }
footer { color: var(--soft); font-size: .85rem; margin-top: 22px; text-align: center; }
@media print { body { background: #fff; } section, .tile { break-inside: avoid; } }
"""


def page(title: str, lead: str, parts: Iterable[str], foot: str) -> str:
    """Return a whole page; `parts` are HTML, the rest is text."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            # Nothing is fetched, whatever stands in the page.
            '<meta http-equiv="Content-Security-Policy" '
            "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">",
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style></head>",
            f'<body><main><h1>{escape(title)}</h1><p class="lead">{escape(lead)}</p>',
            *parts,
            f"<footer>{escape(foot)}</footer></main></body></html>",
            "",
        ]
    )


def section(title: str, *parts: str) -> str:
    """Return a section with parts of HTML, those that are empty left out; nothing if all are."""
    body = [part for part in parts if part]
    return "\n".join([f"<section><h2>{escape(title)}</h2>", *body, "</section>"]) if body else ""


def tiles(figures: Iterable[tuple[str, str]]) -> str:
    """Return a row of figures, each with what it is."""
    inner = "".join(
        f'<div class="tile"><b>{escape(figure)}</b><span>{escape(what)}</span></div>'
        for figure, what in figures
    )
    return f'<div class="tiles">{inner}</div>'


def preformatted(text: str) -> str:
    """Return text with its own lines and spaces."""
    return f"<pre>{escape(text)}</pre>"


def folded(title: str, body: str) -> str:
    """Return HTML that is shown on a click."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def picture(png: bytes, caption: str, alt: str, width: int) -> str:
    """Return a figure with the PNG in it, at most `width` pixels wide."""
    return f"<figure><figcaption>{escape(caption)}</figcaption>{image(png, alt, width)}</figure>"


def facts(values: Mapping[str, str]) -> str:
    """Return a table of names and values."""
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="wrap">{escape(value)}</td></tr>'
        for name, value in values.items()
    )
    return f"<table><tbody>{rows}</tbody></table>"
