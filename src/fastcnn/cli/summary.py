"""``fastcnn summary``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import data, recipes, zoo
from ..errors import ArgumentError
from ..nn import Module
from ..recipes.experiment import build_network

_CLASSES = 10


def run(args: argparse.Namespace) -> int:
    """Print the table of a network; return the exit code."""
    model, shape = find_model(args.model, None if args.input is None else read_shape(args.input))
    print(model.summary(shape))
    return 0


def find_model(name: str, shape: tuple[int, int, int] | None) -> tuple[Module, tuple[int, int, int]]:
    """Return the network that MODEL names and the shape of its images."""
    if Path(name).suffix == ".safetensors":
        classifier = recipes.Classifier.load(name)
        return classifier.model, shape or classifier.input_shape
    if name in zoo.names():
        # The images that it was made for, whatever data set a recipe names.
        shape = shape or zoo.find(name).input_shape
        return zoo.build(name, input_shape=shape), shape
    recipe = recipes.load(name)
    classes = _CLASSES
    source = data.catalog.SOURCES.get(recipe.data.dataset)
    if shape is None and source is not None:
        # Known without the files, which may have to be downloaded.
        shape, classes = source.image_shape, len(source.classes)
    elif shape is None:
        train, _ = data.load(recipe.data.dataset, root=recipe.data.root)
        shape, classes = train.image_shape, train.num_classes
    if recipe.model.name is None:
        # A text says itself how many outputs there are.
        return zoo.spec.build(recipe.layers, shape), shape
    return build_network(recipe.model, recipe.layers, shape, classes, recipe.source), shape


def read_shape(text: str) -> tuple[int, int, int]:
    """Return the shape that --input gives."""
    words = text.replace("x", ",").split(",")
    if len(words) != 3 or not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise ArgumentError(f"--input must be channels, height and width such as 1,28,28, got {text!r}")
    channels, height, width = map(int, words)
    return channels, height, width
