"""Processes that train at once, each with a thread for every core: steps a second of all of them.

``python -m bench.bench_processes``, with ``--networks``, ``--batches``, ``--processes``, ``--seconds``.

Each takes steps of training on a batch of its own from the moment when all are ready. What is printed is the
median of three rounds, and its ratio to the first number of processes in the same round.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier

import numpy as np

from fastcnn import recipes
from fastcnn.engine.describe import aligned

ROUNDS = 3


def train(ready: Barrier, rates: Queue[float], name: str, batch: int, seconds: float) -> None:
    """Put steps a second."""
    trainer = recipes.Experiment(recipes.load(name)).trainer
    trainer.model.train()
    executor, rng = trainer._executor, np.random.default_rng(0)
    shape = (3, 32, 32) if "cifar" in name else (1, 28, 28)
    x, y = rng.standard_normal((batch, *shape)).astype(np.float32), rng.integers(0, 10, batch)
    for _ in range(20):
        executor.step(x, y)
    ready.wait()
    start, steps = time.perf_counter(), 0
    while time.perf_counter() < start + seconds:
        executor.step(x, y)
        steps += 1
    rates.put(steps / (time.perf_counter() - start))


def rate(name: str, batch: int, processes: int, seconds: float) -> float:
    """Return steps a second of so many processes in sum."""
    context = multiprocessing.get_context("spawn")
    ready, rates = context.Barrier(processes), context.Queue()
    arguments = (ready, rates, name, batch, seconds)
    started = [context.Process(target=train, args=arguments) for _ in range(processes)]
    for process in started:
        process.start()
    found = sum(rates.get() for _ in started)
    for process in started:
        process.join()
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--networks", default="spec-lenet,residual-mnist")
    parser.add_argument("--batches", default="2,32")
    parser.add_argument("--processes", default="1,2,4")
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    counts = [int(text) for text in options.processes.split(",")]
    rows = [("network", "batch", "processes", "steps/s", f"times {counts[0]}")]
    for name in options.networks.split(","):
        for batch in map(int, options.batches.split(",")):
            found = np.array([[rate(name, batch, n, options.seconds) for n in counts] for _ in range(ROUNDS)])
            medians, ratios = np.median(found, 0), np.median(found / found[:, :1], 0)
            for n, steps, ratio in zip(counts, medians, ratios, strict=True):
                rows.append((name, str(batch), str(n), f"{steps:.0f}", f"{ratio:.2f}"))
    print("\n".join(aligned(rows)))


if __name__ == "__main__":
    main()
