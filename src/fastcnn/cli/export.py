"""``fastcnn export``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from .. import onnx
from ..errors import ArgumentError
from ..recipes import Classifier
from ..recipes.classifier import WEIGHTS
from ..recipes.notes import KEY
from ..training import read_metadata
from .summary import find_model, read_shape


def run(args: argparse.Namespace) -> int:
    """Write a network as an ONNX file; return the exit code."""
    path = Path(args.model)
    is_trained = path.suffix == ".safetensors" or (path / WEIGHTS).exists()
    shape = None if args.input is None else read_shape(args.input)
    options: dict[str, Any] = {}
    if is_trained:
        classifier = Classifier.load(args.model, args.recipe)
        model, shape = classifier.model, shape or classifier.input_shape
        options["metadata"] = _notes(path / WEIGHTS if path.is_dir() else path, args.preprocess)
        if args.preprocess:
            options |= {"preprocess": classifier.trainer.preprocess, "input_dtype": classifier.images.dtype}
    elif args.preprocess or args.recipe is not None:
        option = "--preprocess" if args.preprocess else "--recipe"
        raise ArgumentError(f"{option} is for networks that were trained: give a run or a file of weights")
    else:
        model, shape, _ = find_model(args.model, shape, logits=False)
    if args.batch_size is not None:
        options |= {"dynamic_batch": False, "batch_size": args.batch_size}
    onnx.export(model, args.file, shape, opset=args.opset, **options)
    images = "x".join(map(str, shape))
    print(
        f"{args.file}: {'any number of' if args.batch_size is None else args.batch_size} images {images}, "
        f"opset {args.opset}, {Path(args.file).stat().st_size:,} bytes"
    )
    return 0


def _notes(weights: Path, prepared: bool) -> dict[str, str]:
    """Return what a file of weights says of its network and its images."""
    known = read_metadata(weights)
    if KEY in known:
        known[KEY] = json.dumps({**json.loads(known[KEY]), "prepared": prepared})
    return known
