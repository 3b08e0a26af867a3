"""The functions of csrc/common/vfunctions.h and vexp.h, through the activations that are made of them."""

import math

import numpy as np
import pytest

from fastcnn._kernels import elementwise as kernels

from .helpers import poisoned

WIDE = np.longdouble


def _each(function):
    return lambda x: np.array([function(float(value)) for value in x], WIDE)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _normal_cdf(x):
    z = -x * np.sqrt(WIDE(0.5))
    near = z.astype(np.float64)
    slope = 2 / np.sqrt(WIDE(np.pi)) * np.exp(-(near.astype(WIDE) ** 2))
    return (_each(math.erfc)(near) - slope * (z - near)) / 2


# Row: its numbers, the function in more digits (math.erf has as many as float64: one more unit is allowed),
# the range, and the errors that are allowed in units of the last place.
FUNCTIONS = {
    "exp": ((0, 0), np.exp, (-80, 80), 2),
    "elu": ((1, 0), np.expm1, (-30, 0), 1.5),
    "log": ((0, 0), np.log, (1e-30, 5), 1.5),
    "tanh": ((0, 0), np.tanh, (-12, 12), 3),
    "sigmoid": ((0, 0), _sigmoid, (-30, 30), 3),
    "softplus": ((1, 1e9), lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))), (-30, 30), 4),
    "logsigmoid": ((0, 0), lambda x: np.minimum(x, 0) - np.log1p(np.exp(-abs(x))), (-30, 30), 4),
    "silu": ((0, 0), lambda x: x * _sigmoid(x), (-30, 30), 4),
    "mish": ((0, 0), lambda x: x * np.tanh(np.log1p(np.exp(x))), (-20, 30), 5),
    "erf": ((0, 0), _each(math.erf), (-6, 6), 4),
    "gelu": ((0, 0), lambda x: x * _normal_cdf(x), (-5, 6), 8),
}


@pytest.mark.parametrize("near", [1.0, 1e-3], ids=["whole range", "near 0"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors(isa, dtype, name, near):
    numbers, exact, (low, high), allowed = FUNCTIONS[name]
    x = np.random.default_rng(1).uniform(near * low, near * high, 4001).astype(dtype)
    y, want = poisoned(x.shape, dtype), exact(x.astype(WIDE))
    kernels.activation(y, x, kernels.ACTIVATIONS[name], *numbers)
    errors = abs(y.astype(WIDE) - want) / np.spacing(abs(want).astype(dtype)).astype(WIDE)
    worst = int(errors.argmax())
    assert errors[worst] <= allowed, f"{name}({x[worst]!r}): {float(errors[worst]):.2f} units"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_odd_and_even_lengths_and_numbers_without_a_result(isa, dtype, name):
    """NaN stays NaN in any place of a vector, and its neighbours are what they are without it."""
    numbers, _, (low, high), _ = FUNCTIONS[name]
    x = np.linspace(low, high, 37).astype(dtype)
    want, y = poisoned(x.shape, dtype), poisoned(x.shape, dtype)
    kernels.activation(want, x, kernels.ACTIVATIONS[name], *numbers)
    for place in (0, 7, 36):
        one = x.copy()
        one[place] = np.nan
        kernels.activation(y, one, kernels.ACTIVATIONS[name], *numbers)
        assert np.isnan(y).nonzero()[0].tolist() == [place]
        np.testing.assert_array_equal(np.delete(y, place), np.delete(want, place))


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("exp", (0, math.inf)),
        ("elu", (-1, math.inf)),
        ("tanh", (-1, 1)),
        ("sigmoid", (0, 1)),
        ("softplus", (0, math.inf)),
        ("logsigmoid", (-math.inf, 0)),
        ("erf", (-1, 1)),
    ],
)
def test_the_limits(isa, dtype, name, ends):
    y = poisoned((2,), dtype)
    for x in ([-math.inf, math.inf], [-1e4, 1e4]):
        kernels.activation(y, np.array(x, dtype), kernels.ACTIVATIONS[name], *FUNCTIONS[name][0])
        far = [
            1e4 * np.sign(end) if math.isinf(end) and name in ("elu", "softplus", "logsigmoid") else end
            for end in ends
        ]
        np.testing.assert_array_equal(y, ends if math.isinf(x[1]) else far)
