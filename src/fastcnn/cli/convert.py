"""``fastcnn convert``."""

from __future__ import annotations

import argparse

from .. import zoo
from .summary import find_model, read_shape

# What --to takes -> what writes it.
_WRITERS = {
    "json": lambda model: zoo.dicts.to_json(zoo.to_dicts(model)),
    "python": zoo.to_python,
    "spec": zoo.to_spec,
    "toml": lambda model: zoo.dicts.to_toml(zoo.to_dicts(model)),
}


def run(args: argparse.Namespace) -> int:
    """Print a network in another format; return the exit code."""
    shape = None if args.input is None else read_shape(args.input)
    model, _, _ = find_model(args.model, shape, logits=False)
    print(_WRITERS[args.to](model), end="")
    return 0
