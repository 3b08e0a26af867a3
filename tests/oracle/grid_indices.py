"""Geometries of max pooling along lines that says where its maxima stand, and of max unpooling."""

import math
from collections.abc import Iterator

from .question import Question
from .recipe import Spec, integers, levels, uniform, with_values

NAN, INF = math.nan, math.inf
LINE = (2, 3, 11)

# id: (x, arguments)
MAX_POOL1D: dict[str, tuple[Spec, dict]] = {
    "2": (uniform(LINE), {"kernel_size": 2}),
    "3-stride2-pad1": (uniform(LINE), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "dilation2": (uniform(LINE), {"kernel_size": 3, "stride": 1, "dilation": 2}),
    "ceil": (uniform(LINE), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    "unbatched": (uniform((3, 11)), {"kernel_size": [2], "stride": [3]}),
    "batch0": (uniform((0, 3, 11)), {"kernel_size": 2}),
    "ties": (levels(LINE, 2), {"kernel_size": 4, "stride": 1, "padding": 2}),
    "nan": (with_values(uniform(LINE), (3, NAN), (4, INF), (30, NAN), (31, NAN)), {"kernel_size": 3}),
    "minus-inf": (with_values(uniform((1, 1, 5)), *((i, -INF) for i in range(5))), {"kernel_size": 2}),
}
# id: (x, output_size)
ADAPTIVE_MAX_POOL1D: dict[str, tuple[Spec, int]] = {
    "divides": (uniform((2, 3, 12)), 4),
    "not": (uniform(LINE), 4),
    "more": (uniform((1, 2, 3)), 7),
    "one": (uniform((3, 11)), 1),
    "ties": (levels(LINE, 2), 3),
    "nan": (with_values(uniform(LINE), (3, NAN), (4, NAN), (30, NAN)), 3),
}
# id: (x, pixels of a plane of the output, arguments); places that are drawn, so that some are shared.
MAX_UNPOOL2D: dict[str, tuple[tuple[int, ...], int, dict]] = {
    "2x2": ((2, 3, 3, 4), 48, {"kernel_size": 2}),
    "3x2-stride2x1-pad1x0": ((2, 2, 4, 5), 42, {"kernel_size": [3, 2], "stride": [2, 1], "padding": [1, 0]}),
    "larger": ((1, 2, 3, 3), 49, {"kernel_size": 2, "output_size": [7, 7]}),
    "smaller": ((1, 2, 3, 3), 30, {"kernel_size": 2, "output_size": [1, 2, 5, 6]}),
    "unbatched": ((3, 3, 4), 48, {"kernel_size": 2}),
    "batch0": ((0, 3, 3, 4), 48, {"kernel_size": 2}),
    "one-place": ((1, 2, 3, 3), 1, {"kernel_size": 2, "stride": 1}),
}
MAX_UNPOOL1D: dict[str, tuple[tuple[int, ...], int, dict]] = {
    "2": ((2, 3, 5), 10, {"kernel_size": 2}),
    "3-stride2-pad1": ((2, 3, 5), 9, {"kernel_size": 3, "stride": 2, "padding": 1}),
    "larger": ((2, 3, 5), 11, {"kernel_size": 2, "output_size": [11]}),
    "three-sizes": ((2, 3, 5), 9, {"kernel_size": 2, "output_size": [2, 3, 9]}),
    "unbatched": ((3, 5), 10, {"kernel_size": 2}),
}


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for name, (x, args) in MAX_POOL1D.items():
        yield Question("max_pool1d", name, {"x": x}, args)
    for name, (x, size) in ADAPTIVE_MAX_POOL1D.items():
        yield Question("adaptive_max_pool1d", name, {"x": x}, {"output_size": size})
    for op, cases in (("max_unpool1d", MAX_UNPOOL1D), ("max_unpool2d", MAX_UNPOOL2D)):
        for name, (shape, pixels, args) in cases.items():
            inputs = {"x": uniform(shape), "indices": integers(shape, pixels)}
            yield Question(op, name, inputs, args, constant=("indices",))
