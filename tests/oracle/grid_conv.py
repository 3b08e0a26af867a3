"""Geometries of convolution, linear and im2col: PyTorch's own operator samples, and corners."""

from collections.abc import Iterator

from .question import Question
from .recipe import uniform

# id: (x, weight, has_bias, arguments)
CONV2D = {
    # What PyTorch's own operator samples contain; each is also asked without the batch axis.
    "stride2-pad2": ((1, 3, 4, 4), (3, 3, 3, 3), True, {"stride": [2, 2], "padding": 2}),
    "groups-dilation4": (
        (2, 4, 8, 8),
        (2, 2, 3, 3),
        True,
        {"stride": [3, 2], "padding": [2, 1], "groups": 2, "dilation": [4, 4]},
    ),
    "kernel2x3-dilation2x3": (
        (1, 4, 5, 5),
        (1, 4, 2, 3),
        True,
        {"stride": 2, "padding": 1, "dilation": [2, 3]},
    ),
    "kernel-wider-than-input": ((1, 2, 4, 3), (4, 2, 3, 4), False, {"stride": 2, "padding": 1}),
    "valid-stride2": ((1, 4, 5, 5), (1, 4, 2, 3), True, {"stride": 2, "padding": "valid"}),
    "same-dilation3": ((1, 4, 5, 5), (1, 4, 2, 3), True, {"padding": "same", "dilation": 3}),
    "depthwise": ((2, 4, 6, 6), (4, 1, 3, 3), True, {"groups": 4}),
    "depthwise-times2": ((2, 4, 6, 6), (8, 1, 3, 3), True, {"groups": 4}),
    "depthwise-times2-no-bias": ((2, 4, 6, 6), (8, 1, 3, 3), False, {"groups": 4}),
    "depthwise-stride3x2": ((2, 4, 6, 6), (4, 1, 3, 3), True, {"groups": 4, "stride": [3, 2]}),
    "depthwise-pad1": ((2, 4, 6, 6), (4, 1, 3, 3), True, {"groups": 4, "padding": [1, 1]}),
    "depthwise-dilation2": ((2, 4, 5, 5), (4, 1, 2, 2), True, {"groups": 4, "dilation": [2, 2]}),
    "groups2-kernel3x2": ((2, 4, 6, 5), (6, 2, 3, 2), True, {"groups": 2}),
    "plain-no-bias": ((1, 4, 5, 5), (3, 4, 3, 3), False, {}),
    # Padding: on one side, uneven, wider than the kernel, "same" with even kernels.
    "pad-left": ((2, 2, 4, 5), (3, 2, 3, 3), True, {"padding": [1, 0, 0, 0]}),
    "pad-right": ((2, 2, 4, 5), (3, 2, 3, 3), True, {"padding": [0, 1, 0, 0]}),
    "pad-top": ((2, 2, 4, 5), (3, 2, 3, 3), True, {"padding": [0, 0, 1, 0]}),
    "pad-bottom": ((2, 2, 4, 5), (3, 2, 3, 3), True, {"padding": [0, 0, 0, 1]}),
    "pad-right-bottom-stride2": ((1, 3, 6, 6), (2, 3, 3, 3), True, {"padding": [0, 1, 0, 1], "stride": 2}),
    "pad-left-top-stride2": ((1, 3, 6, 6), (2, 3, 3, 3), True, {"padding": [1, 0, 1, 0], "stride": 2}),
    "pad-four-different": ((1, 2, 3, 4), (3, 2, 2, 3), True, {"padding": [3, 0, 1, 2], "stride": [1, 2]}),
    "pad-four-grouped-dilated": (
        (2, 4, 5, 6),
        (6, 2, 2, 2),
        True,
        {"padding": [0, 2, 1, 0], "groups": 2, "dilation": [2, 1]},
    ),
    "pad-wider-than-kernel": ((1, 2, 2, 3), (2, 2, 2, 2), True, {"padding": 4}),
    "pad-wider-than-kernel-stride3": ((1, 2, 2, 3), (2, 2, 2, 2), True, {"padding": 4, "stride": 3}),
    "pad-1x1": ((2, 3, 3, 2), (4, 3, 1, 1), True, {"padding": 1}),
    "pad-2x0": ((2, 3, 4, 6), (4, 3, 5, 3), True, {"padding": [2, 0]}),
    "pad-0x1": ((2, 3, 4, 4), (4, 3, 2, 3), True, {"padding": [0, 1]}),
    "same-2x2": ((2, 3, 4, 5), (2, 3, 2, 2), True, {"padding": "same"}),
    "same-4x3": ((1, 2, 6, 5), (3, 2, 4, 3), True, {"padding": "same"}),
    "same-3x3": ((2, 3, 5, 4), (4, 3, 3, 3), False, {"padding": "same"}),
    "same-5x1-dilation1x2": ((1, 2, 6, 5), (2, 2, 5, 1), True, {"padding": "same", "dilation": [1, 2]}),
    "same-2x4-dilation3x1": ((1, 2, 6, 5), (2, 2, 2, 4), True, {"padding": "same", "dilation": [3, 1]}),
    "same-kernel-larger": ((1, 2, 2, 2), (2, 2, 5, 5), True, {"padding": "same"}),
    "same-depthwise": ((1, 3, 5, 5), (3, 1, 3, 3), True, {"padding": "same", "groups": 3}),
    "valid-3x3": ((2, 2, 5, 6), (3, 2, 3, 3), True, {"padding": "valid"}),
    "valid-stride3x1-dilation2": (
        (1, 2, 8, 7),
        (3, 2, 2, 3),
        True,
        {"padding": "valid", "stride": [3, 1], "dilation": 2},
    ),
    # Strides: larger than the kernel, uneven, leaving pixels over.
    "stride3-kernel2": ((2, 3, 8, 8), (4, 3, 2, 2), True, {"stride": 3}),
    "stride3-kernel1": ((2, 3, 7, 8), (4, 3, 1, 1), True, {"stride": 3}),
    "stride4x3-kernel1x2": ((1, 2, 9, 10), (3, 2, 1, 2), True, {"stride": [4, 3]}),
    "stride3-kernel2-pad1": ((1, 2, 7, 6), (3, 2, 2, 2), True, {"stride": 3, "padding": 1}),
    "stride5-beyond-image": ((1, 2, 4, 4), (3, 2, 3, 3), True, {"stride": 5}),
    "stride2x1": ((2, 3, 6, 5), (2, 3, 3, 3), True, {"stride": [2, 1], "padding": 1}),
    "stride1x3": ((2, 3, 5, 8), (2, 3, 3, 2), True, {"stride": [1, 3], "padding": 1}),
    "stride2-rest": ((1, 3, 6, 6), (4, 3, 3, 3), True, {"stride": 2}),
    "stride-sequence-of-one": (
        (1, 2, 5, 5),
        (2, 2, 2, 2),
        True,
        {"stride": [2], "padding": [1], "dilation": [2]},
    ),
    # Kernels and dilations.
    "kernel1x5": ((1, 3, 4, 7), (2, 3, 1, 5), True, {}),
    "kernel5x1": ((1, 3, 7, 4), (2, 3, 5, 1), True, {}),
    "kernel2x3": ((2, 2, 4, 5), (3, 2, 2, 3), True, {}),
    "kernel5x5-pad2": ((1, 1, 7, 7), (6, 1, 5, 5), True, {"padding": 2}),
    "kernel7x7-stride2-pad3": ((1, 3, 9, 9), (2, 3, 7, 7), False, {"stride": 2, "padding": 3}),
    "kernel-covers-image": ((3, 2, 4, 5), (5, 2, 4, 5), True, {}),
    "dilation1x2": ((1, 2, 5, 7), (3, 2, 3, 3), True, {"dilation": [1, 2]}),
    "dilation3x1": ((1, 2, 8, 4), (3, 2, 3, 2), True, {"dilation": [3, 1]}),
    "dilation2-pad2": ((2, 3, 5, 5), (3, 3, 3, 3), True, {"dilation": 2, "padding": 2}),
    "dilation5-single-tap": ((1, 2, 3, 3), (3, 2, 1, 1), True, {"dilation": 5}),
    "dilation2-stride2-pad1x2": (
        (1, 2, 7, 6),
        (2, 2, 3, 2),
        True,
        {"dilation": 2, "stride": 2, "padding": [1, 2]},
    ),
    # Channels: one, odd, around the vector widths; groups.
    "1x1": ((2, 5, 4, 3), (7, 5, 1, 1), True, {}),
    "1x1-no-bias": ((3, 8, 3, 3), (16, 8, 1, 1), False, {}),
    "1x1-stride2": ((2, 6, 5, 6), (3, 6, 1, 1), True, {"stride": 2}),
    "1x1-groups3": ((2, 6, 3, 3), (9, 2, 1, 1), True, {"groups": 3}),
    "1x1-32-to-8": ((2, 32, 3, 3), (8, 32, 1, 1), True, {}),
    "channels-1-to-1": ((2, 1, 5, 5), (1, 1, 3, 3), True, {}),
    "channels-1-to-16": ((1, 1, 6, 6), (16, 1, 3, 3), True, {"padding": 1}),
    "channels-7-to-9": ((1, 7, 4, 5), (9, 7, 3, 3), True, {"padding": 1}),
    "channels-16-to-16": ((1, 16, 4, 4), (16, 16, 3, 3), True, {"padding": 1}),
    "channels-17-to-5": ((1, 17, 3, 4), (5, 17, 3, 3), False, {"padding": 1}),
    "channels-3-to-33": ((1, 3, 4, 4), (33, 3, 2, 2), True, {}),
    "groups2-uneven": ((2, 6, 5, 4), (4, 3, 3, 3), True, {"groups": 2, "padding": 1}),
    "groups3-stride2": ((1, 6, 7, 7), (3, 2, 3, 3), False, {"groups": 3, "stride": 2}),
    "groups4-of-2": ((1, 8, 4, 4), (12, 2, 3, 3), True, {"groups": 4, "padding": 1}),
    "depthwise-same-as-channels-17": ((1, 17, 3, 3), (17, 1, 3, 3), True, {"groups": 17, "padding": 1}),
    "depthwise-times3-dilation2": (
        (1, 3, 6, 6),
        (9, 1, 3, 3),
        True,
        {"groups": 3, "dilation": 2, "padding": 1},
    ),
    # Batches and images: none, one, many; one pixel, one row.
    "batch0": ((0, 3, 5, 5), (4, 3, 3, 3), True, {"padding": 1}),
    "batch0-stride2-groups": ((0, 4, 5, 6), (4, 2, 3, 2), False, {"stride": 2, "groups": 2}),
    "batch1": ((1, 3, 5, 6), (4, 3, 3, 3), True, {"padding": 1}),
    "batch33": ((33, 1, 3, 3), (2, 1, 2, 2), True, {}),
    "one-pixel": ((2, 3, 1, 1), (4, 3, 1, 1), True, {}),
    "one-pixel-3x3-pad1": ((2, 3, 1, 1), (4, 3, 3, 3), True, {"padding": 1}),
    "one-pixel-3x3-pad1-stride2": ((1, 2, 1, 1), (3, 2, 3, 3), True, {"padding": 1, "stride": 2}),
    "one-row": ((1, 2, 1, 8), (3, 2, 1, 3), True, {"padding": [0, 1]}),
    "one-column": ((1, 2, 8, 1), (3, 2, 3, 1), True, {"stride": [2, 1]}),
    "tall": ((1, 2, 13, 3), (3, 2, 3, 3), True, {"padding": 1}),
    "wide": ((1, 2, 3, 19), (3, 2, 3, 3), True, {"padding": 1}),
    "28x28": ((1, 1, 28, 28), (2, 1, 3, 3), True, {"padding": 1}),
    "14x14-4-to-4": ((1, 4, 14, 14), (4, 4, 3, 3), False, {"padding": 1}),
}

