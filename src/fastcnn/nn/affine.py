"""What layers have in common that normalise: a learned scale and shift, and running statistics."""

import numpy as np

from .._arguments import flag
from .._shapes import filled
from . import init
from .declaration import Argument
from .module import Module
from .parameter import Parameter

# The argument that leaves the shift out; without a scale there is none either.
SHIFT = Argument(flag, read=lambda norm, _: norm.bias is not None or norm.weight is None)


class Affine(Module):
    """The base of layers that end with a scale and a shift, each of which may be None.

    Attributes
    ----------
    weight, bias : Parameter or None
        Scale (ones at first) and shift (zeros at first).
    """

    weight: Parameter | None
    bias: Parameter | None

    def _make_affine(self, shape: tuple[int, ...], affine: bool, bias: bool = True) -> None:
        name = type(self).__name__
        self.weight = Parameter(filled(shape, 1, np.float32, f"{name}: weight")) if affine else None
        self.bias = Parameter(filled(shape, 0, np.float32, f"{name}: bias")) if affine and bias else None

    def _without_shift(self) -> str:
        """Return what repr says of a scale without a shift."""
        return ", bias=False" if self.weight is not None and self.bias is None else ""

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Set the scale to 1 and the shift to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class Tracking(Affine):
    """The base of layers that may keep running statistics of each channel.

    Attributes
    ----------
    running_mean, running_var, num_batches_tracked : arrays
        The statistics and the number of batches in them.
    """

    # PyTorch's own files had it from version 0.4.1 on, and converted ones often lack it.
    _optional_state = frozenset({"num_batches_tracked"})

    num_features: int
    track_running_stats: bool

    def _make_statistics(self) -> None:
        if self.track_running_stats:
            shape, name = (self.num_features,), type(self).__name__
            self.register_buffer("running_mean", filled(shape, 0, np.float32, f"{name}: running_mean"))
            self.register_buffer("running_var", filled(shape, 1, np.float32, f"{name}: running_var"))
            self.register_buffer("num_batches_tracked", np.zeros((), np.int64))

    def reset_parameters(self, generator: np.random.Generator | None = None) -> None:
        """Set scale, shift and running statistics to their first values."""
        super().reset_parameters(generator)
        self.reset_running_stats()

    def reset_running_stats(self) -> None:
        """Set the running statistics to their first values, if there are any."""
        if self.track_running_stats:
            self.running_mean[...] = 0
            self.running_var[...] = 1
            self.num_batches_tracked[...] = 0
