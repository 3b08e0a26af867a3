"""Two versions of fastcnn on the same networks, by turns: what a change has made faster or slower.

    python -m bench.versions old/bin/python new/bin/python --json versions.json

Each version is installed into an environment of its own. In every round both get a new process, since it is
worth some percent where the memory of a process happens to lie, and each case has four turns: old, new, new,
old, or the other way round. A turn counts as the lower quartile of its calls. The speed of a case is the
median over the rounds of old seconds / new seconds, with the interval that holds it with 95%, whatever the
distribution.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

if not __package__:  # python bench/versions.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.peers import networks
from fastcnn import nn, optim
from fastcnn.training import Trainer

ROOT = Path(__file__).resolve().parent.parent
NETWORKS = "zoo,vgg-32,strided-stem-64,dense-24"
CASES = "train-32,train-128,train-512,predict-1,predict-128"
LEAST_CALLS = 3


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        "versions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", help="the interpreter of the environment with the old version")
    parser.add_argument("new", help="and of that with the new one")
    parser.add_argument(
        "--networks", default=NETWORKS, help="names, or zoo, other, all; default: %(default)s"
    )
    parser.add_argument("--cases", default=CASES, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=15, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.1, help="of a turn; default: %(default)s")
    parser.add_argument("--json", metavar="FILE", help="every ratio of every round")
    return parser.parse_args(argv)


def interval(ratios: list[float]) -> tuple[float, float]:
    """Return the order statistics that hold the median with at least 95%, or all of few ratios."""
    count, left = len(ratios), 0
    while sum(math.comb(count, i) for i in range(left + 1)) / 2**count <= 0.025:
        left += 1
    ordered = sorted(ratios)
    return ordered[max(left - 1, 0)], ordered[-max(left, 1)]


def work() -> None:
    """Be a worker: time a case for each line of stdin."""
    made: dict[str, Trainer] = {}
    for line in sys.stdin:
        name, case, seconds = json.loads(line)
        network = networks.NETWORKS[name]
        if name not in made:
            model = networks.build(network)
            made[name] = Trainer(
                model, optim.SGD(model.parameters(), lr=1e-4), nn.CrossEntropyLoss(), preprocess=lambda x: x
            )
        trainer, (kind, size) = made[name], case.split("-")
        rng = np.random.default_rng(0)
        x = rng.standard_normal((int(size), *network.input_shape), dtype=np.float32)
        y = rng.integers(0, 10, int(size))
        times: list[float] = []
        for _ in range(2):
            _call(trainer, kind, x, y)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < LEAST_CALLS:
            start = time.perf_counter()
            _call(trainer, kind, x, y)
            times.append(time.perf_counter() - start)
        print(sorted(times)[len(times) // 4], flush=True)


def _call(trainer: Trainer, kind: str, x: np.ndarray, y: np.ndarray) -> None:
    if kind == "train":
        trainer.train_step(x, y)
    else:
        trainer.model.predict(x, len(x))


def start(python: str) -> subprocess.Popen:
    """Return a worker of a version."""
    return subprocess.Popen(
        [python, "-c", "from bench.versions import work; work()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def ask(worker: subprocess.Popen, name: str, case: str, seconds: float) -> float:
    """Return the seconds of a call."""
    assert worker.stdin
    assert worker.stdout
    worker.stdin.write(json.dumps([name, case, seconds]) + "\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def main(argv: list[str] | None = None) -> None:
    """Play the rounds, and print a line for each case."""
    options = parse(argv)
    chosen = [network.name for network in networks.choose(options.networks)]
    cases = [(name, case) for case in options.cases.split(",") for name in chosen]
    ratios: dict[tuple[str, str], list[float]] = {each: [] for each in cases}
    for number in range(options.rounds):
        workers = start(options.old), start(options.new)
        order = (0, 1, 1, 0) if number % 2 else (1, 0, 0, 1)
        for name, case in cases:
            seconds = [1.0, 1.0]
            for i in order:
                seconds[i] *= ask(workers[i], name, case, options.seconds)
            ratios[name, case].append(math.sqrt(seconds[0] / seconds[1]))
        for worker in workers:
            worker.communicate()
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    print(f"{'network':24}{'case':14}{'new / old speed':>16}")
    for (name, case), found in ratios.items():
        low, high = interval(found)
        print(f"{name:24}{case:14}{statistics.median(found):16.3f}  [{low:.3f}, {high:.3f}]")
    mean = statistics.geometric_mean(statistics.median(found) for found in ratios.values())
    print(f"{'geometric mean':38}{mean:16.3f}")
    if options.json:
        lines = [{"network": n, "case": c, "ratios": found} for (n, c), found in ratios.items()]
        Path(options.json).write_text(json.dumps(lines, indent=1) + "\n")


if __name__ == "__main__":
    main()
