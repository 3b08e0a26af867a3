"""The table of a summary as text, Markdown, HTML and JSON."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .. import _html
from .._samples import Sizes, each_of
from ..errors import ArgumentError
from .summary_figures import Figures, LayerRow

FORMATS = ("text", "markdown", "json")
_MOST_CHARACTERS = 120
_LONGEST_NAME = 32
_MOST_ROWS = 500
_MEBI = 1024**2


class _Column(NamedTuple):
    head: str
    right: bool
    cell: Callable[[LayerRow], str]


def _shape(sizes: Sizes) -> str:
    return ", ".join("x".join(map(str, each)) for each in each_of(sizes))


def _extent(sizes: tuple[int, int] | None) -> str:
    """Return one number for a square, rows x columns for any other extent."""
    if sizes is None:
        return "-"
    return str(sizes[0]) if sizes[0] == sizes[1] else _shape(sizes)


def _trainable(row: LayerRow) -> str:
    if not row.parameters:
        return "-"
    return {row.parameters: "yes", 0: "no"}.get(row.trainable, "partly")


def _name(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"...{name[3 - _LONGEST_NAME :]}"


COLUMNS = {
    "layer": _Column("Layer", False, lambda row: f"{row.type}-{row.index}"),
    "name": _Column("Name", False, lambda row: _name(row.name)),
    "type": _Column("Type", False, lambda row: row.type),
    "input": _Column("Input", False, lambda row: _shape(row.input_shape)),
    "output": _Column("Output", False, lambda row: _shape(row.output_shape)),
    "parameters": _Column("Parameters", True, lambda row: f"{row.parameters:,}"),
    "trainable": _Column("Trainable", False, _trainable),
    "macs": _Column("MACs", True, lambda row: f"{row.macs:,}"),
    "receptive_field": _Column("Field", True, lambda row: _extent(row.receptive_field)),
    "jump_in": _Column("Jump in", True, lambda row: _extent(row.jump_in)),
    "jump_out": _Column("Jump out", True, lambda row: _extent(row.jump_out)),
}
_DEFAULT = [name for name in COLUMNS if name != "type"]
# Left out, the first first, where a table of the default columns is too wide.
_LEFT_OUT = ("input", "jump_in", "jump_out", "name")


def render(summary: Figures, format: str, columns: Sequence[str] | None) -> str:
    """Return the table; see `Summary.show`."""
    if format not in FORMATS:
        raise ArgumentError(f"summary: format must be one of {', '.join(FORMATS)}, got {format!r}")
    if format == "json":
        return json.dumps(as_dict(summary), indent=1)
    head, rows, right = table(summary, columns)
    title = _title(summary)
    if format == "markdown":
        rules = ["---:" if each else "---" for each in right]
        cells = [[cell.replace("|", "\\|") for cell in row] for row in [head, rules, *rows]]
        body = [f"| {' | '.join(row)} |" for row in cells]
        return "\n".join([f"**{title}**", "", *body, "", *(f"- {line}" for line in _totals(summary))])
    lines = aligned([head, *rows], right)
    rule = "-" * max(map(len, lines))
    totals = [
        textwrap.fill(line, _MOST_CHARACTERS, subsequent_indent="    ", break_on_hyphens=False)
        for line in _totals(summary)
    ]
    return "\n".join([title, rule, lines[0], rule, *lines[1:], rule, *totals])


def as_html(summary: Figures, columns: Sequence[str] | None = None) -> str:
    """Return the table as notebooks show it; of very many layers the first and the last."""
    head, rows, right = table(summary, columns)
    shown = [["\u2026"] * len(head) if row is None else rows[row] for row in _html.few(len(rows), _MOST_ROWS)]
    totals = [_html.paragraph(line) for line in _totals(summary)]
    return _html.output(_html.paragraph(_title(summary), ""), _html.table(head, shown, right), *totals)


def _title(summary: Figures) -> str:
    return f"{summary.model}, input {_shape(summary.input_shape)}"


def table(
    summary: Figures, columns: Sequence[str] | None = None
) -> tuple[list[str], list[list[str]], list[bool]]:
    """Return the heads, the cells of each row, and which columns stand on the right.

    Raises
    ------
    ArgumentError
        If there is no such column.
    """
    if columns is not None:
        unknown = [str(name) for name in columns if name not in COLUMNS]
        if isinstance(columns, str) or unknown or not columns:
            got = repr(columns) if isinstance(columns, str) or not columns else ", ".join(unknown)
            raise ArgumentError(f"summary: columns must be among {', '.join(COLUMNS)}; got {got}")
    names = list(_DEFAULT if columns is None else columns)
    for name in ("", *_LEFT_OUT):
        names = [each for each in names if each != name or columns is not None]
        chosen = [COLUMNS[each] for each in names]
        head = [column.head for column in chosen]
        rows = [[column.cell(row) for column in chosen] for row in summary.layers]
        right = [column.right for column in chosen]
        if columns is not None or max(map(len, aligned([head, *rows], right))) <= _MOST_CHARACTERS:
            break
    return head, rows, right


def aligned(rows: list[list[str]], right: list[bool]) -> list[str]:
    """Return the lines of a table whose columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if to_the_right else cell.ljust(width)
            for cell, width, to_the_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]


def _totals(summary: Figures) -> list[str]:
    frozen = summary.parameters - summary.trainable
    sizes = [
        f"{name} {size / _MEBI:.2f}"
        for name, size in (
            ("input", summary.input_bytes),
            ("forward/backward", summary.forward_backward_bytes),
            ("parameters", summary.parameter_bytes),
            ("total", summary.total_bytes),
        )
    ]
    lines = [
        f"Parameters: {summary.parameters:,} ({summary.trainable:,} trainable, {frozen:,} non-trainable)",
        f"Multiply-accumulates per sample: {summary.macs:,}",
        f"Memory per sample (MB): {', '.join(sizes)}",
    ]
    if any(row.receptive_field for row in summary.layers):
        lines.append("Field: pixels (rows x columns) that an output sees; jump: pixels between neighbours")
    if summary.optimizer is not None:
        kind, groups = summary.optimizer["type"], summary.optimizer["groups"]
        if len(groups) == 1:
            settings = {key: value for key, value in groups[0].items() if key != "parameters"}
            lines.append(f"Optimizer: {kind}{_pairs(settings)}")
        else:
            lines.append(f"Optimizer: {kind} with {len(groups)} groups")
            lines += [f"  group {i}{_pairs(group)}" for i, group in enumerate(groups)]
    if summary.loss is not None:
        settings = {key: value for key, value in summary.loss.items() if key != "type"}
        lines.append(f"Loss: {summary.loss['type']}{_pairs(settings)}")
    return lines


def _pairs(settings: dict[str, Any]) -> str:
    return "".join(f", {key}={value}" for key, value in settings.items())


def as_dict(summary: Figures) -> dict[str, Any]:
    """Return everything that is known, as JSON takes it."""
    plain = dataclasses.asdict(summary)
    plain.pop("output_values")
    sizes = ("input_bytes", "forward_backward_bytes", "parameter_bytes", "total_bytes")
    return {
        **plain,
        "macs": summary.macs,
        **{name: getattr(summary, name) for name in sizes},
    }
