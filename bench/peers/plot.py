"""The results as a picture: how many times as fast as the peer, for each network and batch."""

from __future__ import annotations

import statistics
from typing import Any

from .report import SECTIONS, geometric_mean
from .rounds import Result

_COLORS = {"zoo": "#1f6f8b", "other": "#e07a3f"}
_TITLES = {"zoo": "reference networks", "other": "networks that were not tuned for"}


def plot(path: str, facts: dict[str, Any], results: list[Result]) -> None:
    """Write a picture with a panel for each section; needs matplotlib."""
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FixedLocator, NullLocator

    panels = []
    for section, (title, peer) in SECTIONS.items():
        own = [r for r in results if r.section == section and peer in r.seconds]
        if own:
            panels.append((f"{title}: times {peer}", peer, own))
    rows = max((len(own) for _, _, own in panels), default=1)
    size = (4.6 * max(len(panels), 1), 0.21 * rows + 1.7)
    figure, axes = plt.subplots(1, max(len(panels), 1), figsize=size, squeeze=False, layout="constrained")
    for axis, (title, peer, own) in zip(axes[0], panels, strict=False):
        for i, result in enumerate(own):
            ratios = result.ratios(peer)
            middle, color = statistics.median(ratios), _COLORS[result.group]
            axis.barh(i, middle - 1, left=1, color=color, height=0.72)
            axis.plot([min(ratios), max(ratios)], [i, i], color="black", linewidth=0.9)
            axis.text(max(ratios) * 1.04, i, f"{middle:.1f}", va="center", fontsize=7)
        axis.axvline(1, color="black", linewidth=0.9)
        axis.set_xscale("log")
        high = max(max(r.ratios(peer)) for r in own)
        low = min(min(r.ratios(peer)) for r in own)
        axis.set_xlim(min(0.8, 0.85 * low), max(2.2, 1.45 * high))
        ticks = [
            t for t in (0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32) if axis.get_xlim()[0] <= t <= high * 1.2
        ]
        axis.xaxis.set_major_locator(FixedLocator(ticks))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_xticklabels([f"{tick:g}" for tick in ticks])
        axis.set_yticks(range(len(own)), [f"{r.network}  {r.batch}" for r in own], fontsize=7)
        axis.invert_yaxis()
        axis.margins(y=0.01)
        axis.spines[["top", "right"]].set_visible(False)
        mean = geometric_mean([statistics.median(r.ratios(peer)) for r in own])
        axis.set_title(f"{title}\ngeometric mean {mean:.2f}", fontsize=9)
    machine = facts["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    figure.suptitle(
        f"fastcnn on {machine['processor']}, {facts['threads']} threads, {machine['date']}\n{versions}",
        fontsize=8,
    )
    groups = {r.group for _, _, own in panels for r in own}
    handles = [plt.Rectangle((0, 0), 1, 1, color=_COLORS[g]) for g in _COLORS if g in groups]
    if handles:
        labels = [_TITLES[g] for g in _COLORS if g in groups]
        figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
