"""The five reference systems: as published, and in our best recipe.

    python -m bench.reference_systems --json systems.json --markdown systems.md --data DIR

Trains each recipe once for every seed and prints a table: published, reproduced, ours. With --json, figures
are written after every run, and a run that is in the file already is not repeated unless its recipe has
changed. The test set is read once, after each training. Times mean something on an idle machine only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

if not __package__:  # python bench/reference_systems.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import fastcnn
from bench.peers.machine import machine
from bench.reference.published import SYSTEMS, System, choose
from bench.reference.table import Run, markdown
from fastcnn import recipes
from fastcnn.errors import FastcnnError

# Up to so many training images their accuracy is measured too: whether they were learnt by heart.
FEW_IMAGES = 1_000
KINDS = ("published", "best")
# What tells one run from the others.
KEY = ("recipe", "seed", "threads", "fingerprint")
SOURCE = "reference_systems"


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        SOURCE, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = ", ".join(system.name for system in SYSTEMS)
    parser.add_argument("--only", metavar="SYSTEM", action="append", help=f"may be repeated: {known}")
    parser.add_argument("--kind", choices=KINDS, help="one of the two recipes; default: both")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each recipe; default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--data", metavar="DIR", help="folder of CIFAR-10's files; default: the cache")
    parser.add_argument("--label", default="CIFAR-10", help="what those images are called in the table")
    parser.add_argument("--json", metavar="FILE", help="all figures, written after every run")
    parser.add_argument("--markdown", metavar="FILE", help="the table, which is printed anyway")
    parser.add_argument("--quick", action="store_true", help="one epoch on few images, to see that it runs")
    args = parser.parse_args(argv)
    if args.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {args.seeds}")
    return args


def plan(args: argparse.Namespace, systems: list[System]) -> list[recipes.Recipe]:
    """Return the recipes to follow, with their seeds, in order."""
    found = []
    for system in systems:
        wanted = {"published": system.repeated, "best": system.best}
        for kind in [args.kind] if args.kind else KINDS:
            if wanted[kind] is not None:
                found += [prepare(wanted[kind], seed, args) for seed in range(args.seeds)]
    return found


def prepare(name: str, seed: int, args: argparse.Namespace) -> recipes.Recipe:
    """Return a recipe for one run."""
    recipe = recipes.load(name).replace("seed", seed, SOURCE)
    if args.data is not None and recipe.data.dataset == "cifar10":
        recipe = recipe.replace("data.root", args.data, SOURCE)
    if args.quick:
        if recipe.scheduler is not None and "warmup_steps" in recipe.scheduler.options:
            recipe = recipe.replace("scheduler.warmup_steps", 0, SOURCE)
        recipe = recipe.replace("training.epochs", 1, SOURCE)
        recipe = recipe.replace("data.train", min(recipe.data.train or 200, 200), SOURCE)
        recipe = recipe.replace("data.test", 100, SOURCE)
    return recipe


def fingerprint(recipe: recipes.Recipe) -> str:
    """Return what changes with anything in a recipe but the folder of its data."""
    table = recipe.to_dict()
    table["data"].pop("root", None)
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:16]


def train(recipe: recipes.Recipe, threads: int) -> Run:
    """Follow a recipe once; return its figures."""
    fastcnn.set_num_threads(threads)
    experiment = recipes.Experiment(recipe)
    start = time.perf_counter()
    history = experiment.fit(progress=False)
    seconds = time.perf_counter() - start
    best = history.best(experiment.best.monitor, experiment.best.mode)
    few = len(experiment.train) <= FEW_IMAGES
    return {
        "recipe": recipe.name,
        "seed": recipe.seed,
        "threads": threads,
        "fingerprint": fingerprint(recipe),
        "parameters": experiment.model.num_parameters(),
        "epochs": len(history),
        "stop_reason": history.stop_reason,
        "best_epoch": best["epoch"],
        "validation": best.get("val_accuracy"),
        "train": experiment.trainer.evaluate(experiment.train)["accuracy"] if few else None,
        "test": experiment.evaluate()["accuracy"],
        "seconds": seconds,
        "seconds_per_epoch": statistics.median(history["seconds"]),
        "images_per_epoch": experiment.images_per_epoch,
        "images_per_second": statistics.median(history["images_per_second"]),
        "machine": machine(),
        "fastcnn": fastcnn.__version__,
    }


def read(path: str | None) -> list[Run]:
    """Return the runs of a file; none if there is no file yet."""
    if path is None or not Path(path).exists():
        return []
    return json.loads(Path(path).read_text())["runs"]


def run(args: argparse.Namespace) -> int:
    """Train what is not in the file yet, print the table; return the number of recipes that failed."""
    systems = choose(args.only)
    facts: dict[str, Any] = {
        "machine": machine(),
        "threads": args.threads,
        "fastcnn": fastcnn.__version__,
        "label": args.label,
    }
    done = {tuple(each[name] for name in KEY): each for each in read(args.json)}
    found, failures = [], 0
    for recipe in plan(args, systems):
        which = (recipe.name, recipe.seed, args.threads, fingerprint(recipe))
        if which not in done:
            try:
                done[which] = train(recipe, args.threads)
            except FastcnnError as error:
                print(f"{recipe.name}, seed {recipe.seed}: {error}", file=sys.stderr)
                failures += 1
                continue
            if args.json:
                Path(args.json).write_text(json.dumps({**facts, "runs": list(done.values())}, indent=1))
            note(done[which])
        found.append(done[which])
    text = markdown(facts, systems, found)
    if args.markdown:
        Path(args.markdown).write_text(text)
    print(text, end="")
    return failures


def note(figures: Run) -> None:
    """Say on the standard error what a run gave."""
    validation = "" if figures["validation"] is None else f"validation {figures['validation']:.2%}, "
    print(
        f"{figures['recipe']}, seed {figures['seed']}: {validation}test {figures['test']:.2%}, "
        f"{figures['seconds_per_epoch']:.2f} s/epoch, {figures['images_per_second']:,.0f} images/s",
        file=sys.stderr,
        flush=True,
    )


def main(argv: list[str] | None = None) -> int:
    """Run the bench; return the exit code."""
    try:
        return 1 if run(parse(argv)) else 0
    except ValueError as error:
        print(f"{SOURCE}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
