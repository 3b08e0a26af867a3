"""Slopes that are learned, PReLU: an activation whose numbers are those of channels, and their gradient."""

from __future__ import annotations

import numpy as np

from ...graph import Activation
from ...nn import Parameter
from ..memory import Blob, table
from ..parts import Backward
from ..writer import Writer
from .bias import write_total


class Slopes(Activation):
    """y = x where x > 0, else slope x, with a slope for each channel or one for all.

    Kernels take it for leaky_relu with a row of slopes in the place of alpha. A slope may be below 0 or 0, so
    that y does not tell what x was.
    """

    of_output = False
    kernel = "leaky_relu"

    def __init__(self, weight: Parameter) -> None:
        self.weight = weight

    def row(self, w: Writer, channels: int) -> Parameter | np.ndarray:
        """Return an array with a number for each channel.

        Of one slope for all vectors may be read from any channel on; what is behind the last channel has 0.
        """
        if self.weight.size == channels:
            return self.weight
        spare = w.layout.lanes if w.layout.by_channels else 0
        row = w.constant(w.layout.row(channels) + spare)
        w.before.gather(out=row, source=self.weight, place=np.zeros(channels, np.int32), tasks=1)
        return row


def slopes_in(activation: Activation | None) -> tuple[Parameter, ...]:
    """Return the parameters of an activation."""
    return (activation.weight,) if isinstance(activation, Slopes) else ()


def slope_row(w: Writer, activation: Activation | None, channels: int) -> Parameter | np.ndarray | None:
    """Return the slopes of an activation that has some, a number for each channel."""
    return activation.row(w, channels) if isinstance(activation, Slopes) else None


def slope_gradients(b: Backward, slopes: Slopes, dx: Blob | None, g: Blob, x: Blob) -> None:
    """Write the gradient in front of slopes, if it is wanted, and that of the slopes, if they are trained."""
    w, channels = b.writer, x.channels
    grad, vectors = b.parameter(slopes.weight), w.vectors(channels)
    whole = grad is not None and grad.size < channels
    sums = None if grad is None else w.sums(1 if whole else vectors, grad.size)
    w.prelu_grad(
        dx=dx,
        sums=sums,
        g=g,
        x=x,
        slope=w.padded(slope_row(w, slopes, channels)),
        vectors=vectors,
        channels=channels,
        whole=whole,
    )
    if grad is not None:
        write_total(w, grad, sums, table(np.arange(grad.size)))
