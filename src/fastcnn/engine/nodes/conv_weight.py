"""The gradient of a convolution's weight."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from ..._kernels.program import WEIGHT_TILE, task_channels
from ...nn import Parameter
from ..layout import Layout
from ..memory import Blob, Vectors
from ..parts import Backward
from ..writer import Writer
from . import conv_weight_tiles
from .conv_forward import conv_product
from .convolution import Convolution
from .multiply import bands_of
from .product import Product, group_count
from .weight_of_all import of_all_by_channels, weight_of_all

# A layer with at most so many output pixels has its weight gradient made over all images at once: the partial
# sums of each slot would cost more than the products. Where channels are in the lanes, it must have so many
# weights.
_FEW_PIXELS = 16
_MANY_WEIGHTS = 1 << 16
# Where channels are in the lanes, one with at most so many makes it for several images between a load and a
# store of its sums, which are larger than the images' arrays.
_SEVERAL_IMAGES = 100


# Where a product finds what it multiplies: the product over it, and the blob that holds it.
Operand = Callable[[Writer, Product, Blob], tuple[Product, Blob]]


def in_place(w: Writer, p: Product, x: Blob) -> tuple[Product, Blob]:
    """Multiply x where it stands."""
    return p, x


def weight_gradient(
    b: Backward, node: Convolution, dweight: np.ndarray, dy: Blob, operand: Operand = in_place
) -> None:
    """Write the gradient of the weight."""
    over_all = sums_over_all(b.writer.layout, node)
    x = b.forward.blobs[node.x] if over_all else b.operand(node.x)
    write_weight(b.writer, node, dweight, x, dy, operand)


def sums_over_all(layout: Layout, node: Convolution) -> bool:
    """Tell whether the gradient is made when all else is done, of arrays that must then still be there."""
    many = not node.depthwise and node.weight.size >= _MANY_WEIGHTS
    return node.y.pixels <= _FEW_PIXELS and (many or not layout.by_channels)


def write_weight(
    w: Writer, node: Convolution, dweight: np.ndarray, x: Blob, dy: Blob, operand: Operand = in_place
) -> None:
    """Write the gradient of the weight of x and dy for each group of channels."""
    for group in range(group_count(w, node)):
        in_x = conv_product(node, group_count(w, node), group, x, dy)
        product, source = operand(w, in_x, x)
        if sums_over_all(w.layout, node) and w.layout.by_channels:
            in_channels, places = node.weight.shape[1], prod(node.weight.shape[2:])
            of_all_by_channels(w, dweight, x, dy, in_x, in_channels, places, group * in_channels)
        elif sums_over_all(w.layout, node):
            weight_of_all(w, dweight, source, dy, product)
        else:
            _weight_grad(w, node.weight, dweight, source, dy, product)


def _weight_grad(w: Writer, weight: Parameter, dweight: np.ndarray, x: Blob, dy: Blob, p: Product) -> None:
    """Write the weight gradient of a group of channels: partial sums for each slot, then their sum."""
    bands = max(1, min(bands_of(w, 2 * p.pixels * p.depth * p.channels), p.depth))
    whole_chunk = w.layout.by_channels and p.pixels <= _SEVERAL_IMAGES
    if conv_weight_tiles.takes(w, p, x, weight.shape[1]):
        conv_weight_tiles.write(w, weight, dweight, x, dy, p, bands, whole_chunk)
        return
    taps, vectors = p.taps(x), w.vectors(p.channels)
    for band in range(bands):
        some = slice(p.depth * band // bands, p.depth * (band + 1) // bands)
        depth = some.stop - some.start
        sums = w.sums(depth * vectors, weight.size)
        common = {
            "sums": sums,
            "x": x,
            "dy": dy,
            "x_at": p.x_at,
            "tap_at": taps[some],
            "dy_at": p.y_at,
            "vectors": vectors,
            "whole_chunk": whole_chunk,
            "band": band if bands > 1 else None,
            "flops": 2 * p.pixels * depth * p.channels,
        }
        if p.depthwise:
            w.depthwise_weight(**common)
        else:
            pairs = _room_for_pairs(w, p, taps[some])
            w.conv_weight(**common, pairs=pairs, in_channels=weight.shape[1])
        # A band may begin and end within the channels of a place.
        in_channels = depth if bands > 1 else 1 if p.depthwise else weight.shape[1]
        write_sum(w, dweight, sums, p.weight_at[some], p.channel_at, in_channels)


def _room_for_pairs(w: Writer, p: Product, taps: np.ndarray) -> Vectors | None:
    """Return room for what conv_weight_pairs.c lays out anew: pairs of pixels of x, twice, and of dy."""
    if w.element.terms == 1:
        return None
    tiles, images = -(-p.pixels // WEIGHT_TILE), -(-WEIGHT_TILE // p.pixels)
    tile_at = [p.x_at[p.pixels * i // tiles : p.pixels * (i + 1) // tiles] for i in range(tiles)]
    read = int(max(np.ptp(at) for at in tile_at)) + int(np.ptp(taps)) + 1
    pixels = images * max(at.size for at in tile_at)
    return w.workspace(2 * images * -(-read // w.layout.lanes) + pixels * w.vectors(p.channels))


def write_sum(
    w: Writer,
    dweight: np.ndarray,
    sums: Vectors,
    weight_at: np.ndarray,
    channel_at: np.ndarray,
    in_channels: int,
) -> None:
    """Write the sum of the slots' partial sums of some taps: so many input channels at each place."""
    by_taps = -(-in_channels // task_channels(in_channels, weight_at.size // in_channels))
    w.after.conv_weight_sum(
        dweight=dweight,
        sums=sums,
        weight_at=weight_at,
        channel_at=channel_at,
        in_channels=in_channels,
        tasks=by_taps if w.layout.by_channels else w.blocks(channel_at.size),
    )
