"""The gradients of a linear layer's weight and input."""

from __future__ import annotations

import numpy as np

from ..._kernels.program import TASK_COLUMNS
from ..memory import NO_HALO, Blob, table
from ..parts import Backward
from ..writer import Writer
from .linear import Linear, by_pixels
from .multiply import bands_of, in_bands, multiply, multiply_some, pack
from .product import Extras, Product
from .rearrange import copy_elements
from .softmax import features
from .weight_of_all import of_all_by_channels, weight_of_all


def weight_gradient(b: Backward, node: Linear, dweight: np.ndarray, dy: Blob) -> None:
    """Write the gradient of the weight, over all images."""
    f, w = b.forward, b.writer
    x = f.flat.get(node, f.blobs[node.x])
    if w.element.narrow:
        of_all_by_channels(w, dweight, x, dy, _whole_window(x, dy), x.channels, x.height * x.width)
    elif w.layout.by_channels:
        w.after.dense_weight(
            dweight=dweight,
            x=x,
            dy=dy,
            depth=node.x.size,
            outputs=node.y.size,
            tasks=-(-node.x.size // TASK_COLUMNS),
            flops=2 * node.weight.size,
        )
    else:
        weight_of_all(w, dweight, x, dy, _whole_window(x, dy), dense=True)


def _whole_window(x: Blob, dy: Blob) -> Product:
    """Return the places of a product whose window is all of x, in (C, H, W) order."""
    places, depth = x.height * x.width, x.channels * x.height * x.width
    by_channels = x.layout.by_channels
    return Product(
        pixels=1,
        row_pixels=1,
        channels=dy.channels,
        y_at=table(dy.pixels()[:1]),
        x_at=table(np.zeros(1)),
        span_at=x.pixels() if by_channels else features(x),
        span_length=x.channels if by_channels else 1,
        weight_at=table(np.arange(depth)),
        channel_at=table(np.arange(dy.channels) * depth),
        segments=[(0, 1, 0, places if by_channels else depth)],
    )


def input_gradient(b: Backward, node: Linear, dy: Blob) -> None:
    """Write the gradient of x."""
    if b.writer.element.narrow:
        _of_narrow(b, node, dy)
    elif b.writer.layout.by_channels:
        _on_own_weight(b, node, dy)
    else:
        _of_images(b, node, dy)


def _transposed(node: Linear, dy: Blob, dx: Blob, order: np.ndarray) -> Product:
    """Return the places of dx = weight^T dy, elements of dx in some order being the channels of a pixel."""
    return Product(
        pixels=1,
        row_pixels=1,
        channels=node.x.size,
        y_at=table(dx.pixels()[:1]),
        x_at=dy.pixels(),
        span_at=np.zeros(1, np.int64),
        span_length=node.y.size,
        weight_at=table(np.arange(node.y.size) * node.x.size),
        channel_at=table(order),
        segments=[(0, 1, 0, 1)],
    )


def _of_narrow(b: Backward, node: Linear, dy: Blob) -> None:
    """Make dx where it is to be, or elsewhere if something stands between its elements."""
    w, order, flops = b.writer, by_pixels(node), 2 * node.weight.size
    dx, add = b.target(node.x)
    places = features(dx)[order]
    in_place = places[-1] - places[0] + 1 == places.size
    flat = dx if in_place else w.blob(node.x.size, 1, 1)
    product = _transposed(node, dy, flat, order)
    extras = Extras(add=add and in_place)
    first = 0
    for band, some, more in in_bands(w, product, extras, bands_of(w, flops)):
        packed = _packed(w, node, some, first) if in_place else pack(w, some, node.weight)
        share = flops * some.channels // product.channels
        multiply_some(
            w, some, dy, flat, packed, more, some.segments, flops=share, whole_chunk=True, band=band
        )
        first += some.channels
    if not in_place:
        part = b.blob(node.x) if add else dx  # dx may have another halo, as the gradient of a sum's terms
        copy_elements(w, part, features(part)[order], flat, np.arange(order.size), most=node.x.channels)
        if add:
            w.apply(z=dx, y=part, r=dx, vectors=w.vectors(node.x.channels))


def _packed(w: Writer, node: Linear, p: Product, first: int) -> np.ndarray:
    """Let the weights of dx be packed before all else, from its element `first` on; return where."""
    x, lanes = node.x, w.layout.lanes
    if x.pixels < lanes or x.channels % lanes:
        return pack(w, p, node.weight)
    packed = w.constant(p.packed_depth(w) * w.layout.row(p.channels), "VALUE")
    w.before.pack_places(
        packed=packed,
        weight=node.weight,
        outputs=node.y.size,
        channels=x.channels,
        places=x.pixels,
        first_vector=first // lanes,
        vectors=w.vectors(p.channels),
        tasks=-(-x.pixels // lanes),
    )
    return packed


def _on_own_weight(b: Backward, node: Linear, dy: Blob) -> None:
    """Make dx in (C, H, W) order, perhaps in bands of columns, then lay it out."""
    w, out, depth = b.writer, node.y.size, node.x.size
    flat = w.blob(depth, 1, 1, b.halos.of_gradient(node.x) if node.x.pixels == 1 else NO_HALO)
    bands = bands_of(w, 2 * depth * out) if depth >= w.bands * w.layout.lanes else 1
    for band in range(bands):
        first, last = (depth * i // bands for i in (band, band + 1))
        w.dense_input(
            dx=flat,
            dy=dy,
            weight=node.weight,
            depth=depth,
            outputs=out,
            first_column=first,
            last_column=last,
            whole_chunk=True,
            band=band if bands > 1 else None,
            flops=2 * out * (last - first),
        )
    dx = flat
    if node.x.pixels > 1:
        dx = b.blob(node.x)
        w.from_nchw(x=dx, images=flat, channels=node.x.channels)
    b.give(node.x, dx)


def _of_images(b: Backward, node: Linear, dy: Blob) -> None:
    """Make dx as one pixel with all elements as channels, in its blob's order; spread it over that."""
    w, out, depth = b.writer, node.y.size, node.x.size
    flat = w.blob(depth, 1, 1)
    product = _transposed(node, dy, flat, by_pixels(node))
    multiply(w, product, dy, flat, pack(w, product, node.weight), Extras(), flops=2 * depth * out)
    (dx, add), channels = b.target(node.x), node.x.channels
    spread = table(np.arange(node.x.pixels) * flat.channel(channels))
    w.apply(z=dx, y=flat, y_at=spread, r=dx if add else None, vectors=channels)
