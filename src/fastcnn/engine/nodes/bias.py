"""Biases of products: for each channel, or for each channel and pixel."""

from __future__ import annotations

import numpy as np

from ..._kernels.program import TASK_TOTALS
from ...nn import Parameter
from ..memory import Blob, table
from ..parts import Backward
from ..writer import Writer


def position_bias(w: Writer, bias: Parameter | None, sizes: tuple[int, int, int]) -> np.ndarray | None:
    """Let a bias of (channels, height, width) be laid out pixel by pixel, in padded rows; return where."""
    if bias is None:
        return None
    channels, height, width = sizes
    pixels, row = height * width, w.layout.row(channels)
    rows = w.constant(pixels * row)
    if w.layout.by_channels:
        row_at = table(row * np.arange(pixels))
        w.before.rows_from_planes(rows=rows, planes=bias, row_at=row_at, channels=channels, tasks=1)
    else:
        place = table(np.arange(bias.size).reshape(channels, pixels).T.ravel())
        w.before.gather(out=rows, source=bias, place=place, tasks=1)
    return rows


def bias_of_group(
    w: Writer, bias: Parameter | np.ndarray | None, first: int, out: int
) -> Parameter | np.ndarray | None:
    """Return the biases or slopes of a group as kernels read them: in "channels" from its first one on."""
    if not w.layout.by_channels:
        return bias
    return bias[first:] if isinstance(bias, np.ndarray) else w.padded(bias, first, first + out)


def write_total(w: Writer, out: np.ndarray, sums: object, place: np.ndarray) -> None:
    """Write the sum of the slots' partial sums of a parameter of a few numbers."""
    w.after.total(out=out, sums=sums, place=place, tasks=-(-place.size // TASK_TOTALS))


def position_bias_grad(b: Backward, bias: Parameter | None, dy: Blob) -> None:
    """Sum dy over images into the gradient of a bias for each pixel, if there is one and it is trained."""
    grad, w = b.parameter(bias), b.writer
    if grad is None:
        return
    pixels, vectors = dy.height * dy.width, w.vectors(dy.channels)
    sums = w.sums(pixels * vectors, grad.size)
    w.grad_sums(sums=sums, g=dy, vectors=vectors, by_position=True)
    if w.layout.by_channels:
        row = w.layout.row(dy.channels)
        rows, row_at = w.constant(pixels * row), table(row * np.arange(pixels))
        w.after.slot_sum(out=rows, sums=sums, count=rows.size, tasks=-(-rows.size // TASK_TOTALS))
        w.after.planes_from_rows(
            planes=grad, rows=rows, row_at=row_at, channels=dy.channels, tasks=1, stage=1
        )
    else:
        write_total(
            w, grad, sums, table((np.arange(dy.channels) * pixels + np.arange(pixels)[:, None]).ravel())
        )


def bias_grad(b: Backward, bias: Parameter | None, dy: Blob, *, is_zero: bool = False) -> None:
    """Sum dy over images and pixels into the gradient of a bias, if there is one and it is trained.

    If it is known to be zero, it stays as it is made.
    """
    grad, w = b.parameter(bias), b.writer
    if grad is None or is_zero:
        return
    vectors = w.vectors(dy.channels)
    sums = w.sums(vectors, grad.size)
    w.grad_sums(sums=sums, g=dy, vectors=vectors)
    write_total(w, grad, sums, table(np.arange(dy.channels)))
