"""fastcnn, PyTorch and ONNX Runtime on the same networks and batches.

    python -m bench.bench_peers --json peers.json --markdown peers.md --plot peers.png

Each contender has a process of its own that sleeps while it is not its turn. In every round all take turns,
and ratios are taken within the round, so that what slows the machine down slows all of them down; a round
that other programs disturbed is played again. Before a case is clocked its answers are compared: logits, or
the losses of the first steps of plain SGD.

PyTorch runs contiguous and channels_last, and trains with the faster of its fused and foreach optimizers;
ONNX Runtime runs with arrays in and out, and with bound ones. At batch 1 both may also choose one thread. The
best counts. A contender that is not installed is left out (pip install "fastcnn[bench]").
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

if not __package__:  # python bench/bench_peers.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from bench.peers import extras, machine, networks, process, report
from bench.peers.rounds import AnswerError, Case, Result, measure
from bench.peers.turns import Settings

PARTS = ("training", "inference", "latency", "scaling", "memory")
PEERS = {
    "training": ("PyTorch",),
    "inference": ("PyTorch", "ONNX Runtime"),
    "latency": ("PyTorch", "ONNX Runtime"),
}
SGD_NETWORK = "position-bias-mnist"
SCALING_BATCH = 128


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        "bench_peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", default="all", help="names, or zoo, other, all; default: %(default)s")
    parser.add_argument("--batches", help="such as 32,128; default: those of each network")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.25, help="of a turn; default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--only", choices=PARTS, action="append", help="may be repeated; default: everything")
    parser.add_argument("--contenders", help="such as fastcnn,PyTorch; default: all that are installed")
    parser.add_argument(
        "--quick", action="store_true", help="one small case of each kind, to see that it runs"
    )
    parser.add_argument("--json", metavar="FILE", help="all figures; written anew after every case")
    parser.add_argument("--plot", metavar="FILE", help="a picture; needs matplotlib")
    parser.add_argument("--markdown", metavar="FILE", help="the tables, which are printed anyway")
    return parser.parse_args(argv)


def cases(args: argparse.Namespace) -> list[Case]:
    """Return the cases in order."""
    chosen = networks.choose("compact-mnist" if args.quick else args.networks)
    batches = [int(word) for word in args.batches.split(",")] if args.batches else None
    if args.quick:
        batches = batches or [4]
    found = []
    for section in report.SECTIONS:
        if section not in (args.only or PARTS):
            continue
        tries = ()
        for network in chosen:
            sizes = batches or network.batches
            if section == "latency":
                sizes, tries = [1], (1,)
            for batch in sizes:
                found.append(Case(section, network, batch, args.threads, PEERS[section], tries))
        sgd = networks.NETWORKS[SGD_NETWORK]
        if section == "training" and sgd in chosen and not batches:
            found.append(Case("training", sgd, 1, args.threads, PEERS["training"], (1,)))
    return found


def scaling_cases(args: argparse.Namespace) -> list[Case]:
    """Return the cases that are also run on one thread."""
    if args.threads < 2 or "scaling" not in (args.only or PARTS):
        return []
    chosen = networks.choose("compact-mnist" if args.quick else args.networks)
    batch = 32 if args.quick else SCALING_BATCH
    return [
        Case(section, network, batch, args.threads, ())
        for section in ("training", "inference")
        for network in chosen
        if network.group == "zoo"
    ]


def run(args: argparse.Namespace) -> dict:
    """Measure everything; return facts and figures."""
    contenders = process.installed() if args.contenders is None else args.contenders.split(",")
    unknown = set(contenders) - set(process.CONTENDERS)
    if unknown or "fastcnn" not in contenders:
        raise ValueError(f"--contenders must be fastcnn and others of {', '.join(process.CONTENDERS)}")
    settings = Settings(args.rounds, args.seconds)
    if args.quick:
        settings = Settings(args.rounds, 0.01, 0.0, attempts=1)
    results: list[Result] = []
    scaling: list[dict] = []
    memory: list[dict] = []
    workers = {name: process.Worker(name, args.threads) for name in contenders}
    try:
        versions: dict[str, str] = {}
        for worker in workers.values():
            versions.update(worker.ask("versions"))
        facts = {
            "machine": machine.machine(),
            "versions": versions,
            "threads": args.threads,
            "rounds": args.rounds,
            "disturbed": settings.disturbed,
        }

        def outcome() -> dict:
            rows = [result.as_dict() for result in results]
            return {**facts, "results": rows, "scaling": scaling, "memory": memory}

        def keep() -> None:
            if args.json:
                Path(args.json).write_text(json.dumps(outcome(), indent=1))

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for case in cases(args):
                results.append(measure(case, workers, settings, folder))
                note(results[-1])
                keep()
            for case in scaling_cases(args):
                scaling.append(extras.measure_scaling(case, workers["fastcnn"], settings, folder))
                keep()
            if "memory" in (args.only or PARTS):
                memory += extras.measure_memory(contenders, args.threads, folder)
                keep()
    finally:
        for worker in workers.values():
            worker.close()
    text = report.markdown(facts, results, scaling, memory)
    if args.markdown:
        Path(args.markdown).write_text(text)
    if args.plot:
        from bench.peers.plot import plot

        plot(args.plot, facts, results)
    print(text)
    return outcome()


def note(result: Result) -> None:
    """Say on the standard error how far the run is."""
    parts = [f"{name} {result.rate(name):,.0f}/s" for name in result.seconds]
    ratios = [f"{report.spread(result.ratios(name))}x {name}" for name in result.seconds if name != "fastcnn"]
    print(f"{result.section} {result.network} {result.batch}: {'  '.join(parts + ratios)}", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Run the bench; return the exit code."""
    try:
        run(parse(argv))
    except (ValueError, AnswerError, process.WorkerError) as error:
        print(f"bench_peers: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
