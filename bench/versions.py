"""Two versions of fastcnn on the same networks, by turns: what a change has made faster or slower.

    python -m bench.versions old/bin/python new/bin/python --json versions.json

Each version is installed into an environment of its own. In every round both get a new process, since it is
worth some percent where the memory of a process happens to lie, and each case has four turns: old, new, new,
old, or the other way round. A turn counts as the median of its calls. The speed of a case is the median over
the rounds of old seconds / new seconds, with the interval that holds it with 95%, whatever the distribution.
In the first round the answers are compared: logits, or the losses of the first steps.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
from pathlib import Path

if not __package__:  # python bench/versions.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.peers import networks
from bench.peers.answers import AnswerError, compare_answers
from bench.peers.process import Worker, WorkerError, write_arrays
from bench.peers.rounds import Case, prepare

NETWORKS = "zoo,vgg-32,strided-stem-64,dense-24"
CASES = "train-32,train-128,train-512,predict-1,predict-128"
SECTIONS = {"train": "training", "predict": "inference"}


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
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.1, help="of a turn; default: %(default)s")
    parser.add_argument("--json", metavar="FILE", help="every ratio of every round")
    return parser.parse_args(argv)


def cases_of(options: argparse.Namespace) -> dict[str, Case]:
    """Return the cases by what they are called."""
    chosen = networks.choose(options.networks)
    cases = {}
    for text in options.cases.split(","):
        kind, _, batch = text.partition("-")
        if kind not in SECTIONS or not batch.isdecimal() or int(batch) == 0:
            raise ValueError(f"--cases: {text!r} is not train or predict, a dash and a batch size")
        for network in chosen:
            case = Case(SECTIONS[kind], network, int(batch), options.threads, ())
            cases[f"{network.name} {text}"] = case
    return cases


def interval(ratios: list[float]) -> tuple[float, float]:
    """Return the order statistics that hold the median with at least 95%, or all of few ratios."""
    count, left = len(ratios), 0
    while sum(math.comb(count, i) for i in range(left + 1)) / 2**count <= 0.025:
        left += 1
    ordered = sorted(ratios)
    return ordered[max(left - 1, 0)], ordered[-max(left, 1)]


def ratio(case: Case, workers: tuple[Worker, Worker], number: int, seconds: float, path: Path) -> float:
    """Return old seconds / new seconds of a case in a round; in the first one the answers are compared."""
    model = networks.build(case.network)
    write_arrays(path, model, case.network.input_shape, case.batch)
    configurations = [prepare(worker, case, model, path, [case.threads]) for worker in workers]
    if number == 0:
        names = ("old", "new")
        compare_answers(
            dict(zip(names, workers, strict=True)),
            dict(zip(names, configurations, strict=True)),
            case.training,
        )
    product = [1.0, 1.0]
    for i in (0, 1, 1, 0) if number % 2 else (1, 0, 0, 1):
        (configuration,) = configurations[i]
        product[i] *= workers[i].ask("run", configuration=configuration, seconds=seconds)["median"]
    for worker in workers:
        worker.ask("drop")
    return math.sqrt(product[0] / product[1])


def measure(options: argparse.Namespace, cases: dict[str, Case]) -> dict[str, list[float]]:
    """Play the rounds; return the ratios of each case."""
    ratios: dict[str, list[float]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            with (
                Worker("fastcnn", options.threads, options.old) as old,
                Worker("fastcnn", options.threads, options.new) as new,
            ):
                for name, case in cases.items():
                    path = Path(folder) / "case.npz"
                    ratios[name].append(ratio(case, (old, new), number, options.seconds, path))
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    return ratios


def main(argv: list[str] | None = None) -> int:
    """Print a line for each case and return 0; or a message and 1, where versions fail or do not agree."""
    options = parse(argv)
    try:
        ratios = measure(options, cases_of(options))
    except (AnswerError, WorkerError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{'case':36}{'new / old speed':>16}")
    for name, found in ratios.items():
        low, high = interval(found)
        print(f"{name:36}{statistics.median(found):16.3f}  [{low:.3f}, {high:.3f}]")
    mean = statistics.geometric_mean(statistics.median(found) for found in ratios.values())
    print(f"{'geometric mean':36}{mean:16.3f}")
    if options.json:
        Path(options.json).write_text(json.dumps(ratios, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
