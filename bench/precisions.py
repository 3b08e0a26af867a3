"""Two precisions of fastcnn on the same networks, by turns: what the less precise one makes faster.

    python -m bench.precisions --precisions high,medium --networks vgg-32,resnet18-cifar

In every round each precision trains a step or predicts a batch for some tenths of a second, in turns, and
counts as the median of its calls. The speed of a case is the median over the rounds of the first one's time /
the second one's, with the interval that holds it with 95%, whatever the distribution. Outputs are compared
first.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

if not __package__:  # python bench/precisions.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np

import fastcnn
from bench.peers import networks
from bench.peers.process import random_batch
from bench.peers.rounds import Case
from bench.versions import cases_of, interval
from fastcnn import nn, optim
from fastcnn._config import config
from fastcnn._precision import PRECISIONS

NETWORKS = "vgg-32,vgg-256,resnet18-cifar"
# Of the largest output of the first precision, and the share of it that the other one may differ by.
TOLERANCE = 0.05


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        "precisions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--precisions", default="high,medium", help="default: %(default)s")
    parser.add_argument(
        "--networks", default=NETWORKS, help="names, or zoo, other, all; default: %(default)s"
    )
    parser.add_argument("--cases", default="train-128,predict-128", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=9, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.3, help="of a turn; default: %(default)s")
    return parser.parse_args(argv)


def call_of(case: Case, precision: str, x: np.ndarray, target: np.ndarray) -> Callable[[], object]:
    """Return what trains a step or predicts a batch in a precision."""
    model = networks.build(case.network)
    if not case.training:
        return lambda: model.predict(x, len(x), precision=precision)
    optimizer = getattr(optim, case.network.optimizer)(model.parameters(), **case.network.options)
    trainer = fastcnn.Trainer(model, optimizer, nn.CrossEntropyLoss(), precision=precision)
    return lambda: trainer.train_step(x, target)


def compare(case: Case, x: np.ndarray, pair: list[str]) -> None:
    """Raise ValueError if the outputs of two precisions have little in common."""
    model = networks.build(case.network)
    first, second = (model.predict(x[:16], precision=each) for each in pair)
    apart, largest = float(np.abs(first - second).max()), float(np.abs(first).max())
    if not apart <= TOLERANCE * largest:
        raise ValueError(f"{case.network.name}: outputs up to {largest:.3g} differ by {apart:.3g}")


def turn(call: Callable[[], object], seconds: float) -> float:
    """Return the median time of the calls that begin within some seconds."""
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(case: Case, pair: list[str], rounds: int, seconds: float) -> list[float]:
    """Return the ratio of both precisions' times in each round."""
    x, target = random_batch(networks.build(case.network), case.network.input_shape, case.batch)
    compare(case, x, pair)
    calls = [call_of(case, precision, x, target) for precision in pair]
    for call in calls:
        call()
    ratios = []
    for number in range(rounds):
        taken = [0.0, 0.0]
        for i in (0, 1) if number % 2 else (1, 0):
            taken[i] = turn(calls[i], seconds)
        ratios.append(taken[0] / taken[1])
    return ratios


def main(argv: list[str] | None = None) -> int:
    """Print a line for each case and return 0; or a message and 1, where something is wrong."""
    options = parse(argv)
    pair = options.precisions.split(",")
    try:
        if len(pair) != 2 or not set(pair) <= set(PRECISIONS):
            raise ValueError(f"--precisions: two of {', '.join(PRECISIONS)}, got {options.precisions!r}")
        cases = cases_of(options)
        fastcnn.set_num_threads(options.threads)
        print(f"{config()['instruction set']}, {options.threads} threads")
        print(f"{'case':36}{'speed of ' + pair[1] + ' / ' + pair[0]:>26}")
        for name, case in cases.items():
            found = measure(case, pair, options.rounds, options.seconds)
            low, high = interval(found)
            print(f"{name:36}{statistics.median(found):26.3f}  [{low:.3f}, {high:.3f}]", flush=True)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
