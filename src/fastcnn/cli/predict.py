"""``fastcnn predict``."""

from __future__ import annotations

import argparse
import json
import logging

from ..data.pictures import check_white
from ..data.resizing import check_resize
from ..recipes import Classifier
from . import answers
from .images import read_images

_LOGGER = logging.getLogger(__name__)
_NO_BACKGROUND = 0.5


def run(args: argparse.Namespace) -> int:
    """Say what the network makes of images; return the exit code."""
    classifier = Classifier.load(args.weights, args.recipe, value_range=args.value_range)
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
    jobs = []
    for path, (images, notes, place) in zip(args.images, files, strict=True):
        for number in range(len(images)):
            which = None if len(images) == 1 else number
            label = path if which is None else f"{path}[{number}]"
            jobs.append((label, notes, place, answers.file_for(path, which, args.out, classifier)))
    answers.make_folders([file for *_, file in jobs])
    results, todo = [], iter(jobs)
    for images, *_ in files:
        outputs = classifier.trainer.predict(classifier.prepare(images), tta=args.tta)
        for output in outputs:
            label, notes, place, file = next(todo)
            said = answers.answer(output, classifier, file, place)
            results.append({"image": label, "notes": notes, **said})
    if args.json:
        print(json.dumps(results, indent=1))
        return 0
    widest = max(len(each["image"]) for each in results)
    for each in results:
        steps = f"  ({', '.join(each['notes'])})" if each["notes"] else ""
        print(f"{each['image']:{widest}}  {answers.line(each)}{steps}")
    return 0
