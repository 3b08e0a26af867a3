"""``fastcnn summary``."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import data, onnx, recipes, zoo
from ..errors import ArgumentError
from ..nn import Module
from ..nn.drawing import format_of
from ..nn.summary import summarize
from ..recipes import component
from ..recipes.experiment import build_network
from ..recipes.optimizer import make_optimizer
from ..recipes.tasks import outputs_of
from ..zoo.graph_module import GraphModule

_CLASSES = 10
# Files of weights; those of PyTorch are refused, with a word about how to convert them.
_WEIGHTS = (".safetensors", ".pth", ".pt")


def run(args: argparse.Namespace) -> int:
    """Print the table of a network, and draw it if that is wanted; return the exit code."""
    if args.graph is not None:
        format_of(args.graph)  # before anything is loaded
    model, shape, recipe = find_model(args.model, None if args.input is None else read_shape(args.input))
    optimizer = loss = None
    if recipe is not None and next(model.parameters(), None) is not None:
        optimizer = make_optimizer(recipe.optimizer, model, recipe.source)
        loss = component.LOSSES.make(recipe.loss)
    name = "" if hasattr(model, "name") or recipe is None else recipe.name
    table = summarize(model, shape, optimizer=optimizer, loss=loss, name=name)
    columns = None if args.columns is None else [column.strip() for column in args.columns.split(",")]
    text = table.show(args.format, columns)
    if args.graph is not None:
        model.draw_graph(shape, args.graph, name=table.model)
    print(text)
    return 0


def find_model(
    name: str, shape: tuple[int, int, int] | None, *, logits: bool = True
) -> tuple[Module, tuple[int, int, int], recipes.Recipe | None]:
    """Return the network that MODEL names, the shape of its images, and its recipe.

    There is none of weights, and of a network that does not tell the classes of images.

    Parameters
    ----------
    name : str
    shape : (C, H, W) or None
        None: that of the recipe's data set.
    logits : bool
        Leave out a Softmax at the end of a network in a file.
    """
    if Path(name).suffix == ".onnx":
        network = onnx.load(name, shape)
        return network, shape or images_of(network, name), None
    if Path(name).suffix in _WEIGHTS:
        classifier = recipes.Classifier.load(name)
        return classifier.model, shape or classifier.input_shape, None
    recipe = recipes.load(name)
    if name in zoo.names():
        # The images that it was made for, whatever data set a recipe names.
        known = zoo.find(name)
        shape = shape or known.input_shape
        trained = recipe if known.output == "classes" else None
        return zoo.build(name, input_shape=shape), shape, trained
    outputs: tuple[int, ...] = (_CLASSES,)
    source = data.catalog.SOURCES.get(recipe.data.dataset)
    if shape is None and source is not None:
        # Known without the files, which may have to be downloaded.
        shape = source.image_shape
        outputs = (len(source.classes), *(shape[1:] if source.scenes_of else ()))
    elif shape is None:
        train, _ = data.load(recipe.data.dataset, root=recipe.data.root, **recipe.data.reading)
        shape, outputs = train.image_shape, outputs_of(train)
    if recipe.model.name is None:
        # A file says itself how many outputs there are.
        return zoo.build_layers(recipe.layers, shape, logits=logits), shape, recipe
    return build_network(recipe.model, recipe.layers, shape, outputs, recipe.source), shape, recipe


def images_of(network: GraphModule, name: str) -> tuple[int, int, int]:
    """Return the shape of the images that a network of a file takes; one of other samples is refused."""
    shape = network.input_shape
    if shape is None or len(shape) != 3 or not all(isinstance(size, int) for size in shape):
        raise ArgumentError(f"{name}: takes samples {shape}, and this command knows images (C, H, W) alone")
    channels, height, width = shape
    return channels, height, width


def read_shape(text: str) -> tuple[int, int, int]:
    """Return the shape that --input gives."""
    words = text.replace("x", ",").split(",")
    if len(words) != 3 or not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise ArgumentError(f"--input must be channels, height and width such as 1,28,28, got {text!r}")
    channels, height, width = map(int, words)
    return channels, height, width
