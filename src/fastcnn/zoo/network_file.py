"""Networks in files of any format: text as in `fastcnn.zoo.spec`, and dicts as in `fastcnn.zoo.dicts`."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from .. import nn
from . import dicts, spec
from .building import build_layers
from .definition import Definition
from .files import parse_toml, read_text


def parse(text: str, source: str) -> Definition:
    """Read a network from JSON, if the text begins with a bracket, else from lines.

    Raises
    ------
    DataError
        If it is not right; the message starts with `source`.
    """
    return (dicts.parse_json if text.lstrip()[:1] in ("[", "{") else spec.parse)(text, source)


def read_layers(path: str | PathLike[str]) -> tuple[str, Definition]:
    """Read a file: ``.json`` and ``.toml`` hold dicts, any other name dicts in JSON or lines of text.

    Returns
    -------
    text : str
        What `parse` takes to give these layers again.
    layers : tuple of Layer, or Nodes

    Raises
    ------
    DataError
        If it cannot be read or is not right.
    """
    text, source = read_text(path)
    suffix = Path(source).suffix
    if suffix == ".toml":
        layers = dicts.parse_table(parse_toml(text, source), source)
        return dicts.to_json(dicts.plain(layers)), layers
    if suffix == ".json":
        return text, dicts.parse_json(text, source)
    return text, parse(text, source)


def read(path: str | PathLike[str], input_shape: Sequence[int], *, logits: bool = True) -> nn.Module:
    """Make the network that a file describes, with fresh weights.

    Parameters
    ----------
    path : str or path
        ``.json`` and ``.toml`` hold dicts (`fastcnn.zoo.dicts`), ``.txt`` a text (`fastcnn.zoo.spec`).
    input_shape : (C, H, W)
        Shape of the images.
    logits : bool
        Leave out a Softmax at the end, since `fastcnn.nn.CrossEntropyLoss` applies it.

    Raises
    ------
    DataError
        If the file cannot be read or is not right, or a layer does not fit what comes before it.
    """
    return build_layers(read_layers(path)[1], input_shape, logits=logits)
