"""A program at work: it follows the model's parameters and settings, and runs its parts."""

from __future__ import annotations

import numpy as np

from .._kernels import cpu
from .._kernels import program as kernels
from ..errors import StateError
from ..nn import changes
from .assemble import Executable
from .parts import Dropping

Cell = tuple[np.ndarray]  # a parameter's own, see packed.py


class Runner:
    """Runs the parts of a program, for one thread at a time.

    Parameters
    ----------
    executable : Executable
        The program.
    threads : int
        On how many, at most; kernels.MOST_SLOTS is as many as have work.
    dropouts : list of Dropping
        In the order of their keys.

    Attributes
    ----------
    seconds : array, optional
        Of each operation. With an array here runs are on one thread, look at the clock after each operation
        and add to it.
    share, used, followed : int, bool, int
        Among several runners: how many share the threads, whether it had a turn lately, and which packing of
        parameters it has followed.
    """

    def __init__(self, executable: Executable, threads: int, dropouts: list[Dropping]) -> None:
        self.executable = executable
        self.threads = threads
        self.seconds: np.ndarray | None = None
        self.share, self.used, self.followed = 1, False, -1
        self.dropouts = dropouts
        self.keys = np.zeros(max(1, len(dropouts)), np.uint64)
        self.parameters = executable.distinct_parameters
        self._seen = -1
        numbers = {id(parameter): i for i, parameter in enumerate(self.parameters)}
        self._places = [(op, name, numbers[id(parameter)]) for op, name, parameter in executable.parameters]
        self._shapes = [parameter.shape for parameter in self.parameters]
        self._dtype = executable.writer.element.real
        self._stretches = executable.stretches

    def refresh(self) -> list[Cell]:
        """Follow what was changed in parameters and settings; return what keeps the arrays alive."""
        latest, cells = changes.latest(), [parameter._cell for parameter in self.parameters]
        if latest != self._seen:
            self.follow(cells, self.settings())
            self._seen = latest
        return cells

    def settings(self) -> list[float]:
        """Return the settings of layers that the program reads, such as eps."""
        return [scalar() for _, _, scalar in self.executable.scalars]

    def follow(self, cells: list[Cell], settings: list[float]) -> None:
        """Have the program read these arrays of the parameters, and these settings."""
        for (data,), shape in zip(cells, self._shapes, strict=True):
            if data.shape != shape or data.dtype != self._dtype:
                raise StateError(
                    f"the plan was made for a parameter of the shape {shape} and type {self._dtype}; "
                    f"now it is {data.shape}, {data.dtype}"
                )
        executable = self.executable
        for op, name, number in self._places:
            executable.program.point(op, name, cells[number][0])
        for (op, name, _), value in zip(executable.scalars, settings, strict=True):
            executable.program.set_scalar(op, name, value)

    def draw_keys(self) -> None:
        """Draw the keys of a batch; as in eager mode, nothing is drawn where nothing is dropped."""
        for i, layer in enumerate(self.dropouts):
            if layer.p:
                self.keys[i] = layer.stream().integers(2**64, dtype=np.uint64)

    def prepare(self) -> None:
        """Run what prepares all parts, such as packing weights."""
        program = self.executable.program
        nothing = (None,) * len(self.executable.externals)
        for start, prepared, _ in self._stretches:
            program.run(1, self.keys, start, prepared, self._most(), nothing)

    def run_pass(self, name: str, batch: int, arrays: dict[str, np.ndarray], prepared: bool = False) -> None:
        """Run the parts of a pass, and what Python does between them, on these arrays of the caller."""
        externals = self.executable.externals
        for number, part in enumerate(self.executable.writer.parts):
            if part.name != name:
                continue
            given = part.pause.arrays(batch) if part.pause else {}
            every = {**arrays, **given}
            self.run(number, batch, tuple([every.get(name) for name in externals]), prepared)
            if part.pause:
                arrays.update(part.pause.run(given))

    def run(self, part: int, batch: int, given: tuple, prepared: bool = False) -> None:
        """Run a part on arrays of the caller, which are in the order of `executable.externals`."""
        program = self.executable.program
        start, begin, end = self._stretches[part]
        if self.seconds is not None:
            program.time_ops(self.seconds, batch, self.keys, start, end, given)
            return
        program.run(batch, self.keys, begin if prepared else start, end, self._most(), given)

    def _most(self) -> int:
        """Return the number of threads to run on."""
        return max(1, min(cpu.threads_in_use() // self.share, self.threads))


def working_threads() -> int:
    """Return the number of threads that have work in a program made now."""
    return min(cpu.threads_in_use(), kernels.MOST_SLOTS)
