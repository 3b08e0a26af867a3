"""What a side is: one library that does one job, as a worker process sees it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# The rate of the plain SGD steps whose losses are compared.
CHECK_LR = 0.02


@dataclass
class Job:
    """A network to be trained or run on one batch.

    Attributes
    ----------
    threads : list of int
        Numbers of threads to try.
    layouts : list of str
        Memory layouts to try, all if empty.
    lean : bool
        Make only what one run needs: its memory is measured.
    """

    network: str
    layers: list[Any]
    training: bool
    optimizer: str
    options: dict[str, Any]
    threads: list[int]
    layouts: list[str]
    lean: bool
    x: np.ndarray
    target: np.ndarray
    state: dict[str, np.ndarray] = field(repr=False)


class Side:
    """One library at work: `calls` are its configurations, each (threads, function without arguments)."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.calls: dict[str, tuple[int, Callable[[], Any]]] = {}

    @staticmethod
    def versions() -> dict[str, str]:
        """Return the versions of what is measured."""
        raise NotImplementedError

    def set_threads(self, threads: int) -> None:
        """Use so many threads from now on."""
        raise NotImplementedError

    def losses(self, steps: int) -> list[float]:
        """Return the losses of plain SGD steps from the first weights, without dropout."""
        raise NotImplementedError

    def logits(self) -> dict[str, list[list[float]]]:
        """Return the logits of each configuration."""
        return {name: np.asarray(call(), np.float64).tolist() for name, (_, call) in self.calls.items()}

    def run(self, configuration: str, seconds: float) -> dict[str, float]:
        """Call a configuration again and again for some seconds, once unclocked; return seconds of a call."""
        threads, call = self.calls[configuration]
        self.set_threads(threads)
        call()
        times: list[float] = []
        clock = time.perf_counter
        end = clock() + seconds
        while len(times) < 2 or clock() < end:
            start = clock()
            call()
            times.append(clock() - start)
        return {"median": statistics.median(times), "mean": statistics.fmean(times), "calls": len(times)}


def threads_name(name: str, threads: int, tried: list[int]) -> str:
    """Return the name of a configuration: with its number of threads if several are tried."""
    if len(tried) == 1:
        return name
    return f"{name}{', ' if name else ''}{threads} thread{'s' if threads > 1 else ''}"
