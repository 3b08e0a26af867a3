"""Products of 3x3 windows by Winograd's minimal filtering, see csrc/engine/channels/winograd.h."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._kernels.program import CHUNK, FULL_CHUNK, MOST_TILES
from ...nn import Parameter
from ..algorithms import Setting
from ..emit import Writer
from ..graph import Value
from ..memory import Blob, table
from ..parts import Backward
from . import costs
from .conv_forward import conv_product
from .conv_weight import write_sum
from .convolution import Convolution
from .multiply import bands_of, by_channels, ends
from .product import Extras, Product

_POSITIONS = 36  # of a tile
_TAPS = 9
_KINDS = [(4, 3), (4, 4), (3, 4), (3, 3)]  # of tiles, by their rows and columns of y, in the kernels' order
_LINE = 64  # bytes of a cache line
# Images of at most so many tiles are taken several at a time: weights and sums are read anew for all in hand.
_FEW_TILES = 8
# Tiles in hand, which should not leave the second cache; of more weights than that holds, so many bytes when
# they are transformed, all that there are: to read the weights again takes longer.
_IN_HAND = 24
_MANY_WEIGHTS = 1 << 20
# The block of channels whose weight gradient is then made at a time: input channels, and vectors of channels.
_BLOCK = (64, 4)


def takes_forward(node: Convolution, setting: Setting) -> bool:
    """Tell whether the forward pass and the weight gradient can be made."""
    # A sample that is laid out for reading element by element has no whole vectors.
    readable = node.x.producer is not None or node.x.channels % setting.layout.lanes == 0
    return readable and _takes(node, setting, node.y)


def takes_input_gradient(node: Convolution, setting: Setting) -> bool:
    """Tell whether the gradient of the input can be made."""
    return _takes(node, setting, node.x)


def _takes(node: Convolution, setting: Setting, y: Value) -> bool:
    """Tell whether there are windows to filter, and y can be cut into tiles."""
    win = node.window
    return (
        setting.layout.by_channels
        and setting.wanted.precision == "high"
        and node.groups == 1
        and (win.kernel_h, win.kernel_w) == (3, 3)
        and (win.stride_h, win.stride_w, win.dilation_h, win.dilation_w) == (1, 1, 1, 1)
        and bool(_cut(y.height))
        and bool(_cut(y.width))
    )


def forward_cost(node: Convolution, setting: Setting) -> float:
    """Return the cost of the forward pass; a prediction may be of one image."""
    layout, channels = setting.layout, (node.x.channels, node.y.channels)
    weights = _once(setting, *channels) if setting.training else costs.filter_weights(layout, *channels)
    return costs.filtered(layout, _tile_count(node.y), *channels) + weights


def input_cost(node: Convolution, setting: Setting) -> float:
    """Return the cost of the input's gradient."""
    channels = node.y.channels, node.x.channels
    return costs.filtered(setting.layout, _tile_count(node.x), *channels) + _once(setting, *channels)


def weight_cost(node: Convolution, setting: Setting) -> float:
    """Return the cost of the weight's gradient."""
    channels = node.x.channels, node.y.channels
    return costs.filtered_weight(setting.layout, _tile_count(node.y), *channels) + _once(setting, *channels)


def _once(setting: Setting, in_channels: int, channels: int) -> float:
    """Return the cost of what a step does once with the weights; many images do not notice it."""
    return costs.filter_once(setting.layout, in_channels, channels) if setting.few else 0.0


def _tile_count(y: Value) -> float:
    """Return how many large tiles have as many positions as a value's tiles."""
    rows, columns = (sum(each + 2 for each in _cut(size)) for size in (y.height, y.width))
    return rows * columns / _POSITIONS


