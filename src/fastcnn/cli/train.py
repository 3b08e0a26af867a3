"""``fastcnn train``."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from .. import recipes
from ..data.targets import IGNORE_INDEX, SEGMENTATION
from ..data.values import BYTES
from ..errors import ArgumentError
from ..recipes.report import REPORT, can_draw, duration
from ..recipes.results import METRICS
from ..training import History, Terminated
from ..training.report import text_curves
from ..training.saving import interval
from ..training.tasks import figure_of, test_line
from .display import Display, screen

# Classes that are named before the training begins.
_NAMED = 12
# Option -> the key of the recipe that it sets.
_OPTIONS = {
    "dataset": "data.dataset",
    "data": "data.root",
    "epochs": "training.epochs",
    "batch_size": "training.batch_size",
    "lr": "optimizer.lr",
    "seed": "seed",
    "limit": "data.train",
    "precision": "training.precision",
    "validation": "data.validation",
    "layout": "data.layout",
    "value_range": "data.value_range",
    "white": "data.white",
    "resize": "data.resize",
    "targets": "data.targets",
    "masks": "data.masks",
    "classes": "data.classes",
    "ignore_index": "data.ignore_index",
}


def run(args: argparse.Namespace) -> int:
    """Train; return the exit code."""
    every = interval(args.checkpoint_every, "--checkpoint-every")
    experiment, folder = _begun(args) if args.resume is None else _resumed(args)
    recipe = experiment.recipe
    if not args.quiet:
        print(_header(experiment, folder), flush=True)
    display = [] if args.quiet else [Display(recipe.training.epochs, experiment.images_per_epoch)]
    training = recipes.Run(experiment, folder, display, resume=args.resume is not None)
    history, code = experiment.trainer.history, 130
    try:
        training.fit(False, every)
    except Terminated as ended:
        code = int(ended.code or 0)
    best = experiment.best.best_epoch
    if history.interrupted:
        kept = f"the best weights so far (epoch {best}) are in {folder}" if best else "no epoch was finished"
        print(
            f"fastcnn: {history.stop_reason}; {kept}; the test set was not read; go on with: fastcnn train "
            f"--resume {folder}",
            file=sys.stderr,
        )
        return code
    if best is None:
        print("fastcnn: error: no epoch was finished, so there are no weights to keep", file=sys.stderr)
        return 1
    if history.stop_reason and not args.quiet:
        print(f"stopped: {history.stop_reason}")
    if args.curves or (args.curves is None and not args.quiet and sys.stdout.isatty()):
        width, unicode = screen()
        print(f"\n{text_curves(history, width, unicode=unicode)}\n", flush=True)
    print(_result(training.finish(), experiment, folder, history))
    return 1 if history.diverged else 0


def _begun(args: argparse.Namespace) -> tuple[recipes.Experiment, Path]:
    """Return what begins, and a folder for it."""
    if args.overwrite and args.out is None:
        raise ArgumentError("--overwrite is for a folder that is given with --out")
    args.recipe = args.recipe or "compact-mnist"
    recipe = read_recipe(args)
    # Everything that may be wrong comes up before there is a folder.
    experiment = recipes.Experiment(recipe)
    if args.out is None:
        return experiment, recipes.new_folder(recipe.name)
    return experiment, recipes.take_folder(args.out, args.overwrite)


def _resumed(args: argparse.Namespace) -> tuple[recipes.Experiment, Path]:
    """Return what goes on, and its folder."""
    given = [f"--{option.replace('_', '-')}" for option in _OPTIONS if getattr(args, option) is not None]
    given += ["RECIPE"] * (args.recipe is not None) + ["--out"] * (args.out is not None)
    if wrong := [each for each in given if each != "--data"]:
        raise ArgumentError(f"--resume goes on by the recipe of the run: leave out {', '.join(wrong)}")
    return recipes.resumed_experiment(args.resume, args.data), Path(args.resume)


def read_recipe(args: argparse.Namespace) -> recipes.Recipe:
    """Return the recipe that a command names, changed by its options."""
    recipe = recipes.load(args.recipe)
    monitor = recipe.training.monitor
    if getattr(args, "validation", None) == 0 and monitor.startswith("val_"):
        # The best epoch is then told by the training images, for there are no others.
        monitor = "loss" if monitor == "val_loss" else "accuracy"
        kept = recipe.suggested
        recipe = recipe.replace("training.monitor", monitor, "--validation")
        recipe = dataclasses.replace(recipe, suggested=kept)
    for option, key in _OPTIONS.items():
        value = getattr(args, option, None)
        if value is not None:
            recipe = recipe.replace(key, value, f"--{option.replace('_', '-')}")
    return recipe


def _header(experiment: recipes.Experiment, folder: Any) -> str:
    recipe, facts = experiment.recipe, experiment.machine()
    shape = "x".join(map(str, experiment.train.image_shape))
    kept = len(experiment.validation) if experiment.validation is not None else 0
    name = recipe.model.name or recipe.name
    threads = "1 thread" if facts["threads"] == "1" else f"{facts['threads']} threads"
    images = experiment.images
    # Bytes from 0 to 255 are what everybody expects.
    values = (
        [] if images.value_range == BYTES and images.dtype == "uint8" else [f"values    {images.describe()}"]
    )
    if images.value_range is None:
        values.append("          predictions of pictures need them: --value-range BLACK WHITE")
    return "\n".join(
        [
            f"network   {name}, {experiment.model.num_parameters():,} parameters",
            f"data      {recipe.data.dataset}, {shape}: {len(experiment.train):,} training, "
            f"{kept:,} validation, {len(experiment.test):,} test images",
            *values,
            *_masks(experiment),
            f"training  {recipe.training.epochs} epochs, batch size {recipe.training.batch_size}, "
            f"{recipe.optimizer.type} with lr {recipe.optimizer.options['lr']:g}, seed {recipe.seed}",
            f"machine   {threads}, {facts['instruction set'].split()[0]}, "
            f"float32 products {facts['float32 products']}",
            f"folder    {folder}",
        ]
    )


def _masks(experiment: recipes.Experiment) -> list[str]:
    """Return what is told of masks, whose classes may have been found in them."""
    train = experiment.train
    if train.task != SEGMENTATION:
        return []
    names = ", ".join(train.classes[:_NAMED]) + ", ..." * (len(train.classes) > _NAMED)
    ignored = f"; {train.ignore_index} does not count" if train.ignore_index != IGNORE_INDEX else ""
    return [f"masks     {len(train.classes)} classes: {names}{ignored}"]


def _result(metrics: dict[str, Any], experiment: recipes.Experiment, folder: Any, history: History) -> str:
    test, best = metrics["test"], metrics["best"]
    monitor = metrics["monitor"]
    speed = f"{metrics['images_per_second']:,.0f} images/s in training"
    lines = [
        f"best      epoch {best['epoch']} of {len(history)}, {monitor} {figure_of(monitor, best[monitor])}",
        f"test      {test_line(experiment.train.task, test)}",
        f"time      {duration(metrics['seconds'])}, {speed}; {duration(metrics['total_seconds'])} in all",
        f"written   {folder}: {REPORT}, weights, {METRICS}, history, config"
        + (", pictures" if can_draw() else ' (pictures need: pip install "fastcnn[plots]")'),
    ]
    return "\n".join(lines)
