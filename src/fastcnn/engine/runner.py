"""A program at work: it follows the model's parameters and settings, and runs its parts."""

from __future__ import annotations

import numpy as np

from .. import nn
from .._kernels import cpu
from .._kernels import program as kernels
from ..errors import StateError
from ..nn import changes
from .assemble import Executable
from .packed import Packed


class Runner:
    """Runs the parts of a program.

    Parameters
    ----------
    executable : Executable
        The program.
    threads : int
        On how many, at most; kernels.MOST_SLOTS is as many as have work.
    packed : Packed, optional
        Tells whether what an earlier run has made of parameters still holds; None if it never does.
    dropouts : list of Dropout
        In the order of their keys.

    Attributes
    ----------
    seconds : array, optional
        Of each operation. With an array here runs are on one thread, look at the clock after each operation
        and add to it.
    """

    def __init__(
        self, executable: Executable, threads: int, packed: Packed | None, dropouts: list[nn.Dropout]
    ) -> None:
        self.executable = executable
        self.threads = threads
        self.seconds: np.ndarray | None = None
        self.dropouts = dropouts
        self.keys = np.zeros(max(1, len(dropouts)), np.uint64)
        self._packed = packed
        self._is_packed = False  # whether the present run finds packed weights
        self._seen = -1
        self._shapes = {id(p): p.shape for _, _, p in executable.parameters}
        self._parameters = executable.distinct_parameters
        self._dtype = executable.writer.element.real
        first_prepared = executable.writer.first_prepared
        self._prepared_phases = sum(last <= first_prepared for _, _, last in executable.phases)

    def refresh(self) -> list[np.ndarray]:
        """Follow what was changed in parameters and settings; return the parameters' arrays."""
        latest = changes.latest()
        if self._packed is not None:
            unchanged = self._packed.unchanged() if latest == self._seen else None
            self._is_packed = unchanged is not None
            if unchanged is not None:
                return unchanged
            self._packed.note()
        arrays = [parameter._data for parameter in self._parameters]
        if latest == self._seen:
            return arrays
        executable = self.executable
        for op, name, parameter in executable.parameters:
            data, shape = parameter._data, self._shapes[id(parameter)]
            if data.shape != shape or data.dtype != self._dtype:
                raise StateError(
                    f"the plan was made for a parameter of the shape {shape} and type {self._dtype}; "
                    f"now it is {data.shape}, {data.dtype}"
                )
            executable.program.point(op, name, data)
        for op, name, scalar in executable.scalars:
            executable.program.set_scalar(op, name, scalar())
        self._seen = latest
        return arrays

    def draw_keys(self) -> None:
        """Draw the keys of a batch; as in eager mode, nothing is drawn where nothing is dropped."""
        for i, layer in enumerate(self.dropouts):
            if layer.p:
                self.keys[i] = layer.stream().integers(2**64, dtype=np.uint64)

    def run(self, part: int, batch: int, given: tuple) -> None:
        """Run a part on arrays of the caller, which are in the order of `executable.externals`."""
        program, ends = self.executable.program, self.executable.phase_ends
        first = ends[part - 1] if part else 0
        if self.seconds is not None:
            program.time_ops(self.seconds, batch, self.keys, first, ends[part], given)
            return
        if self._is_packed and part == 0:
            first = self._prepared_phases
        threads = cpu.get_num_threads()
        if threads > self.threads:
            threads = self.threads
        program.run(batch, self.keys, first, ends[part], threads, given)


def working_threads() -> int:
    """Return the number of threads that have work in a program made now."""
    return min(cpu.get_num_threads(), kernels.MOST_SLOTS)
