"""Pixels that are sums of others: interpolation, and margins that are written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._shapes import check_size
from ...ops._lines import Lines
from ..graph import WithoutProducts
from ..memory import Blob, table
from ..parts import Backward, Forward
from ..writer import Writer


@dataclass(eq=False)
class Resample(WithoutProducts):
    """y's pixels are sums of x's rows crossed with columns; those that are sums of nothing are `value`."""

    rows: Lines
    columns: Lines
    value: float = 0.0

    def forward(self, f: Forward) -> None:
        """Write y."""
        _write(f.writer, f.blob(self.y), f.blobs[self.x], self.rows, self.columns, self.value)

    def backward(self, b: Backward) -> None:
        """Write the gradient of x: the transposed sums of that of y."""
        if b.wanted(self.x):
            dx = b.blob(self.x)
            _write(b.writer, dx, b.grads[self.y], self.rows.transposed(), self.columns.transposed(), 0.0)
            b.give(self.x, dx)


def _write(w: Writer, z: Blob, x: Blob, rows: Lines, columns: Lines, value: float) -> None:
    """Write z, made of x."""
    vectors = w.vectors(z.channels)
    if not (rows.moves and columns.moves):
        counts, taps, weight = _taps(x, rows, columns)
        real = None if weight is None else weight.astype(w.element.real)
        first = table(np.concatenate([[0], np.cumsum(counts)]))
        w.resample(z=z, x=x, weight=real, first=first, taps=taps, vectors=vectors)
        return
    there = np.multiply.outer(rows.counts, columns.counts).ravel() > 0
    places = z.pixels()
    if there.any():
        w.apply(z=z, y=x, z_at=places[there], y_at=x.grid(rows.at, columns.at), vectors=vectors)
    if not there.all():
        w.fill(z=z, z_at=places[~there], channels=z.channels, value=value)


def _taps(x: Blob, rows: Lines, columns: Lines) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return the number of each pixel's taps, their places in x, and their weights if they have some."""
    entries = rows.at.size, columns.at.size
    check_size(entries, 32, "engine: the taps of an interpolation")
    counts = np.multiply.outer(rows.counts, columns.counts).ravel()
    places = x.grid(rows.at, columns.at)
    weight = None
    if rows.weight is not None or columns.weight is not None:
        weight = np.multiply.outer(
            *(np.ones(each.at.size) if each.weight is None else each.weight for each in (rows, columns))
        ).ravel()
    # A row of entries has those of all pixels of a row: what belongs to a pixel is put together.
    pixel = np.add.outer(rows.owner * columns.counts.size, columns.owner).ravel()
    order = np.argsort(pixel, kind="stable")
    return counts, places[order], None if weight is None else weight[order]
