"""Geometries of transposed convolution, of convolution along lines, and of slopes that are learned."""

from collections.abc import Iterator

from .question import Question
from .recipe import levels, uniform, with_values

# id: (x, weight, has_bias, arguments)
CONV_TRANSPOSE2D = {
    "plain": ((2, 3, 4, 5), (3, 4, 3, 3), True, {}),
    "plain-no-bias": ((2, 3, 4, 5), (3, 4, 3, 3), False, {}),
    "stride2": ((2, 3, 4, 3), (3, 4, 3, 3), True, {"stride": 2}),
    "stride2-pad1-more1": (
        (2, 3, 4, 3),
        (3, 4, 3, 3),
        True,
        {"stride": 2, "padding": 1, "output_padding": 1},
    ),
    "doubling-2x2": ((2, 6, 3, 4), (6, 4, 2, 2), True, {"stride": 2}),
    "doubling-4x4": ((1, 5, 4, 4), (5, 3, 4, 4), False, {"stride": 2, "padding": 1}),
    "kernel-below-stride": ((2, 2, 3, 3), (2, 3, 2, 1), True, {"stride": [3, 4]}),
    "kernel-below-stride-more": (
        (2, 2, 3, 3),
        (2, 3, 1, 2),
        True,
        {"stride": [4, 3], "output_padding": [3, 2]},
    ),
    "kernel-below-stride-pad": ((1, 2, 4, 4), (2, 3, 2, 2), True, {"stride": 3, "padding": [0, 1]}),
    "more-than-stride-by-dilation": (
        (1, 2, 3, 4),
        (2, 3, 2, 3),
        True,
        {"stride": [1, 2], "dilation": [3, 4], "output_padding": [2, 3]},
    ),
    "dilation2x3": ((2, 3, 3, 4), (3, 2, 3, 2), True, {"dilation": [2, 3]}),
    "dilation3-stride2": ((1, 2, 4, 3), (2, 3, 3, 3), True, {"dilation": 3, "stride": 2, "padding": 2}),
    "dilation2-stride2": ((1, 2, 4, 3), (2, 3, 3, 2), True, {"dilation": 2, "stride": 2}),
    "pad-more-than-kernel": ((1, 3, 6, 7), (3, 2, 2, 2), True, {"padding": 2}),
    "stride1x3-pad0x2": ((2, 3, 3, 4), (3, 4, 2, 5), True, {"stride": [1, 3], "padding": [0, 2]}),
    "groups2": ((2, 4, 3, 4), (4, 3, 3, 3), True, {"groups": 2, "stride": 2, "padding": 1}),
    "groups3-uneven": ((1, 6, 3, 3), (6, 1, 2, 3), False, {"groups": 3, "stride": [2, 1]}),
    "depthwise": ((2, 5, 4, 4), (5, 1, 3, 3), True, {"groups": 5, "stride": 2, "output_padding": 1}),
    "depthwise-times2": ((1, 3, 3, 4), (3, 2, 3, 2), True, {"groups": 3}),
    "depthwise-17": ((1, 17, 3, 3), (17, 1, 3, 3), True, {"groups": 17, "padding": 1}),
    "1x1": ((2, 5, 3, 4), (5, 7, 1, 1), True, {}),
    "1x1-stride2": ((2, 5, 3, 4), (5, 7, 1, 1), True, {"stride": 2, "output_padding": [0, 1]}),
    "from-one-pixel": ((2, 8, 1, 1), (8, 5, 4, 3), True, {}),
    "one-row": ((2, 2, 1, 6), (2, 3, 1, 4), True, {"stride": [1, 2]}),
    "channels-17-to-3": ((1, 17, 3, 4), (17, 3, 3, 3), True, {"padding": 1}),
    "channels-2-to-33": ((1, 2, 3, 3), (2, 33, 2, 2), True, {"stride": 2}),
    "batch0": ((0, 3, 4, 5), (3, 4, 3, 3), True, {"stride": 2}),
    "batch17": ((17, 2, 3, 3), (2, 3, 3, 3), True, {"stride": 2}),
    "large": ((1, 2, 11, 9), (2, 3, 5, 5), True, {"stride": 2, "padding": 2, "output_padding": 1}),
}
CONV1D = {
    "plain": ((2, 3, 9), (4, 3, 3), True, {}),
    "no-bias": ((2, 3, 9), (4, 3, 3), False, {}),
    "pad1": ((2, 3, 9), (4, 3, 3), True, {"padding": 1}),
    "stride3-pad2": ((2, 3, 11), (4, 3, 4), True, {"stride": [3], "padding": [2]}),
    "dilation3": ((1, 2, 12), (3, 2, 3), True, {"dilation": 3}),
    "same-4-dilation2": ((2, 2, 9), (3, 2, 4), True, {"padding": "same", "dilation": 2}),
    "valid-stride2": ((2, 2, 9), (3, 2, 4), True, {"padding": "valid", "stride": 2}),
    "groups2": ((2, 4, 8), (6, 2, 3), True, {"groups": 2, "padding": 1}),
    "depthwise": ((1, 5, 8), (5, 1, 3), True, {"groups": 5}),
    "kernel1": ((3, 5, 4), (7, 5, 1), True, {}),
    "kernel-is-the-line": ((3, 2, 5), (6, 2, 5), True, {}),
    "one-pixel": ((2, 3, 1), (4, 3, 3), True, {"padding": 1}),
    "channels-17-to-33": ((1, 17, 5), (33, 17, 3), False, {"padding": 1}),
    "batch0": ((0, 3, 6), (4, 3, 3), True, {}),
    "long": ((1, 1, 130), (2, 1, 9), True, {"stride": 2}),
}
ZEROS = ((0, 0.0), (1, -0.0))
# id: (x, size of weight)
PRELU = {
    "one-slope": (uniform((3, 4, 2, 3)), (1,)),
    "scalar": (uniform((3, 4)), ()),
    "channels": (uniform((3, 4, 2, 3)), (4,)),
    "features": (uniform((5, 7)), (7,)),
    "lines": (uniform((2, 3, 8)), (3,)),
    "volume": (uniform((2, 3, 2, 2, 2)), (3,)),
    "one-axis": (uniform((6,)), (1,)),
    "no-axis": (uniform(()), (1,)),
    "zeros": (with_values(levels((2, 3, 4), 3), *ZEROS), (3,)),
    "batch0": (uniform((0, 3, 4)), (3,)),
    "batch0-one-slope": (uniform((0, 3, 4)), (1,)),
    "batch21": (uniform((21, 3)), (3,)),
}


def questions() -> Iterator[Question]:
    """Yield every question of this file; those of one image or line without the batch axis too."""
    for op, grid in (("conv_transpose2d", CONV_TRANSPOSE2D), ("conv1d", CONV1D)):
        for name, (x, weight, has_bias, args) in grid.items():
            unbatched = [(name, x)] if x[0] != 1 else [(name, x), (f"{name}-unbatched", x[1:])]
            channels = weight[1] * args.get("groups", 1) if op == "conv_transpose2d" else weight[0]
            for id_, shape in unbatched:
                inputs = {"x": uniform(shape), "weight": uniform(weight)}
                if has_bias:
                    inputs["bias"] = uniform((channels,))
                yield Question(op, id_, inputs, args)
    for name, (x, weight) in PRELU.items():
        yield Question("prelu", name, {"x": x, "weight": uniform(weight)})
