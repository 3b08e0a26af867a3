"""What is measured beside the speed of cases: two threads against one, and memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import networks
from .process import Worker, write_arrays
from .result import Result
from .rounds import Case, prepare
from .turns import Settings, Turn, take_turns

MEMORY_CALLS = 5


def measure_scaling(case: Case, worker: Worker, settings: Settings, folder: Path) -> dict[str, Any]:
    """Return how many times as fast fastcnn is on case.threads threads as on one, a number for each round."""
    network = case.network
    model = networks.build(network)
    path = folder / "case.npz"
    write_arrays(path, model, network.input_shape, case.batch)
    one, many = prepare(worker, case, model, path, [1, case.threads])
    turns = [Turn(worker, one), Turn(worker, many)]
    rounds = take_turns(turns, worker, [1, case.threads], settings)
    worker.ask("drop")
    return {
        "network": network.name,
        "mode": "training" if case.training else "inference",
        "batch": case.batch,
        "threads": case.threads,
        "ratios": [a / b for a, b in rounds.seconds],
        "peak_ratios": [b / a for a, b in rounds.peaks],
        "others": rounds.others,
    }


def measure_memory(case: Case, result: Result, folder: Path) -> dict[str, dict[str, int]]:
    """Return the peak resident memory of fastcnn and of the best float32 peer, each in a fresh process.

    The process makes that configuration alone and calls it some times. PyTorch compiles in it too, from its
    cache on the disk: tracing counts, the C++ compiler does not, which runs in processes of its own.
    """
    network = case.network
    model = networks.build(network)
    path = folder / "memory.npz"
    write_arrays(path, model, network.input_shape, case.batch)
    chosen = [result.choice("fastcnn")]
    if result.configurations(None):
        chosen.append(result.choice(None))
    found = {}
    for contender, configuration in chosen:
        with Worker(contender, case.threads) as worker:
            worker.ask("versions")
            before = worker.ask("peak_memory")
            prepare(worker, case, model, path, case.threads_of(contender), configuration)
            for _ in range(MEMORY_CALLS):
                worker.ask("run", configuration=configuration, seconds=0)
            found[contender] = {"imported_bytes": before, "peak_bytes": worker.ask("peak_memory")}
    return found
