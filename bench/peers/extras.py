"""What is measured beside the cases: two threads against one, and the memory that training takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import networks
from .process import Worker, write_arrays
from .rounds import Case, prepare
from .turns import Settings, Turn, take_turns

# (network, batch): the first is compared with the peers; a network without batch norm needs the same memory
# for a large batch as for a small one, but for its images.
MEMORY_CASES = (("compact-mnist", 512), ("position-bias-mnist", 64), ("position-bias-mnist", 512))
MEMORY_STEPS = 5
LAYOUTS = {"fastcnn": ("",), "PyTorch": ("contiguous", "channels_last")}


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


def measure_memory(contenders: list[str], threads: int, folder: Path) -> list[dict[str, Any]]:
    """Return the peak resident memory of training, each contender and layout in a fresh process."""
    rows = []
    for name, batch in MEMORY_CASES:
        network = networks.NETWORKS[name]
        model = networks.build(network)
        path = folder / "memory.npz"
        write_arrays(path, model, network.input_shape, batch)
        for contender in contenders:
            for layout in LAYOUTS.get(contender, ()):
                with Worker(contender, threads) as worker:
                    case = Case("training", network, batch, threads, ())
                    worker.ask("versions")
                    before = worker.ask("peak_memory")
                    layouts = (layout,) if layout else ()
                    (configuration,) = prepare(worker, case, model, path, [threads], layouts, lean=True)
                    for _ in range(MEMORY_STEPS):
                        worker.ask("run", configuration=configuration, seconds=0)
                    peak = worker.ask("peak_memory")
                rows.append(
                    {
                        "network": name,
                        "batch": batch,
                        "contender": contender,
                        "configuration": layout,
                        "imported_bytes": before,
                        "peak_bytes": peak,
                    }
                )
    return rows
