"""The names of layers and parameters: those that the file has for their arrays and nodes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from ... import nn
from ...errors import FastcnnError
from ...zoo.graph_module import GraphModule
from ...zoo.parser import is_place
from .nodes import Source

# What PyTorch and Keras call the arrays of a layer.
_OF_ARRAYS = re.compile(r"(?:(.+)[./])?(?:weight|bias|kernel|gamma|beta|scale)(?::0)?")

# What PyTorch calls arrays that it computes, and constants.
_MADE_UP = re.compile(
    r".*::.*|[0-9]+|(val|scalar_tensor_default|(c_)?lifted_tensor|_tensor_constant)_?[0-9]*"
)


class Names:
    """The places in the tree of modules that are taken."""

    def __init__(self) -> None:
        self._tree = GraphModule(())  # which knows what names there can be
        self._numbers: dict[str, Iterator[int]] = {}

    def take(self, places: Sequence[str], plain: str) -> str:
        """Take the first place in the tree of modules that can be had, or else a plain name with a number."""
        for each in itertools.chain(places, self._numbered(plain)):
            place = re.sub(r"[^A-Za-z0-9_.-]", "_", each)
            if is_place(place):
                try:
                    self._tree.place(place, nn.Identity())
                except FastcnnError:
                    continue
                return place
        raise AssertionError("numbers do not end")

    def _numbered(self, plain: str) -> Iterator[str]:
        """Yield a name with the numbers that were not tried yet; the first has none."""
        for number in self._numbers.setdefault(plain, itertools.count(1)):
            yield plain if number == 1 else f"{plain}_{number}"


def is_made_up(name: str) -> bool:
    """Tell whether an exporter has made up a name for an array that it computed."""
    return _MADE_UP.fullmatch(name) is not None


def stems(names: Sequence[str]) -> list[str]:
    """Return the place of a layer by the names of its arrays, such as conv1.weight."""
    found = (_OF_ARRAYS.fullmatch(name) for name in names if not is_made_up(name))
    return [each[1] for each in found if each and each[1]]


def is_of_layer(name: str) -> bool:
    """Tell whether an array has the name of one of a layer's, such as conv1.weight, or weight."""
    return not is_made_up(name) and _OF_ARRAYS.fullmatch(name) is not None


def path_of(source: Source) -> list[str]:
    """Return the place of a layer by the name of its node: /layer1/layer1.0/conv1/Conv is layer1.0.conv1."""
    parts = [part for part in source.name.split("/") if part]
    if parts and re.fullmatch(rf"{source.kind}(_[0-9]+)?", parts[-1]):
        parts.pop()
    whole = [part for i, part in enumerate(parts) if not "".join(parts[i + 1 : i + 2]).startswith(f"{part}.")]
    return [".".join(whole)] if whole else []
