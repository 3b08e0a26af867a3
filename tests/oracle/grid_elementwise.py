"""Questions about activations and other functions of elements, and those along one axis."""

import math
from collections.abc import Iterator

from .question import Question
from .recipe import uniform, with_values

# Beside numbers around zero: what is not finite, large, or next to nothing. exp(30) is a float32 too.
EXTREMES = (math.inf, -math.inf, math.nan, 1e4, -1e4, 30.0, -30.0, 1e-7, -1e-7, 0.0, 4.0, -4.0)
SHAPES = {"vector": (8,), "empty": (0, 4), "one": (1, 6), "images": (2, 4, 3, 2), "extreme": (3, 4)}
# Function: the layer of the same arguments, if there is one, and arguments.
FUNCTIONS = {
    "relu": ("ReLU", [{}]),
    "relu6": ("ReLU6", [{}]),
    "leaky_relu": ("LeakyReLU", [{}, {"negative_slope": 0.25}, {"negative_slope": 0.0}]),
    "hardtanh": ("Hardtanh", [{}, {"min_val": -0.5, "max_val": 2.0}]),
    "hardsigmoid": ("Hardsigmoid", [{}]),
    "hardswish": ("Hardswish", [{}]),
    "hardshrink": ("Hardshrink", [{}, {"lambd": 0.3}]),
    "softshrink": ("Softshrink", [{}, {"lambd": 0.3}]),
    "threshold": ("Threshold", [{"threshold": 0.1, "value": 20.0}]),
    "sigmoid": ("Sigmoid", [{}]),
    "logsigmoid": ("LogSigmoid", [{}]),
    "softplus": ("Softplus", [{}, {"beta": 2.0, "threshold": 3.0}]),
    "softsign": ("Softsign", [{}]),
    "tanh": ("Tanh", [{}]),
    "tanhshrink": ("Tanhshrink", [{}]),
    "elu": ("ELU", [{}, {"alpha": 0.4}]),
    "celu": ("CELU", [{}, {"alpha": 0.4}]),
    "selu": ("SELU", [{}]),
    "silu": ("SiLU", [{}]),
    "mish": ("Mish", [{}]),
    "gelu": ("GELU", [{}, {"approximate": "tanh"}]),
    "glu": ("GLU", [{"dim": -1}, {"dim": 0}]),
    "softmin": ("Softmin", [{"dim": -1}, {"dim": 0}]),
    "softmax": ("Softmax", [{"dim": -1}, {"dim": 0}]),
    "log_softmax": ("LogSoftmax", [{"dim": -1}, {"dim": 0}]),
    "erf": (None, [{}]),
    "exp": (None, [{}]),
    "sqrt": (None, [{}]),
    "clamp": (None, [{"min": -0.4, "max": 0.3}, {"min": -0.4}, {"max": 0.3}]),
}


def questions() -> Iterator[Question]:
    """Yield every question of this file."""
    for name, (layer, options) in FUNCTIONS.items():
        for number, args in enumerate(options):
            for what, shape in SHAPES.items():
                if args.get("dim") == 0 and (
                    what in ("one", "empty") or (name == "glu" and what == "extreme")
                ):
                    continue  # an axis that is odd, or has no elements
                x = uniform(shape, 3.0)
                if what == "extreme":
                    x = with_values(x, *enumerate(EXTREMES))
                yield Question(
                    "elementwise",
                    f"{name}-{number}-{what}",
                    {"x": x},
                    {"name": name, "layer": layer, "options": args},
                )