LINEAR = {
    "1d": ((3,), (4, 3), True),
    "1d-8": ((8,), (8, 8), True),
    "1d-no-bias": ((3,), (4, 3), False),
    "batch0": ((0, 3), (4, 3), True),
    "batch0-8": ((0, 8), (8, 8), True),
    "batch0-no-bias": ((0, 8), (8, 8), False),
    "batch8": ((8, 3), (4, 3), True),
    "batch8-no-bias": ((8, 3), (4, 3), False),
    "square": ((8, 8), (8, 8), True),
    "square-no-bias": ((8, 8), (8, 8), False),
    "3d": ((2, 3, 3), (4, 3), True),
    "3d-8": ((2, 3, 8), (8, 8), True),
    "3d-no-bias": ((2, 3, 8), (8, 8), False),
    "5d": ((2, 1, 2, 1, 2), (4, 2), True),
    "5d-no-bias": ((2, 1, 2, 1, 2), (4, 2), False),
    "3d-empty": ((2, 0, 3), (4, 3), True),
    "batch1": ((1, 17), (10, 17), True),
    "one-output": ((5, 7), (1, 7), True),
    "one-input": ((5, 1), (6, 1), True),
    "tails": ((33, 31), (17, 31), True),
    "100-to-10": ((4, 100), (10, 100), True),
}

