"""Rounds in which everyone takes a turn, and which are played again if other programs disturbed them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from .machine import busy_seconds, cores
from .process import Worker

PEAK_SECONDS = 0.02


@dataclass
class Settings:
    """How long everything takes.

    Attributes
    ----------
    rounds : int
        That count.
    turn_seconds : float
        Of calls in a turn.
    gap_seconds : float
        Before a turn: idle threads of the one before spin for some milliseconds until they sleep.
    disturbed : float
        A round in which other programs had more than this share of the cores' time, in any turn, is played
        again, but not more than `attempts` rounds for each that counts: then the quietest count.
    """

    rounds: int = 5
    turn_seconds: float = 0.25
    gap_seconds: float = 0.04
    disturbed: float = 0.03
    attempts: int = 3


@dataclass
class Turn:
    """A configuration of a worker."""

    worker: Worker
    configuration: str


@dataclass
class Rounds:
    """What was measured in each round.

    Attributes
    ----------
    seconds : list of list of float
        Of a call, a number for each turn.
    peaks : list of list of float
        FLOP/s of the vector units, a number for each number of threads.
    others : list of float
        The largest share of the cores' time that other programs had in a turn.
    """

    seconds: list[list[float]] = field(default_factory=list)
    peaks: list[list[float]] = field(default_factory=list)
    others: list[float] = field(default_factory=list)


def take_turns(turns: list[Turn], referee: Worker, threads: list[int], settings: Settings) -> Rounds:
    """Play rounds.

    Parameters
    ----------
    turns : list of Turn
        In every round each comes once, and each comes first at times.
    referee : Worker
        fastcnn's: measures the FMA peak in each round.
    threads : list of int
        Numbers of threads of which to measure the peak.
    settings : Settings
    """
    played: list[tuple[float, int, list[float], list[float]]] = []
    quiet = 0
    while quiet < settings.rounds and len(played) < settings.attempts * settings.rounds:
        number = len(played)
        peaks, others = [], 0.0
        for count in threads:
            answer, share = _ask(referee, settings, "fma_peak", threads=count, seconds=PEAK_SECONDS)
            peaks.append(answer["rate"])
            others = max(others, share)
        seconds = [0.0] * len(turns)
        for i in range(len(turns)):
            index = (i + number) % len(turns)
            turn = turns[index]
            answer, share = _ask(
                turn.worker, settings, "run", configuration=turn.configuration, seconds=settings.turn_seconds
            )
            seconds[index] = answer["median"]
            others = max(others, share)
        played.append((others, number, seconds, peaks))
        quiet += others <= settings.disturbed
    kept = sorted(sorted(played)[: settings.rounds], key=lambda each: each[1])
    return Rounds([each[2] for each in kept], [each[3] for each in kept], [each[0] for each in kept])


def _ask(worker: Worker, settings: Settings, what: str, **arguments: object) -> tuple[dict, float]:
    """Return a worker's answer and the share of the cores' time that others had meanwhile."""
    time.sleep(settings.gap_seconds)
    start, busy = time.perf_counter(), busy_seconds()
    answer = worker.ask(what, **arguments)
    others = busy_seconds() - busy - answer["cpu_seconds"]
    elapsed = time.perf_counter() - start
    # The system counts in hundredths of a second.
    return answer, max(0.0, others - 0.01 * cores()) / (elapsed * cores())
