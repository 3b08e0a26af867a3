"""One case: a network and a batch, which all contenders do after their answers were compared."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.nn.summary import summarize

from . import layers, networks
from .process import Worker, write_arrays
from .turns import Settings, Turn, take_turns

LOGITS_TOLERANCE = 1e-4
LOSS_TOLERANCE = 1e-3
CHECKED_STEPS = 3


class AnswerError(RuntimeError):
    """The contenders do not answer the same."""


@dataclass(frozen=True)
class Case:
    """What is measured: a section of the report, a network, a batch, the numbers of threads to try."""

    section: str
    network: networks.Network
    batch: int
    threads: int
    peers: tuple[str, ...]
    tries: tuple[int, ...] = ()  # other numbers of threads for the peers, who may choose

    @property
    def training(self) -> bool:
        """Whether a step of training is measured, or else prediction."""
        return self.section == "training"


@dataclass
class Result:
    """Seconds of a call for each contender and configuration, a number for each round."""

    section: str
    network: str
    group: str
    batch: int
    threads: int
    flops: int
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    peaks: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)

    def best(self, contender: str) -> list[float]:
        """Return each round's seconds of the contender's best configuration in it."""
        return [min(each) for each in zip(*self.seconds[contender].values(), strict=True)]

    def choice(self, contender: str) -> str:
        """Return the configuration with the least median."""
        return min(self.seconds[contender], key=lambda name: statistics.median(self.seconds[contender][name]))

    def rate(self, contender: str) -> float:
        """Return the median of images in a second."""
        return self.batch / statistics.median(self.best(contender))

    def ratios(self, peer: str) -> list[float]:
        """Return how many times as fast as a peer fastcnn was in each round."""
        return [p / f for p, f in zip(self.best(peer), self.best("fastcnn"), strict=True)]

    def peak_share(self, contender: str) -> float:
        """Return the median share of the FMA peak of the same round."""
        pairs = zip(self.best(contender), self.peaks, strict=True)
        return statistics.median(self.flops / seconds / peak for seconds, peak in pairs)

    def as_dict(self) -> dict[str, Any]:
        """Return everything, with what follows from it, as JSON takes it."""
        peers = [name for name in self.seconds if name != "fastcnn"]
        return {
            **asdict(self),
            "images_per_second": {name: self.rate(name) for name in self.seconds},
            "share_of_peak": {name: self.peak_share(name) for name in self.seconds},
            "configuration": {name: self.choice(name) for name in self.seconds},
            "ratios": {name: self.ratios(name) for name in peers},
        }


def count_flops(model: Any, input_shape: tuple[int, ...], training: bool) -> int:
    """Return the floating-point operations of an image: two for each multiply-accumulate of the summary.

    Training has each product three times, but for the input's gradient, which nobody needs.
    """
    table = summarize(model, input_shape)
    first = next(layer.macs for layer in table.layers if layer.macs)
    return 2 * (3 * table.macs - first if training else table.macs)


def measure(case: Case, workers: dict[str, Worker], settings: Settings, folder: Path) -> Result:
    """Prepare a case, compare the answers, and measure it.

    Raises
    ------
    AnswerError
        If the contenders do not answer the same.
    """
    network = case.network
    model = networks.build(network)
    path = folder / "case.npz"
    write_arrays(path, model, network.input_shape, case.batch)
    contenders = ["fastcnn", *(name for name in case.peers if name in workers)]
    configurations = {}
    for name in contenders:
        tries = sorted({case.threads, *case.tries}) if name != "fastcnn" else [case.threads]
        configurations[name] = prepare(workers[name], case, model, path, tries)
    compare_answers({name: workers[name] for name in contenders}, case.training)
    flops = case.batch * count_flops(model, network.input_shape, case.training)
    turns = [(name, each) for name in contenders for each in configurations[name]]
    rounds = take_turns(
        [Turn(workers[name], each) for name, each in turns], workers["fastcnn"], [case.threads], settings
    )
    result = Result(case.section, network.name, network.group, case.batch, case.threads, flops)
    for i, (name, each) in enumerate(turns):
        result.seconds.setdefault(name, {})[each] = [seconds[i] for seconds in rounds.seconds]
    result.peaks = [peak for (peak,) in rounds.peaks]
    result.others = rounds.others
    for name in contenders:
        workers[name].ask("drop")
    return result


def prepare(
    worker: Worker,
    case: Case,
    model: Any,
    path: Path,
    threads: list[int],
    layouts: tuple[str, ...] = (),
    lean: bool = False,
) -> list[str]:
    """Give a worker its job; return its configurations."""
    return worker.ask(
        "prepare",
        path=str(path),
        network=case.network.name,
        layers=layers.describe(model),
        training=case.training,
        optimizer=case.network.optimizer,
        options={"lr": 1e-4, **case.network.options},
        threads=threads,
        layouts=layouts,
        lean=lean,
    )


def compare_answers(workers: dict[str, Worker], training: bool) -> None:
    """Compare the losses of some steps, or the logits of each configuration, with those of the first worker.

    Raises
    ------
    AnswerError
        If they differ by more than rounding.
    """
    expected: np.ndarray | None = None
    for name, worker in workers.items():
        answers = {"": worker.ask("losses", steps=CHECKED_STEPS)} if training else worker.ask("logits")
        for configuration, answer in answers.items():
            array = np.array(answer)
            who = f"{name} {configuration}".strip()
            if not np.isfinite(array).all():
                raise AnswerError(f"{who}: not finite")
            expected = array if expected is None else expected
            # The first loss has seen no gradient.
            parts = [(array, expected, LOSS_TOLERANCE if training else LOGITS_TOLERANCE)]
            if training:
                parts.insert(0, (array[:1], expected[:1], LOGITS_TOLERANCE))
            for got, wanted, tolerance in parts:
                error = np.abs(got - wanted).max() / np.abs(wanted).max()
                if error > tolerance:
                    raise AnswerError(f"{who}: differs by {error:.2g} of the largest number")
