"""What the layers of convolutions share."""

from typing import Any, ClassVar

import numpy as np

from .. import graph
from .._outputs import output_padding_of
from .._shapes import extent
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter

# What the padding is made of: zeros, or what `fastcnn.ops.pad` has as a mode.
PADDING_MODES = {"zeros": None, "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


class Convolution(Module):
    """The base of layers that multiply windows by kernels, in groups of channels.

    A subclass says what its geometry is beside the size of the kernels, and how that usually is.
    """

    in_channels: int
    out_channels: int
    kernel_size: Any
    weight: Parameter
    bias: Parameter | None
    padding_mode = "zeros"

    # The geometry that repr leaves out.
    _usual: ClassVar[dict[str, Any]]

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Draw the weights anew."""
        init.default_weight_(self.weight, self.bias, generator)

    def _geometry(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._usual}

    def _margins(self) -> tuple[int, ...]:
        """Return the padding as `fastcnn.nn.functional.pad` takes it."""
        raise NotImplementedError

    def _within(self, x: Any) -> tuple[Any, dict[str, Any]]:
        """Return x with what is no zero around it, and the geometry that is left."""
        geometry = self._geometry()
        if (mode := PADDING_MODES[self.padding_mode]) is not None:
            x, geometry["padding"] = F.pad(x, self._margins(), mode), 0
        return x, geometry

    def macs(self, output_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for an output (N, out_channels, ...)."""
        return int(np.prod(output_shape, dtype=object)) * (self.weight.size // self.out_channels)

    def extra_repr(self) -> str:
        """Return the arguments that repr shows."""
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"]
        parts += [f"{k}={v!r}" for k, v in self._geometry().items() if v != self._usual[k]]
        parts += [] if self.bias is not None else ["bias=False"]
        parts += [] if self.padding_mode == "zeros" else [f"padding_mode={self.padding_mode}"]
        return ", ".join(parts)


class TransposedConvolution(Convolution):
    """The base of layers that spread each element over a window of the output."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    output_padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    def _rest(self, x: Any, output_size: tuple[int, ...] | None) -> tuple[Any, ...]:
        """Return the geometry as functions take it; a size of the output says what output_padding is."""
        more = self.output_padding
        if output_size is not None:
            geometry = self.kernel_size, self.stride, self.padding, self.dilation
            more = output_padding_of(output_size, graph.shape_of(x), *geometry, type(self).__name__)
        return self.stride, self.padding, more, self.groups, self.dilation

    def macs(self, output_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for an output (N, out_channels, ...)."""
        axes = len(self.kernel_size)
        pixels = int(np.prod(output_shape[: -1 - axes], dtype=object))
        steps = self.stride, self.padding, self.output_padding, self.dilation
        for out, taps, step, cut, more, apart in zip(
            output_shape[-axes:], self.kernel_size, *steps, strict=True
        ):
            # More than a step is there by output_padding alone; less may be by output_size.
            pixels *= (out + 2 * cut - extent(taps, apart) - (more if more >= step else 0)) // step + 1
        return pixels * self.weight.size
