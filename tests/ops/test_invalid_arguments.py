"""Arrays that do not fit and values out of range are refused by name."""

import math
from typing import Any

import numpy as np
import pytest

from fastcnn.errors import ArgumentError, DTypeError

from .refusal import Invalid, assert_refused
from .refusal import huge as _huge
from .refusal import zeros as _zeros


def _labels(*values: int) -> np.ndarray:
    return np.array(values)


# fmt: off
# function: (argument or several, what it is replaced by, ...); the message names the first argument.
SHAPES: dict[str, list[tuple[str, Any]]] = {
    "conv2d": [
        ("x", _zeros()), ("x", _zeros(5)), ("x", _zeros(5, 6)), ("x", _zeros(1, 2, 4, 5, 6)),
        ("x", _zeros(2, 3, 5, 6)),
        ("x", _zeros(2, 4, 0, 6)), ("x", _zeros(2, 4, 5, 0)), ("x", _zeros(3, 5, 6)),
        ("x", np.zeros((2, 4, 5, 6), "f4")),
        ("weight", _zeros(6, 4, 3)), ("weight", _zeros(6, 5, 3, 3)), ("weight", _zeros(1, 6, 4, 3, 3)),
        ("weight", _zeros(6, 4, 0, 3)), ("weight", _zeros(6, 4, 3, 0)), ("weight", _zeros(6, 0, 3, 3)),
        ("bias", _zeros(5)), ("bias", _zeros(6, 1)), ("bias", _zeros()), ("bias", np.zeros(6, np.float32)),
        ("kernel", {"weight": _zeros(6, 4, 6, 3)}), ("kernel", {"weight": _zeros(6, 4, 3, 7)}),
        ("kernel", {"dilation": 3}), ("kernel", {"padding": (0, 1, 0, 0), "weight": _zeros(6, 4, 3, 8)}),
        ("groups", {"groups": 3}), ("groups", {"groups": 4, "weight": _zeros(6, 1, 3, 3)}),
        ("groups", {"groups": 2}),
    ],
    "conv2d_backward": [
        ("dy", _zeros(2, 6, 4, 4)), ("dy", _zeros(1, 6, 3, 4)), ("dy", _zeros(2, 5, 3, 4)),
        ("dy", _zeros(6, 3, 4)),
        ("dy", _zeros()), ("dy", np.zeros((2, 6, 3, 4), np.float32)), ("x", _zeros(2, 3, 5, 6)),
        ("x", _zeros(5, 6)),
        ("weight", _zeros(6, 4, 3)), ("weight", _zeros(6, 3, 3, 3)),
        ("weight", np.zeros((6, 4, 3, 3), np.float32)),
    ],
    "im2col": [("x", _zeros(5, 6)), ("x", _zeros(2, 4, 0, 6)), ("x", _zeros(1, 1, 2, 4, 5)),
    ("kernel", {"kernel_size": 6})],
    "col2im": [
        ("columns", _zeros(8)), ("columns", _zeros(2, 7, 6)), ("columns", _zeros(2, 8, 5)),
        ("columns", _zeros(1, 2, 8, 6)),
        ("kernel", {"kernel_size": 5}), ("columns", {"output_size": (4, 4)}),
    ],
    "zero_pad2d": [("x", _zeros(4, 5)), ("x", _zeros()), ("x", _zeros(1, 2, 3, 4, 5))],
    "zero_pad2d_backward": [("dy", _zeros(4, 5)), ("dy", _zeros(2, 3, 2, 6)), ("dy", _zeros(2, 3, 7, 0))],
    "pad": [
        ("x", _zeros(4, 5)), ("x", _zeros()), ("x", _zeros(1, 2, 3, 4, 5)), ("x", _zeros(2, 3, 0, 5)),
        ("x", _zeros(2, 3, 4, 0)), ("padding", {"x": _zeros(2, 3, 2, 5)}), ("padding", {"padding": 4}),
        ("padding", {"padding": (0, 0, 0, 5), "mode": "circular"}),
    ],
    "pad_backward": [
        ("dy", _zeros(4, 5)), ("dy", _zeros(2, 3, 2, 6)), ("dy", _zeros(2, 3, 7, 0)),
        ("dy", _zeros(2, 3, 3, 6)), ("padding", {"dy": _zeros(2, 3, 5, 6)}),
    ],
    "interpolate": [
        ("x", _zeros(4, 5)), ("x", _zeros(3, 4, 5)), ("x", _zeros(1, 2, 3, 4, 5)), ("x", _zeros(2, 3, 0, 5)),
        ("x", _zeros(2, 3, 4, 0)), ("scale_factor", {"size": None, "scale_factor": 0.2}),
    ],
    "interpolate_backward": [
        ("dy", _zeros(2, 3, 7, 3)), ("dy", _zeros(3, 3, 7)), ("dy", _zeros(1, 3, 3, 7)),
        ("input_shape", {"input_shape": (3, 4, 5)}), ("input_shape", {"input_shape": (2, 3, 0, 5)}),
    ],
    "adaptive_max_pool2d": [
        ("x", _zeros(6, 7)), ("x", _zeros(1, 2, 3, 6, 7)), ("x", _zeros(2, 3, 0, 7)),
        ("x", _zeros(2, 3, 6, 0)),
    ],
    "max_pool2d": [
        ("x", _zeros(6, 7)), ("x", _zeros(1, 2, 3, 6, 7)), ("x", _zeros()), ("x", _zeros(2, 3, 0, 7)),
        ("x", _zeros(2, 3, 6, 0)), ("kernel", {"kernel_size": 7}), ("kernel", {"kernel_size": (2, 8)}),
        ("kernel", {"kernel_size": 3, "dilation": 3}),
        ("kernel", {"kernel_size": 9, "stride": 1, "ceil_mode": True}),
    ],
    "max_pool2d_backward": [
        ("dy", _zeros(2, 3, 3)), ("dy", _zeros(2, 4, 3, 3)), ("dy", _zeros(3, 3)), ("dy", _zeros(1, 3, 3, 3)),
        ("argmax", np.zeros((2, 3, 3, 2), int)), ("argmax", np.zeros((3, 3, 3), int)),
        ("argmax", np.zeros((), int)),
        ("argmax", np.full((2, 3, 3, 3), 42)), ("argmax", np.full((2, 3, 3, 3), -1)),
        ("argmax", np.full((2, 3, 3, 3), 2**62)), ("argmax", np.full((2, 3, 3, 3), -(2**63))),
        ("argmax", np.full((2, 3, 3, 3), 2**64 - 1, np.uint64)),
        ("argmax", np.full((2, 3, 3, 3), 127, np.int8)),
        ("input_shape", (6, 7)), ("input_shape", None), ("input_shape", 42), ("input_shape", (2, 3, 6, -7)),
        ("input_shape", (2, 3, 6, 7.0)), ("input_shape", "2367"), ("input_shape", (1, 2, 3, 6, 7)),
        ("input_shape", (2, 3, 0, 7)), ("input_shape", (2, 3, 6, True)), ("input_shape", (2, 3, None, 7)),
    ],
    "avg_pool2d": [
        ("x", _zeros(6, 7)), ("x", _zeros(1, 2, 3, 6, 7)), ("x", _zeros(2, 3, 0, 7)),
        ("kernel", {"kernel_size": 7}),
        ("divisor_override", 0), ("divisor_override", 1.5), ("divisor_override", "2"),
        ("divisor_override", 2**70),
        ("count_include_pad", "no"), ("count_include_pad", None), ("count_include_pad", 1),
    ],
    "avg_pool2d_backward": [
        ("dy", _zeros(2, 3, 3, 4)), ("dy", _zeros(3, 3, 3)), ("dy", _zeros(1, 3, 3, 3)),
        ("input_shape", (3, 6)),
        ("input_shape", None), ("input_shape", (2, 3, 6, -7)), ("input_shape", [2, 3, 0, 7]),
        ("divisor_override", 0), ("count_include_pad", "yes"), ("kernel", {"kernel_size": 9}),
    ],
    "adaptive_avg_pool2d": [
        ("x", _zeros(6, 7)), ("x", _zeros(2, 3, 0, 7)), ("x", _zeros(1, 2, 3, 6, 7)), ("output_size", ()),
        ("output_size", (1, 2, 3)), ("output_size", -1), ("output_size", (2, -1)), ("output_size", 2.0),
        ("output_size", "2"), ("output_size", (True, 2)), ("output_size", math.nan), ("output_size", 1j),
    ],
    "adaptive_avg_pool2d_backward": [
        ("dy", _zeros(2, 3, 2)), ("dy", _zeros(3, 2, 3)), ("dy", _zeros(2, 4, 2, 3)),
        ("dy", _zeros(2, 3, 0, 3)),
        ("input_shape", (3, 6)), ("input_shape", None), ("input_shape", (2, 3, 0, 7)),
        ("input_shape", (2, 3, 6, "7")),
    ],
    "batch_norm": [
        ("x", _zeros()), ("x", _zeros(3)), ("x", _zeros(1, 3)), ("x", _zeros(1, 3, 1, 1)),
        ("running_mean", _zeros(4)), ("running_mean", _zeros(3, 1)), ("running_mean", _huge(3)),
        ("running_var", _zeros(2)), ("running_var", _zeros()), ("running_var", _huge(3)),
        ("weight", _zeros(4)), ("weight", _zeros(1, 3)), ("weight", np.zeros(3, np.float32)),
        ("bias", _zeros(4)),
        ("bias", np.zeros(3, np.float32)), ("training", 1), ("training", None), ("training", "yes"),
        ("momentum", None), ("momentum", "0.1"), ("momentum", math.nan), ("momentum", math.inf),
        ("momentum", True),
        ("eps", -1e-5), ("eps", math.nan), ("eps", None), ("eps", "small"), ("eps", 1j),
        ("running_mean", {"running_mean": None, "training": False}),
        ("running_var", {"running_var": None, "training": False}),
    ],
    "batch_norm_backward": [
        ("dy", _zeros(4, 3, 2)), ("dy", _zeros(4, 2, 2, 3)), ("dy", np.zeros((4, 3, 2, 2), np.float32)),
        ("x", _zeros(4)),
        ("weight", _zeros(2)), ("training", 0), ("eps", -1.0), ("running_mean", {"training": False}),
        ("x", {"x": _zeros(1, 3), "dy": _zeros(1, 3)}),
    ],
    "linear": [
        ("x", _zeros()), ("x", _zeros(4)), ("x", _zeros(5, 4)), ("x", _zeros(4, 5, 1)),
        ("x", np.zeros((4, 5), "f4")),
        ("weight", _zeros(5)), ("weight", _zeros(3, 5, 1)), ("weight", _zeros(5, 3)), ("bias", _zeros(5)),
        ("bias", _zeros(3, 1)), ("bias", np.zeros(3, np.float32)),
    ],
    "linear_backward": [
        ("dy", _zeros(4, 5)), ("dy", _zeros(3)), ("dy", _zeros(3, 4)), ("dy", np.zeros((4, 3), np.float32)),
        ("x", _zeros(4, 6)), ("x", _zeros()), ("weight", _zeros(3)), ("weight", _zeros(3, 4)),
    ],
    "relu_backward": [("dy", _zeros(5, 4)), ("dy", _zeros()), ("dy", np.zeros((4, 5), np.float32))],
    **{
        f"{name}_backward": [("dy", _zeros(5, 4)), ("dy", _zeros()), ("dy", np.zeros((4, 5), np.float32))]
        for name in ("sigmoid", "tanh", "exp", "sqrt")
    },
    "clamp": [
        ("min, max or both", {"min": None, "max": None}),
        ("min", math.nan), ("min", "0"), ("min", True), ("min", 1j), ("min", _zeros(4, 5)), ("min", [0.0]),
        ("max", math.nan), ("max", "0"), ("max", np.bool_(True)), ("max", _zeros()),
    ],
    "clamp_backward": [
        ("dy", _zeros(5, 4)), ("dy", _zeros()), ("dy", np.zeros((4, 5), np.float32)),
        ("min, max or both", {"min": None, "max": None}), ("min", math.nan), ("max", "0"),
    ],
    "softmax": [
        ("dim", 2), ("dim", -3), ("dim", 1.0), ("dim", "1"), ("dim", True), ("dim", 2**70), ("dim", (0, 1)),
        ("dim", {"x": _zeros(), "dim": 1}), ("dim", {"x": _zeros(5), "dim": 1}),
    ],
    "softmax_backward": [("dy", _zeros(5, 4)), ("dy", np.zeros((4, 5), np.float32)), ("dim", 2),
    ("dim", 0.0)],
    "log_softmax": [("dim", 2), ("dim", -3), ("dim", None.__class__), ("dim", math.nan)],
    "log_softmax_backward": [("dy", _zeros(20)), ("dim", -3), ("dim", [1])],
    "dropout": [
        ("p", -0.1), ("p", 1.1), ("p", math.nan), ("p", math.inf), ("p", "half"), ("p", None), ("p", True),
        ("p", 1j),
        ("generator", None), ("generator", 0), ("generator", np.random), ("training", "no"), ("training", 1),
    ],
    "stochastic_depth": [
        ("p", -0.1), ("p", 1.1), ("p", math.nan), ("p", None), ("p", True), ("mode", "column"),
        ("mode", None), ("mode", 1), ("generator", None), ("generator", 0), ("training", "no"),
        ("x", _zeros()),
    ],
    "stochastic_depth_backward": [
        ("mask", _zeros(4)), ("mask", _zeros(4, 5)), ("mask", _zeros(2, 1)), ("mask", _zeros()),
    ],
    "dropout_backward": [("mask", _zeros(5, 4)), ("mask", _zeros(4)), ("mask", _zeros())],
    "cross_entropy": [
        ("logits", _zeros()), ("logits", _zeros(4, 0)),
        ("logits", {"logits": _zeros(0), "target": np.array(0)}),
        ("target", _labels(0, 1, 2)), ("target", _zeros(4)), ("target", _zeros(4, 4)),
        ("target", np.array(1)), ("target", 1),
        ("target", np.zeros((4, 1), int)), ("target", np.zeros((1, 4), int)),
        ("target", np.zeros((4, 3), np.float32)),
        ("target", _labels(0, 1, 2, 3)), ("target", _labels(0, -1, 2, 0)),
        ("target", _labels(0, 2**62, 1, 0)),
        ("target", _labels(0, 1, -(2**63), 0)), ("target", _labels(0, 1, -101, 0)),
        ("target", np.array([0, 1, 2, 2**64 - 1], np.uint64)), ("target", np.array([0, 1, 2, 200], np.uint8)),
        ("target", np.full((4, 3), math.nan)), ("target", np.full((4, 3), math.inf)),
        ("weight", _zeros(4)), ("weight", _zeros(3, 1)), ("weight", np.zeros(3, np.float32)),
        ("ignore_index", 1.5), ("ignore_index", None), ("ignore_index", "1"), ("ignore_index", 2**63),
        ("reduction", "average"), ("reduction", None), ("reduction", 1), ("reduction", "MEAN"),
        ("label_smoothing", -0.1), ("label_smoothing", 1.5), ("label_smoothing", math.nan),
        ("label_smoothing", None),
        ("label_smoothing", True), ("label_smoothing", "0.1"),
        ("sample_weight", _zeros(3)), ("sample_weight", np.array([1, 1, -1, 1.0])),
    ],
    "nll_loss": [
        ("log_probs", _zeros()), ("log_probs", _zeros(4, 0)), ("target", _labels(0, 1)),
        ("target", _zeros(4)),
        ("target", _zeros(4, 3)), ("target", _labels(0, 3, 0, 0)), ("target", _labels(0, -2, 0, 0)),
        ("target", 2),
        ("target", np.zeros((4, 1), int)), ("target", np.array([0, 0, 0, 2**63], np.uint64)),
        ("target", np.full(4, math.nan)),
        ("weight", _zeros(2)), ("weight", np.zeros(3, np.float32)), ("reduction", "all"),
        ("reduction", b"mean"),
        ("ignore_index", 0.0), ("ignore_index", True), ("sample_weight", _zeros(5)),
        ("sample_weight", np.array([1, 1, math.nan, 1.0])),
    ],
    **{
        name: [
            ("target", _zeros(3, 4)), ("target", np.zeros((4, 3), np.float32)),
            # Those of one loss are repeated.
            *[("target", _zeros(*own)) for own in ((3,), (4, 1), ()) if name != "gaussian_nll_loss"],
            ("reduction", "avg"), ("reduction", 0),
            ("sample_weight", _zeros(3)), ("sample_weight", _zeros(4, 1)), ("sample_weight", _zeros()),
            ("sample_weight", [1, 1, 1, 1]), ("sample_weight", np.ones(4, int)),
            ("sample_weight", np.array([1, 1, -1, 1.0])), ("sample_weight", np.array([1, 1, math.nan, 1])),
            ("sample_weight", np.array([1, 1, 1, math.inf])),
            *more,
        ]
        for name, more in {
            "mse_loss": [],
            "l1_loss": [],
            "smooth_l1_loss": [("beta", -1e-9), ("beta", math.nan), ("beta", "1"), ("beta", None)],
            "huber_loss": [("delta", 0), ("delta", -1.0), ("delta", math.inf), ("delta", True)],
            "kl_div": [("log_target", 1), ("log_target", None)],
            "poisson_nll_loss": [("log_input", 1), ("full", None), ("eps", -1), ("eps", "0")],
            "soft_margin_loss": [],
            "hinge_embedding_loss": [("margin", math.nan), ("margin", None)],
            "binary_cross_entropy": [
                ("input", _zeros(4, 3) - 1e-9), ("input", _zeros(4, 3) + 1.5),
                ("target", _zeros(4, 3) - 1e-9),
                ("target", _zeros(4, 3) + 1.5), ("weight", _zeros(4)), ("weight", _zeros(2, 4, 3)),
                ("weight", np.zeros(3, np.float32)),
            ],
            "binary_cross_entropy_with_logits": [
                ("weight", _zeros(4)), ("pos_weight", _zeros(4)), ("pos_weight", _zeros(2)),
                ("pos_weight", np.zeros(3, np.float32)),
            ],
            "gaussian_nll_loss": [
                ("var", _zeros(3, 4)), ("var", _zeros(1, 1)), ("var", _zeros(3)), ("var", _zeros(4, 3, 1)),
                ("var", _zeros(4, 3) - 1e-9), ("var", -1.0), ("var", math.inf), ("var", [1.0] * 4),
                ("var", np.zeros((4, 3), np.float32)), ("full", 1), ("eps", 0), ("eps", -1.0), ("eps", None),
            ],
        }.items()
    },
    "multi_margin_loss": [
        ("input", _zeros(4, 0)), ("input", _zeros(4, 3, 2)), ("target", _labels(0, 1)),
        ("target", _zeros(4)), ("target", _zeros(4, 3)), ("target", _labels(0, 3, 0, 0)),
        ("target", _labels(0, -1, 0, 0)), ("target", 2), ("target", np.zeros((4, 1), int)),
        ("weight", _zeros(2)), ("weight", np.zeros(3, np.float32)), ("reduction", "all"), ("p", 0), ("p", 3),
        ("p", 1.0), ("p", True), ("margin", math.nan), ("margin", "1"), ("sample_weight", _zeros(3)),
        ("sample_weight", _zeros(4) - 1),
    ],
}
# fmt: on
CALLS = [
    Invalid(function, f"{named}{i}", value if isinstance(value, dict) else {named: value}, named)
    for function, entries in SHAPES.items()
    for i, (named, value) in enumerate(entries)
]


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_is_refused(call: Invalid) -> None:
    assert isinstance(assert_refused(call), ArgumentError | DTypeError)
