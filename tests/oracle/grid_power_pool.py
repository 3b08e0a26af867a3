"""Geometries and powers of power-average pooling."""

import math
from collections.abc import Iterator

from .question import Question
from .recipe import levels, uniform, with_values

# Of numbers above 0, and of both signs.
POWERS = (1, 2, 3, 4, 2.5, 0.5, -1, -2, math.inf, -math.inf)
WINDOWS2D = {
    "2": ((2, 3, 6, 5), {"kernel_size": 2}),
    "3x2-stride2x1-ceil": ((2, 2, 6, 5), {"kernel_size": [3, 2], "stride": [2, 1], "ceil_mode": True}),
    "unbatched": ((2, 5, 6), {"kernel_size": 3, "stride": 1}),
}
WINDOWS1D = {
    "2": ((2, 3, 7), {"kernel_size": 2}),
    "3-stride2-ceil": ((2, 3, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    "unbatched": ((3, 7), {"kernel_size": 2, "stride": 3}),
}


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for op, windows in (("lp_pool1d", WINDOWS1D), ("lp_pool2d", WINDOWS2D)):
        for name, (shape, args) in windows.items():
            values = {
                "positive": uniform(shape, 0.75, 1.25),
                "both": with_values(uniform(shape), (0, -0.5), (1, 0.25)),
                "zeros": levels(shape, 2),  # -1 and 0
            }
            for kind, x in values.items():
                for power in POWERS:
                    yield Question(op, f"{name}-{power}-{kind}", {"x": x}, {"norm_type": power, **args})
