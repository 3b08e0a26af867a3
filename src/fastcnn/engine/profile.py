"""Where the time of a program goes: every operation's time, measured inside the running program.

The program runs on one thread, as it is: the operations of a group of images one after the other, then those
of the next group, so that each finds in the caches what it finds there in a run without a clock. A look at
the clock costs some 30 nanoseconds, and there is one for each operation and group.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np

from .._kernels import caches, cpu
from .._kernels import program as kernels
from .._shapes import integer
from .describe import part_of
from .elements import ElementType
from .emit import Op
from .layout import Layout
from .memory import Blob, External, Vectors
from .plan import Plan
from .plans import InferencePlan, StepPlan, TwoPassPlan

_LEAST_REPEATS = 3
# Measured between repeats: a processor's clock rate goes up and down.
_PEAK_SECONDS = 0.01
# The array that is copied within a cache takes this share of it; that in memory is so many times the largest
# cache, within these bounds.
_CACHE_SHARE = 0.5
_MEMORY_CACHES, _LEAST_MEMORY, _MOST_MEMORY = 4, 64 << 20, 256 << 20
_BANDWIDTH_SECONDS = 0.02


@dataclass(frozen=True)
class OperationTime:
    """One operation of a program: what it is, and the median of its time for a whole batch.

    Its bytes are those of the arrays that it reads and writes, each once (twice what it adds to), whichever
    cache they are in; what threads use within an operation does not count.
    """

    number: int
    phase: int
    part: str
    kernel: str
    label: str
    seconds: float
    flops: int
    bytes: int

    @property
    def bytes_per_second(self) -> float:
        """Bytes that it moves in a second."""
        return self.bytes / self.seconds if self.seconds else 0.0

    @property
    def flops_per_second(self) -> float:
        """Floating-point operations in a second."""
        return self.flops / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Profile:
    """The operations of a program in order, and what one thread can do at best.

    Attributes
    ----------
    batch : int
    peak : float
        FLOP/s, measured between the repeats.
    bandwidth : dict
        Bytes read and written in a second by a copy within each cache, by its level, and, under 0, in memory.
    operations : list of OperationTime
    """

    batch: int
    peak: float
    bandwidth: dict[int, float]
    operations: list[OperationTime]

    @property
    def seconds(self) -> float:
        """Time of all operations for one batch on one thread."""
        return sum(each.seconds for each in self.operations)

    @property
    def flops(self) -> int:
        """Floating-point operations of one batch: two for each product that the layers need."""
        return sum(each.flops for each in self.operations)

    def by_kernel(self) -> dict[str, float]:
        """Return the seconds of each kernel, the longest first."""
        total: dict[str, float] = {}
        for each in self.operations:
            total[each.kernel] = total.get(each.kernel, 0.0) + each.seconds
        return dict(sorted(total.items(), key=lambda item: -item[1]))


def profile(plan: Plan, batch_size: int, seconds: float = 1.0) -> Profile:
    """Run a plan on random images, with a clock around each operation.

    Parameters
    ----------
    plan : Plan
        One for training changes running statistics, and without a loss adds to the parameters' gradients.
    batch_size : int
        Images of a run.
    seconds : float
        How long to repeat it, three times at the least.

    Returns
    -------
    Profile
        Medians over the repeats.
    """
    size = integer(batch_size, "profile: batch_size", 1)
    rng = np.random.default_rng(0)
    x, dy = (
        tuple([rng.standard_normal((size, *shape)).astype(plan.dtype) for shape in shapes])
        for shapes in (plan.input_shapes, plan.output_shapes)
    )
    target = rng.integers(0, plan.output_shapes[0][0], size)
    ops = plan.executable.writer.ops
    times: list[np.ndarray] = []
    peaks: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) <= _LEAST_REPEATS or time.perf_counter() < end:
        peaks.append(1e9 * cpu.fma_gflops(_PEAK_SECONDS, 1, plan.dtype.itemsize))
        times.append(np.zeros(len(ops)))
        if isinstance(plan, InferencePlan):
            plan.clock(x, times[-1])
            continue
        plan.runner.seconds = times[-1]
        try:
            if isinstance(plan, StepPlan):
                plan.step(x, target, 1 / size)
            elif isinstance(plan, TwoPassPlan):
                plan.forward(x)
                plan.backward(dy)
        finally:
            plan.runner.seconds = None
    medians = np.median(times[1:], axis=0)  # the first finds cold memory
    operations = [
        OperationTime(
            number=i,
            phase=phase,
            part=part_of(plan, phase),
            kernel=ops[i].kernel,
            label=ops[i].label,
            seconds=float(medians[i]),
            flops=ops[i].flops * size,
            bytes=_moved(ops[i], plan.layout, plan.executable.writer.element, size),
        )
        for phase, (_, first, last) in enumerate(plan.executable.phases)
        for i in range(first, last)
    ]
    return Profile(size, statistics.median(peaks), bandwidths(), operations)


def bandwidths() -> dict[int, float]:
    """Return how fast one thread copies within each cache, by its level, and, under 0, in memory."""
    sizes = caches.sizes()
    memory = min(max(_MEMORY_CACHES * max(sizes.values()), _LEAST_MEMORY), _MOST_MEMORY)
    rates = {
        level: cpu.copy_rate(int(_CACHE_SHARE * size), _BANDWIDTH_SECONDS) for level, size in sizes.items()
    }
    return {**rates, 0: cpu.copy_rate(memory, _BANDWIDTH_SECONDS)}


def _moved(op: Op, layout: Layout, element: ElementType, batch: int) -> int:
    """Return the bytes of an operation's arrays for a batch."""
    groups, total = -(-batch // layout.images), 0
    for argument in op.signature.buffers:
        buffer, times = op.arguments[argument.name], 2 if argument.kind.startswith("INOUT") else 1
        if buffer is None or (isinstance(buffer, Vectors) and buffer.each_thread):
            continue
        if isinstance(buffer, External):
            size = batch * buffer.count * element.dtype(buffer.element).itemsize
        elif isinstance(buffer, Blob):
            size = groups * buffer.group_size * buffer.dtype.itemsize
        elif isinstance(buffer, Vectors):
            copies = min(kernels.slots(batch), buffer.most_slots) if buffer.most_slots else groups
            size = copies * buffer.group_size * element.dtype(buffer.element).itemsize
        else:
            size = buffer.size * buffer.dtype.itemsize
        total += times * size
    return total
