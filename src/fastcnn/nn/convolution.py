"""What the layers of convolutions share."""

from typing import Any, ClassVar

import numpy as np

from . import init
from .module import Module
from .parameter import Parameter


class Convolution(Module):
    """The base of layers that multiply windows by kernels, in groups of channels.

    A subclass says what its geometry is beside the size of the kernels, and how that usually is.
    """

    in_channels: int
    out_channels: int
    kernel_size: Any
    weight: Parameter
    bias: Parameter | None

    # The geometry that repr leaves out.
    _usual: ClassVar[dict[str, Any]]

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw the weights anew."""
        init.default_weight_(self.weight, self.bias, generator)

    def _geometry(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._usual}

    def macs(self, output_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for an output (N, out_channels, ...)."""
        return int(np.prod(output_shape, dtype=object)) * (self.weight.size // self.out_channels)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"]
        parts += [f"{k}={v!r}" for k, v in self._geometry().items() if v != self._usual[k]]
        return ", ".join(parts + ([] if self.bias is not None else ["bias=False"]))
