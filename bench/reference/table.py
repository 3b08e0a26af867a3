"""The figures of all runs as a Markdown table: published, reproduced, ours."""

from __future__ import annotations

import statistics
from typing import Any

from .published import Published, System

Run = dict[str, Any]
_HEAD = (
    "| system | | validation | test | epochs | s/epoch | total | images/s | factor |",
    "|---|---|---:|---:|---:|---:|---:|---:|---:|",
)

_LEGEND = """\
Accuracies are means over seeds ± their standard deviation (number of seeds), of the epoch that was best on
the validation images; the test images were read once, after training. The factor compares the time that an
epoch takes for an image, evaluation after the epoch included."""


def accuracy(values: list[float]) -> str:
    """Return "99.51%", or with several "99.51 ± 0.03% (3)": mean, standard deviation, number."""
    if len(values) < 2:
        return f"{values[0]:.2%}" if values else "-"
    return f"{100 * statistics.mean(values):.2f} ± {100 * statistics.stdev(values):.2f}% ({len(values)})"


def duration(seconds: float | None) -> str:
    """Return "45 s", "13.1 min" or "63.0 h"."""
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def factor(published: Published | None, runs: list[Run]) -> float | None:
    """Return how many times as fast as published an epoch is, for each image; None where that is unknown."""
    if published is None or published.seconds is None or not runs:
        return None
    ours = statistics.median(run["seconds_per_epoch"] / run["images_per_epoch"] for run in runs)
    return published.seconds / published.images / ours


def _published_row(name: str, published: Published) -> str:
    total = None
    if published.seconds is not None and published.epochs is not None:
        total = published.seconds * published.epochs
    cells = [
        name,
        "published",
        f"{published.validation:.2%}" if published.validation is not None else "-",
        f"{published.test:.2%}" if published.test is not None else "-",
        str(published.epochs or "-"),
        f"{published.seconds:,.0f}" if published.seconds is not None else "-",
        duration(total),
        f"{published.images / published.seconds:,.1f}" if published.seconds is not None else "-",
        "1" if published.seconds is not None else "-",
    ]
    return f"| {' | '.join(cells)} |"


def _row(name: str, kind: str, published: Published | None, runs: list[Run]) -> str:
    times = factor(published, runs)
    cells = [
        name,
        kind,
        accuracy([run["validation"] for run in runs if run["validation"] is not None]),
        accuracy([run["test"] for run in runs]),
        str(runs[0]["epochs"]),
        f"{statistics.median(run['seconds_per_epoch'] for run in runs):.2f}",
        duration(statistics.median(run["seconds"] for run in runs)),
        f"{statistics.median(run['images_per_second'] for run in runs):,.0f}",
        "-" if times is None else f"{times:,.1f}" if times < 100 else f"{times:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _notes(systems: list[System], by_recipe: dict[str, list[Run]]) -> list[str]:
    notes = [
        f"- {system.name}: {system.published.note}."
        for system in systems
        if system.published is not None and system.published.note
    ]
    for recipe, runs in by_recipe.items():
        found = [run["train"] for run in runs if run.get("train") is not None]
        if found:
            count = runs[0]["images_per_epoch"]
            notes.append(f"- {recipe}: accuracy on its {count:,} training images {accuracy(found)}.")
    return notes


def markdown(facts: dict[str, Any], systems: list[System], runs: list[Run]) -> str:
    """Return the table.

    Parameters
    ----------
    facts : dict
        "machine", "threads" and "label", what the images of CIFAR-10 are called.
    systems : list of System
        Those to show; one without a run of ours is left out.
    runs : list of dict
        What `reference_systems.train` returned.
    """
    by_recipe: dict[str, list[Run]] = {}
    for run in runs:
        by_recipe.setdefault(run["recipe"], []).append(run)
    shown = [system for system in systems if {system.repeated, system.best} & by_recipe.keys()]
    rows = []
    for system in shown:
        if system.published is not None:
            rows.append(_published_row(system.name, system.published))
        for kind, recipe in (("reproduced", system.repeated), ("ours", system.best)):
            if recipe in by_recipe:
                rows.append(_row(recipe, kind, system.published, by_recipe[recipe]))
    machine = facts["machine"]
    used = {recipe for system in shown for recipe in (system.repeated, system.best)}
    head = [
        f"{machine['processor']}, {facts['threads']} threads, fastcnn {facts['fastcnn']}, {machine['date']}."
    ]
    if any("cifar" in (recipe or "") for recipe in used):
        head.append(f"CIFAR-10 is {facts['label']}.")
    notes = _notes(shown, {key: value for key, value in by_recipe.items() if key in used})
    return "\n".join([*head, "", *_HEAD, *rows, "", _LEGEND, "", *notes]).strip() + "\n"
