"""What the names of an ONNX graph stand for while it is read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..._shapes import available_bytes
from ...errors import DataError
from ..library import library
from .files import external_bytes


class Made(NamedTuple):
    """A value that depends on the input.

    Attributes
    ----------
    number : int
        Of the node that makes it, as `fastcnn.zoo.definition.Node` counts them.
    shape : tuple of int
        Of a sample.
    """

    number: int
    shape: tuple[int, ...]


class Known(NamedTuple):
    """An array that does not depend on the input but for the size of the batch.

    Shapes are computed with in ONNX, and the batch may be of any size. So each such array is known for a
    batch of each of the sizes `BATCHES`: what is the same for both does not depend on the batch.

    Attributes
    ----------
    first, second : array
    name : str
        Of the array in the file; "" if it was computed.
    """

    first: np.ndarray
    second: np.ndarray
    name: str = ""

    @property
    def fixed(self) -> bool:
        """Whether it is the same for every batch."""
        return self.first is self.second


class Above(NamedTuple):
    """Whether a value is above a number: what a choice between two is made by.

    Attributes
    ----------
    value : Made
    limit : float
    """

    value: Made
    limit: float


class Parts(NamedTuple):
    """Values in a sequence.

    Attributes
    ----------
    values : tuple of Made
    """

    values: tuple[Made, ...]


class Row(NamedTuple):
    """All elements of a batch in a row, of which a node must take those of each sample again.

    Attributes
    ----------
    value : Made
    where : str
        The node that puts them there.
    """

    value: Made
    where: str


class Absent(NamedTuple):
    """An output of a node that nothing here computes.

    Attributes
    ----------
    where : str
        The node.
    """

    where: str


# Two sizes of a batch, which no division by a small number makes equal.
BATCHES = (61, 67)


def known(first: np.ndarray, second: np.ndarray | None = None, name: str = "") -> Known:
    """Return an array that is the same for both batches, or two."""
    if second is None or (first.shape == second.shape and np.array_equal(first, second)):
        return Known(first, first, name)
    return Known(first, second, name)


def to_array(tensor: Any, folder: Path | None, where: str) -> np.ndarray:
    """Return the elements of a TensorProto.

    Raises
    ------
    DataError
        If they are not as many as it says, or more than there is memory for.
    """
    onnx = library()
    shape = tuple(tensor.dims)
    try:
        kind = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
    except (KeyError, TypeError, ValueError):
        kind = None
    if kind is None or kind.kind not in "fiubV" or tensor.data_type == onnx.TensorProto.STRING:
        raise DataError(f"{where}: has elements of a type that is not known")
    if any(size < 0 for size in shape) or math.prod(shape) * kind.itemsize > available_bytes():
        raise DataError(f"{where}: cannot have the shape {shape}")
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        if folder is None:
            raise DataError(f"{where}: its elements stand in another file")
        content = external_bytes(tensor, folder, where)
        tensor = onnx.TensorProto(dims=shape, data_type=tensor.data_type, raw_data=content)
    try:
        array = onnx.numpy_helper.to_array(tensor)
    except Exception as error:  # whatever a damaged one leads to
        raise DataError(f"{where}: its elements are damaged: {error}") from error
    if array.dtype.kind not in "fiub":  # bfloat16 and others that NumPy does not have
        array = array.astype(np.float32)
    return np.asarray(array)


def as_computed(array: np.ndarray) -> np.ndarray:
    """Return float16 numbers as float32, in which is computed."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


def names_of(*arrays: Any) -> list[str]:
    """Return the names of arrays in the file, "" of those that have none."""
    return [each.name for each in arrays if isinstance(each, Known)]
