"""Questions about functions and operators, and about networks of a forward alone (`formulas`)."""

import math
from collections.abc import Iterator

from .formulas import FORMULAS
from .question import Question
from .recipe import levels, uniform, with_values

NAN, INF = math.nan, math.inf
PLAIN = uniform((2, 3, 4))
POSITIVE = uniform((2, 3, 4), 0.75, 1.25)
ENDS = with_values(uniform((2, 4)), (0, 1000), (1, -1000), (2, INF), (3, -INF), (4, NAN), (5, 0), (6, -0.0))

# Each of these numbers with each.
NUMBERS = (NAN, INF, -INF, 0.0, 1.0, -2.0, 0.5)
PAIRS = (
    with_values(uniform((7, 7)), *((i, NUMBERS[i // 7]) for i in range(49))),
    with_values(uniform((7, 7)), *((i, NUMBERS[i % 7]) for i in range(49))),
)

# id: the inputs of a formula; one of the shape (2, 3, 4) if it is not here.
INPUTS = {
    **dict.fromkeys(("sigmoid-ends", "tanh-ends", "exp-ends", "sqrt-ends"), (ENDS,)),
    **dict.fromkeys(("sqrt", "numbers", "root", "inverse", "sum-keepdim"), (POSITIVE,)),
    "clamp-on-the-limits": (with_values(levels((4, 5), 7), (0, NAN), (1, INF), (2, -INF)),),
    **dict.fromkeys(("split", "split-sizes", "chunk", "chunk-more-than-there-are"), (uniform((2, 5, 3)),)),
    "flatten-middle": (uniform((2, 3, 4, 2)),),
    "cat": (PLAIN, uniform((2, 2, 4))),
    "cat-negative": (PLAIN, PLAIN),
    "amax-ties": (levels((4, 3, 5), 3),),
    "amax-ties-of-all": (levels((3, 4), 2),),
    "without-axes": (uniform(()),),
    **dict.fromkeys(("add", "subtract", "multiply"), (PLAIN, PLAIN)),
    **dict.fromkeys(("divide", "power"), (POSITIVE, POSITIVE)),
    "add-over-images": (uniform((3, 2, 2, 3)), uniform((2, 2, 3))),
    "multiply-over-pixels": (uniform((3, 2, 2, 3)), uniform((3, 2, 1, 1))),
    "subtract-both-ways": (uniform((3, 1, 2)), uniform((1, 4, 1))),
    "divide-over-channels": (uniform((3, 1, 2, 3), 0.75, 1.25), uniform((3, 2, 1, 3))),
    "power-over-images": (uniform((3, 2, 4)), uniform((2, 1), 0.75, 1.25)),
    "zeroth-power": (with_values(levels((3, 4), 3), (0, INF), (1, NAN)),),
    # Bases 0, 1 and 2 with powers 0, 1, 2 and 0.5.
    "power-at-zero": (
        with_values(uniform((3, 4)), *((i, float(i // 4)) for i in range(12))),
        with_values(uniform((3, 4)), *((i, (0.0, 1.0, 2.0, 0.5)[i % 4]) for i in range(12))),
    ),
    **dict.fromkeys(
        [f"{name}-ends" for name in ("add", "subtract", "multiply", "divide", "power", "cat")], PAIRS
    ),
    **dict.fromkeys(
        ("mean-ends", "sum-ends"), (with_values(uniform((4, 5)), (0, NAN), (6, INF), (12, -INF)),)
    ),
    "divide-by-zero": (levels((2, 6), 3), with_values(uniform((6,)), (1, 0), (3, 0))),
}
# id: the inputs of a network
NETWORKS = {
    "Residual": {"x": uniform((3, 3, 7, 6))},
    "UNet": {"x": uniform((2, 2, 8, 12))},
    "Inception": {"x": uniform((2, 4, 5, 6))},
    "SqueezeExcite": {"x": uniform((3, 3, 4, 5))},
    "TwoInputs": {"x": uniform((4, 2, 5, 5)), "x2": uniform((4, 5))},
    "Hinted": {"x": uniform((5, 1, 8, 10)), "x2": uniform((5, 6))},
    "Twins": {"x": uniform((3, 2, 5, 7)), "x2": uniform((3, 2, 5, 7))},
}


def questions() -> Iterator[Question]:
    """Yield every question of this file; the recipes of weights are added where the network is built."""
    for name in FORMULAS:
        yield Question("formula", name, dict(zip("xy", INPUTS.get(name, (PLAIN,)), strict=False)))
    for name, inputs in NETWORKS.items():
        yield Question("network", name, inputs)
