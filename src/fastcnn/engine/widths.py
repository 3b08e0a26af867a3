"""Values of two element types in one program: narrow ones, and those stored as they are summed.

Where values are stored as bfloat16, all are but what the model returns: nobody multiplies that, and a user
would miss the digits. A node computes in the type of what it makes, or as numbers are summed where it has no
other kernels, and takes its values in that type: converted, if they are stored in the other one.
"""

from __future__ import annotations

from collections.abc import Mapping

from .graph import Graph, Node, Value
from .memory import Blob
from .placing import Place
from .writer import Writer


def wide_values(graph: Graph, folded: Mapping[Node, Node], places: Mapping[Value, Place]) -> set[Value]:
    """Return the values that are stored as they are summed: outputs, and what is written where those are."""
    found = set(graph.outputs)
    found.update(value for value, place in places.items() if place.holder in found)
    found.update(before.y for before, behind in folded.items() if behind.y in found)
    return found


class Blobs(dict[Value, Blob]):
    """The blobs of values, each read in the type of the operations to come.

    Parameters
    ----------
    writer : Writer
        Writes the conversions.
    change : bool
        Whether a blob may be added to after it was read, so that conversions do not last.
    """

    def __init__(self, writer: Writer, change: bool = False) -> None:
        super().__init__()
        self._writer = writer
        self._change = change
        self._converted: dict[Blob, Blob] = {}

    def __getitem__(self, value: Value) -> Blob:
        blob = self.stored(value)
        if blob.dtype == self._writer.element.value:
            return blob
        found = None if self._change else self._converted.get(blob)
        if found is None:
            found = self._converted[blob] = converted(self._writer, blob)
        return found

    def stored(self, value: Value) -> Blob:
        """Return a value's blob as it is stored."""
        return super().__getitem__(value)


def converted(w: Writer, blob: Blob) -> Blob:
    """Return a blob in the type of the operations to come: itself, or written anew."""
    if blob.dtype == w.element.value:
        return blob
    copy = w.blob(blob.channels, blob.height, blob.width, blob.halo)
    convert(w, copy, blob)
    return copy


def convert(w: Writer, to: Blob, blob: Blob) -> None:
    """Write a blob into one of the other type."""
    narrow = to.dtype == w.program_element.value
    with w.storing(wide=False):
        if narrow:
            w.narrow(x=to, wide=blob, channels=blob.channels)
        else:
            w.widen(wide=to, x=blob, channels=blob.channels)
