"""What looks wrong in a network that does not learn, in plain sentences.

The limits are wide: a network that trains well passes none of them at any time. That weights change by about
a thousandth of themselves in a step is a rule of thumb of A. Karpathy's ("CS231n", Stanford, 2015). Gradients
that vanish or explode with depth are analysed by X. Glorot and Y. Bengio, "Understanding the difficulty of
training deep feedforward neural networks" (2010), dead units by L. Lu et al., "Dying ReLU and initialization"
(2019).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Records that are looked at, the last ones: one alone may be an accident.
_RECORDS = 3
_DEAD = 0.5
_FAST, _SLOW = 0.5, 1e-7  # of the weights, in a step
_VANISHING = 1e-4  # of the gradient of the last layer; exploding: as many times it
_WIDE = 1e4
_SAME = 1e-4  # of the magnitude


def verdicts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each thing that looks wrong in the last records of `Diagnostics.rows`."""
    steps = sorted({row["step"] for row in rows})[-_RECORDS:]
    layers: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if row["step"] in steps:
            layers.setdefault(row["layer"], []).append(row)
    several = len(steps) > 1  # a head that begins with zeros lets no gradient through in the first step
    figures = {layer: {name: _median(each, name) for name in _FIGURES} for layer, each in layers.items()}
    found = _not_finite(figures, layers)
    if found:
        return found
    return [
        *_dead(figures),
        *_gradients(figures, several),
        *_updates(figures),
        *_activations(figures, several),
    ]


_FIGURES = ("spread", "between", "size", "dead", "gradient", "update")


def _median(rows: Sequence[Mapping[str, Any]], name: str) -> float:
    """Return the middle value of a figure, NaN of one that the layer does not have."""
    values = [row[name] for row in rows if row[name] is not None]
    return float(np.median(values)) if values else math.nan


def _not_finite(
    figures: Mapping[str, Mapping[str, float]], layers: Mapping[str, list[Mapping[str, Any]]]
) -> list[str]:
    for layer, each in figures.items():
        if math.isinf(each["size"]):
            return [f"{layer!r} is the first whose values are not finite: lower the learning rate"]
    for layer, rows in reversed(list(layers.items())):  # as a backward pass goes
        if any(row["gradient"] is not None and not math.isfinite(row["gradient"]) for row in rows):
            return [f"the gradient of {layer!r} is the first that is not finite: lower the learning rate"]
    return []


def _dead(figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    dead = {layer: each["dead"] for layer, each in figures.items() if each["dead"] >= _DEAD}
    if not dead:
        return []
    worst = max(dead, key=lambda layer: dead[layer])
    others = f" (and half or more of {len(dead) - 1} more)" if len(dead) > 1 else ""
    return [
        f"{dead[worst]:.0%} of the units of {worst!r} are 0 for every image{others}, and nothing is learned "
        "through them: lower the learning rate, or draw other weights (initialize)"
    ]


def _gradients(figures: Mapping[str, Mapping[str, float]], several: bool) -> list[str]:
    norms = {layer: each["gradient"] for layer, each in figures.items() if not math.isnan(each["gradient"])}
    none = [layer for layer, norm in norms.items() if norm == 0]
    if none and several:
        many = f" and {len(none) - 1} more" if len(none) > 1 else ""
        return [
            f"no gradient reaches {none[0]!r}{many}: the loss does not depend on it, or what is behind it is "
            "dead or saturated"
        ]
    if len(norms) < 2 or none:
        return []
    first, last = next(iter(norms)), next(reversed(norms))
    low, high = norms[first], norms[last]
    if low < _VANISHING * high:
        return [
            f"gradients vanish on their way to the first layers ({low:.1g} in {first!r}, {high:.1g} in "
            f"{last!r}): use ReLU, batch normalisation, or sums around layers"
        ]
    if low * _VANISHING > high:
        return [
            f"gradients explode on their way to the first layers ({low:.1g} in {first!r}, {high:.1g} in "
            f"{last!r}): use batch normalisation, smaller weights at the start, or clip_grad_norm"
        ]
    return []


def _updates(figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    shares = {layer: each["update"] for layer, each in figures.items() if not math.isnan(each["update"])}
    if not shares:
        return []
    fastest = max(shares, key=lambda layer: shares[layer])
    if shares[fastest] > _FAST:
        share = (
            f"{shares[fastest]:.0%}" if shares[fastest] < 10 else f"{shares[fastest]:.2g} times themselves"
        )
        return [f"a step changes the weights of {fastest!r} by {share}: lower the learning rate"]
    if shares[fastest] < _SLOW:
        return [
            f"a step changes no layer's weights by more than {shares[fastest]:.1g} of themselves: raise the "
            "learning rate"
        ]
    fixed = [layer for layer, share in shares.items() if share == 0 and figures[layer]["gradient"] > 0]
    if fixed:
        return [f"steps do not change the weights of {fixed[0]!r}: does the optimizer hold them?"]
    return []


def _activations(figures: Mapping[str, Mapping[str, float]], several: bool) -> list[str]:
    wide = next((layer for layer, each in figures.items() if each["spread"] > _WIDE), None)
    same = next((layer for layer, each in figures.items() if each["between"] < _SAME * each["size"]), None)
    found = []
    if wide is not None:
        found.append(
            f"the values of {wide!r} spread by {figures[wide]['spread']:.2g}: scale the images, or use batch "
            "normalisation"
        )
    if same is not None and several:
        found.append(
            f"{same!r} makes nearly the same of every image: what tells them apart is lost before or in it"
        )
    return found
