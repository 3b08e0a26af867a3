"""``fastcnn convert``."""

from __future__ import annotations

import argparse
from typing import Any

from .. import zoo
from ..nn import Module
from ..recipes import Recipe
from .summary import find_model, read_shape


def run(args: argparse.Namespace) -> int:
    """Print a network in another format; return the exit code."""
    shape = None if args.input is None else read_shape(args.input)
    model, shape, recipe = find_model(args.model, shape, logits=False)
    if args.to == "python":
        text = zoo.to_python(model)
    elif args.to == "spec":
        text = zoo.to_spec(model)
    else:
        write = {"json": zoo.dicts.to_json, "toml": zoo.dicts.to_toml}[args.to]
        text = write(_dicts(model, shape, recipe))
    print(text, end="")
    return 0


def _dicts(model: Module, shape: tuple[int, int, int], recipe: Recipe | None) -> Any:
    """Return a network as dicts; nodes in a file keep the names that they have there."""
    if recipe is not None and isinstance(recipe.layers, zoo.Nodes):
        return zoo.dicts.plain(recipe.layers)
    return zoo.to_dicts(model, shape)
