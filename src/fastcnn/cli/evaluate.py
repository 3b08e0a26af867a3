"""``fastcnn evaluate``."""

from __future__ import annotations

import argparse
import json
import logging
import os
from typing import Any

from .. import data
from ..data.targets import CLASSIFICATION, SEGMENTATION
from ..errors import DataError
from ..recipes import Classifier
from ..recipes.files import CONFIG, read_file
from ..recipes.images import ImageFacts
from ..recipes.sections import READING
from ..recipes.tasks import outputs_of
from ..training.tasks import test_line

_LOGGER = logging.getLogger(__name__)


def run(args: argparse.Namespace) -> int:
    """Measure a network on a test set; return the exit code."""
    classifier = Classifier.load(args.weights, args.recipe)
    if args.precision is None and os.path.isfile(config := os.path.join(args.weights, CONFIG)):
        classifier.trainer.precision = read_file(config).training.precision  # as the run was tested
    name = args.dataset or classifier.dataset
    given = {key: getattr(args, key) for key in READING if getattr(args, key) is not None}
    reading = given or (classifier.reading if args.dataset is None else {})
    if classifier.kind.task == SEGMENTATION and os.path.isdir(name):
        # Of fewer pictures not all classes may be in the masks.
        known = {"classes": classifier.classes, "ignore_index": classifier.kind.ignore_index}
        reading = {**known, **reading}
    train, test = data.load(name, root=args.data, **reading)
    kind = classifier.kind
    if test.task != kind.task or (kind.task != CLASSIFICATION and outputs_of(test) != kind.outputs):
        raise DataError(
            f"{args.weights}: made for {kind.task} with outputs {kind.outputs}, but {name} is for "
            f"{test.task} with {outputs_of(test)}"
        )
    if test.image_shape != classifier.input_shape or test.num_classes != len(classifier.classes):
        raise DataError(
            f"{args.weights}: made for images {classifier.input_shape} of {len(classifier.classes)} classes, "
            f"but {name} has images {test.image_shape} of {test.num_classes} classes"
        )
    test = _like_training(test, train.value_range, classifier, name, args.weights)
    result = classifier.trainer.evaluate(test, tta=args.tta)
    if args.json:
        told: dict[str, Any] = {"dataset": name, **result}
        if "confusion" in result:
            told["confusion"] = result["confusion"].tolist()
        print(json.dumps(told, indent=1))
        return 0
    print(f"{name}: test {test_line(kind.task, result)}")
    return 0


def _like_training(
    test: data.Dataset,
    value_range: tuple[float, float] | None,
    classifier: Classifier,
    name: str,
    weights: str,
) -> data.Dataset:
    """Return the images with the values that those of the training had."""
    facts = classifier.images
    polarity = ImageFacts.of(test).polarity
    if "mixed" not in (polarity, facts.polarity) and polarity != facts.polarity:
        _LOGGER.warning("%s: is %s, but the network was trained on %s", name, polarity, facts.polarity)
    if not facts.recorded:
        # As they are: there is nothing to compare them with.
        return test
    same_kind, unknown = test.images.dtype.name == facts.dtype, (value_range, facts.value_range).count(None)
    if same_kind and (unknown == 2 or (unknown == 1 and name == classifier.dataset)):
        if name != classifier.dataset:
            _LOGGER.warning("%s: whether its values are those of the training images is not known", name)
        return test
    if value_range is None:
        raise DataError(
            f"{name}: which of its values are black and white is not known, so it cannot be made like the "
            f"training images ({facts.describe()}); say it: --value-range BLACK WHITE"
        )
    images = facts.like_training(test.images, value_range, weights)
    if images is test.images:
        return test
    return test.with_images(images)
