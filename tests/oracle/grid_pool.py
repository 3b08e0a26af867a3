"""Geometries of the poolings: PyTorch's own operator samples, ties, NaN, the corners of ceil_mode."""

import itertools
import math
from collections.abc import Iterator

from .question import Question
from .recipe import levels, uniform, with_values

NAN, INF = math.nan, math.inf

# id: (x, arguments)
MAX_POOL2D = {
    "2x2": ((2, 3, 6, 4), {"kernel_size": 2}),
    "2x2-rest": ((2, 3, 7, 5), {"kernel_size": 2}),
    "2x2-rest-ceil": ((2, 3, 7, 5), {"kernel_size": 2, "ceil_mode": True}),
    "3x3-stride2-overlap": ((2, 3, 7, 9), {"kernel_size": 3, "stride": 2}),
    "3x3-stride1": ((1, 2, 5, 5), {"kernel_size": 3, "stride": 1}),
    "3x3-stride1-pad1": ((1, 2, 4, 5), {"kernel_size": 3, "stride": 1, "padding": 1}),
    "3x3-stride2-pad1-ceil": ((1, 2, 6, 7), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    "2x3-stride3x2": ((2, 2, 8, 7), {"kernel_size": [2, 3], "stride": [3, 2]}),
    "stride-beyond-kernel": ((2, 2, 8, 9), {"kernel_size": 2, "stride": 3}),
    "stride-beyond-kernel-ceil": ((2, 2, 9, 10), {"kernel_size": 2, "stride": 4, "ceil_mode": True}),
    "stride-beyond-image": ((1, 2, 3, 3), {"kernel_size": 2, "stride": 7}),
    "1x1": ((2, 2, 3, 4), {"kernel_size": 1}),
    "1x1-stride2": ((2, 2, 4, 5), {"kernel_size": 1, "stride": 2}),
    "1x1-stride2-ceil": ((2, 2, 4, 5), {"kernel_size": 1, "stride": 2, "ceil_mode": True}),
    "dilation2": ((2, 2, 6, 7), {"kernel_size": 2, "stride": 1, "dilation": 2}),
    "dilation2x3-pad1": (
        (1, 2, 7, 8),
        {"kernel_size": [3, 2], "stride": 2, "padding": 1, "dilation": [2, 3]},
    ),
    "dilation2-ceil": ((1, 2, 7, 8), {"kernel_size": 3, "stride": 3, "dilation": 2, "ceil_mode": True}),
    "dilation3-pad1-ceil": (
        (1, 2, 6, 9),
        {"kernel_size": 2, "stride": [3, 4], "padding": 1, "dilation": 3, "ceil_mode": True},
    ),
    "pad1x0": ((1, 2, 4, 4), {"kernel_size": [2, 3], "stride": 1, "padding": [1, 0]}),
    "sequences-of-one": ((1, 2, 5, 5), {"kernel_size": [3], "stride": [2], "padding": [1], "dilation": [1]}),
    "one-pixel": ((2, 3, 1, 1), {"kernel_size": 1}),
    "one-pixel-ceil-kernel2": ((2, 3, 1, 1), {"kernel_size": 2, "ceil_mode": True}),
    "one-pixel-ceil-kernel3-stride3": ((2, 3, 1, 1), {"kernel_size": 3, "ceil_mode": True}),
    "one-pixel-pad1-kernel3": ((2, 3, 1, 1), {"kernel_size": 3, "padding": 1}),
    "two-pixels-ceil-kernel3-stride2": ((1, 1, 2, 2), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    "one-row": ((1, 2, 1, 7), {"kernel_size": [1, 2]}),
    "channels17": ((1, 17, 3, 3), {"kernel_size": 2, "stride": 1}),
    "batch0": ((0, 3, 6, 6), {"kernel_size": 2}),
    "batch0-ceil-pad": ((0, 3, 5, 6), {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
    "batch1": ((1, 3, 6, 6), {"kernel_size": 2}),
    "unbatched": ((3, 6, 5), {"kernel_size": 2}),
    "unbatched-3x3-pad1": ((3, 6, 5), {"kernel_size": 3, "stride": 2, "padding": 1}),
    "pad-right-bottom": ((2, 2, 4, 6), {"kernel_size": 3, "stride": 2, "padding": [0, 1, 0, 1]}),
    "pad-left": ((2, 2, 4, 5), {"kernel_size": 3, "stride": 1, "padding": [1, 0, 0, 0]}),
    "pad-right": ((2, 2, 4, 5), {"kernel_size": 3, "stride": 1, "padding": [0, 1, 0, 0]}),
    "pad-top": ((2, 2, 4, 5), {"kernel_size": 3, "stride": 1, "padding": [0, 0, 1, 0]}),
    "pad-bottom": ((2, 2, 4, 5), {"kernel_size": 3, "stride": 1, "padding": [0, 0, 0, 1]}),
    "pad-left-top-stride2": ((1, 2, 5, 5), {"kernel_size": 2, "padding": [1, 0, 1, 0]}),
    "pad-four-dilated": (
        (1, 2, 6, 7),
        {"kernel_size": 3, "stride": 2, "padding": [0, 1, 1, 0], "dilation": [1, 2]},
    ),
    "14x14": ((1, 2, 14, 14), {"kernel_size": 3, "stride": 2}),
}

AVG_POOL2D = {
    # PyTorch's own samples (its divisor_override and an empty stride among them).
    "3x3-stride1-pad1-ceil-exclude-by2": (
        (1, 3, 9, 9),
        {
            "kernel_size": 3,
            "stride": 1,
            "padding": 1,
            "ceil_mode": True,
            "count_include_pad": False,
            "divisor_override": 2,
        },
    ),
    "4x4-stride2x3-pad1-ceil-exclude-by2": (
        (1, 3, 9, 9),
        {
            "kernel_size": [4, 4],
            "stride": [2, 3],
            "padding": 1,
            "ceil_mode": True,
            "count_include_pad": False,
            "divisor_override": 2,
        },
    ),
    "6x6-stride3-pad2x3-ceil-by2": (
        (1, 3, 9, 9),
        {
            "kernel_size": [6, 6],
            "stride": [3, 3],
            "padding": [2, 3],
            "ceil_mode": True,
            "divisor_override": 2,
        },
    ),
    "negative-divisor": ((1, 1, 4, 4), {"kernel_size": [2, 2], "padding": [0], "divisor_override": -2}),
    "4x4-stride2-pad2-ceil": (
        (1, 2, 6, 6),
        {"kernel_size": [4, 4], "stride": [2, 2], "padding": [2], "ceil_mode": True},
    ),
    "3x3": ((1, 3, 9, 9), {"kernel_size": 3, "stride": 3}),
    # And the corners.
    "2x2": ((2, 3, 6, 4), {"kernel_size": 2}),
    "2x2-rest": ((2, 3, 7, 5), {"kernel_size": 2}),
    "3x3-stride2-overlap": ((2, 2, 7, 9), {"kernel_size": 3, "stride": 2}),
    "2x3-stride3x1": ((2, 2, 8, 6), {"kernel_size": [2, 3], "stride": [3, 1]}),
    "stride-beyond-kernel-ceil": ((2, 2, 9, 10), {"kernel_size": 2, "stride": 4, "ceil_mode": True}),
    "1x1": ((2, 2, 3, 4), {"kernel_size": 1}),
    "covers-image": ((2, 3, 4, 5), {"kernel_size": [4, 5]}),
    "one-pixel": ((2, 3, 1, 1), {"kernel_size": 1}),
    "one-pixel-ceil-kernel2": ((2, 3, 1, 1), {"kernel_size": 2, "ceil_mode": True}),
    "one-pixel-pad1": ((2, 3, 1, 1), {"kernel_size": 3, "padding": 1}),
    "channels17": ((1, 17, 3, 3), {"kernel_size": 2, "stride": 1}),
    "batch0": ((0, 3, 6, 6), {"kernel_size": 2}),
    "unbatched": ((3, 6, 5), {"kernel_size": 2}),
    "unbatched-exclude": (
        (3, 6, 5),
        {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
    ),
    "divisor3": ((1, 2, 5, 5), {"kernel_size": 2, "divisor_override": 3}),
    "divisor1-is-a-sum": ((1, 2, 5, 5), {"kernel_size": [2, 3], "divisor_override": 1}),
    "pad-right-bottom": ((2, 2, 4, 6), {"kernel_size": 3, "stride": 2, "padding": [0, 1, 0, 1]}),
    "pad-left": ((2, 2, 4, 5), {"kernel_size": 3, "stride": 1, "padding": [1, 0, 0, 0]}),
    "pad-top": ((2, 2, 4, 5), {"kernel_size": 3, "stride": 1, "padding": [0, 0, 1, 0]}),
    "pad-right-bottom-exclude": (
        (2, 2, 4, 6),
        {"kernel_size": 3, "stride": 2, "padding": [0, 1, 0, 1], "count_include_pad": False},
    ),
    "pad-left-top-exclude": (
        (2, 2, 5, 5),
        {"kernel_size": 2, "stride": 2, "padding": [1, 0, 1, 0], "count_include_pad": False},
    ),
}

ADAPTIVE_AVG_POOL2D = {
    "5x7": ((1, 8, 8, 8), [5, 7]),
    "5x7-unbatched": ((8, 8, 8), [5, 7]),
    "none-7": ((2, 8, 8, 8), [None, 7]),
    "none-7-unbatched": ((8, 8, 8), [None, 7]),
    "5-none": ((1, 8, 4, 3), [5, None]),
    "5-none-unbatched": ((8, 4, 3), [5, None]),
    "none-none": ((1, 8, 4, 3), [None, None]),
    "none-none-unbatched": ((8, 4, 3), [None, None]),
    "5": ((1, 8, 4, 3), 5),
    "5-unbatched": ((8, 4, 3), 5),
    "global": ((2, 5, 7, 6), 1),
    "global-pair": ((2, 5, 7, 6), [1, 1]),
    "divisible": ((2, 3, 6, 8), [3, 4]),
    "not-divisible": ((2, 3, 7, 10), [3, 4]),
    "one-less": ((1, 2, 7, 9), [6, 8]),
    "1x4": ((1, 2, 5, 9), [1, 4]),
    "one-pixel": ((2, 3, 1, 1), 1),
    "one-pixel-to-3x2": ((2, 3, 1, 1), [3, 2]),
    "larger-than-input": ((1, 2, 3, 4), [7, 9]),
    "batch0": ((0, 3, 5, 5), [2, 3]),
    "channels17": ((1, 17, 4, 3), [2, 2]),
}


def _max_pool_samples() -> Iterator[Question]:
    """The product that PyTorch's own samples of max_pool2d are, over two of their shapes."""
    for shape, kernel, stride, ceil, padding, dilation in itertools.product(
        [(2, 2, 3, 6), (2, 6, 6)], [3, [3, 2]], [2, None, [2, 1]], [True, False], [0, 1], [1, [1, 2]]
    ):
        args = {
            "kernel_size": kernel,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "ceil_mode": ceil,
        }
        name = "-".join(str(value).replace(" ", "") for value in (shape, *args.values()))
        yield Question("max_pool2d", f"sample-{name}", {"x": uniform(shape)}, args)


def _max_pool_values() -> Iterator[Question]:
    overlap = {"kernel_size": 3, "stride": 2, "padding": 1}
    tiled = {"kernel_size": 2}
    shape = (2, 3, 6, 6)
    for name, args in {"overlap": overlap, "tiled": tiled}.items():
        values = {
            "ties": levels(shape, 3),
            "all-equal": levels(shape, 1),
            "one-nan-a-plane": with_values(uniform(shape), *((36 * i + 7 + 3 * i, NAN) for i in range(6))),
            "some-minus-inf": with_values(uniform(shape), *((5 * i, -INF) for i in range(40))),
            "all-minus-inf": with_values(uniform((1, 1, 6, 6)), *((i, -INF) for i in range(36))),
            "plus-inf": with_values(uniform(shape), (0, INF), (80, INF), (81, INF)),
            "nan-among-inf": with_values(uniform(shape), (0, INF), (1, NAN), (40, -INF), (44, NAN)),
        }
        for key, spec in values.items():
            yield Question("max_pool2d", f"{name}-{key}", {"x": spec}, args)


def _avg_pool_product() -> Iterator[Question]:
    for ceil, include, padding, stride in itertools.product(
        [True, False], [True, False], [0, 1, [1, 0]], [None, 2, [1, 4]]
    ):
        args = {
            "kernel_size": [3, 2],
            "stride": stride,
            "padding": padding,
            "ceil_mode": ceil,
            "count_include_pad": include,
        }
        name = "-".join(str(value).replace(" ", "") for value in args.values())
        yield Question("avg_pool2d", f"product-{name}", {"x": uniform((1, 2, 7, 6))}, args)


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for name, (x, args) in MAX_POOL2D.items():
        yield Question("max_pool2d", name, {"x": uniform(x)}, args)
    yield from _max_pool_samples()
    yield from _max_pool_values()
    for name, (x, args) in AVG_POOL2D.items():
        yield Question("avg_pool2d", name, {"x": uniform(x)}, args)
    yield from _avg_pool_product()
    for name, (x, size) in ADAPTIVE_AVG_POOL2D.items():
        yield Question("adaptive_avg_pool2d", name, {"x": uniform(x)}, {"output_size": size})
