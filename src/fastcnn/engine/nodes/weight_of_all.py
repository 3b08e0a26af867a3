"""Weight gradients of few pixels, made over all images at once: there are no partial sums of slots."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._kernels.program import ROWS_IN_HAND, TASK_SUMS, TASK_TAPS, VECTORS_IN_HAND
from ..memory import Blob, table
from ..writer import Writer
from .product import Product, taps_inside

# Where channels are in the lanes, a task is for so many input channels at most, by twelves, and there should
# be so many tasks. Of pairs, more places of the window than so many are several tasks, of so many vectors.
_TASK_CHANNELS, _TWELVE, _LEAST_TASKS = 96, 12, 4
_MANY_PLACES, _WIDTH = 27, 2


def of_all_by_channels(
    w: Writer,
    dweight: np.ndarray,
    x: Blob,
    dy: Blob,
    p: Product,
    in_channels: int,
    places: int,
    first_channel: int = 0,
) -> None:
    """Write the weight gradient over all images, by tasks of some of the input channels of a product.

    These are the channels of x from the first one on, and its windows have so many places.
    """
    tap_at, inside = taps_inside(p, x, in_channels, first_channel)
    place, pixel = np.nonzero(inside.T)
    common: dict[str, Any] = {
        "dweight": dweight,
        "x": x,
        "dy": dy,
        "x_at": p.x_at,
        "tap_at": table(tap_at),
        "place_at": table(np.searchsorted(place, np.arange(places + 1))),
        "pixel_at": table(pixel),
        "dy_at": p.y_at,
        "channel_at": p.channel_at,
        "depth": in_channels * places,
        "in_channels": in_channels,
        "vectors": w.vectors(p.channels),
        "flops": 2 * p.pixels * p.depth * p.channels,
    }
    if w.element.narrow:
        _by_pairs(w, common, in_channels, places)
        return
    most = min(_TASK_CHANNELS, TASK_SUMS // places, -(-in_channels // _LEAST_TASKS))
    some = max(1, most // _TWELVE * _TWELVE or most)
    vectors = w.vectors(some)
    room = ROWS_IN_HAND * (VECTORS_IN_HAND + vectors) + some * places * VECTORS_IN_HAND
    w.after.conv_weight_of_all(
        **common, scratch=w.workspace(room), task_channels=some, tasks=-(-in_channels // some)
    )


def _by_pairs(w: Writer, common: dict[str, Any], in_channels: int, places: int) -> None:
    """Write the same of values of which a multiply-add takes two terms.

    A task is some vectors of input channels at some places: all, unless those are too many.
    """
    vectors, out = w.vectors(in_channels), common["vectors"]
    most = max(1, TASK_SUMS // w.layout.lanes // places)
    some = min(-(-vectors // _LEAST_TASKS), most) if places <= _MANY_PLACES else min(vectors, _WIDTH)
    task_places = places if places <= _MANY_PLACES else _MANY_PLACES // some
    pairs, hand = ROWS_IN_HAND // 2, min(out, VECTORS_IN_HAND)
    room = pairs * (max(some, VECTORS_IN_HAND) + hand) + hand * w.layout.lanes * task_places * some
    w.after.weight_of_all_pairs(
        **common,
        scratch=w.workspace(room),
        task_vectors=some,
        task_places=task_places,
        tasks=-(-vectors // some) * -(-places // task_places),
    )


def weight_of_all(
    w: Writer, dweight: np.ndarray, x: Blob, dy: Blob, p: Product, *, dense: bool = False
) -> None:
    """Write the weight gradient of a layer of few pixels, over all groups at once."""
    w.after.weight_of_all(
        dweight=dweight,
        x=x,
        dy=dy,
        x_at=p.x_at,
        tap_at=p.taps(x),
        dy_at=p.y_at,
        weight_at=p.weight_at,
        channel_at=p.channel_at,
        dense=dense,
        tasks=-(-p.depth // TASK_TAPS),
        flops=2 * p.pixels * p.depth * p.channels,
    )
