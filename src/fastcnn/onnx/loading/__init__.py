"""Networks read from ONNX files."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

from ...zoo.graph_module import GraphModule
from .nodes import RULES
from .opened import Opened

__all__ = ["Opened", "load", "operators", "read_metadata"]


def operators() -> list[str]:
    """Return the operators that nodes of a file may have; those of shapes only where these are known."""
    return sorted(RULES)


def read_metadata(path: str | PathLike[str]) -> dict[str, str]:
    """Return the notes that an ONNX file carries.

    Raises
    ------
    ImportError
        If the onnx package is not installed.
    DataError
        If the file cannot be read.
    """
    return Opened(path).metadata


def load(path: str | PathLike[str], input_shape: Sequence[Any] | None = None) -> GraphModule:
    """Return the network that an ONNX file holds, with its weights.

    It is a module like others: it predicts, is compiled, and can be trained. Its layers have the names of
    their arrays in the file; arrays that stand beside layers are parameters, and constants parameters that
    are not trained. The first axis of each input is the batch, of any size.

    Parameters
    ----------
    path : str or path
        Arrays that stand in other files must lie in its folder.
    input_shape : (C, H, W), (C, L) or (F,), or a sequence of those, optional
        Shape of one sample, where the file leaves sizes open.

    Returns
    -------
    GraphModule
        In evaluation mode. Its attribute `input_shape` is the shape of a sample, or a tuple of several.

    Raises
    ------
    ImportError
        If the onnx package is not installed.
    DataError
        If the file cannot be read, is damaged, or has a node that has no form here; the message names it.
    ShapeError
        If input_shape is no shape, does not fit, or is needed.
    """
    return Opened(path).network(input_shape)
