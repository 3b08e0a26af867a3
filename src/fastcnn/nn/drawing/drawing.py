"""The picture of a network's graph, to be shown and saved."""

from __future__ import annotations

from os import PathLike, fsdecode
from pathlib import PurePath
from typing import Any

from ..._files import write_atomic
from ...errors import ArgumentError
from ..tree import Tree
from .diagrams import to_dot, to_mermaid
from .picture import Picture
from .recording import record
from .svg import to_svg

_FORMATS = {"svg": to_svg, "dot": to_dot, "mermaid": to_mermaid}
SUFFIXES = {".svg": "svg", ".dot": "dot", ".gv": "dot", ".mmd": "mermaid"}


class Drawing:
    """The graph of what a network did with a sample.

    Notebooks show it as it is.
    """

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def show(self, format: str = "svg") -> str:
        """Return the drawing as text.

        Parameters
        ----------
        format : "svg", "dot" or "mermaid"
            A picture; or a graph that Graphviz or Mermaid lays out.

        Raises
        ------
        ArgumentError
            If there is no such format.
        """
        if format not in _FORMATS:
            raise ArgumentError(f"draw_graph: format must be one of {', '.join(_FORMATS)}, got {format!r}")
        return _FORMATS[format](self._picture)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the drawing to a file, all of it or nothing, in the format that its suffix names.

        Raises
        ------
        ArgumentError
            If that is none of .svg, .dot, .gv and .mmd.
        OSError
            If the file cannot be written.
        """
        write_atomic(path, self.show(format_of(path)).encode())

    def _repr_svg_(self) -> str:
        return self.show()


def format_of(path: str | PathLike[str]) -> str:
    """Return the format that the suffix of a file name stands for.

    Raises
    ------
    ArgumentError
        If it stands for none.
    """
    suffix = PurePath(fsdecode(path)).suffix.lower()
    if suffix not in SUFFIXES:
        raise ArgumentError(
            f"draw_graph: {fsdecode(path)!r} must end in one of {', '.join(SUFFIXES)}, which says the format"
        )
    return SUFFIXES[suffix]


def draw(model: Tree[Any], input_shape: Any, path: str | PathLike[str] | None, name: str) -> Drawing:
    """Draw a model, and save it if there is a path; see `Module.draw_graph`."""
    if path is not None:
        format_of(path)  # before the model runs
    drawing = Drawing(record(model, input_shape, name))
    if path is not None:
        drawing.save(path)
    return drawing
