"""The results as Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import Any

from .rounds import Result

# Section -> (title, the peer that counts).
SECTIONS = {
    "training": ("Training step", "PyTorch"),
    "inference": ("Inference", "ONNX Runtime"),
    "latency": ("Latency at batch 1", "ONNX Runtime"),
}


def geometric_mean(values: Iterable[float]) -> float:
    """Return the n-th root of the product."""
    return math.exp(statistics.fmean(map(math.log, values)))


def spread(values: list[float]) -> str:
    """Return "median (smallest to largest)"."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def markdown(facts: dict[str, Any], results: list[Result], scaling: list[dict], memory: list[dict]) -> str:
    """Return the report.

    Parameters
    ----------
    facts : dict
        Of the run: "machine", "versions", "threads", "rounds", "disturbed".
    results : list of Result
    scaling, memory : list of dict
        What `extras` measured.
    """
    machine = facts["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    parts = [
        f"{machine['date']}, {machine['processor']}, {machine['cores']} cores; {facts['threads']} threads; "
        f"{versions}; Python {machine['Python']}."
    ]
    if results:
        peak = statistics.median(peak for result in results for peak in result.peaks)
        parts.append(
            f"Medians of {facts['rounds']} rounds in which all take turns; ratios are taken within a round, "
            f"and the smallest and the largest stand in brackets. FMA peak: {peak / 1e9:.0f} GFLOP/s, "
            f"measured in every round."
        )
    disturbed = [share for result in results for share in result.others if share > facts["disturbed"]]
    if disturbed:
        count = sum(len(result.others) for result in results)
        parts.append(
            f"The machine was not idle: in {len(disturbed)} of {count} rounds other programs had more than "
            f"{facts['disturbed']:.0%} of the cores' time in a turn, {max(disturbed):.0%} at the most."
        )
    for section, (title, _) in SECTIONS.items():
        own = [result for result in results if result.section == section]
        if own:
            parts += [f"### {title}", "\n".join(_table(section, own))]
            summary = _means(own)
            if summary:
                parts.append(summary)
    if scaling:
        parts += ["### Threads", "\n".join(_scaling(scaling))]
    if memory:
        parts += ["### Peak resident memory of training", "\n".join(_memory(memory))]
    return "\n\n".join(parts) + "\n"


def rows_to_table(head: list[str], rows: list[list[str]], left: int = 1) -> list[str]:
    """Return the lines of a Markdown table; all columns but the first `left` are flush right."""
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return ["| " + " | ".join(row) + " |" for row in [head, rule, *rows]]


def _table(section: str, results: list[Result]) -> list[str]:
    peers = [name for name in ("PyTorch", "ONNX Runtime") if any(name in r.seconds for r in results)]
    unit = "µs" if section == "latency" else "images/s"
    head = ["network", "batch", f"fastcnn, {unit}", *(f"{name}, {unit}" for name in peers)]
    head += [f"times {name}" for name in peers]
    if section != "latency":
        head += ["of FMA peak: fastcnn", *peers]
    rows = []
    for result in results:
        row = [result.network, str(result.batch), _figure(result, "fastcnn")]
        here = [name for name in peers if name in result.seconds]
        row += [_figure(result, name) if name in here else "" for name in peers]
        row += [spread(result.ratios(name)) if name in here else "" for name in peers]
        if section != "latency":
            shares = ["fastcnn", *peers]
            row += [f"{result.peak_share(name):.0%}" if name in result.seconds else "" for name in shares]
        rows.append(row)
    return rows_to_table(head, rows)


def _figure(result: Result, contender: str) -> str:
    """Return a rate, or for batch 1 a time, and the configuration that counted if there were several."""
    value = result.rate(contender)
    text = f"{1e6 * result.batch / value:.1f}" if result.section == "latency" else f"{value:,.0f}"
    return f"{text} ({result.choice(contender)})" if len(result.seconds[contender]) > 1 else text


def _means(results: list[Result]) -> str:
    """Return the geometric means and the smallest of the ratios, for each group of networks and peer."""
    lines = []
    for peer in ("PyTorch", "ONNX Runtime"):
        for group, title in (("zoo", "reference networks"), ("other", "other networks")):
            # One image a step is another task than a batch.
            chosen = [r for r in results if r.group == group and peer in r.seconds]
            if results[0].section == "training":
                chosen = [r for r in chosen if r.batch > 1]
            ratios = [statistics.median(r.ratios(peer)) for r in chosen]
            if ratios:
                smallest = chosen[ratios.index(min(ratios))]
                lines.append(
                    f"{title}, against {peer}: geometric mean {geometric_mean(ratios):.2f}, smallest "
                    f"{min(ratios):.2f} ({smallest.network}, batch {smallest.batch})"
                )
    return "\n".join(f"- {line}" for line in lines)


def _scaling(rows: list[dict]) -> list[str]:
    head = ["network", "mode", "batch", "threads", "times one thread", "FMA peak, times one thread"]
    cells = [
        [
            row["network"],
            row["mode"],
            str(row["batch"]),
            str(row["threads"]),
            spread(row["ratios"]),
            spread(row["peak_ratios"]),
        ]
        for row in rows
    ]
    return rows_to_table(head, cells, left=2)


def _memory(rows: list[dict]) -> list[str]:
    head = ["network", "contender", "batch", "peak, MB", "of which after import, MB"]
    cells = []
    for row in rows:
        name = f"{row['contender']} {row['configuration']}".strip()
        after = row["peak_bytes"] - row["imported_bytes"]
        cells.append(
            [row["network"], name, str(row["batch"]), f"{row['peak_bytes'] / 1e6:.0f}", f"{after / 1e6:.0f}"]
        )
    return rows_to_table(head, cells, left=2)
