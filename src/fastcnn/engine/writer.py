"""The writer of a program: its parts, its buffers, and the operations that it collects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from .._kernels import program as kernels
from .._kernels.program import TASK_TOTALS
from .._shapes import filled
from ..nn import Parameter
from .bands import cut_into_bands
from .elements import ElementType
from .emit import Op, Queue, Setting
from .layout import Layout
from .memory import NO_HALO, Blob, Halo, Vectors
from .signatures import Signature


class Pause(Protocol):
    """What Python does between two parts of a program, with arrays that both know by name."""

    def arrays(self, batch: int) -> dict[str, np.ndarray]:
        """Return the arrays that the part before is to write."""

    def run(self, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Take those arrays; return the ones that the part behind reads."""


class Part(NamedTuple):
    """A stretch of a program that runs without Python.

    Attributes
    ----------
    name : str
        Of the pass that it belongs to.
    prepared, end : int
        Numbers of operations up to the end of those that run before all others, and up to the part's end.
    pause : Pause, optional
        What comes then.
    """

    name: str
    prepared: int
    end: int
    pause: Pause | None


class Writer(Queue):
    """Collects the operations of a program, part by part.

    ``w.conv(...)`` writes an operation; ``w.before.pack_weights(...)`` one that runs before all others of its
    part; ``w.after.total(...)`` one that runs after them, by default one that touches nothing of its
    neighbours.

    Parameters
    ----------
    element : ElementType
        Of its values.
    layout : Layout
        Of its buffers.
    bands : int
        That the work on one group is cut into, where it is worth it.
    single : bool
        Whether the program is made for one image.
    """

    def __init__(self, element: ElementType, layout: Layout, bands: int = 1, single: bool = False) -> None:
        super().__init__(Setting(element, layout))
        self.program_element = element
        self.layout = layout
        self.bands = bands
        self._band: int | None = None
        self.single = single
        self.before, self.after = Queue(self._setting, 0), Queue(self._setting, 0)
        self.blobs: list[Blob] = []
        self.scratches: list[Vectors] = []
        self._workspace: Vectors | None = None
        self.parts: list[Part] = []
        self.part_name = ""
        largest = kernels.max_vectors if layout.by_channels else kernels.max_block
        self._max_block = largest(element.name)
        self._rounded: dict[int, np.ndarray] = {}

    def _write(self, signature: Signature, *, band: int | None = None, **given: Any) -> Op:
        """Append an operation, or its bands."""
        op = super()._write(signature, band=self._band if band is None else band, **given)
        if self.bands > 1 and op.band is None and self.layout.by_channels:
            cut = cut_into_bands(signature, op.arguments, self.layout.lanes, self.bands)
            if cut:
                self.ops[-1:] = [replace(op, arguments=some, band=i) for i, some in enumerate(cut)]
        return op

    @property
    def in_band(self) -> bool:
        """Whether what is written is a band of one image, see `as_band`."""
        return self._band is not None

    @contextmanager
    def as_band(self, band: int | None) -> Iterator[None]:
        """Let what is written be one band, or all, and not be cut itself."""
        bands, self.bands, self._band = self.bands, 1, band
        try:
            yield
        finally:
            self.bands, self._band = bands, None

    @property
    def element(self) -> ElementType:
        """The element type of the operations to come."""
        return self._setting.element

    @contextmanager
    def storing(self, wide: bool) -> Iterator[None]:
        """Let the values of what is written be stored as they are summed, or as those of the program are."""
        before, program = self._setting.element, self.program_element
        self._setting.element = program.wide if wide else program
        try:
            yield
        finally:
            self._setting.element = before

    @property
    def label(self) -> str:
        """The layers that the operations to come work for."""
        return self._setting.label

    @label.setter
    def label(self, layers: str) -> None:
        self._setting.label = layers

    def vectors(self, channels: int) -> int:
        """Return the number of vectors that hold a pixel's channels."""
        return self.layout.vectors(channels)

    def blob(self, channels: int, height: int, width: int, halo: Halo = NO_HALO, padded: bool = True) -> Blob:
        """Return a new blob."""
        blob = Blob(channels, height, width, self.layout, halo, padded, dtype=self.element.value)
        self.blobs.append(blob)
        return blob

    def scratch(self, count: int, element: str = "REAL") -> Vectors:
        """Return new scratch of `count` vectors for each group."""
        self.scratches.append(Vectors(count, self.layout.lanes, element))
        return self.scratches[-1]

    def thread_scratch(self, count: int) -> Vectors:
        """Return new scratch of `count` vectors for each thread."""
        scratch = Vectors(count, self.layout.lanes, each_thread=True, scope=kernels.EACH_THREAD)
        self.scratches.append(scratch)
        return scratch

    def workspace(self, count: int) -> Vectors:
        """Return room for at least `count` vectors, for each thread, which any operation may overwrite."""
        if self._workspace is None:
            self._workspace = self.thread_scratch(count)
        self._workspace.count = max(self._workspace.count, count)
        return self._workspace

    def sums(self, count: int, layer_size: int) -> Vectors:
        """Return new partial sums of `count` vectors for each slot, of a layer with so many sums in all."""
        most = self.most_slots(layer_size)
        self.scratches.append(Vectors(count, self.layout.lanes, "REAL", most))
        return self.scratches[-1]

    def most_slots(self, layer_size: int) -> int:
        """Return how many slots a layer may have that sums so many numbers over images."""
        return kernels.most_slots(layer_size * self.element.real.itemsize)

    def constant(self, count: int, element: str = "REAL") -> np.ndarray:
        """Return a new array that all groups share."""
        return filled((count,), 0, self.element.dtype(element), "engine: a buffer", aligned=True)

    def padded(
        self, row: Parameter | np.ndarray | None, first: int = 0, last: int | None = None
    ) -> Parameter | np.ndarray | None:
        """Return the numbers of channels first .. last - 1 as kernels read them: copied if need be."""
        if row is None:
            return None
        last = row.size if last is None else last
        size = last - first
        if size == row.size == self.layout.row(size):
            return row
        wide = self.constant(self.layout.row(size))
        place = np.arange(first, last, dtype=np.int32)
        self.before.gather(out=wide, source=row, place=place, tasks=1)
        return wide

    def rounded(self, weight: Parameter) -> Parameter | np.ndarray:
        """Return weights as products take them: rounded as the program's values are.

        Kernels of narrow types do so by themselves.
        """
        if self.element.narrow or not self.program_element.narrow:
            return weight
        known = self._rounded.get(id(weight))
        if known is None:
            known = self._rounded[id(weight)] = self.constant(weight.size)
            with self.storing(wide=False):
                self.before.round_weights(
                    rounded=known, weight=weight, count=weight.size, tasks=-(-weight.size // TASK_TOTALS)
                )
        return known

    def close_part(self, pause: Pause | None = None) -> None:
        """End a part, behind which Python may do something before the next one."""
        start = self.parts[-1].end if self.parts else 0
        before, after = (sorted(each.ops, key=lambda op: op.stage or 0) for each in (self.before, self.after))
        self.ops[start:start] = before
        self.ops += after
        self.before.ops, self.after.ops = [], []
        self.parts.append(Part(self.part_name, start + len(before), len(self.ops), pause))

    def blocks(self, channels: int) -> int:
        """Return the number of register blocks that `channels` are split into."""
        return -(-self.layout.vectors(channels) // self._max_block)
