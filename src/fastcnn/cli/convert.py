"""``fastcnn convert``."""

from __future__ import annotations

import argparse

from .. import zoo
from .summary import find_model, read_shape

# What --to takes -> what writes a network for images of a shape.
_WRITERS = {
    "json": lambda model, shape: zoo.dicts.to_json(zoo.to_dicts(model, shape)),
    "python": lambda model, shape: zoo.to_python(model),
    "spec": lambda model, shape: zoo.to_spec(model),
    "toml": lambda model, shape: zoo.dicts.to_toml(zoo.to_dicts(model, shape)),
}


def run(args: argparse.Namespace) -> int:
    """Print a network in another format; return the exit code."""
    shape = None if args.input is None else read_shape(args.input)
    model, shape, _ = find_model(args.model, shape, logits=False)
    print(_WRITERS[args.to](model, shape), end="")
    return 0
