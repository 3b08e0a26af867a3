"""Invalid calls of fastcnn.ops: valid ones to change, and how the refusal must look."""

import tracemalloc
from typing import Any, NamedTuple

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.errors import FastcnnError

ALLOWED_BYTES = 2**25


def zeros(*shape: int) -> np.ndarray:
    """Return float64 zeros."""
    return np.zeros(shape)


def huge(*shape: int, value: Any = 0.0) -> np.ndarray:
    """Return an array whose strides are all zero: any shape in a few bytes."""
    return np.broadcast_to(np.asarray(value), shape)


# A valid call of every function; a replaced argument makes it invalid.
# Losses that take nothing but two arrays of one shape, and numbers.
ELEMENTWISE_LOSSES = (
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "poisson_nll_loss",
    "soft_margin_loss",
    "hinge_embedding_loss",
)
VALID: dict[str, dict[str, Any]] = {
    "conv2d": {"x": zeros(2, 4, 5, 6), "weight": zeros(6, 4, 3, 3), "bias": zeros(6)},
    "conv2d_backward": {"dy": zeros(2, 6, 3, 4), "x": zeros(2, 4, 5, 6), "weight": zeros(6, 4, 3, 3)},
    "im2col": {"x": zeros(2, 4, 5, 6), "kernel_size": 2},
    "col2im": {"columns": zeros(2, 8, 6), "output_size": (3, 4), "kernel_size": 2},
    "zero_pad2d": {"x": zeros(2, 3, 4, 5), "padding": (1, 0, 2, 1)},
    "zero_pad2d_backward": {"dy": zeros(2, 3, 7, 6), "padding": (1, 0, 2, 1)},
    "max_pool2d": {"x": zeros(2, 3, 6, 7), "kernel_size": 2},
    "max_pool2d_backward": {
        "dy": zeros(2, 3, 3, 3),
        "argmax": np.zeros((2, 3, 3, 3), int),
        "input_shape": (2, 3, 6, 7),
    },
    "avg_pool2d": {"x": zeros(2, 3, 6, 7), "kernel_size": 2},
    "avg_pool2d_backward": {"dy": zeros(2, 3, 3, 3), "input_shape": (2, 3, 6, 7), "kernel_size": 2},
    "adaptive_avg_pool2d": {"x": zeros(2, 3, 6, 7), "output_size": (2, 3)},
    "adaptive_avg_pool2d_backward": {"dy": zeros(2, 3, 2, 3), "input_shape": (2, 3, 6, 7)},
    "adaptive_max_pool2d": {"x": zeros(2, 3, 6, 7), "output_size": (2, 3)},
    "max_unpool2d": {"x": zeros(2, 3, 3, 3), "indices": np.zeros((2, 3, 3, 3), int), "kernel_size": 2},
    "max_unpool2d_backward": {"dy": zeros(2, 3, 6, 6), "indices": np.zeros((2, 3, 3, 3), int)},
    "pad": {"x": zeros(2, 3, 4, 5), "padding": (1, 0, 2, 1), "mode": "reflect"},
    "pad_backward": {"dy": zeros(2, 3, 7, 6), "padding": (1, 0, 2, 1), "mode": "reflect"},
    "interpolate": {"x": zeros(2, 3, 4, 5), "size": (3, 7), "mode": "bilinear"},
    "interpolate_backward": {
        "dy": zeros(2, 3, 3, 7),
        "input_shape": (2, 3, 4, 5),
        "size": (3, 7),
        "mode": "bilinear",
    },
    "batch_norm": {
        "x": zeros(4, 3, 2, 2),
        "running_mean": zeros(3),
        "running_var": zeros(3),
        "weight": zeros(3),
        "bias": zeros(3),
        "training": True,
    },
    "batch_norm_backward": {"dy": zeros(4, 3, 2, 2), "x": zeros(4, 3, 2, 2), "weight": zeros(3)},
    "linear": {"x": zeros(4, 5), "weight": zeros(3, 5), "bias": zeros(3)},
    "linear_backward": {"dy": zeros(4, 3), "x": zeros(4, 5), "weight": zeros(3, 5)},
    "relu": {"x": zeros(4, 5)},
    "relu_backward": {"dy": zeros(4, 5), "x": zeros(4, 5)},
    **{name: {"x": zeros(4, 5)} for name in ("sigmoid", "tanh", "exp", "sqrt")},
    **{
        f"{name}_backward": {"dy": zeros(4, 5), "y": zeros(4, 5)}
        for name in ("sigmoid", "tanh", "exp", "sqrt")
    },
    "clamp": {"x": zeros(4, 5), "min": -1.0, "max": 1.0},
    "clamp_backward": {"dy": zeros(4, 5), "x": zeros(4, 5), "min": -1.0, "max": 1.0},
    "softmax": {"x": zeros(4, 5), "dim": 1},
    "softmax_backward": {"dy": zeros(4, 5), "y": zeros(4, 5), "dim": 1},
    "log_softmax": {"x": zeros(4, 5), "dim": 1},
    "log_softmax_backward": {"dy": zeros(4, 5), "y": zeros(4, 5), "dim": 1},
    "dropout": {"x": zeros(4, 5), "p": 0.5, "generator": np.random.default_rng(0)},
    "stochastic_depth": {"x": zeros(4, 5), "p": 0.5, "mode": "row", "generator": np.random.default_rng(0)},
    "stochastic_depth_backward": {"dy": zeros(4, 5), "mask": zeros(4, 1)},
    "dropout_backward": {"dy": zeros(4, 5), "mask": zeros(4, 5)},
    **{
        name: {"x": zeros(4, 5), "p": 0.5, "training": True, "generator": np.random.default_rng(0)}
        for name in ("dropout1d", "dropout2d", "alpha_dropout", "feature_alpha_dropout")
    },
    **{
        f"{name}_backward": {"dy": zeros(4, 5), "mask": zeros(4, 5)}
        for name in ("dropout1d", "dropout2d", "alpha_dropout", "feature_alpha_dropout")
    },
    "cross_entropy": {"logits": zeros(4, 3), "target": np.array([0, 1, 2, 0]), "weight": zeros(3)},
    "nll_loss": {"log_probs": zeros(4, 3), "target": np.array([0, 1, 2, 0]), "weight": zeros(3)},
    **{name: {"input": zeros(4, 3), "target": zeros(4, 3)} for name in ELEMENTWISE_LOSSES},
    "binary_cross_entropy": {"input": zeros(4, 3), "target": zeros(4, 3), "weight": zeros(3)},
    "binary_cross_entropy_with_logits": {
        "input": zeros(4, 3),
        "target": zeros(4, 3),
        "weight": zeros(4, 1),
        "pos_weight": zeros(3),
    },
    "gaussian_nll_loss": {"input": zeros(4, 3), "target": zeros(4, 3), "var": zeros(4, 3)},
    "multi_margin_loss": {"input": zeros(4, 3), "target": np.array([0, 1, 2, 0]), "weight": zeros(3)},
}


class Invalid(NamedTuple):
    """An invalid call: the function, what is changed in its valid call, what the message must name."""

    function: str
    label: str
    changes: dict[str, Any]
    named: str

    def __str__(self) -> str:
        return f"{self.function}-{self.label}"


def assert_refused(call: Invalid) -> FastcnnError:
    """Assert that fastcnn's exception names function and argument, and came before any memory was taken."""
    arguments = {**VALID[call.function], **call.changes}
    tracemalloc.start()
    try:
        with pytest.raises(FastcnnError) as caught:
            getattr(ops, call.function)(**arguments)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert message.startswith(call.function), message
    assert call.named in message, message
    assert peak < ALLOWED_BYTES, f"{peak:,} bytes were allocated before: {message}"
    return caught.value
