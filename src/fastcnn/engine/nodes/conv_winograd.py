"""Products of 3x3 windows by Winograd's minimal filtering, see csrc/engine/channels/winograd.h."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..._kernels.program import CHUNK, FULL_CHUNK, MOST_TILES
from ...nn import Parameter
from ..algorithms import Setting
from ..graph import Value
from ..memory import Blob, table
from ..parts import Backward
from ..writer import Writer
from . import costs
from .conv_forward import conv_product
from .conv_weight import write_sum
from .convolution import Convolution
from .multiply import bands_of, by_channels, ends
from .product import Extras, Product
from .tiles import TAPS, Tiles, cut, positions

# Pixels of a row of tiles: of those whose numbers are multiplied as they are summed, and of those of pairs of
# values. Weight gradients have the former: with the latter they took as long.
LARGE, SMALL = 4, 2
# Images that are lower or narrower have no small tiles: much of what these add up there is to cancel.
_LEAST_SMALL = 4
_LINE = 64  # bytes of a cache line
# Images of at most so many tiles are taken several at a time: weights and sums are read anew for all in hand.
_FEW_TILES = 8
# Tiles in hand, which should not leave the second cache, by the pixels of their rows; of more weights than
# that holds, so many bytes when they are transformed, all that there are: to read them again takes longer.
_IN_HAND = {LARGE: 24, SMALL: 64}
_MANY_WEIGHTS = 1 << 20
# The block of channels whose weight gradient is then made at a time: input channels, and vectors of channels.
_BLOCK = (64, 4)


def takes_forward(node: Convolution, setting: Setting, pixels: int = LARGE) -> bool:
    """Tell whether the forward pass and the weight gradient can be made, by tiles of so many pixels."""
    # A sample that is laid out for reading element by element has no whole vectors.
    readable = node.x.producer is not None or node.x.channels % setting.layout.lanes == 0
    return readable and _takes(node, setting, node.x, node.y, pixels)


def takes_input_gradient(node: Convolution, setting: Setting, pixels: int = LARGE) -> bool:
    """Tell whether the gradient of the input can be made."""
    return _takes(node, setting, node.y, node.x, pixels)


def _takes(node: Convolution, setting: Setting, x: Value, y: Value, pixels: int) -> bool:
    """Tell whether there are windows over x to filter, and y can be cut into tiles."""
    win = node.window
    return (
        setting.layout.by_channels
        and setting.wanted.precision != "highest"
        and node.groups == 1
        and (win.kernel_h, win.kernel_w) == (3, 3)
        and (win.stride_h, win.stride_w, win.dilation_h, win.dilation_w) == (1, 1, 1, 1)
        and (pixels == LARGE or (setting.narrow and x.channels % 2 == 0 and min(y.sizes[1:]) >= _LEAST_SMALL))
        and bool(cut(y.height, pixels))
        and bool(cut(y.width, pixels))
    )


def forward_cost(node: Convolution, setting: Setting, pixels: int = LARGE) -> float:
    """Return the cost of the forward pass; a prediction may be of one image."""
    layout, channels = setting.layout, (node.x.channels, node.y.channels)
    read = costs.filter_weights(layout, pixels, *channels)
    weights = _once(setting, *channels) if setting.training else read
    return costs.filtered(layout, pixels, _tile_count(node.y, pixels), *channels) + weights


def input_cost(node: Convolution, setting: Setting, pixels: int = LARGE) -> float:
    """Return the cost of the input's gradient."""
    channels, tiles = (node.y.channels, node.x.channels), _tile_count(node.x, pixels)
    return costs.filtered(setting.layout, pixels, tiles, *channels) + _once(setting, *channels)


def weight_cost(node: Convolution, setting: Setting) -> float:
    """Return the cost of the weight's gradient."""
    channels, tiles = (node.x.channels, node.y.channels), _tile_count(node.y, LARGE)
    return costs.filtered_weight(setting.layout, tiles, *channels) + _once(setting, *channels)


def _once(setting: Setting, in_channels: int, channels: int) -> float:
    """Return the cost of what a step does once with the weights; many images do not notice it."""
    return costs.filter_once(setting.layout, in_channels, channels) if setting.few else 0.0


def _tile_count(y: Value, pixels: int) -> float:
    """Return how many large tiles have as many positions as a value's tiles."""
    rows, columns = (sum(each + 2 for each in cut(size, pixels)) for size in (y.height, y.width))
    return rows * columns / positions(pixels)


