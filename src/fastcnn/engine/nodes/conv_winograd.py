"""Products of 3x3 windows by Winograd's minimal filtering, see csrc/engine/channels/winograd.h."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._kernels.program import CHUNK, MOST_TILES
from ...nn import Parameter
from ..algorithms import Setting
from ..emit import Writer
from ..graph import Value
from ..memory import Blob, Vectors, table
from ..parts import Backward
from . import costs
from .activation import activates
from .conv_forward import conv_product
from .conv_weight import write_sum
from .convolution import Convolution
from .product import Extras, Product, bands_of

_TILE = 6  # rows and columns of x that a tile reads
_OUTPUTS = 4  # and of y that it makes
_TAPS = 9
_LINE = 64  # bytes of a cache line
# Images of at most so many tiles are taken several at a time: weights and sums are read anew for all in hand.
_FEW_TILES = 8


def takes_forward(node: Convolution, setting: Setting) -> bool:
    """Tell whether the forward pass and the weight gradient can be made."""
    # A sample that is laid out for reading element by element has no whole vectors.
    readable = node.x.producer is not None or node.x.channels % setting.layout.lanes == 0
    return readable and _takes(node, setting, node.y)


def takes_input_gradient(node: Convolution, setting: Setting) -> bool:
    """Tell whether the gradient of the input can be made."""
    return _takes(node, setting, node.x)


def _takes(node: Convolution, setting: Setting, y: Value) -> bool:
    """Tell whether there are windows to filter, and y has whole tiles."""
    win = node.window
    return (
        setting.layout.by_channels
        and setting.wanted.precision == "high"
        and node.groups == 1
        and (win.kernel_h, win.kernel_w) == (3, 3)
        and (win.stride_h, win.stride_w, win.dilation_h, win.dilation_w) == (1, 1, 1, 1)
        and min(y.height, y.width) >= _OUTPUTS
    )


def forward_cost(node: Convolution, setting: Setting) -> float:
    """Return the cost of the forward pass."""
    return costs.filtered(setting.layout, _tile_count(node.y), node.x.channels, node.y.channels)


def input_cost(node: Convolution, setting: Setting) -> float:
    """Return the cost of the input's gradient."""
    return costs.filtered(setting.layout, _tile_count(node.x), node.y.channels, node.x.channels)


def weight_cost(node: Convolution, setting: Setting) -> float:
    """Return the cost of the weight's gradient."""
    return costs.filtered_weight(setting.layout, _tile_count(node.y), node.x.channels, node.y.channels)


def _tile_count(y: Value) -> int:
    return -(-y.height // _OUTPUTS) * -(-y.width // _OUTPUTS)


@dataclass
class _Tiles:
    """The tiles of a product's windows; tables are as the kernels take them.

    Attributes
    ----------
    x_at : array (tiles,)
        Places of the first pixels.
    tap_at : array (36,)
        Places of a tile's pixels from there.
    tile_at : array (3 * tiles,)
        Of each the first pixel of y, and how many of its first rows and columns another tile has.
    channels : int
        Of x.
    order : array (9,)
        The product's taps, from the upper left to the lower right.
    """

    x_at: np.ndarray
    tap_at: np.ndarray
    tile_at: np.ndarray
    channels: int
    order: np.ndarray

    @classmethod
    def of(cls, p: Product, x: Blob) -> _Tiles:
        """Return the tiles of a product of 3x3 windows."""
        channels = p.depth // _TAPS
        taps = p.taps(x)[::channels].astype(np.int64)
        order = np.argsort(taps)
        first, right, down = taps[order][[0, 1, 3]]
        steps = np.arange(_TILE)
        offsets = first + np.add.outer(steps * (down - first), steps * (right - first))
        (rows, above), (columns, left) = _cut(p.pixels // p.row_pixels), _cut(p.row_pixels)
        pixels = np.add.outer(rows * p.row_pixels, columns)
        overlap = np.broadcast_arrays(above[:, None], left)
        tile_at = np.stack([pixels, *overlap], axis=-1)
        return cls(p.x_at[pixels.ravel()], table(offsets.ravel()), table(tile_at.ravel()), channels, order)

    @property
    def count(self) -> int:
        """How many there are."""
        return self.x_at.size


def _cut(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut rows or columns into tiles; return where each starts, and how much of it the one before has."""
    starts = np.arange(0, size, _OUTPUTS)
    first = np.minimum(starts, size - _OUTPUTS)
    return first, starts - first


def _room(w: Writer, rows: int, vectors: int) -> int:
    """Return the vectors that the 36 positions of so many rows take, see position_step of winograd.h."""
    line = -(-_LINE // (w.layout.lanes * w.element.real.itemsize))
    return _TILE * _TILE * (rows * vectors + line)


def _workspace(w: Writer, tiles: _Tiles, channels: int, whole_chunk: bool) -> Vectors:
    """Return room for the tiles in hand, of x and of y."""
    most = min(tiles.count * (CHUNK if whole_chunk else 1), MOST_TILES)
    return w.workspace(_room(w, most, w.vectors(tiles.channels)) + _room(w, most, w.vectors(channels)))


def winograd(
    w: Writer, p: Product, x: Blob, y: Blob, weight: Parameter, extras: Extras, *, flops: int
) -> None:
    """Write a product of 3x3 windows."""
    tiles = _Tiles.of(p, x)
    scale = extras.scale
    packed = w.constant(_TILE * _TILE * tiles.channels * w.layout.row(p.channels))
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
    whole_chunk = tiles.count <= _FEW_TILES and bands == 1
    scratch = _workspace(w, tiles, p.channels, whole_chunk)
    for band in range(bands):
        some = slice(tiles.count * band // bands, tiles.count * (band + 1) // bands)
        w.winograd(
            y=y,
            x=x,
            weight=packed,
            bias=extras.bias,
            position_bias=extras.position_bias,
            scratch=scratch,
            x_at=tiles.x_at[some],
            tap_at=tiles.tap_at,
            y_at=p.y_at,
            tile_at=tiles.tile_at[3 * some.start : 3 * some.stop],
            row_pixels=p.row_pixels,
            in_channels=tiles.channels,
            in_vectors=w.vectors(tiles.channels),
            vectors=w.vectors(p.channels),
            **activates(extras.activation),
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
    whole_chunk = tiles.count <= _FEW_TILES and bands == 1
    scratch = _workspace(w, tiles, p.channels, whole_chunk)
    for band in range(bands):
        first = in_vectors * band // bands * lanes
        channels = min(in_vectors * (band + 1) // bands * lanes, tiles.channels) - first
        sums = w.sums(_TAPS * channels * vectors, node.weight.size)
        w.winograd_weight(
            sums=sums,
            x=x,
            dy=dy,
            scratch=scratch,
            total=w.thread_scratch(_room(w, channels, vectors)),
            x_at=tiles.x_at + np.int32(first),
            tap_at=tiles.tap_at,
            dy_at=p.y_at,
            tile_at=tiles.tile_at,
            row_pixels=p.row_pixels,
            in_channels=channels,
            in_vectors=w.vectors(channels),
            vectors=vectors,
            whole_chunk=whole_chunk,
            band=band if bands > 1 else None,
            flops=2 * p.pixels * _TAPS * channels * p.channels,
        )
        weight_at = p.weight_at.reshape(_TAPS, -1)[:, first : first + channels]
        write_sum(w, dweight, sums, table(weight_at.ravel()), p.channel_at)
