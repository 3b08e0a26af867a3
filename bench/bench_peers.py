"""fastcnn, PyTorch, ONNX Runtime and OpenVINO on the same networks and batches.

    python -m bench.bench_peers --results bench/results

Each contender has a process of its own that sleeps while it is not its turn. In every round all take turns,
and ratios are taken within the round, so that what slows the machine down slows all of them down; a round
that other programs disturbed is played again. Before a case is clocked its answers are compared: logits, or
the losses of the first steps of plain SGD.

PyTorch runs contiguous and channels_last, in float32 and under bfloat16 autocast, and for each of the two
compiled in the layout in which eager mode is the faster (a short measurement before: compiling takes long);
without a C++ compiler it is only eager, and a line says so. It trains with the faster of its fused and
foreach optimizers. ONNX Runtime runs with arrays in and out, and with bound ones; OpenVINO in float32, and in
what it chooses by itself if that is another precision. At batch 1 all of them may also choose one thread. The
best of each precision counts. A contender that is not installed is left out (pip install "fastcnn[bench]").
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
from bench.peers.answers import AnswerError
from bench.peers.result import PRECISIONS, Result
from bench.peers.rounds import Case, measure
from bench.peers.turns import Settings

PARTS = ("training", "inference", "latency", "scaling", "memory")
PEERS = {
    "training": ("PyTorch",),
    "inference": ("PyTorch", "ONNX Runtime", "OpenVINO"),
    "latency": ("PyTorch", "ONNX Runtime", "OpenVINO"),
}
SGD_NETWORK = "position-bias-mnist"
SCALING_BATCH = 128


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        "bench_peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", help="names, or zoo, other, all; default: all")
    parser.add_argument("--batches", help="such as 32,128; default: those of each network")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=0.25, help="of a turn; default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--only", choices=PARTS, action="append", help="may be repeated; default: everything")
    parser.add_argument("--contenders", help="such as fastcnn,PyTorch; default: all that are installed")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="short turns and, if no others are named, one small case of each kind: to see that it runs",
    )
    parser.add_argument(
        "--results",
        metavar="FOLDER",
        help="write peers-PROCESSOR.md, .json and .png there: the tables, which are printed anyway, all "
        "figures, anew after every case, and a picture, which needs matplotlib",
    )
    args = parser.parse_args(argv)
    if args.networks is None:
        args.networks = "compact-mnist" if args.quick else "all"
    return args


def cases(args: argparse.Namespace) -> list[Case]:
    """Return the cases in order."""
    chosen = networks.choose(args.networks)
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
    chosen = networks.choose(args.networks)
    batch = 32 if args.quick else SCALING_BATCH
    return [
        Case(section, network, batch, args.threads, ())
        for section in ("training", "inference")
        for network in chosen
        if network.group == "zoo"
    ]


def run(args: argparse.Namespace) -> None:
    """Measure everything, print the tables, and write what is asked for."""
    parts = args.only or PARTS
    if not set(parts) - {"memory"}:
        raise ValueError("--only memory: it is measured for the cases of another part; name one too")
    contenders = process.installed() if args.contenders is None else args.contenders.split(",")
    unknown = set(contenders) - set(process.CONTENDERS)
    if unknown or "fastcnn" not in contenders:
        raise ValueError(f"--contenders must be fastcnn and others of {', '.join(process.CONTENDERS)}")
    planned, planned_scaling = cases(args), scaling_cases(args)
    settings = Settings(args.rounds, args.seconds)
    if args.quick:
        settings = Settings(args.rounds, 0.01, 0.0, attempts=1)
    results: list[Result] = []
    scaling: list[dict] = []
    facts: dict = {
        "machine": machine.machine(),
        "versions": {},
        "threads": args.threads,
        "rounds": args.rounds,
        "disturbed": settings.disturbed,
    }
    path = None
    if args.results:
        Path(args.results).mkdir(parents=True, exist_ok=True)
        path = Path(args.results) / f"peers-{machine.slug(facts['machine']['processor'])}"

    def keep() -> None:
        if path:
            rows = [result.as_dict() for result in results]
            text = json.dumps({**facts, "results": rows, "scaling": scaling}, indent=1)
            path.with_suffix(".json").write_text(text + "\n")

    workers = {name: process.Worker(name, args.threads) for name in contenders}
    try:
        for worker in workers.values():
            facts["versions"].update(worker.ask("versions"))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for case in planned:
                results.append(measure(case, workers, settings, folder))
                if "memory" in parts:
                    results[-1].memory = extras.measure_memory(case, results[-1], folder)
                note(results[-1])
                keep()
            for case in planned_scaling:
                scaling.append(extras.measure_scaling(case, workers["fastcnn"], settings, folder))
                keep()
    finally:
        for worker in workers.values():
            worker.close()
    text = report.markdown(facts, results, scaling)
    print(text)
    if path:
        path.with_suffix(".md").write_text(text)
        draw(path.with_suffix(".png"), facts, results)


def draw(path: Path, facts: dict, results: list[Result]) -> None:
    """Write the picture, or say that matplotlib is not installed."""
    from bench.peers.plot import plot

    try:
        plot(str(path), facts, results)
    except ModuleNotFoundError as error:
        print(f"bench_peers: no picture: {error}", file=sys.stderr)


def note(result: Result) -> None:
    """Say on the standard error how far the run is."""
    parts = [f"fastcnn {result.rate('fastcnn'):,.0f}/s"]
    for precision in PRECISIONS:
        if result.configurations(None, precision):
            name = " ".join(result.choice(None, precision))
            parts.append(f"{report.spread(result.ratios(None, precision))}x {name} ({precision})")
    print(f"{result.section} {result.network} {result.batch}: {'  '.join(parts)}", file=sys.stderr)


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
