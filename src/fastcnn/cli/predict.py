"""``fastcnn predict``."""

from __future__ import annotations

import argparse
import json
import logging

import numpy as np

from ..data.pictures import check_white
from ..data.resizing import check_resize
from ..data.targets import CLASSIFICATION
from ..errors import ArgumentError
from ..recipes import Classifier
from ..training.report import probabilities
from .images import read_images

_LOGGER = logging.getLogger(__name__)
_TOP = 3
_NO_BACKGROUND = 0.5


def run(args: argparse.Namespace) -> int:
    """Classify images; return the exit code."""
    classifier = Classifier.load(args.weights, args.recipe, value_range=args.value_range)
    if classifier.kind.task != CLASSIFICATION:
        raise ArgumentError(
            f"{args.weights}: predict names classes, but it was trained for {classifier.kind.task}; in "
            "Python: fastcnn.recipes.Classifier.load(file).trainer.predict(images)"
        )
    facts = classifier.images
    facts.check_known(args.weights)
    if not facts.recorded:
        _LOGGER.warning(
            "%s does not tell what the images of %s were like: they are taken for bytes, or numbers from 0 "
            "to 1 (--value-range says otherwise)",
            args.weights,
            classifier.dataset,
        )
    # Half-way between black and white nothing is inverted.
    background = _NO_BACKGROUND if facts.polarity == "mixed" else classifier.background
    white = facts.white if args.white is None else check_white(args.white, "--white")
    # All files before the first line: a wrong name at the end is told at once.
    size = classifier.reading.get("resize")
    resize = None if size is None else check_resize(size, f"{args.weights}: resize")
    files = [
        read_images(path, classifier.input_shape, args.invert, background, facts, white, resize)
        for path in args.images
    ]
    results = []
    for path, (images, notes) in zip(args.images, files, strict=True):
        rows = probabilities(classifier.trainer.predict(classifier.prepare(images), tta=args.tta))
        for number, row in enumerate(rows):
            label = path if len(rows) == 1 else f"{path}[{number}]"
            results.append(_result(label, notes, row, classifier.classes))
    if args.json:
        print(json.dumps(results, indent=1))
        return 0
    widest = max(len(each["image"]) for each in results)
    for each in results:
        best = each["classes"][:_TOP]
        figures = "  ".join(f"{one['class']} {one['probability']:.1%}" for one in best)
        steps = f"  ({', '.join(each['notes'])})" if each["notes"] else ""
        print(f"{each['image']:{widest}}  {figures}{steps}")
    return 0


def _result(label: str, notes: list[str], row: np.ndarray, names: tuple[str, ...]) -> dict:
    order = np.argsort(-row, kind="stable")
    classes = [{"class": names[index], "probability": round(float(row[index]), 6)} for index in order]
    return {"image": label, "notes": notes, "classes": classes}
