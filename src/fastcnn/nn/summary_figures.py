"""The figures of a summary: of each layer, and of the whole model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from .._samples import Sizes, each_of

_FLOAT_BYTES = 4


@dataclass(frozen=True)
class LayerRow:
    """One layer without children, or product with weights outside of those, for one sample.

    Attributes
    ----------
    index : int
        Position in the table, from 1.
    name, type : str
        Dotted name in the model, and class; of a product that of the module and its operation, and that.
    input_shape, output_shape : tuple of int
        Without the batch axis; of several inputs or outputs a tuple of theirs.
    parameters, trainable, macs : int
        Values, those of them that are trained, and multiply-accumulates.
    receptive_field, jump_in, jump_out : (rows, columns) or None
        See `fastcnn.nn.receptive_field`; None where there is none, or it is not known.
    """

    index: int
    name: str
    type: str
    input_shape: Sizes
    output_shape: Sizes
    parameters: int
    trainable: int
    macs: int
    receptive_field: tuple[int, int] | None = None
    jump_in: tuple[int, int] | None = None
    jump_out: tuple[int, int] | None = None


@dataclass(frozen=True)
class Figures:
    """The rows of a model and its totals.

    Attributes
    ----------
    model : str
        Its name, or its class.
    input_shape : tuple of int
        Of several inputs a tuple of theirs.
    layers : list of LayerRow
    parameters, trainable : int
        Values of all parameters, and those of them that are trained.
    output_values : int
        Numbers that a sample's forward pass keeps: all outputs, but for those of ReLU, which can overwrite
        its input, and of Flatten and Identity, which are other views of it.
    optimizer, loss : dict or None
        Class and settings of what was given.
    """

    model: str
    input_shape: Sizes
    layers: list[LayerRow]
    parameters: int
    trainable: int
    output_values: int
    optimizer: dict[str, Any] | None = None
    loss: dict[str, Any] | None = None

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one sample."""
        return sum(layer.macs for layer in self.layers)

    @property
    def input_bytes(self) -> int:
        """Bytes of one float32 sample."""
        return _FLOAT_BYTES * sum(math.prod(shape) for shape in each_of(self.input_shape))

    @property
    def forward_backward_bytes(self) -> int:
        """Bytes of the outputs that are kept, and of their gradients, for one float32 sample."""
        return 2 * _FLOAT_BYTES * self.output_values

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the parameters in float32."""
        return _FLOAT_BYTES * self.parameters

    @property
    def total_bytes(self) -> int:
        """Bytes of input, outputs, gradients of outputs, and parameters."""
        return self.input_bytes + self.forward_backward_bytes + self.parameter_bytes
