"""Normalisation by the squares of neighbouring channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...ops.local_response_norm import Response
from ..graph import WithoutProducts
from ..parts import Backward, Forward
from ..writer import Writer


@dataclass(eq=False)
class LocalResponseNorm(WithoutProducts):
    """y = x (k + share sum of x^2 over neighbouring channels)^-beta."""

    numbers: Response

    def forward(self, f: Forward) -> None:
        """Write y."""
        w = f.writer
        w.local_response_norm(
            z=f.blob(self.y), y=f.blobs[self.x], rows=w.workspace(self._room(w)), **self._common(w)
        )

    def backward(self, b: Backward) -> None:
        """Write the gradient of x."""
        if not b.wanted(self.x):
            return
        w, dx, room = b.writer, b.blob(self.x), self._room(b.writer)
        w.local_response_norm_grad(
            dy=dx,
            g=b.grads[self.y],
            y=b.forward.blobs[self.x],
            rows=w.workspace(2 * room),
            room=room,
            **self._common(w),
        )
        b.give(self.x, dx)

    def _common(self, w: Writer) -> dict[str, Any]:
        vectors = w.vectors(self.x.channels)
        return {"vectors": vectors, "channels": self.x.channels, **self.numbers._asdict()}

    def _room(self, w: Writer) -> int:
        """Return the vectors of a row of channels with its margins."""
        margins = self.numbers.before + self.numbers.behind
        return w.vectors(self.x.channels) + (
            -(-margins // w.layout.lanes) if w.layout.by_channels else margins
        )