UNFOLD = {
    "3x3": ((2, 3, 5, 6), {"kernel_size": [3, 3]}),
    "3x3-pad1": ((2, 3, 5, 6), {"kernel_size": [3, 3], "padding": 1}),
    "2x3-stride2x1-pad1x0": ((1, 2, 6, 5), {"kernel_size": [2, 3], "stride": [2, 1], "padding": [1, 0]}),
    "2x2-dilation2x3": ((2, 2, 6, 7), {"kernel_size": [2, 2], "dilation": [2, 3]}),
    "1x1": ((2, 3, 3, 4), {"kernel_size": [1, 1]}),
    "2x2-stride3": ((1, 2, 8, 7), {"kernel_size": [2, 2], "stride": 3}),
    "3x3-pad-right-bottom": ((1, 2, 4, 4), {"kernel_size": [3, 3], "padding": [0, 1, 0, 1], "stride": 2}),
}


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for name, (x, weight, has_bias, args) in CONV2D.items():
        unbatched = [(name, x)] if x[0] != 1 else [(name, x), (f"{name}-unbatched", x[1:])]
        for id_, shape in unbatched:
            inputs = {"x": uniform(shape), "weight": uniform(weight)}
            if has_bias:
                inputs["bias"] = uniform(weight[:1])
            yield Question("conv2d", id_, inputs, args)
    for name, (x, weight, has_bias) in LINEAR.items():
        inputs = {"x": uniform(x), "weight": uniform(weight)}
        if has_bias:
            inputs["bias"] = uniform(weight[:1])
        yield Question("linear", name, inputs)
    for name, (x, args) in UNFOLD.items():
        yield Question("im2col", name, {"x": uniform(x)}, args)
