"""Networks as text, one layer a line.

    Conv OUT KERNEL STRIDE PADDING    convolution with bias
    Pool KERNEL STRIDE                max-pooling
    FC OUT                            fully connected layer with bias
    ReLU
    Flatten                           may be left out before FC
    Softmax                           may stand at the end: the loss applies it

``#`` starts a comment. Channels and features of the input are inferred, so that one text fits images of
different sizes. The network returns logits whether or not the text ends with Softmax.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from os import PathLike
from typing import NamedTuple

from .. import nn
from .._shapes import check_size
from ..errors import DataError, FastcnnError

# Layer -> names of its numbers, in order; all are at least 1 but for those in _MAY_BE_ZERO.
GRAMMAR: dict[str, tuple[str, ...]] = {
    "Conv": ("out", "kernel", "stride", "padding"),
    "Pool": ("kernel", "stride"),
    "FC": ("out",),
    "ReLU": (),
    "Flatten": (),
    "Softmax": (),
}
_MAY_BE_ZERO = ("padding",)
# More digits than any size has; int() itself refuses some thousand.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
# Bytes of a weight while it is drawn: float64 beside float32.
_DRAWN_BYTES = 12


class Line(NamedTuple):
    """One layer of a text.

    Attributes
    ----------
    kind : str
        A name of GRAMMAR.
    numbers : tuple of int
        Its numbers in the order of GRAMMAR.
    where : str
        File, line and text, to open the message of an error.
    """

    kind: str
    numbers: tuple[int, ...]
    where: str


def parse(text: str, source: str = "<text>") -> tuple[Line, ...]:
    """Read the layers of a text.

    Parameters
    ----------
    text : str
    source : str
        What messages call it: the file's path.

    Raises
    ------
    DataError
        If a line is not in the grammar, Softmax is not at the end, or there is no layer; the message names
        file, line and text.
    """
    lines = []
    for number, raw in enumerate(text.splitlines(), 1):
        words = raw.partition("#")[0].split()
        if words:
            lines.append(_parse_line(words, f"{source}:{number}: {raw.strip()!r}"))
    if not lines:
        raise DataError(f"{source}: no layers (each line is one of: {_usages()})")
    for line in lines[:-1]:
        if line.kind == "Softmax":
            raise DataError(f"{line.where}: Softmax can only be the last layer")
    if all(line.kind == "Softmax" for line in lines):
        raise DataError(f"{lines[0].where}: there is no layer before Softmax")
    return tuple(lines)


def read(path: str | PathLike[str]) -> str:
    """Return the text of a file; `parse` makes layers of it.

    Raises
    ------
    DataError
        If the file cannot be read or is not UTF-8.
    """
    name = os.fspath(path)
    try:
        with open(name, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{name}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: not a text file (UTF-8): {error.reason} at byte {error.start}") from error


def build(lines: Sequence[Line], input_shape: tuple[int, int, int]) -> nn.Sequential:
    """Make the network that takes images of `input_shape`.

    Parameters
    ----------
    lines : sequence of Line
        What `parse` returned.
    input_shape : (C, H, W)

    Returns
    -------
    Sequential
        A Flatten stands before FC even if the text has none.

    Raises
    ------
    DataError
        If a layer does not fit what comes before it; the message names file, line and text.
    """
    model = nn.Sequential()
    shape: tuple[int, ...] = tuple(input_shape)
    for line in lines:
        if line.kind == "Softmax":
            break
        try:
            for layer in _layers(line, shape):
                model.append(layer)
                shape = layer.output_shape((1, *shape))[1:]
        except (FastcnnError, MemoryError) as error:
            raise DataError(f"{line.where}: {error}") from error
    return model


def _usages() -> str:
    return ", ".join(" ".join([kind, *map(str.upper, names)]) for kind, names in GRAMMAR.items())


def _parse_line(words: list[str], where: str) -> Line:
    kind, *rest = words
    if kind not in GRAMMAR:
        folded = {name.lower(): name for name in GRAMMAR}
        close = difflib.get_close_matches(kind.lower(), folded, 1)
        hint = f" (did you mean {folded[close[0]]}?)" if close else ""
        raise DataError(f"{where}: unknown layer {kind!r}{hint}; known are: {_usages()}")
    names = GRAMMAR[kind]
    if len(rest) != len(names):
        usage = " ".join([kind, *map(str.upper, names)])
        raise DataError(f"{where}: {kind} takes {len(names)} numbers ({usage}), got {len(rest)}")
    numbers = []
    for name, word in zip(names, rest, strict=True):
        least = 0 if name in _MAY_BE_ZERO else 1
        if not _INTEGER.fullmatch(word) or int(word) < least:
            raise DataError(f"{where}: {name} must be an integer of at least {least}, got {word!r}")
        numbers.append(int(word))
    return Line(kind, tuple(numbers), where)


def _layers(line: Line, shape: tuple[int, ...]) -> list[nn.Module]:
    """Return the module of a line, for a sample of `shape`, with the Flatten that FC may need."""
    if line.kind in ("Conv", "Pool") and len(shape) != 3:
        raise DataError(f"{line.kind} needs images (C, H, W), but {shape[0]} flat features come in")
    if line.kind == "Conv":
        out, kernel, stride, padding = line.numbers
        check_size((out, shape[0], kernel, kernel), _DRAWN_BYTES, "the weight")
        return [nn.Conv2d(shape[0], out, kernel, stride, padding)]
    if line.kind == "Pool":
        kernel, stride = line.numbers
        return [nn.MaxPool2d(kernel, stride)]
    if line.kind == "FC":
        flatten = [nn.Flatten()] if len(shape) > 1 else []
        features = 1
        for size in shape:
            features *= size
        (out,) = line.numbers
        check_size((out, features), _DRAWN_BYTES, "the weight")
        return [*flatten, nn.Linear(features, out)]
    return [nn.ReLU() if line.kind == "ReLU" else nn.Flatten()]
