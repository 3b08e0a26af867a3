"""Predictions of several threads on one model: images a second, the slowest answers, and memory.

``python -m bench.bench_threads``, with ``--networks``, ``--batches``, ``--threads``, ``--kernel-threads``.

Each thread asks for one batch after the other, after all have given the serial answer to the bit. Rounds
take turns; what is printed is the median, and its ratio to the first number of threads in the same round. In
the second table one thread predicts, and its kernels are to use more threads than there are cores.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable

import numpy as np

import fastcnn
from fastcnn import nn, zoo
from fastcnn.engine.cache import plans_of
from fastcnn.engine.describe import aligned
from fastcnn.engine.plans import InferencePlan

SHAPES = {"list-cifar": (3, 32, 32)}
SECONDS = 0.5


def at_once(threads: int, work: Callable[[int], None]) -> None:
    """Run work(number) in so many threads."""
    each = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
    for thread in each:
        thread.start()
    for thread in each:
        thread.join()


def check(model: nn.Module, x: np.ndarray, threads: int) -> None:
    """Stop where a thread's answer is not the serial one to the bit."""
    want, wrong = model.predict(x), set()

    def work(number: int) -> None:
        for _ in range(5):
            if model.predict(x).tobytes() != want.tobytes():
                wrong.add(number)

    at_once(threads, work)
    if wrong:
        raise SystemExit(f"threads {sorted(wrong)} of {threads} had other answers")


def measure(model: nn.Module, x: np.ndarray, threads: int) -> tuple[float, float]:
    """Return images a second of all threads, and the 99th percentile of the seconds that an answer takes."""
    took: list[list[float]] = [[] for _ in range(threads)]
    end = time.perf_counter() + SECONDS

    def work(number: int) -> None:
        while (start := time.perf_counter()) < end:
            model.predict(x)
            took[number].append(time.perf_counter() - start)

    at_once(threads, work)
    answers = np.concatenate(took)
    return len(answers) * len(x) / SECONDS, float(np.quantile(answers, 0.99))


def buffers(model: nn.Module) -> str:
    """Return how many programs the model has, and what their buffers take."""
    plans = [plan for plan in plans_of(model)._plans.values() if isinstance(plan, InferencePlan)]
    size = sum(len(plan.runners) * plan.executable.bytes for plan in plans)
    return f"{sum(len(plan.runners) for plan in plans)} of {size / 1e6:.1f} MB"


def rounds(
    name: str, batch: int, counts: list[int], number: int, kernel_threads: bool
) -> tuple[list[tuple[float, float, float]], str]:
    """Return (images a second, times the first, seconds of slow answers) for each count, and the programs."""
    x = np.random.default_rng(0).standard_normal((batch, *SHAPES.get(name, (1, 28, 28)))).astype(np.float32)
    model, cores = zoo.build(name, seed=0), fastcnn.get_num_threads()
    found = np.empty((number + 1, len(counts), 2))
    for turn in range(number + 1):  # the first makes what is made but once
        for i, count in enumerate(counts):
            fastcnn.set_num_threads(count if kernel_threads else cores)
            check(model, x, 1 if kernel_threads else count)
            found[turn, i] = measure(model, x, 1 if kernel_threads else count)
    fastcnn.set_num_threads(cores)
    found = found[1:]
    rates, waits = np.median(found[..., 0], 0), np.median(found[..., 1], 0)
    ratios = np.median(found[..., 0] / found[:, :1, 0], 0)
    return list(zip(rates, ratios, waits, strict=True)), buffers(model)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--networks", nargs="+", default=["compact-mnist", "position-bias-mnist", "list-cifar"]
    )
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16, 256])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2, 4, 8])
    parser.add_argument("--kernel-threads", nargs="+", type=int, default=[2, 4, 8, 16, 64])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    for kernel_threads, counts in ((False, args.threads), (True, args.kernel_threads)):
        what = "threads of kernels" if kernel_threads else "threads that predict"
        rows = [("network", "batch", what, "images/s", f"times {counts[0]}", "99% within, ms", "programs")]
        for name in args.networks:
            for batch in args.batches:
                found, programs = rounds(name, batch, counts, args.rounds, kernel_threads)
                rows += [
                    (
                        name,
                        f"{batch}",
                        f"{count}",
                        f"{rate:,.0f}",
                        f"{ratio:.2f}",
                        f"{1e3 * wait:.2f}",
                        programs,
                    )
                    for count, (rate, ratio, wait) in zip(counts, found, strict=True)
                ]
        print("\n".join(aligned(rows)), end="\n\n")


if __name__ == "__main__":
    main()
