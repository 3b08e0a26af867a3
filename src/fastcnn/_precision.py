"""How precise float32 products are: the setting, and its values."""

from __future__ import annotations

from .errors import ArgumentError

PRECISIONS = ("highest", "high")
_precision = "high"


def get() -> str:
    """Return the precision of programs that are given none."""
    return _precision


def put(precision: object) -> None:
    """Set the precision of programs that are given none."""
    global _precision
    name = checked(precision, "set_float32_matmul_precision: precision")
    if name is None:
        raise ArgumentError(
            f"set_float32_matmul_precision: precision must be one of {', '.join(PRECISIONS)}, got None"
        )
    _precision = name


def checked(precision: object, what: str) -> str | None:
    """Return the name of a precision, or None."""
    if precision is None or (isinstance(precision, str) and precision in PRECISIONS):
        return precision
    raise ArgumentError(f"{what} must be None or one of {', '.join(PRECISIONS)}, got {precision!r}")
