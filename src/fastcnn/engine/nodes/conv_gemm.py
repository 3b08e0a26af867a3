"""Windows as rows (im2col): what each window reads is laid out, and the product is one of matrices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...nn import Parameter
from ..memory import Blob, table
from ..writer import Writer
from .multiply import direct
from .product import Extras, Product


def gathered(w: Writer, p: Product, x: Blob) -> tuple[Product, Blob]:
    """Write the rows of a product's windows; return the product over them, and their blob.

    Taps that lie in the halo are zeros there, and multiplied as all others are.
    """
    columns = w.blob(p.depth, 1, p.pixels)
    for span, at in enumerate(np.asarray(p.span_at).tolist()):
        w.copy(
            z=columns,
            y=x,
            z_at=columns.pixels(span * p.span_length),
            y_at=table(p.x_at.astype(np.int64) + at),
            channels=p.span_length,
        )
    product = replace(
        p,
        x_at=columns.pixels(),
        span_at=np.zeros(1, np.int64),
        span_length=p.depth,
        segments=[(0, p.pixels, 0, 1)],
    )
    return product, columns


def gemm(w: Writer, p: Product, x: Blob, y: Blob, weight: Parameter, extras: Extras, *, flops: int) -> None:
    """Write a product over rows of windows."""
    direct(w, *gathered(w, p, x), y, weight, extras, flops=flops)
