"""The forward pass of a linear layer."""

from __future__ import annotations

import numpy as np

from ..._kernels.program import CHAINS
from ..memory import Blob, table
from ..parts import Forward
from ..writer import Writer
from .activation import activates
from .linear import Linear, by_pixels
from .multiply import bands_of, in_bands, multiply, multiply_some, pack
from .product import Extras, Product, spans_of
from .rearrange import copy_elements
from .slopes import slope_row
from .softmax import features

DEEP = 256  # elements of a sample from which on a layer is deep
_LEAST_TASKS = 8


def _product(w: Writer, node: Linear, x: Blob, y: Blob) -> Product:
    """Return the places of y = weight x. Where channels are in the lanes, x has the order of `_order`."""
    depth, out, ordered = node.x.size, node.weight.shape[0], x.layout.by_channels
    # A sum is a chain of operations that wait for each other: that of a deep layer is made of several, unless
    # what it adds up to in between would be rounded.
    chains = CHAINS if depth >= DEEP and depth % CHAINS == 0 and not w.element.narrow else 1
    part = depth // chains
    spans, order = 1 if ordered else part, _order(node)
    return Product(
        pixels=1,
        row_pixels=1,
        channels=out,
        y_at=table(y.pixels()[:1]),
        x_at=table(x.pixels()[:1] if ordered else np.zeros(1)),
        span_at=np.arange(chains) * part if ordered else features(x)[order],
        span_length=part if ordered else 1,
        weight_at=table(order),
        channel_at=table(np.arange(out) * depth),
        segments=[(0, 1, i * spans, (i + 1) * spans) for i in range(chains)],
        summed=chains > 1,
    )


def _order(node: Linear) -> np.ndarray:
    """Return the numbers, in (C, H, W) order, of the elements of x as they are multiplied.

    The caller's own array is read as it is, all else pixel by pixel.
    """
    return np.arange(node.x.size) if node.x.producer is None else by_pixels(node)


def _planes(f: Forward, node: Linear) -> Blob:
    """Return x in (C, H, W) order, laid out anew where it is not."""
    x = f.blobs[node.x]
    if node.x.pixels == 1 or x.channels == node.x.size:
        return x
    flat = f.flat[node] = f.writer.blob(node.x.size, 1, 1)
    if f.writer.element.narrow:  # to_nchw writes numbers as they are summed
        copy_elements(f.writer, flat, np.arange(node.x.size), x, features(x), most=node.x.size)
    else:
        f.writer.to_nchw(images=flat, x=x, channels=node.x.channels)
    return flat


def _ordered(f: Forward, node: Linear) -> Blob:
    """Return x in the order of `_order`, laid out anew where something stands between its elements."""
    if node.x.producer is None:
        return _planes(f, node)
    x = f.blobs[node.x]
    places = features(x)[by_pixels(node)]
    if places[-1] - places[0] + 1 == places.size:
        return x
    flat = f.writer.blob(node.x.size, 1, 1)
    copy_elements(f.writer, flat, np.arange(places.size), x, places, most=places.size)
    return flat


def _extras(w: Writer, node: Linear) -> Extras:
    """Return what goes with its products."""
    out = node.weight.shape[0]
    slopes = slope_row(w, node.activation, out)
    return Extras(w.padded(node.bias), activation=node.activation, slopes=w.padded(slopes), all_channels=out)


def of_images(f: Forward, node: Linear, y: Blob) -> None:
    """Multiply the images in the lanes at once."""
    w, x, out = f.writer, f.blobs[node.x], node.weight.shape[0]
    product = _product(w, node, x, y)
    slopes = slope_row(w, node.activation, out)
    extras = Extras(node.bias, activation=node.activation, slopes=slopes, all_channels=out)
    multiply(w, product, x, y, pack(w, product, node.weight), extras, flops=2 * node.weight.size)


def on_own_weight(f: Forward, node: Linear, y: Blob) -> None:
    """Multiply by the weight as it is, perhaps in bands of outputs."""
    w, x, out, depth = f.writer, _planes(f, node), node.weight.shape[0], node.x.size
    bands, bias = bands_of(w, 2 * depth * out), w.padded(node.bias)
    for band in range(bands):
        first, last = (out * i // bands for i in (band, band + 1))
        w.dense(
            y=y,
            x=x,
            weight=node.weight,
            bias=bias,
            depth=depth,
            outputs=last - first,
            first_output=first,
            **activates(node.activation),
            whole_chunk=True,
            band=band if bands > 1 else None,
            flops=2 * depth * (last - first),
        )


def of_all(f: Forward, node: Linear, y: Blob) -> None:
    """Multiply all images at once."""
    w, x, out = f.writer, _ordered(f, node), node.weight.shape[0]
    product, extras = _product(w, node, x, y), _extras(w, node)
    shares = -(-_LEAST_TASKS // w.blocks(out))
    w.dense_of_all(
        y=y,
        x=x,
        weight=pack(w, product, node.weight),
        bias=extras.bias,
        y_at=product.y_at,
        x_at=product.x_at,
        **spans_of(w, product),
        vectors=w.vectors(out),
        shares=shares,
        **activates(node.activation),
        slope=extras.slopes,
        tasks=w.blocks(out) * shares,
        flops=2 * node.weight.size,
    )


def of_chunk(f: Forward, node: Linear, y: Blob) -> None:
    """Multiply the images of a chunk at once, perhaps in bands of outputs."""
    w, x = f.writer, _ordered(f, node)
    product, flops = _product(w, node, x, y), 2 * node.weight.size
    for band, some, extras in in_bands(w, product, _extras(w, node), bands_of(w, flops)):
        packed = pack(w, some, node.weight)
        share = flops * some.channels // product.channels
        if y.dtype == w.element.value:
            multiply_some(
                w, some, x, y, packed, extras, some.segments, flops=share, whole_chunk=True, band=band
            )
            continue
        w.dense_sums(
            y=y,
            x=x,
            weight=packed,
            bias=extras.bias,
            y_at=some.y_at,
            x_at=some.x_at,
            **spans_of(w, some),
            vectors=w.vectors(some.channels),
            **activates(node.activation),
            slope=extras.slopes,
            whole_chunk=True,
            band=band,
            flops=share,
        )
