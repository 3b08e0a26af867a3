"""What a side is: one library that does one job, as a worker process sees it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Job:
    """A network to be trained or run on one batch.

    Attributes
    ----------
    check_lr : float
        The rate of the plain SGD steps whose losses are compared.
    threads : list of int
        Numbers of threads to try.
    only : str or None
        The one configuration to make, with nothing beside it, since its memory is measured; None: all.
    """

    network: str
    layers: list[Any]
    training: bool
    optimizer: str
    options: dict[str, Any]
    check_lr: float
    threads: list[int]
    only: str | None
    x: np.ndarray
    target: np.ndarray
    state: dict[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True)
class Call:
    """What a configuration does: a function without arguments, on so many threads, in a precision."""

    threads: int
    function: Callable[[], Any]
    precision: str


class Side:
    """One library at work; `calls` are its configurations by name."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.calls: dict[str, Call] = {}

    def wanted(self, name: str, threads: int) -> bool:
        """Return whether a configuration is to be made."""
        return self.job.only in (None, threads_name(name, threads, self.job.threads))

    def add(self, name: str, threads: int, function: Callable[[], Any], precision: str = "float32") -> None:
        """Add a configuration."""
        self.calls[threads_name(name, threads, self.job.threads)] = Call(threads, function, precision)

    @staticmethod
    def versions() -> dict[str, str]:
        """Return the versions of what is measured."""
        raise NotImplementedError

    def set_threads(self, threads: int) -> None:
        """Use so many threads from now on."""
        raise NotImplementedError

    def losses(self, steps: int) -> dict[str, list[float]]:
        """Return the losses of plain SGD steps from the first weights, without dropout.

        They are those of each configuration, of fewer steps where more say nothing.
        """
        raise NotImplementedError

    def logits(self) -> dict[str, list[list[float]]]:
        """Return the logits of each configuration."""
        found = {}
        for name, call in self.calls.items():
            self.set_threads(call.threads)
            found[name] = self.array(call.function()).astype(np.float64).tolist()
        return found

    def array(self, answer: Any) -> np.ndarray:
        """Return what a call of inference answered as an array."""
        return answer

    def run(self, configuration: str, seconds: float) -> dict[str, float]:
        """Call a configuration again and again for some seconds, once unclocked; return seconds of a call."""
        call = self.calls[configuration]
        self.set_threads(call.threads)
        call.function()
        times: list[float] = []
        clock = time.perf_counter
        end = clock() + seconds
        while len(times) < 2 or clock() < end:
            start = clock()
            call.function()
            times.append(clock() - start)
        return {"median": statistics.median(times), "mean": statistics.fmean(times), "calls": len(times)}


def threads_name(name: str, threads: int, tried: list[int]) -> str:
    """Return the name of a configuration: with its number of threads if several are tried."""
    if len(tried) == 1:
        return name
    return f"{name}{', ' if name else ''}{threads} thread{'s' if threads > 1 else ''}"
