"""Which layout a program has: by a model of what its products cost in each, see nodes/costs.py.

A batch of fewer groups than there are cores leaves cores idle. The choice is a function of the model and the
batch alone: were it one of the number of threads, results would be. Bands, which may depend on it, change no
result.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._kernels import cpu
from .algorithms import Setting, Wanted, trains_few
from .elements import ElementType
from .graph import Graph
from .layout import Layout

# Threads that the model of costs assumes: two cores are the least that training is done on.
_THREADS = 2
_MOST_BANDS = 4
# Threads that share the images of a batch may idle at its end. Bands, in which they share each operation, are
# worth it if they would idle for a sixth of the batch or more, and if an image is so many vector operations
# that the waits of threads for each other, one in each operation, do not count.
_WORTH_BANDS = 6
_LARGE_IMAGE = 100_000
# How many times as fast programs with channels in the lanes are where their values are narrow, at the least
# (measured, see bench/MEASURED.md). With images in the lanes there are no narrow values.
_NARROW_GAIN = 1.4


def stored_as(dtype: np.dtype, wanted: Wanted) -> str:
    """Return the name of the element type of a program over a type, of what is settled to be wanted."""
    return "bfloat16" if wanted.precision == "medium" else dtype.name


def layouts(element: ElementType) -> tuple[Layout, Layout]:
    """Return both layouts for elements of a type."""
    return Layout("images", element.lanes), Layout("channels", element.lanes)


def with_spare(layout: Layout, graph: Graph) -> Layout:
    """Return the layout for a graph's buffers, with spare room where groups end within vectors."""
    needed = layout.by_channels and any(node.writes_past_channels for node in graph.nodes)
    return replace(layout, spare=layout.lanes) if needed else layout


def takes_channels(graph: Graph) -> bool:
    """Tell whether a graph can have channels in the lanes."""
    return all(node.takes_channels for node in graph.nodes)


def multiplies(graph: Graph) -> bool:
    """Tell whether there is a product in a graph.

    Predictions without one are left to eager mode: to lay images out and back costs more than all else.
    """
    return any(node.multiplies for node in graph.nodes)


def settled(graph: Graph, training: bool, wanted: Wanted, layout: str | None = None) -> Wanted:
    """Return what is wanted of a graph's products in every batch, in the layout of this name or in any.

    Types other than float32 always have the highest precision. There is no medium one where images must be in
    the lanes, or are so much rather there that narrow values do not pay (this is not weighed for a pinned
    implementation), nor without instructions for it. In predictions an implementation whose bits are its
    layout's own fixes the layout: it is wanted for every batch or, unless it is pinned, for none.
    """
    if wanted.precision == "highest" or graph.dtype != np.float32:
        return wanted._replace(precision="highest")
    if wanted.precision == "medium":
        takes_narrow = layout != "images" and takes_channels(graph) and cpu.multiplies_bfloat16()
        if takes_narrow and (wanted.algorithm is not None or narrow_pays(graph, training)):
            return wanted
        wanted = wanted._replace(precision="high")
    if training or wanted.algorithm is not None or not takes_channels(graph):
        return wanted
    images, channels = layouts(ElementType.of(graph.dtype.name))
    if _is_exact(graph, channels, wanted):
        return wanted
    exact = wanted._replace(precision="highest")
    whole = cost(graph, images, images.images * _THREADS, False, exact)  # a batch that fills all vectors
    pays = cost(graph, channels, images.images * _THREADS, False, wanted) < whole
    return wanted if pays else exact


def narrow_pays(graph: Graph, training: bool) -> bool:
    """Tell whether narrow values make up for the lanes that channels leave empty and images would fill."""
    images, channels = layouts(ElementType.of(graph.dtype.name))
    batch, wanted = images.images * _THREADS, Wanted("high")
    by_images, by_channels = (cost(graph, each, batch, training, wanted) for each in (images, channels))
    return by_channels <= _NARROW_GAIN * by_images


def _is_exact(graph: Graph, layout: Layout, wanted: Wanted) -> bool:
    """Tell whether predictions in a layout have the bits that those in the other one have."""
    return all(node.exact(Setting(layout, wanted=wanted)) for node in graph.nodes)


def cost(
    graph: Graph,
    layout: Layout,
    batch: int,
    training: bool,
    wanted: Wanted = Wanted(),  # noqa: B008
) -> float:
    """Return how long the products of a batch take, in vector operations at the machine's peak."""
    grads = graph.wanted() if training else set()
    setting = Setting(layout, training, few=trains_few(training, batch), wanted=wanted)
    total = sum(node.cost(setting, grads) for node in graph.nodes)
    groups = -(-batch // layout.images)
    return total * -(-groups // _THREADS)


def choose(
    graph: Graph,
    batch: int,
    training: bool,
    wanted: Wanted = Wanted(),  # noqa: B008
) -> Layout:
    """Return the layout in which a batch takes the least time; `wanted` must be settled."""
    images, channels = layouts(ElementType.of(stored_as(graph.dtype, wanted)))
    if not takes_channels(graph):
        return images
    if wanted.precision == "medium":
        return channels
    fixed = not training and not _is_exact(graph, channels, wanted)
    costs = [cost(graph, each, batch, training, wanted) for each in (images, channels)]
    return channels if fixed or costs[1] < costs[0] else images


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
