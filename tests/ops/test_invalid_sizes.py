"""Windows that cannot be and sizes that pass 2**31, 2**32 or 2**63 are refused before any memory is taken."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fastcnn.errors import ArgumentError, DTypeError

from .refusal import ELEMENTWISE_LOSSES, Invalid, assert_refused
from .refusal import huge as _huge
from .refusal import zeros as _zeros

# fmt: off
# Windows: what no kernel_size, stride, padding, dilation may be; "" stands for every minimum of one.
POSITIVE = [0, -1, (1, 0), (1, 2, 3), (), 1.5, "2", None, True, (1, "2"), (1, None), math.nan, 1j,
            np.array([1.0, 2.0]), 2**63]
PADDINGS = [-1, (0, -1), (1, 2, 3), (0, 0, 0, -1), (1, 2, 3, 4, 5), (), 0.5, None, (1, None), True, 1j, 2**63,
            [[1, 2]]]
WINDOWS = {
    "conv2d": ("stride", "dilation", "groups"),
    "conv2d_backward": ("stride", "dilation"),
    "im2col": ("kernel_size", "stride", "dilation"),
    "col2im": ("kernel_size", "stride", "dilation"),
    "max_pool2d": ("kernel_size", "stride", "dilation"),
    "max_unpool2d": ("kernel_size", "stride"),
    "avg_pool2d": ("kernel_size", "stride"),
    "avg_pool2d_backward": ("kernel_size", "stride"),
}
BIG = 2**40
# Sizes whose product passes 2**31, 2**32 or 2**63, or is 0 or small when taken modulo those.
SIZES: list[tuple[str, dict[str, Any], str]] = [
    *(("conv2d", {"padding": n, **more}, "conv2d")
      for n in (2**31 - 1, 2**31, 2**32, 2**33, BIG, 2**61, 2**62 - 1)
      for more in ({}, {"x": _zeros(0, 4, 5, 6)}, {"padding": (n, 0, n, 0)})),
    ("conv2d", {"x": _huge(2**20, 4, 2**12, 2**12)}, "conv2d"),
    ("conv2d", {"x": _huge(2**30, 4, 2**10, 2**10)}, "conv2d"),
    ("conv2d", {"weight": _huge(2**45, 4, 3, 3), "bias": None}, "conv2d"),
    ("conv2d", {"weight": _huge(2**45, 4, 3, 3), "bias": _huge(2**45)}, "conv2d"),
    ("conv2d", {"weight": _huge(6, 4, 2**24, 2**24), "padding": 2**24}, "conv2d"),
    ("conv2d", {"weight": _huge(0, 4, 3, 3), "bias": None, "padding": 2**33}, "conv2d"),
    ("conv2d", {"dilation": 2**62}, "kernel"),
    ("conv2d", {"dilation": 2**61, "padding": 2**61}, "conv2d"),
    ("conv2d_backward", {"padding": 2**32}, "dy"),
    ("conv2d_backward", {"dy": _huge(2, 6, 2**28 + 3, 2**28 + 4), "padding": 2**27}, "conv2d_backward"),
    ("conv2d_backward", {"dy": _huge(2**44, 6, 3, 4), "x": _huge(2**44, 4, 5, 6)}, "conv2d_backward"),
    ("conv2d_backward", {"dy": _huge(2, 2**44, 3, 4), "weight": _huge(2**44, 4, 3, 3)}, "conv2d_backward"),
    *(("im2col", {"kernel_size": n, "padding": n}, "im2col") for n in (2**15, 2**16, 2**31, 2**32, 2**61)),
    ("im2col", {"kernel_size": 2**16, "padding": 2**16, "x": _zeros(0, 4, 5, 6)}, "im2col"),
    ("im2col", {"x": _huge(2**24, 4, 2**12, 2**12)}, "im2col"),
    ("col2im", {"columns": _zeros(1, 4, 1), "output_size": (BIG, BIG), "stride": BIG}, "col2im"),
    ("col2im", {"columns": _zeros(1, 4, 1), "output_size": (2**32, 2**32), "stride": 2**32}, "col2im"),
    ("col2im", {"columns": _zeros(0, 4, 1), "output_size": (2**32, 2**32), "stride": 2**32}, "col2im"),
    ("col2im", {"columns": _huge(2**45, 8, 6)}, "col2im"),
    *(("zero_pad2d", {"padding": n, **more}, "zero_pad2d")
      for n in (2**31, 2**32, BIG, 2**61) for more in ({}, {"x": _zeros(0, 3, 4, 5)})),
    ("zero_pad2d", {"x": _huge(2**20, 2**10, 2**10, 2**10)}, "zero_pad2d"),
    ("zero_pad2d_backward", {"dy": _huge(2**20, 2**10, 2**10, 2**10)}, "zero_pad2d_backward"),
    ("zero_pad2d_backward", {"padding": 2**62}, "dy"),
    *(("max_pool2d", {"padding": n, "kernel_size": 2 * n, "stride": 1, **more}, "max_pool2d")
      for n in (2**61, 2**62 - 1) for more in ({}, {"dilation": 2})),
    ("max_pool2d", {"kernel_size": 2**33 + 1, "padding": 2**32, "dilation": 2**30}, "max_pool2d"),
    ("max_pool2d", {"x": _huge(2**20, 2**10, 2**10, 2**10)}, "max_pool2d"),
    ("max_pool2d", {"x": _huge(2**32, 1, 2**13, 2**13), "kernel_size": 2**13}, "max_pool2d"),
    ("max_pool2d_backward", {"input_shape": (2, 3, BIG, BIG)}, "max_pool2d_backward"),
    ("max_pool2d_backward", {"input_shape": (2, 3, 2**32, 2**32)}, "max_pool2d_backward"),
    ("max_pool2d_backward", {"input_shape": (2, 3, 2**63, 1)}, "input_shape"),
    (
        "max_pool2d_backward",
        {"input_shape": (0, 3, BIG, BIG), "dy": _zeros(0, 3, 1, 1), "argmax": np.zeros((0, 3, 1, 1), int)},
        "max_pool2d_backward",
    ),
    (
        "max_pool2d_backward",
        {"dy": _huge(2, 3, 2**24, 2**24), "argmax": _huge(2, 3, 2**24, 2**24, value=0)},
        "max_pool2d_backward",
    ),
    ("avg_pool2d", {"x": _huge(2**20, 2**10, 2**10, 2**10)}, "avg_pool2d"),
    ("avg_pool2d", {"padding": 2**61, "kernel_size": 2**62, "stride": 1}, "avg_pool2d"),
    ("avg_pool2d_backward", {"input_shape": (2, 3, BIG, BIG), "kernel_size": 2**39}, "dy"),
    (
        "avg_pool2d_backward",
        {"input_shape": (2, 3, BIG, BIG), "kernel_size": 2**39, "dy": _zeros(2, 3, 2, 2)},
        "avg_pool2d_backward",
    ),
    *(("adaptive_avg_pool2d", {"output_size": n, **more}, "adaptive_avg_pool2d")
      for n in (2**31, 2**32, (2**16, 2**48), BIG, 2**62, 2**63) for more in ({}, {"x": _zeros(0, 3, 6, 7)})),
    ("adaptive_avg_pool2d", {"x": _huge(2**20, 2**10, 2**10, 2**10)}, "adaptive_avg_pool2d"),
    ("adaptive_avg_pool2d_backward", {"input_shape": (2, 3, BIG, BIG)}, "adaptive_avg_pool2d_backward"),
    ("adaptive_avg_pool2d_backward", {"input_shape": (2, 3, 2**32, 2**32)}, "adaptive_avg_pool2d_backward"),
    *(("adaptive_max_pool2d", {"output_size": n, **more}, "adaptive_max_pool2d")
      for n in (2**31, 2**32, (2**16, 2**48), BIG, 2**62, 2**63) for more in ({}, {"x": _zeros(0, 3, 6, 7)})),
    *(("pad", {"padding": n, "mode": mode, **more}, "pad") for n in (2**31, 2**32, BIG, 2**61)
      for mode in ("constant", "replicate") for more in ({}, {"x": _zeros(0, 3, 4, 5)})),
    ("pad", {"x": _huge(2**20, 2**10, 2**10, 2**10)}, "pad"),
    ("pad_backward", {"dy": _huge(2**20, 2**10, 2**10, 2**10)}, "pad_backward"),
    ("pad_backward", {"padding": 2**62}, "dy"),
    *(("interpolate", {"size": n, "mode": mode, **more}, "interpolate")
      for n in (2**31, BIG, 2**62, (1, 2**62)) for mode in ("nearest", "bicubic", "area")
      for more in ({}, {"x": _zeros(0, 3, 4, 5)})),
    *(("interpolate", {"size": None, "scale_factor": n}, "interpolate") for n in (2.0**30, 2.0**62, 1e300)),
    ("interpolate", {"size": (1, 2**61), "antialias": True}, "interpolate"),
    ("interpolate", {"x": _huge(2**20, 2**10, 2**10, 2**10), "size": 2**10}, "interpolate"),
    ("interpolate_backward", {"input_shape": (2, 3, BIG, BIG)}, "interpolate_backward"),
    ("interpolate_backward", {"input_shape": (2, 3, 2**61, 1)}, "interpolate_backward"),
    ("interpolate_backward", {"size": 2**40}, "dy"),
    *((name, {"x": _huge(2**25, 2**25)}, name)
      for name in ("dropout2d", "alpha_dropout", "feature_alpha_dropout")),
    *((f"{name}_backward", {"dy": _huge(2**25, 2**25), "mask": _huge(2**25, 2**25)}, f"{name}_backward")
      for name in ("dropout2d", "alpha_dropout", "feature_alpha_dropout")),
    ("batch_norm", {"x": _huge(2**45, 3, 2, 2)}, "batch_norm"),
    ("batch_norm", {"x": _huge(4, 3, 2**24, 2**24)}, "batch_norm"),
    ("batch_norm",
     {"x": _huge(0, 2**45), "running_mean": None, "running_var": None, "weight": None, "bias": None},
     "batch_norm"),
    ("batch_norm_backward", {"x": _huge(2**45, 3, 2, 2), "dy": _huge(2**45, 3, 2, 2)}, "batch_norm_backward"),
    ("linear", {"x": _huge(2**50, 5)}, "linear"),
    ("linear", {"weight": _huge(2**50, 5), "bias": None}, "linear"),
    ("linear", {"x": _huge(BIG, 0), "weight": _huge(BIG, 0), "bias": None}, "linear"),
    ("linear_backward", {"x": _huge(2**50, 5), "dy": _huge(2**50, 3)}, "linear_backward"),
    ("relu", {"x": _huge(2**25, 2**25)}, "relu"),
    ("relu_backward", {"x": _huge(2**25, 2**25), "dy": _huge(2**25, 2**25)}, "relu_backward"),
    *((name, {"x": _huge(2**25, 2**25)}, name) for name in ("sigmoid", "tanh", "exp", "sqrt", "clamp")),
    *((name, {"dy": _huge(2**25, 2**25), "y": _huge(2**25, 2**25)}, name)
      for name in ("sigmoid_backward", "tanh_backward", "exp_backward", "sqrt_backward")),
    ("clamp_backward", {"dy": _huge(2**25, 2**25), "x": _huge(2**25, 2**25)}, "clamp_backward"),
    ("softmax", {"x": _huge(2**25, 2**25)}, "softmax"),
    ("softmax_backward", {"dy": _huge(2**25, 2**25), "y": _huge(2**25, 2**25)}, "softmax_backward"),
    ("log_softmax", {"x": _huge(2**25, 2**25)}, "log_softmax"),
    ("log_softmax_backward", {"dy": _huge(2**25, 2**25), "y": _huge(2**25, 2**25)}, "log_softmax_backward"),
    ("dropout", {"x": _huge(2**25, 2**25)}, "dropout"),
    ("dropout_backward", {"dy": _huge(2**25, 2**25), "mask": _huge(2**25, 2**25)}, "dropout_backward"),
    ("stochastic_depth", {"x": _huge(2**25, 2**25)}, "stochastic_depth"),
    ("stochastic_depth_backward", {"dy": _huge(2**25, 2**25), "mask": _huge(1, 1)}, "stochastic_depth_backw"),
    ("cross_entropy", {"logits": _huge(2**48, 3), "target": _huge(2**48, value=0)}, "cross_entropy"),
    ("cross_entropy", {"logits": _huge(2**48, 3), "target": _huge(2**48, 3)}, "cross_entropy"),
    ("cross_entropy", {"logits": _huge(4, 2**48), "weight": None}, "cross_entropy"),
    ("nll_loss", {"log_probs": _huge(2**48, 3), "target": _huge(2**48, value=0)}, "nll_loss"),
    ("nll_loss", {"log_probs": _huge(4, 2**48), "weight": None}, "nll_loss"),
    *((name, {"input": _huge(2**25, 2**25), "target": _huge(2**25, 2**25)}, name)
      for name in ELEMENTWISE_LOSSES),
    *((name, {"input": _huge(2**45, 0), "target": _huge(2**45, 0)}, name) for name in ELEMENTWISE_LOSSES),
    ("binary_cross_entropy", {"input": _huge(2**25, 2**25), "target": _huge(2**25, 2**25), "weight": None},
     "binary_cross_entropy"),
    ("multi_margin_loss", {"input": _huge(2**48, 3), "target": _huge(2**48, value=0)}, "multi_margin_loss"),
    ("multi_margin_loss", {"input": _huge(4, 2**48), "weight": None}, "multi_margin_loss"),
]
# fmt: on


def _windows() -> Iterator[Invalid]:
    for function, names in WINDOWS.items():
        for name in names:
            for value in POSITIVE:
                # A pooling's stride is its kernel_size if it is None; groups is one number.
                if not (value is None and name == "stride" and "pool" in function):
                    yield Invalid(function, f"{name}-{value!r}", {name: value}, name)
    for function in (
        "conv2d",
        "conv2d_backward",
        "im2col",
        "col2im",
        "zero_pad2d",
        "max_pool2d",
        "avg_pool2d",
    ):
        for value in [*PADDINGS, *([] if function == "conv2d_backward" else ["full", "SAME", b"same"])]:
            yield Invalid(function, f"padding-{value!r}", {"padding": value}, "padding")
    for function in ("max_pool2d", "avg_pool2d", "avg_pool2d_backward"):
        for value in (2, (0, 2), (2, 0), (0, 2, 0, 0), (0, 0, 0, 2), 2**31, 2**62):
            yield Invalid(function, f"padding-over-half-{value!r}", {"padding": value}, "padding")
        for value in (1, 0, None, "True", 1.0):
            yield Invalid(function, f"ceil_mode-{value!r}", {"ceil_mode": value}, "ceil_mode")
    for function in ("conv2d", "conv2d_backward"):
        yield Invalid(function, "same-with-stride", {"padding": "same", "stride": 2}, "stride")


@pytest.mark.parametrize("call", list(_windows()), ids=str)
def test_a_window_is_refused(call: Invalid) -> None:
    assert isinstance(assert_refused(call), ArgumentError | DTypeError)


@pytest.mark.parametrize(
    "call",
    [Invalid(function, f"{i}", changes, named) for i, (function, changes, named) in enumerate(SIZES)],
    ids=str,
)
def test_a_size_is_refused(call: Invalid) -> None:
    assert isinstance(assert_refused(call), ArgumentError)
