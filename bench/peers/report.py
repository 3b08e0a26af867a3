"""The results as Markdown."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from typing import Any

from .result import PRECISIONS, Result

# Section -> title.
SECTIONS = {"training": "Training step", "inference": "Inference", "latency": "Latency at batch 1"}
GROUPS = {"other": "networks that were not tuned for", "zoo": "reference networks"}


def geometric_mean(values: Iterable[float]) -> float:
    """Return the n-th root of the product."""
    return math.exp(statistics.fmean(map(math.log, values)))


def spread(values: list[float]) -> str:
    """Return "median (smallest to largest)"."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def markdown(facts: dict[str, Any], results: list[Result], scaling: list[dict]) -> str:
    """Return the report.

    Parameters
    ----------
    facts : dict
        Of the run: "machine", "versions", "threads", "rounds", "disturbed".
    results : list of Result
    scaling : list of dict
        What `extras` measured.
    """
    parts = _head(facts, results)
    for section, title in SECTIONS.items():
        own = [result for result in results if result.section == section]
        if own:
            parts += [f"### {title}", "\n".join(_table(section, own))]
            summary = _means(own)
            if summary:
                parts.append(summary)
    if scaling:
        parts += ["### Threads", "\n".join(_scaling(scaling))]
    return "\n\n".join(parts) + "\n"


def rows_to_table(head: list[str], rows: list[list[str]], left: int = 1) -> list[str]:
    """Return the lines of a Markdown table; all columns but the first `left` are flush right."""
    rule = ["---"] * left + ["---:"] * (len(head) - left)
    return ["| " + " | ".join(row) + " |" for row in [head, rule, *rows]]


def comparisons(results: list[Result]) -> list[tuple[str, str | None, str]]:
    """Return (title, peer, precision) of all that the results are compared with; peer None: the best one."""
    found: list[tuple[str, str | None, str]] = [
        (f"best {precision} peer", None, precision) for precision in PRECISIONS
    ]
    names = dict.fromkeys(name for result in results for name in result.seconds if name != "fastcnn")
    found += [(f"{name} in float32", name, "float32") for name in names]
    return [each for each in found if any(r.configurations(each[1], each[2]) for r in results)]


def _head(facts: dict[str, Any], results: list[Result]) -> list[str]:
    """Return what is said of the run before the tables."""
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
            f"measured in every round, in float32."
        )
    if any(result.configurations(None) for result in results):
        parts.append(
            "The best peer of a precision is the best configuration of any library, in each round; the one "
            "that is named has the least median. PyTorch is compiled in the memory layout in which eager "
            "mode was the faster, with frozen weights in inference; its bfloat16 is autocast. OpenVINO's "
            "default is the precision that it chooses itself, where that is not float32."
        )
    if any(result.memory for result in results):
        imported = {name: own["imported_bytes"] for r in results for name, own in r.memory.items()}
        sizes = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in imported.items())
        parts.append(
            "Memory is the peak of a fresh process with that configuration alone, of fastcnn and of the best "
            f"float32 peer. Of it the import takes, in MB: {sizes}. Where PyTorch is compiled, tracing and "
            "the code, from the compiler's cache, are in it; the C++ compiler, another process, is not."
        )
    disturbed = [share for result in results for share in result.others if share > facts["disturbed"]]
    if disturbed:
        count = sum(len(result.others) for result in results)
        parts.append(
            f"The machine was not idle: in {len(disturbed)} of {count} rounds other programs had more than "
            f"{facts['disturbed']:.0%} of the cores' time in a turn, {max(disturbed):.0%} at the most."
        )
    return parts


def _table(section: str, results: list[Result]) -> list[str]:
    compared = comparisons(results)
    best = [(title, precision) for title, peer, precision in compared if peer is None]
    libraries = [peer for _, peer, _ in compared if peer]
    unit = "µs" if section == "latency" else "images/s"
    head = ["network", "batch", f"fastcnn, {unit}"]
    for title, _ in best:
        head += [title, unit, "times it"]
    head += [f"times {name}, float32" for name in libraries]
    shares: list[str | None] = []
    if section != "latency":
        shares = ["fastcnn", None] if best else ["fastcnn"]
        head += ["of FMA peak: fastcnn", "float32 peer"][: len(shares)]
    memory = any(result.memory for result in results)
    if memory:
        head += ["peak MB: fastcnn", "float32 peer"][: 2 if best else 1]
    rows = []
    for result in results:
        row = [result.network, str(result.batch), _figure(result, "fastcnn", "float32")]
        for _, precision in best:
            row += _best(result, precision)
        for name in libraries:
            row.append(spread(result.ratios(name)) if result.configurations(name) else "")
        row += [f"{result.peak_share(name):.0%}" if result.configurations(name) else "" for name in shares]
        if memory:
            row += _memory(result, bool(best))
        rows.append(row)
    return rows_to_table(head, rows)


def _best(result: Result, precision: str) -> list[str]:
    """Return the best peer of a precision by name, its figure, and how many times as fast fastcnn is."""
    if not result.configurations(None, precision):
        return ["", "", ""]
    contender, configuration = result.choice(None, precision)
    name = f"{contender} ({configuration})" if configuration else contender
    return [name, _figure(result, None, precision), spread(result.ratios(None, precision))]


def _figure(result: Result, contender: str | None, precision: str) -> str:
    """Return a rate, or for batch 1 a time."""
    value = result.rate(contender, precision)
    return f"{1e6 * result.batch / value:.1f}" if result.section == "latency" else f"{value:,.0f}"


def _memory(result: Result, peers: bool) -> list[str]:
    """Return the peak of fastcnn, and of the peer where there are any."""
    sizes = {name == "fastcnn": f"{own['peak_bytes'] / 1e6:.0f}" for name, own in result.memory.items()}
    return [sizes.get(True, ""), sizes.get(False, "")][: 2 if peers else 1]


def _means(results: list[Result]) -> str:
    """Return the geometric means and the smallest of the ratios, for each group of networks and peer."""
    lines = []
    for group, networks in GROUPS.items():
        for title, peer, precision in comparisons(results):
            # One image a step is another task than a batch.
            chosen = [r for r in results if r.group == group and r.configurations(peer, precision)]
            if results[0].section == "training":
                chosen = [r for r in chosen if r.batch > 1]
            ratios = [statistics.median(r.ratios(peer, precision)) for r in chosen]
            if ratios:
                smallest = chosen[ratios.index(min(ratios))]
                lines.append(
                    f"{networks}, against {'the ' if peer is None else ''}{title}: geometric mean "
                    f"{geometric_mean(ratios):.2f}, smallest {min(ratios):.2f} ({smallest.network}, batch "
                    f"{smallest.batch})"
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
