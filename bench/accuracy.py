"""The final accuracy of a recipe in two precisions, seed by seed.

    python -m bench.accuracy compact-mnist-best --seeds 10 --json compact.json

Each seed trains twice: the same weights, order and augmentation, the precisions in turn. Printed are both
test accuracies, and the mean of their differences with its 95% interval (Student's t). What a JSON file has
already is not trained again, so that a run that was ended goes on.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from pathlib import Path

if not __package__:  # python bench/accuracy.py
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import fastcnn
from fastcnn import recipes
from fastcnn.errors import FastcnnError

# The 97.5th percentile of Student's t, for 1 to 30 degrees of freedom.
QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145)
QUANTILES += (
    2.131,
    2.12,
    2.11,
    2.101,
    2.093,
    2.086,
    2.08,
    2.074,
    2.069,
    2.064,
    2.06,
    2.056,
    2.052,
    2.048,
    2.045,
)
QUANTILES += (2.042,)
MOST_SEEDS = len(QUANTILES) + 1


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipe", help="a recipe by name, or a .toml file")
    parser.add_argument("--precisions", default="high,highest", help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=10, help="from 2 to 31; default: %(default)s")
    parser.add_argument("--epochs", type=int, help="default: those of the recipe")
    parser.add_argument("--data", metavar="DIR", help="folder with the official files of the data set")
    parser.add_argument("--train", type=int, metavar="N", help="train on N images only")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", metavar="FILE", help="every accuracy; what it holds is not trained again")
    return parser.parse_args(argv)


def accuracy(recipe: recipes.Recipe) -> float:
    """Train by a recipe; return the accuracy on the test images, in percent."""
    experiment = recipes.Experiment(recipe)
    experiment.fit(progress=False)
    return 100 * experiment.trainer.evaluate(experiment.test)["accuracy"]


def interval(differences: list[float]) -> tuple[float, float]:
    """Return the mean of differences, and how far its 95% interval reaches to either side."""
    count = len(differences)
    spread = statistics.stdev(differences) / math.sqrt(count)
    return statistics.mean(differences), QUANTILES[count - 2] * spread


def main(argv: list[str] | None = None) -> int:
    """Train, print a line for each seed and the difference; return 0, or 1 after a message."""
    options = parse(argv)
    try:
        first, second = options.precisions.split(",")
        if not 2 <= options.seeds <= MOST_SEEDS:
            raise ValueError(f"--seeds must be from 2 to {MOST_SEEDS}, got {options.seeds}")
        recipe = recipes.load(options.recipe)
        changes = {
            "training.epochs": options.epochs,
            "data.root": options.data,
            "data.train": options.train,
        }
        for key, value in changes.items():
            recipe = recipe if value is None else recipe.replace(key, value, key)
        if options.threads is not None:
            fastcnn.set_num_threads(options.threads)
        path = None if options.json is None else Path(options.json)
        found = json.loads(path.read_text()) if path is not None and path.exists() else {}
        for seed in range(options.seeds):
            for precision in (first, second)[:: 1 if seed % 2 else -1]:
                if f"{precision} {seed}" not in found:
                    changed = recipe.replace("seed", seed, "seed")
                    changed = changed.replace("training.precision", precision, "--precisions")
                    found[f"{precision} {seed}"] = accuracy(changed)
                    if path is not None:
                        path.write_text(json.dumps(found, indent=1) + "\n")
            pair = found[f"{first} {seed}"], found[f"{second} {seed}"]
            print(f"seed {seed:2d}  {first} {pair[0]:.2f}%  {second} {pair[1]:.2f}%", flush=True)
    except (FastcnnError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    differences = [found[f"{first} {s}"] - found[f"{second} {s}"] for s in range(options.seeds)]
    mean, reach = interval(differences)
    print(f"{first} - {second}: {mean:+.3f} points, 95% interval [{mean - reach:+.3f}, {mean + reach:+.3f}]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
