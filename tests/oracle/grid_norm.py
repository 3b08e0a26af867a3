"""Questions about batch normalisation and the activations."""

import math
from collections.abc import Iterator

from .question import Question
from .recipe import levels, uniform, with_values

NAN, INF = math.nan, math.inf

# id: (x, channels, has_statistics, has_weight, has_bias, arguments)
BATCH_NORM = {
    # PyTorch's own samples.
    "3d-train": ((5, 5, 5), 5, True, True, True, {"training": True, "momentum": 0.5, "eps": 0.6}),
    "3d-eval-momentum-below-0": ((3, 2, 4), 2, True, True, True, {"training": False, "momentum": -1.2}),
    "2d-train-momentum-0": ((3, 1), 1, True, True, True, {"training": True, "momentum": 0.0}),
    "4d-train-momentum-below-0": (
        (3, 2, 3, 4),
        2,
        True,
        True,
        True,
        {"training": True, "momentum": -1.0, "eps": 0.5},
    ),
    "4d-eval-momentum-below-0": (
        (3, 2, 3, 4),
        2,
        True,
        True,
        True,
        {"training": False, "momentum": -1.0, "eps": 0.5},
    ),
    "2d-default": ((2, 1), 1, True, True, True, {}),
    "2d-train": ((2, 1), 1, True, True, True, {"training": True}),
    "2d-eval": ((2, 1), 1, True, True, True, {"training": False}),
    "3d-train-nothing-given": ((1, 2, 3), 2, False, False, False, {"training": True}),
    # And the corners.
    "4d-train": ((4, 3, 5, 6), 3, True, True, True, {"training": True}),
    "4d-eval": ((4, 3, 5, 6), 3, True, True, True, {"training": False}),
    "4d-train-channels17": ((2, 17, 3, 3), 17, True, True, True, {"training": True}),
    "4d-eval-channels17": ((2, 17, 3, 3), 17, True, True, True, {"training": False}),
    "4d-train-no-statistics": ((2, 3, 4, 4), 3, False, True, True, {"training": True}),
    "4d-train-no-weights": ((2, 3, 4, 4), 3, True, False, False, {"training": True}),
    "4d-eval-no-weights": ((2, 3, 4, 4), 3, True, False, False, {"training": False}),
    "4d-train-weight-only": ((2, 3, 4, 4), 3, True, True, False, {"training": True}),
    "4d-train-bias-only": ((2, 3, 4, 4), 3, True, False, True, {"training": True}),
    "4d-eval-bias-only": ((2, 3, 4, 4), 3, True, False, True, {"training": False}),
    "momentum-1": ((2, 3, 4, 4), 3, True, True, True, {"training": True, "momentum": 1.0}),
    "momentum-0.3": ((2, 3, 4, 4), 3, True, True, True, {"training": True, "momentum": 0.3}),
    "eps-large": ((2, 3, 4, 4), 3, True, True, True, {"training": True, "eps": 2.0}),
    "batch1-train": ((1, 3, 4, 5), 3, True, True, True, {"training": True}),
    "batch1-two-pixels-train": ((1, 3, 1, 2), 3, True, True, True, {"training": True}),
    "batch1-one-pixel-eval": ((1, 3, 1, 1), 3, True, True, True, {"training": False}),
    "one-pixel-train": ((6, 3, 1, 1), 3, True, True, True, {"training": True}),
    "batch0-eval": ((0, 3, 4, 4), 3, True, True, True, {"training": False}),
    "batch0-train": ((0, 3, 4, 4), 3, True, True, True, {"training": True}),
    "2d-train-10": ((7, 10), 10, True, True, True, {"training": True}),
    "2d-eval-10": ((7, 10), 10, True, True, True, {"training": False}),
    "5d-train": ((2, 3, 2, 3, 2), 3, True, True, True, {"training": True}),
}

RELU = {
    "0d": uniform(()),
    "1d": uniform((5,)),
    "2d": uniform((5, 5)),
    "3d": uniform((5, 10, 5)),
    "4d": uniform((2, 3, 4, 5)),
    "zeros": levels((4, 9), 3),
    "empty": uniform((0, 3)),
    "special": with_values(uniform((2, 6)), (0, NAN), (3, INF), (5, -INF), (6, -0.0)),
}

# id: (x, dim)
SOFTMAX = {
    "1d": (uniform((5,), 4.0), 0),
    "2d-0": (uniform((5, 5), 4.0), 0),
    "2d-1": (uniform((5, 5), 4.0), 1),
    "2d-last": (uniform((5, 5), 4.0), -1),
    "3d-2": (uniform((5, 10, 5), 4.0), 2),
    "3d-1": (uniform((4, 7, 3), 4.0), 1),
    "3d-0": (uniform((4, 7, 3), 4.0), 0),
    "empty": (uniform((5, 0, 0)), -1),
    "empty-batch": (uniform((0, 10)), 1),
    "0d": (uniform(()), 0),
    "4d-1": (uniform((2, 10, 3, 2), 4.0), 1),
    "4d-minus-2": (uniform((2, 3, 5, 2), 4.0), -2),
    "one-class": (uniform((4, 1), 4.0), 1),
    "classes17": (uniform((3, 17), 4.0), 1),
    "large": (uniform((4, 10), 2000.0), 1),
    "offset": (uniform((4, 10), 1.0, 500.0), 1),
    "minus-inf": (with_values(uniform((3, 6)), (0, -INF), (7, -INF), (8, -INF)), 1),
}


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for name, (x, channels, has_statistics, has_weight, has_bias, args) in BATCH_NORM.items():
        inputs = {"x": uniform(x)}
        if has_statistics:
            inputs["running_mean"] = uniform((channels,))
            inputs["running_var"] = uniform((channels,), 0.5, 1.0)
        if has_weight:
            inputs["weight"] = uniform((channels,), 1.0, 0.5)
        if has_bias:
            inputs["bias"] = uniform((channels,))
        yield Question("batch_norm", name, inputs, args, constant=("running_mean", "running_var"))
    yield Question(
        "batch_norm", "4d-train-far-from-zero", {"x": uniform((4, 3, 5, 5), 1.0, 64.0)}, {"training": True}
    )
    for name, spec in RELU.items():
        yield Question("relu", name, {"x": spec})
    for op in ("softmax", "log_softmax"):
        for name, (spec, dim) in SOFTMAX.items():
            yield Question(op, name, {"x": spec}, {"dim": dim})
