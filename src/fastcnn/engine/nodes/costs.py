"""What products cost, in vector operations at the machine's peak of multiply-adds.

A layout fills its vectors with images or with channels; what is left empty is lost. Beside that, kernels
reach these shares of the peak (measured, see ARCHITECTURE.md).
"""

from __future__ import annotations

from ..algorithms import Setting
from ..layout import Layout

# Of products, by the vectors of a pixel where channels are in the lanes: one, or more.
_IMAGES_SHARE = 0.93
_CHANNELS_SHARE = (0.83, 0.95)
# The same of weight gradients.
_IMAGES_WEIGHT_SHARE = 0.62
_CHANNELS_WEIGHT_SHARE = (0.8, 0.92)
# Depthwise: with a load for each product and, where images are in the lanes, an operation for each channel.
_DEPTHWISE_IMAGES_SHARE, _DEPTHWISE_SHARE = 0.16, 0.4
# Of Winograd's filtering, by the pixels of a row of its tiles: products of a tile and pair of channels; the
# same of those, with what it takes to begin each chain; vector operations of transforming a vector of a tile
# there, and back.
_POSITIONS = {4: 36, 2: 16}
_FILTERED_SHARE = {4: 0.85, 2: 0.95}
_FILTERED_START = 6
_TO_POINTS = {4: 470.0, 2: 175.0}
_FROM_POINTS = {4: 530.0, 2: 205.0}
# Of reading a vector of its weights, once for an image: where few tiles share them, one image takes long.
_FILTERED_WEIGHT = 2.0
# Of transforming a vector of weights there or, for their gradient, back: once in a step.
_FILTERED_ONCE = 1200.0
# Multiply-adds of two terms in a vector operation. There are 2, but with that direct products would look too
# cheap beside filtering, whose costs were measured on machines without such instructions.
_RATE_OF_PAIRS = 1.25
# The same by tiles: prototypes reached 5 to 8 times the peak of multiply-adds; these kernels have not been
# timed.
_RATE_OF_TILES = 6.0
# Vector operations that it takes to copy a vector.
_COPY = 2.0


def rate(setting: Setting, by_tiles: bool) -> float:
    """Return the multiply-adds of values in the time of a vector operation, by tiles where there are some."""
    if by_tiles and setting.tiles:
        return _RATE_OF_TILES
    return _RATE_OF_PAIRS if setting.narrow else 1.0


def product(layout: Layout, terms: int, channels: int) -> float:
    """Return the cost of sums of `terms` products in all, each for so many channels."""
    share = _CHANNELS_SHARE[layout.vectors(channels) > 1] if layout.by_channels else _IMAGES_SHARE
    return terms * layout.vectors(channels) / share


def weight_gradient(layout: Layout, terms: int, channels: int) -> float:
    """Return the cost of a weight gradient whose forward pass has so many terms."""
    vectors = layout.vectors(channels)
    share = _CHANNELS_WEIGHT_SHARE[vectors > 1] if layout.by_channels else _IMAGES_WEIGHT_SHARE
    return terms * vectors / share


def filtered(layout: Layout, pixels: int, tiles: float, in_channels: int, channels: int) -> float:
    """Return the cost of Winograd's filtering of so many tiles: products, and tiles there and back.

    Tiles with rows of 2 pixels are for pairs of values.
    """
    there = _TO_POINTS[pixels] * layout.vectors(in_channels)
    back = _FROM_POINTS[pixels] * layout.vectors(channels)
    return tiles * (_filtered_products(layout, pixels, in_channels, channels) + there + back)


def filtered_weight(layout: Layout, tiles: float, in_channels: int, channels: int) -> float:
    """Return the cost of a weight gradient by Winograd's filtering, by tiles of 4."""
    both = _TO_POINTS[4] * (layout.vectors(in_channels) + layout.vectors(channels))
    return tiles * (_filtered_products(layout, 4, in_channels, channels) + both)


def filter_weights(layout: Layout, pixels: int, in_channels: int, channels: int) -> float:
    """Return the cost of reading the weights of Winograd's filtering."""
    return _FILTERED_WEIGHT * _POSITIONS[pixels] * in_channels * layout.vectors(channels)


def filter_once(layout: Layout, in_channels: int, channels: int) -> float:
    """Return the cost of transforming weights, or their gradient, for Winograd's filtering."""
    return _FILTERED_ONCE * in_channels * layout.vectors(channels)


def _filtered_products(layout: Layout, pixels: int, in_channels: int, channels: int) -> float:
    chain = in_channels / (2 if pixels == 2 else 1) + _FILTERED_START
    return _POSITIONS[pixels] * layout.vectors(channels) * chain / _FILTERED_SHARE[pixels]


def depthwise(layout: Layout, terms: int, channels: int) -> float:
    """Return the cost of any pass of a convolution whose channels have a window each."""
    share = _DEPTHWISE_SHARE if layout.by_channels else _DEPTHWISE_IMAGES_SHARE
    return terms * layout.vectors(channels) / share


def copy(layout: Layout, pixels: int, channels: int) -> float:
    """Return the cost of copying channels of pixels."""
    return _COPY * pixels * layout.vectors(channels)
