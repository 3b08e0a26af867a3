"""The results as a picture: how many times as fast as the best peer, for each network and batch."""

from __future__ import annotations

import statistics
from typing import Any

from .report import GROUPS, SECTIONS, geometric_mean
from .result import Result

_COLORS = {"other": "#e07a3f", "zoo": "#1f6f8b"}
_TICKS = (0.125, 0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


def plot(path: str, facts: dict[str, Any], results: list[Result]) -> None:
    """Write a picture with a panel for each section; needs matplotlib."""
    from matplotlib import pyplot as plt

    panels = []
    for section, title in SECTIONS.items():
        own = [r for r in results if r.section == section and r.configurations(None)]
        if own:
            panels.append((title, own))
    rows = max((len(own) for _, own in panels), default=1)
    size = (4.6 * max(len(panels), 1), 0.21 * rows + 1.9)
    figure, axes = plt.subplots(1, max(len(panels), 1), figsize=size, squeeze=False, layout="constrained")
    for axis, (title, own) in zip(axes[0], panels, strict=False):
        _panel(axis, title, own)
    machine = facts["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    figure.suptitle(
        f"fastcnn on {machine['processor']}, {facts['threads']} threads, {machine['date']}\n{versions}",
        fontsize=8,
    )
    everything = [r for _, own in panels for r in own]
    present = [group for group in GROUPS if any(r.group == group for r in everything)]
    handles: list[Any] = [plt.Rectangle((0, 0), 1, 1, color=_COLORS[group]) for group in present]
    labels = [f"times the best float32 peer: {GROUPS[group]}" for group in present]
    if any(r.configurations(None, "bfloat16") for r in everything):
        handles.append(plt.Line2D([], [], color="black", marker="D", markersize=3, linestyle=""))
        labels.append("times the best bfloat16 peer")
    if handles:
        figure.legend(
            handles, labels, loc="outside lower center", ncols=len(panels), fontsize=8, frameon=False
        )
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _panel(axis: Any, title: str, own: list[Result]) -> None:
    """Draw a bar for each result, with the spread of its rounds."""
    from matplotlib.ticker import FixedLocator, NullLocator

    drawn: list[float] = []
    for i, result in enumerate(own):
        ratios = result.ratios(None)
        middle = statistics.median(ratios)
        axis.barh(i, middle - 1, left=1, color=_COLORS[result.group], height=0.72)
        axis.plot([min(ratios), max(ratios)], [i, i], color="black", linewidth=0.9)
        axis.text(max(ratios) * 1.04, i, f"{middle:.1f}", va="center", fontsize=7)
        drawn += ratios
        if result.configurations(None, "bfloat16"):
            reduced = statistics.median(result.ratios(None, "bfloat16"))
            axis.plot(reduced, i, color="black", marker="D", markersize=3)
            drawn.append(reduced)
    axis.axvline(1, color="black", linewidth=0.9)
    axis.set_xscale("log")
    axis.set_xlim(min(0.8, 0.85 * min(drawn)), max(2.2, 1.45 * max(drawn)))
    ticks = [t for t in _TICKS if axis.get_xlim()[0] <= t <= max(drawn) * 1.2]
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xticklabels([f"{tick:g}" for tick in ticks])
    axis.set_yticks(range(len(own)), [f"{r.network}  {r.batch}" for r in own], fontsize=7)
    axis.invert_yaxis()
    axis.margins(y=0.01)
    axis.spines[["top", "right"]].set_visible(False)
    mean = geometric_mean([statistics.median(r.ratios(None)) for r in own])
    axis.set_title(f"{title}\ngeometric mean {mean:.2f}", fontsize=9)
