"""Geometries of transposed convolution along lines."""

from collections.abc import Iterator

from .question import Question
from .recipe import uniform

# id: (x, weight, arguments); every other one has a bias.
CONV_TRANSPOSE1D = {
    "3": ((2, 3, 6), (3, 4, 3), {}),
    "stride2-pad1-more1": ((2, 3, 6), (3, 4, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
    "groups2": ((2, 4, 5), (4, 3, 3), {"groups": 2, "stride": [2]}),
    "depthwise": ((2, 4, 5), (4, 1, 4), {"groups": 4, "padding": 1}),
    "dilation3-more2": ((1, 2, 5), (2, 3, 3), {"dilation": 3, "output_padding": 2}),
    "kernel-below-stride": ((1, 2, 4), (2, 3, 2), {"stride": 5, "output_padding": 3}),
    "1": ((2, 3, 4), (3, 2, 1), {}),
    "one-element": ((1, 3, 1), (3, 2, 4), {"stride": 3, "padding": 1}),
    "unbatched": ((3, 6), (3, 4, 3), {"stride": 2}),
    "batch0": ((0, 3, 6), (3, 4, 3), {"stride": 2}),
    "channels17": ((1, 17, 4), (17, 18, 3), {"padding": 2}),
}


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for number, (name, (x, weight, args)) in enumerate(CONV_TRANSPOSE1D.items()):
        inputs = {"x": uniform(x), "weight": uniform(weight)}
        if number % 2:
            inputs["bias"] = uniform((weight[1] * args.get("groups", 1),))
        yield Question("conv_transpose1d", name, inputs, args)