def _cut(size: int) -> list[int]:
    """Cut rows or columns into the fewest tiles, of 4 and then of 3; return none for 1, 2 and 5."""
    tiles = -(-size // 4)
    short = 4 * tiles - size
    return [4] * (tiles - short) + [3] * short if short <= tiles else []


@dataclass
class _Tiles:
    """The tiles of a product's windows; tables are as the kernels take them.

    Attributes
    ----------
    x_at, x_last : arrays (tiles,)
        Places of the first and last pixels that each reads.
    tile_at : array (tiles, 3)
        Of each the first pixel of y, and its rows and columns.
    kinds : array (tiles,)
        The number of each one's kind; they rise.
    x_row, x_pixel : int
        From one row and pixel of x to the next.
    channels : int
        Of x.
    order : array (9,)
        The product's taps, from the upper left to the lower right.
    """

    x_at: np.ndarray
    x_last: np.ndarray
    tile_at: np.ndarray
    kinds: np.ndarray
    x_row: int
    x_pixel: int
    channels: int
    order: np.ndarray

    @classmethod
    def of(cls, p: Product, x: Blob) -> _Tiles:
        """Return the tiles of a product of 3x3 windows, in the order of their kinds."""
        channels = p.depth // _TAPS
        taps = p.taps(x)[::channels].astype(np.int64)
        order = np.argsort(taps)
        first, right, down = taps[order][[0, 1, 3]]
        x_row, x_pixel = int(down - first), int(right - first)
        rows, columns = np.array(_cut(p.pixels // p.row_pixels)), np.array(_cut(p.row_pixels))
        starts = np.cumsum(rows) - rows, np.cumsum(columns) - columns
        pixels = np.add.outer(starts[0] * p.row_pixels, starts[1]).ravel()
        sizes = [each.ravel() for each in np.broadcast_arrays(rows[:, None], columns)]
        kinds = np.array([_KINDS.index(kind) for kind in zip(*sizes, strict=True)])
        by_kind = np.argsort(kinds, kind="stable")
        tile_at = np.column_stack([pixels, *sizes])[by_kind]
        x_at = p.x_at[tile_at[:, 0]] + first
        x_last = x_at + (tile_at[:, 1] + 1) * x_row + (tile_at[:, 2] + 1) * x_pixel
        return cls(table(x_at), table(x_last), tile_at, kinds[by_kind], x_row, x_pixel, channels, order)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.tile_at)

    def some(self, first: int, last: int, channel: int = 0) -> dict[str, Any]:
        """Return what operations are told of some of the tiles, from a channel of x on."""
        kind_at = np.searchsorted(self.kinds[first:last], np.arange(len(_KINDS) + 1))
        return {
            "x_at": self.x_at[first:last] + np.int32(channel),
            "x_last": self.x_last[first:last] + np.int32(channel),
            "tile_at": table(self.tile_at[first:last].ravel()),
            "kind_at": table(kind_at),
            "x_row": self.x_row,
            "x_pixel": self.x_pixel,
        }


def _room(w: Writer, rows: int, vectors: int) -> int:
    """Return the vectors that the 36 positions of so many rows take, see position_step of winograd.h."""
    line = -(-_LINE // (w.layout.lanes * w.element.real.itemsize))
    return _POSITIONS * (rows * vectors + line)


def _of_many(w: Writer, in_channels: int, channels: int) -> bool:
    """Tell whether a convolution has many weights."""
    return _POSITIONS * in_channels * w.layout.row(channels) * w.element.real.itemsize > _MANY_WEIGHTS


def _whole_chunk(w: Writer, tiles: _Tiles, channels: int, bands: int) -> int:
    """Return whether an operation takes several images at a time, and rather many."""
    if tiles.count > _FEW_TILES or bands > 1 or w.in_band:
        return False
    return FULL_CHUNK if _of_many(w, tiles.channels, channels) else True


def _in_hand(w: Writer, tiles: _Tiles, channels: int, whole_chunk: int) -> dict[str, Any]:
    """Return how many tiles an operation takes in hand, and room for them, of x and of y."""
    most = MOST_TILES if _of_many(w, tiles.channels, channels) else _IN_HAND
    count = min(tiles.count * (CHUNK if whole_chunk else 1), most)
    room = sum(_room(w, count, w.vectors(each)) for each in (tiles.channels, channels))
    return {"most_in_hand": most, "scratch": w.workspace(room)}


@by_channels
def winograd(
    w: Writer, p: Product, x: Blob, y: Blob, weight: Parameter, extras: Extras, *, flops: int
) -> None:
    """Write a product of 3x3 windows."""
    tiles = _Tiles.of(p, x)
    scale = extras.scale
    packed = w.constant(_POSITIONS * tiles.channels * w.layout.row(p.channels))
    w.before.winograd_weights(
        packed=packed,
        weight=weight,
        scale=scale,
        weight_at=table(p.weight_at.reshape(_TAPS, -1)[tiles.order].ravel()),
        channel_at=p.channel_at,
        tasks=w.blocks(p.channels),
        stage=0 if scale is None else 1,
    )
    bands = min(bands_of(w, flops), tiles.count)
    whole_chunk = _whole_chunk(w, tiles, p.channels, bands)
    in_hand = _in_hand(w, tiles, p.channels, whole_chunk)
    bias = extras.bias if extras.position_bias is None else extras.position_bias
    bias = w.constant(w.layout.row(p.channels)) if bias is None else bias
    for band in range(bands):
        first, last = (tiles.count * i // bands for i in (band, band + 1))
        w.winograd(
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


def winograd_weight(b: Backward, node: Convolution, dweight: np.ndarray, dy: Blob) -> None:
    """Write the weight gradient of a convolution of 3x3 windows."""
    w, x = b.writer, b.operand(node.x)
    p = conv_product(node, 1, 0, x, dy)
    tiles, vectors, lanes = _Tiles.of(p, x), w.vectors(p.channels), w.layout.lanes
    in_vectors = w.vectors(tiles.channels)
    bands = min(bands_of(w, 2 * p.pixels * p.depth * p.channels), in_vectors)
    whole_chunk = _whole_chunk(w, tiles, p.channels, bands)
    in_hand = _in_hand(w, tiles, p.channels, whole_chunk)
    by_blocks = whole_chunk == FULL_CHUNK
    for band in range(bands):
        first = in_vectors * band // bands * lanes
        channels = min(in_vectors * (band + 1) // bands * lanes, tiles.channels) - first
        sums = w.sums(_TAPS * channels * vectors, node.weight.size)
        total_channels, total_vectors = _BLOCK if by_blocks else (channels, vectors)
        w.winograd_weight(
            sums=sums,
            x=x,
            dy=dy,
            **in_hand,
            total=w.thread_scratch(_room(w, total_channels, total_vectors)),
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
            flops=2 * p.pixels * _TAPS * channels * p.channels,
        )
        weight_at = p.weight_at.reshape(_TAPS, -1)[:, first : first + channels]
        write_sum(w, dweight, sums, table(weight_at.ravel()), p.channel_at, channels)
