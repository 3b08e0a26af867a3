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

# id: (x, has_weight, has_bias, arguments)
GROUP_NORM = {
    # PyTorch's own samples.
    "1d-channels": ((1, 6, 3), True, True, {"num_groups": 2, "eps": 0.5}),
    "2d": ((2, 6, 3), True, True, {"num_groups": 2, "eps": 0.1}),
    "one-group": ((1, 3), True, True, {"num_groups": 1, "eps": 1e-5}),
    "weight-only": ((2, 6, 3), True, False, {"num_groups": 2}),
    "nothing-given": ((5, 5, 5, 3), False, False, {"num_groups": 5}),
    # And the corners.
    "4d": ((4, 6, 5, 3), True, True, {"num_groups": 3}),
    "4d-channels34": ((2, 34, 3, 4), True, True, {"num_groups": 2}),
    "each-channel": ((3, 4, 2, 5), True, True, {"num_groups": 4}),
    "features": ((5, 12), True, True, {"num_groups": 3}),
    "one-value": ((3, 4), True, True, {"num_groups": 4}),
    "batch1": ((1, 8, 4, 4), True, True, {"num_groups": 4}),
    "5d": ((2, 4, 2, 3, 2), True, True, {"num_groups": 2}),
}
LAYER_NORM = {
    "all-but-batch": ((1, 2, 3), True, True, {"normalized_shape": [1, 2, 3], "eps": 0.5}),
    "two-axes": ((2, 2, 3), True, True, {"normalized_shape": [2, 3], "eps": 0.5}),
    "one": ((1,), True, True, {"normalized_shape": [1]}),
    "one-axis": ((1, 2), True, True, {"normalized_shape": [2]}),
    "last-of-4d": ((3, 4, 5, 6), True, True, {"normalized_shape": [6]}),
    "image": ((3, 4, 5, 6), True, True, {"normalized_shape": [4, 5, 6]}),
    "plane": ((3, 4, 5, 6), True, True, {"normalized_shape": [5, 6]}),
    "nothing-given": ((3, 7), False, False, {"normalized_shape": [7]}),
    "weight-only": ((3, 7), True, False, {"normalized_shape": [7]}),
    "bias-only": ((3, 7), False, True, {"normalized_shape": [7]}),
    "features33": ((9, 33), True, True, {"normalized_shape": [33]}),
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


# id: (x, arguments)
RESPONSE_NORM = {
    "4d": (uniform((3, 7, 4, 5), 3.0), {"size": 5}),
    "even": (uniform((2, 6, 3, 3), 3.0), {"size": 4, "alpha": 0.5, "beta": 0.5, "k": 2.0}),
    "3d": (uniform((2, 5, 9), 3.0), {"size": 3, "alpha": 1.0, "beta": 1.0}),
    "5d": (uniform((2, 3, 2, 3, 2), 3.0), {"size": 2, "alpha": 0.2, "beta": 0.6, "k": 0.5}),
    "one": (uniform((2, 3, 4, 4), 3.0), {"size": 1, "alpha": 2.0, "beta": 2.0}),
    "wider-than-channels": (uniform((2, 3, 4, 4), 3.0), {"size": 9, "alpha": 3.0}),
    "vectors": (uniform((1, 40, 17), 3.0), {"size": 6, "alpha": 1.5, "beta": 1.25}),
    "power-0": (uniform((2, 3, 4), 3.0), {"size": 3, "beta": 0.0}),
    "batch-0": (uniform((0, 3, 4, 4)), {"size": 3}),
    "large": (uniform((2, 5, 4), 1000.0), {"size": 5, "alpha": 0.1}),
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
    for name, (x, has_weight, has_bias, args) in [*GROUP_NORM.items(), *LAYER_NORM.items()]:
        op = "group_norm" if "num_groups" in args else "layer_norm"
        size = x[1:2] if "num_groups" in args else tuple(args["normalized_shape"])
        given = {"weight": uniform(size, 1.0, 0.5)} if has_weight else {}
        given |= {"bias": uniform(size)} if has_bias else {}
        yield Question(op, f"{op}-{name}", {"x": uniform(x), **given}, args)
    yield Question("group_norm", "far-from-zero", {"x": uniform((4, 6, 5, 5), 1.0, 64.0)}, {"num_groups": 3})
    for name, (spec, args) in RESPONSE_NORM.items():
        yield Question("local_response_norm", f"local_response_norm-{name}", {"x": spec}, args)
    for name, spec in RELU.items():
        yield Question("relu", name, {"x": spec})
    for op in ("softmax", "log_softmax"):
        for name, (spec, dim) in SOFTMAX.items():
            yield Question(op, name, {"x": spec}, {"dim": dim})
