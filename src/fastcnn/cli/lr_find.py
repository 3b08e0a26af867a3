"""``fastcnn lr-find``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from .. import recipes
from ..errors import DataError
from ..recipes.report import can_draw
from .display import screen
from .train import read_recipe


def run(args: argparse.Namespace) -> int:
    """Print the learning rate at which the loss falls fastest; return the exit code."""
    recipe = read_recipe(args)
    experiment = recipes.Experiment(recipe)
    found = experiment.lr_find(start_lr=args.start_lr, end_lr=args.end_lr, steps=args.steps)
    if not len(found.losses):
        raise DataError(f"{recipe.source}: no loss to be drawn: {found.stop_reason}")
    width, unicode = screen()
    print(f"{found.text(min(width, 80), unicode=unicode)}\n")
    done = f"{len(found.losses)} of {args.steps}, batch size {recipe.training.batch_size}"
    print(f"steps       {done}: {found.stop_reason}")
    if found.suggestion is None:
        print("suggestion  none: the loss does not fall")
    else:
        print(f"suggestion  {found.suggestion:.2g}, where the smoothed loss falls fastest")
    rate = recipe.optimizer.options["lr"]
    print(f"recipe      lr {rate:g}" + (f" with {recipe.scheduler.type}" if recipe.scheduler else ""))
    if args.plot is None and not can_draw():
        print('no picture  it needs: pip install "fastcnn[plots]"')
        return 0
    path = Path("runs", f"{recipe.name}-lr-find.png") if args.plot is None else Path(args.plot)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        found.plot(path)
    except OSError as error:
        raise DataError(f"{os.fspath(path)}: cannot be written: {error.strerror}") from error
    print(f"written     {path}")
    return 0
