"""One case: a network and a batch, which all contenders do after their answers were compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastcnn.nn.summary import summarize

from . import layers, networks
from .answers import compare_answers
from .process import Worker, write_arrays
from .result import Result
from .turns import Settings, Turn, take_turns


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

    def threads_of(self, contender: str) -> list[int]:
        """Return the numbers of threads that a contender tries."""
        return [self.threads] if contender == "fastcnn" else sorted({self.threads, *self.tries})


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
    configurations = {
        name: prepare(workers[name], case, model, path, case.threads_of(name)) for name in contenders
    }
    compare_answers({name: workers[name] for name in contenders}, configurations, case.training)
    flops = case.batch * count_flops(model, network.input_shape, case.training)
    turns = [(name, each) for name in contenders for each in configurations[name]]
    rounds = take_turns(
        [Turn(workers[name], each) for name, each in turns], workers["fastcnn"], [case.threads], settings
    )
    result = Result(case.section, network.name, network.group, case.batch, case.threads, flops)
    result.precisions = configurations
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
    only: str | None = None,
) -> dict[str, str]:
    """Give a worker its job, of all configurations or of one; return the precision of each."""
    return worker.ask(
        "prepare",
        path=str(path),
        network=case.network.name,
        layers=layers.describe(model, case.network.input_shape),
        training=case.training,
        optimizer=case.network.optimizer,
        options={"lr": 1e-4, **case.network.options},
        check_lr=case.network.check_lr,
        threads=threads,
        only=only,
    )