def _room(w: Writer, pixels: int, rows: int, vectors: int) -> int:
    """Return the vectors that the positions of so many rows take, see position_step of winograd.h."""
    line = -(-_LINE // (w.layout.lanes * w.element.real.itemsize))
    return positions(pixels) * (rows * vectors + line)


def _of_many(w: Writer, tiles: Tiles, channels: int) -> bool:
    """Tell whether a convolution has many weights."""
    size = (w.element.value if tiles.pixels == SMALL else w.element.real).itemsize
    return positions(tiles.pixels) * tiles.channels * w.layout.row(channels) * size > _MANY_WEIGHTS


def _whole_chunk(w: Writer, tiles: Tiles, channels: int, bands: int) -> int:
    """Return whether an operation takes several images at a time, and rather many."""
    if tiles.count > _FEW_TILES or bands > 1 or w.in_band:
        return False
    return FULL_CHUNK if _of_many(w, tiles, channels) else True


def _in_hand(w: Writer, tiles: Tiles, channels: int, whole_chunk: int) -> dict[str, Any]:
    """Return how many tiles an operation takes in hand, and room for them, of x and of y."""
    most = MOST_TILES if _of_many(w, tiles, channels) else _IN_HAND[tiles.pixels]
    count = min(tiles.count * (CHUNK if whole_chunk else 1), most)
    room = sum(_room(w, tiles.pixels, count, w.vectors(each)) for each in (tiles.channels, channels))
    return {"most_in_hand": most, "scratch": w.workspace(room)}


def _filter(
    w: Writer,
    p: Product,
    x: Blob,
    y: Blob,
    weight: Parameter,
    extras: Extras,
    *,
    flops: int,
    pixels: int,
) -> None:
    """Write a product of 3x3 windows, by tiles of so many pixels."""
    tiles = Tiles.of(p, x, pixels)
    scale, source = extras.scale, w.rounded(weight)
    numbers = positions(pixels) * tiles.channels * w.layout.row(p.channels)
    packed = w.constant(numbers, "VALUE" if pixels == SMALL else "REAL")
    pack = w.before.winograd_pairs_weights if pixels == SMALL else w.before.winograd_weights
    pack(
        packed=packed,
        weight=source,
        scale=scale,
        weight_at=table(p.weight_at.reshape(TAPS, -1)[tiles.order].ravel()),
        channel_at=p.channel_at,
        tasks=w.blocks(p.channels),
        stage=int(scale is not None or source is not weight),
    )
    bands = min(bands_of(w, flops), tiles.count)
    whole_chunk = _whole_chunk(w, tiles, p.channels, bands)
    in_hand = _in_hand(w, tiles, p.channels, whole_chunk)
    bias = extras.bias if extras.position_bias is None else extras.position_bias
    bias = w.constant(w.layout.row(p.channels)) if bias is None else bias
    for band in range(bands):
        first, last = (tiles.count * i // bands for i in (band, band + 1))
        (w.winograd_pairs if pixels == SMALL else w.winograd)(
            y=y,
            x=x,
            weight=packed,
            bias=bias,
            by_position=extras.position_bias is not None,
            **in_hand,
            **tiles.some(first, last),
            y_at=p.y_at,
            row_pixels=p.row_pixels,
            in_channels=tiles.channels,
            in_vectors=w.vectors(tiles.channels),
            vectors=w.vectors(p.channels),
            **ends(w, extras),
            add=extras.add,
            whole_chunk=whole_chunk,
            band=band if bands > 1 else None,
            flops=flops * (band + 1) // bands - flops * band // bands,
        )


winograd = by_channels(partial(_filter, pixels=LARGE))
winograd_pairs = by_channels(partial(_filter, pixels=SMALL))


def winograd_weight(b: Backward, node: Convolution, dweight: np.ndarray, dy: Blob) -> None:
    """Write the weight gradient of a convolution of 3x3 windows."""
    w, x = b.writer, b.operand(node.x)
    p = conv_product(node, 1, 0, x, dy)
    tiles, vectors, lanes = Tiles.of(p, x, LARGE), w.vectors(p.channels), w.layout.lanes
    in_vectors = w.vectors(tiles.channels)
    bands = min(bands_of(w, 2 * p.pixels * p.depth * p.channels), in_vectors)
    whole_chunk = _whole_chunk(w, tiles, p.channels, bands)
    in_hand = _in_hand(w, tiles, p.channels, whole_chunk)
    by_blocks = whole_chunk == FULL_CHUNK
    for band in range(bands):
        first = in_vectors * band // bands * lanes
        channels = min(in_vectors * (band + 1) // bands * lanes, tiles.channels) - first
        sums = w.sums(TAPS * channels * vectors, node.weight.size)
        total_channels, total_vectors = _BLOCK if by_blocks else (channels, vectors)
        w.winograd_weight(
            sums=sums,
            x=x,
            dy=dy,
            **in_hand,
            total=w.thread_scratch(_room(w, tiles.pixels, total_channels, total_vectors)),
            total_channels=total_channels,
            total_vectors=total_vectors,
            **tiles.some(0, tiles.count, first),
            dy_at=p.y_at,
            row_pixels=p.row_pixels,
            in_channels=channels,
            in_vectors=w.vectors(channels),
            vectors=vectors,
            whole_chunk=whole_chunk,
            band=band if bands > 1 else None,
            flops=2 * p.pixels * TAPS * channels * p.channels,
        )
        weight_at = p.weight_at.reshape(TAPS, -1)[:, first : first + channels]
        write_sum(w, dweight, sums, table(weight_at.ravel()), p.channel_at, channels)
