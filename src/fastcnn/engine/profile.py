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

from .._kernels import cpu
from .._shapes import integer
from .describe import part_of
from .plan import Plan
from .plans import ForwardPlan, StepPlan, TwoPassPlan

_LEAST_REPEATS = 3
# Measured between repeats: a processor's clock rate goes up and down.
_PEAK_SECONDS = 0.01


@dataclass(frozen=True)
class OperationTime:
    """One operation of a program: what it is, and the median of its time for a whole batch."""

    number: int
    phase: int
    part: str
    kernel: str
    label: str
    seconds: float
    flops: int

    @property
    def flops_per_second(self) -> float:
        """Floating-point operations in a second."""
        return self.flops / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class Profile:
    """The operations of a program in order, and the peak of one thread in FLOP/s, measured in between."""

    batch: int
    peak: float
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
        plan.runner.seconds = times[-1]
        try:
            if isinstance(plan, StepPlan):
                plan.step(x, target, 1 / size)
            elif isinstance(plan, ForwardPlan):
                plan.forward(x)
                if isinstance(plan, TwoPassPlan):
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
        )
        for phase, (_, first, last) in enumerate(plan.executable.phases)
        for i in range(first, last)
    ]
    return Profile(size, statistics.median(peaks), operations)
