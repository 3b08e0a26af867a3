"""``fastcnn evaluate``."""

from __future__ import annotations

import argparse
import json

from .. import data
from ..errors import DataError
from ..recipes import Classifier


def run(args: argparse.Namespace) -> int:
    """Measure a network on a test set; return the exit code."""
    classifier = Classifier.load(args.weights, args.recipe)
    name = args.dataset or classifier.dataset
    _, test = data.load(name, root=args.data)
    if test.image_shape != classifier.input_shape or test.num_classes != len(classifier.classes):
        raise DataError(
            f"{args.weights}: made for images {classifier.input_shape} of {len(classifier.classes)} classes, "
            f"but {name} has images {test.image_shape} of {test.num_classes} classes"
        )
    result = classifier.trainer.evaluate(test)
    if args.json:
        print(json.dumps({"dataset": name, **result, "confusion": result["confusion"].tolist()}, indent=1))
        return 0
    wrong, count = result["count"] - result["correct"], result["count"]
    print(
        f"{name}: test accuracy {result['accuracy']:.2%} ({wrong:,} of {count:,} wrong), "
        f"loss {result['loss']:.4f}, macro F1 {result['macro_f1']:.4f}"
    )
    return 0
