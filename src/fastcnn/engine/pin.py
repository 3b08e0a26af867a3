"""Which implementation of convolutions the user wants."""

from __future__ import annotations

from ..errors import ArgumentError
from ..nn import changes
from .nodes.conv import FORWARD

CONV_ALGORITHMS = tuple(sorted(each.name for each in FORWARD))
_wanted: str | None = None


def set_conv_algorithm(name: str | None) -> None:
    """Choose how compiled programs convolve, wherever the implementation fits.

    Results of different implementations may differ in their last digits. Programs that were made before are
    made anew. Eager mode always lays out windows as rows (im2col) and multiplies matrices.

    Parameters
    ----------
    name : {"direct", "gemm"} or None
        "direct" multiplies images where they stand; "gemm" lays out windows as rows first. None, the default,
        takes the cheapest for each convolution by a stated table of costs.

    Raises
    ------
    ArgumentError
        If there is no such implementation.
    """
    global _wanted
    _wanted = checked_algorithm(name, "set_conv_algorithm: name")
    changes.note()  # a plan that was found for a model is looked for again


def get_conv_algorithm() -> str | None:
    """Return the implementation that `set_conv_algorithm` has chosen, None if each is to be the cheapest."""
    return _wanted


def checked_algorithm(name: object, what: str) -> str | None:
    """Return the name of an implementation, or None."""
    if name is None or (isinstance(name, str) and name in CONV_ALGORITHMS):
        return name
    raise ArgumentError(f"{what} must be None or one of {', '.join(CONV_ALGORITHMS)}, got {name!r}")
