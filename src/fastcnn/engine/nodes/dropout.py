"""What dropout multiplies by."""

from __future__ import annotations

from ...nn import Dropout


def factor_of(dropout: Dropout | None) -> float:
    """Return what dropout multiplies the elements by that it keeps, 1 without dropout."""
    if dropout is None:
        return 1.0
    return 1 / (1 - dropout.p) if dropout.p < 1 else 0.0
