"""The program as it is written: operations in order, each checked against its declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from .._kernels import program as kernels
from .._shapes import filled
from ..nn import Parameter
from .bands import cut_into_bands
from .elements import ElementType
from .layout import Layout
from .memory import NO_HALO, Blob, Halo, Vectors
from .signatures import SIGNATURES, Signature


@dataclass(eq=False)
class Op:
    """One call of a kernel.

    Attributes
    ----------
    signature : Signature
        What it takes.
    arguments : dict
        All of its arguments by name.
    tasks : int
        Of an operation over tasks.
    stage : int, optional
        Neighbours over tasks with the same stage touch nothing of each other.
    whole_chunk : int
        Whether one call is for all groups that a thread has in hand; FULL_CHUNK if they should be many.
    band : int, optional
        An operation may be one of the bands of a larger one: those that follow a band of 0 and count on.
    most_slots : int
        Slots that the partial sums of its layer are kept for, 0 where it sums nothing over images.
    flops : int
        Floating-point operations of one image.
    label : str
        The layers that it works for.
    """

    signature: Signature
    arguments: dict[str, Any]
    tasks: int = 0
    stage: int | None = None
    whole_chunk: int = False
    band: int | None = None
    most_slots: int = 0
    flops: int = 0
    label: str = ""

    @property
    def kernel(self) -> str:
        """Its name."""
        return self.signature.name

    @property
    def buffers(self) -> dict[str, Any]:
        """The buffers by name, None where one is left out."""
        return {each.name: self.arguments[each.name] for each in self.signature.buffers}


@dataclass
class Setting:
    """What the operations of a program have in common, and the layers that those to come work for."""

    element: ElementType
    layout: Layout
    label: str = ""


class Queue:
    """A list of operations that are written by name: ``queue.conv(y=..., x=..., add=True)``.

    Parameters
    ----------
    setting : Setting
        Of the program.
    stage : int, optional
        Of operations that are given none.
    """

    def __init__(self, setting: Setting, stage: int | None = None) -> None:
        self._setting = setting
        self._stage = stage
        self.ops: list[Op] = []

    def __getattr__(self, name: str) -> Callable[..., Op]:
        if name not in SIGNATURES:
            raise AttributeError(f"there is no operation {name!r}")
        return partial(self._write, SIGNATURES[name])

    def _write(
        self,
        signature: Signature,
        *,
        tasks: int = 0,
        stage: int | None = None,
        whole_chunk: int = False,
        band: int | None = None,
        flops: int = 0,
        **given: Any,
    ) -> Op:
        """Check and append an operation; see Op and, for its arguments, csrc/engine/operations.inc."""
        if tasks < 1 if signature.over_tasks else tasks:
            needed = "needs a number of tasks" if signature.over_tasks else "is over groups and has no tasks"
            raise TypeError(f"{signature.name} {needed}, got {tasks}")
        arguments = signature.complete(given, self._setting.layout, self._setting.element)
        slots = [
            each.most_slots for each in arguments.values() if isinstance(each, Vectors) and each.most_slots
        ]
        op = Op(
            signature,
            arguments,
            tasks,
            self._stage if stage is None else stage,
            whole_chunk,
            band,
            min(slots, default=0),
            flops,
            self._setting.label,
        )
        self.ops.append(op)
        return op


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
        self.element = element
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
    def as_band(self, band: int) -> Iterator[None]:
        """Let what is written be one band, and not be cut itself."""
        bands, self.bands, self._band = self.bands, 1, band
        try:
            yield
        finally:
            self.bands, self._band = bands, None

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
        blob = Blob(channels, height, width, self.layout, halo, padded)
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
