"""Which layout a program has: a model of what its products cost in each.

A layout fills its vectors with images or with channels; what is left empty is lost. Beside that, kernels
reach the shares of the machine's peak below (measured, see ARCHITECTURE.md), and a batch of fewer groups than
there are cores leaves cores idle. The choice is a function of the model and the batch
alone: were it one of the number of threads, results would be. Bands, which may depend on it, change none.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from .._kernels import program as kernels
from .graph import Conv, Dense, Graph
from .layout import Layout

# Threads that the model of costs assumes: two cores are the least that training is done on.
_THREADS = 2
# Share of the peak that products reach, by the vectors of a pixel: one, or more.
_IMAGES_SHARE = 0.93
_CHANNELS_SHARE = (0.83, 0.95)
# The same of weight gradients.
_IMAGES_WEIGHT_SHARE = 0.62
_CHANNELS_WEIGHT_SHARE = (0.8, 0.92)
# Depthwise: with a load for each product.
_DEPTHWISE_SHARE = 0.4
_MOST_BANDS = 4
# Threads that share the images of a batch may idle at its end. Bands, in which they share each operation, are
# worth it if they would idle for a sixth of the batch or more, and if an image is so many vector operations
# that the waits of threads for each other, one in each operation, do not count.
_WORTH_BANDS = 6
_LARGE_IMAGE = 100_000


def layouts(dtype: np.dtype) -> tuple[Layout, Layout]:
    """Return both layouts for elements of a type."""
    lanes = kernels.lanes(dtype.name)
    return Layout("images", lanes), Layout("channels", lanes)


def with_spare(layout: Layout, graph: Graph) -> Layout:
    """Return the layout for a graph's buffers: with spare room where groups end within vectors."""
    grouped = any(isinstance(node, Conv) and node.groups > 1 and not node.depthwise for node in graph.nodes)
    return replace(layout, spare=layout.lanes) if grouped and layout.by_channels else layout


def takes_channels(graph: Graph) -> bool:
    """Tell whether a graph can have channels in the lanes."""
    convolutions = [node for node in graph.nodes if isinstance(node, Conv) and node.groups > 1]
    return all(node.depthwise or node.position_bias is None for node in convolutions)


def multiplies(graph: Graph) -> bool:
    """Tell whether there is a product in a graph.

    Predictions without one are left to eager mode: to lay images out and back costs more than all else.
    """
    return any(isinstance(node, Conv | Dense) for node in graph.nodes)


def cost(graph: Graph, layout: Layout, batch: int, training: bool) -> float:
    """Return how long the products of a batch take, in vector operations at the machine's peak."""
    total = 0.0
    wanted = graph.wanted() if training else set()
    for node in graph.nodes:
        trained = node.y in wanted
        if isinstance(node, Conv):
            groups, kernel = node.groups, prod(node.weight.shape[2:])
            out, inner = node.weight.shape[0] // groups, node.weight.shape[1]
            size = node.y.pixels * kernel * groups
            if node.depthwise and layout.by_channels:
                rounds = 3 if trained else 1
                total += rounds * node.y.pixels * kernel * layout.vectors(groups) / _DEPTHWISE_SHARE
                continue
        elif isinstance(node, Dense):
            out, inner, size = node.weight.shape[0], node.x.size, 1
        else:
            continue
        total += size * inner * layout.vectors(out) / _share(layout, out)
        if node.x in wanted:
            total += size * out * layout.vectors(inner) / _share(layout, inner)
        if trained and node.weight.requires_grad:
            share = _IMAGES_WEIGHT_SHARE
            if layout.by_channels:
                share = _CHANNELS_WEIGHT_SHARE[layout.vectors(out) > 1]
            total += size * inner * layout.vectors(out) / share
    groups = -(-batch // layout.images)
    return total * -(-groups // _THREADS)


def _share(layout: Layout, channels: int) -> float:
    if not layout.by_channels:
        return _IMAGES_SHARE
    return _CHANNELS_SHARE[layout.vectors(channels) > 1]


def choose(graph: Graph, batch: int, training: bool) -> Layout:
    """Return the layout in which a batch takes the least time."""
    images, channels = layouts(graph.dtype)
    if not takes_channels(graph):
        return images
    costs = [cost(graph, each, batch, training) for each in (images, channels)]
    return channels if costs[1] < costs[0] else images


def choose_bands(graph: Graph, layout: Layout, batch: int, training: bool, threads: int) -> int:
    """Return the bands that the work on an image is cut into for threads to share; they change no result.

    Threads rather have images of their own, which they find in their caches, unless some would idle for long.
    """
    threads = min(threads, _MOST_BANDS)
    if not layout.by_channels or batch == 0:
        return 1
    if batch == 1:
        return threads
    idle = -batch % threads
    worth = idle * _WORTH_BANDS >= batch and cost(graph, layout, 1, False) >= _LARGE_IMAGE
    return threads if worth and not training else 1
