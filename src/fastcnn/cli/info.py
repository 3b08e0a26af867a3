"""``fastcnn info``."""

from __future__ import annotations

import argparse
import textwrap
from importlib import metadata

from .. import data, recipes, zoo
from .._config import config
from .._kernels import cpu
from . import inside

# Distribution -> the extra that installs it.
_EXTRAS = {"pillow": "images", "matplotlib": "plots", "onnx": "onnx"}


def run(args: argparse.Namespace) -> int:
    """Print what a bug report needs, and what there is to train; return the exit code."""
    if args.table:
        print(inside.table())
        return 0
    facts = config()
    facts["build"] = f"kernels for {', '.join(cpu.built_isas())}"
    for name, extra in _EXTRAS.items():
        try:
            facts[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            facts[name] = f'not installed (pip install "fastcnn[{extra}]")'
    facts["data sets"] = ", ".join(data.names())
    facts["recipes"] = ", ".join(recipes.names())
    facts["networks"] = ", ".join(zoo.names())
    width = max(map(len, facts)) + 2
    for name, value in facts.items():
        print(textwrap.fill(value, 100, initial_indent=f"{name:<{width}}", subsequent_indent=" " * width))
    return 0
