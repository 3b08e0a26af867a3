"""Functions of single elements inside a call: what fastcnn.ops computes, and its gradient."""

import math

import numpy as np
import pytest

from fastcnn import graph, nn, ops
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.nn import functional as F
from fastcnn.testing import tie_free

from .activations import CASES, DY, ERF, GELU, NONE, X
from .models import check_gradients, passes

FUNCTIONS = {
    "relu": (F.relu, ops.relu, ops.relu_backward),
    "sigmoid": (F.sigmoid, ops.sigmoid, ops.sigmoid_backward),
    "tanh": (F.tanh, ops.tanh, ops.tanh_backward),
    "exp": (F.exp, ops.exp, ops.exp_backward),
    "sqrt": (F.sqrt, ops.sqrt, ops.sqrt_backward),
}
every = pytest.mark.parametrize("name", [*FUNCTIONS, "clamp"])


def _input(name: str, *shape: int) -> np.ndarray:
    x = tie_free(shape, np.random.default_rng(5))
    return np.asarray(np.abs(x) + 0.5 if name == "sqrt" else x)


def _function(name: str):
    return (lambda x: F.clamp(x, -0.41, max=0.31)) if name == "clamp" else FUNCTIONS[name][0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_call_gives_the_bits_of_ops(name, dtype):
    function, forward, backward = FUNCTIONS[name]
    x = _input(name, 2, 3, 4, 5).astype(dtype)
    dy = np.cos(x)
    y, dx = passes(function, x, dy=dy)
    np.testing.assert_array_equal(y, forward(x))
    np.testing.assert_array_equal(dx, backward(dy, y))
    assert y.dtype == dx.dtype == dtype


@pytest.mark.parametrize("limits", [(-0.4, 0.3), (None, 0.3), (-0.4, None), (-math.inf, 0.3)], ids=str)
def test_clamp_gives_the_bits_of_ops(limits):
    x = _input("clamp", 2, 3, 4)
    dy = np.cos(x)
    y, dx = passes(lambda x: F.clamp(x, *limits), x, dy=dy)
    np.testing.assert_array_equal(y, ops.clamp(x, *limits))
    np.testing.assert_array_equal(dx, ops.clamp_backward(dy, x, *limits))


@pytest.mark.parametrize("shape", [(), (5,), (2, 3, 4), (0, 2)], ids=str)
@every
def test_gradients_by_differences(name, shape):
    function, x = _function(name), _input(name, *shape)
    check_gradients(function, [x])
    check_gradients(lambda x: function(function(x)) + x, [x + 0.003])
    check_gradients(lambda x, w: x * function(w), [x], [x + 0.003])


@every
def test_of_a_parameter_outside_of_a_call(name):
    x = _input(name, 4)
    y = _function(name)(nn.Parameter(x))
    assert isinstance(y, np.ndarray)
    np.testing.assert_array_equal(y, _function(name)(x))


def test_errors_name_the_function():
    for name, (function, _, _) in FUNCTIONS.items():
        with pytest.raises(DTypeError, match=f"{name}: x must be float32 or float64, got int64"):
            passes(function, np.ones(2, np.int64))
    with pytest.raises(ArgumentError, match="clamp: min, max or both must be given"):
        passes(F.clamp, np.ones(2))
    with pytest.raises(DTypeError, match="clamp: min must be a number, got '0'"):
        passes(lambda x: F.clamp(x, "0"), np.ones(2))


def test_a_new_function_is_a_formula_and_a_derivative():
    class Square(graph.Activation):
        of_output = False

        def formula(self, x):
            return x * x

        def derivative(self, dy, kept):
            return 2 * dy * kept

    check_gradients(lambda x: graph.apply(Square(), x), [_input("relu", 3, 4)])


def test_one_without_them_says_so():
    with pytest.raises(NotImplementedError):
        graph.apply(graph.Activation(), np.ones(2))
    with pytest.raises(NotImplementedError):
        graph.Activation().derivative(np.ones(2), np.ones(2))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_pytorchs_answers(name, dtype):
    """Of the function and of the layer."""
    case = CASES[name]
    x, dy = X.astype(dtype), DY.astype(dtype)
    y, dx = passes(lambda x: case.function(x, **case.given), x, dy=dy)
    tolerance = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, case.y, tolerance, tolerance)
    np.testing.assert_allclose(dx, case.dx, tolerance, 4 * tolerance)
    assert y.dtype == dx.dtype == dtype
    layer = case.layer(**case.given)
    np.testing.assert_array_equal(layer(x), y)
    np.testing.assert_array_equal(layer.backward(dy), dx)
    if NONE not in case.arguments.values():
        assert case.layer(**case.arguments).extra_repr() == case.layer().extra_repr()


@pytest.mark.parametrize(("function", "answers"), [(F.erf, ERF), (F.gelu, GELU)])
def test_pytorchs_answers_of_more_functions(function, answers):
    y, dx = passes(function, X, dy=DY)
    np.testing.assert_allclose(y, answers[0], 1e-14, 1e-15)
    np.testing.assert_allclose(dx, answers[1], 1e-13, 1e-15)


# x: PyTorch's value and derivative there, NaN where it has none.
ENDS = {
    F.hardswish: {-3: (0, 0), 3: (3, 1), math.inf: (math.inf, 1), -math.inf: (math.nan, 0)},
    F.hardsigmoid: {-3: (0, 0), 3: (1, 0), math.nan: (math.nan, 0)},
    F.relu6: {0: (0, 0), 6: (6, 0), math.nan: (math.nan, 0)},
    F.hardshrink: {0.5: (0, 0), -0.5: (0, 0), math.nan: (math.nan, 0), math.inf: (math.inf, 1)},
    F.softshrink: {0.5: (0, 0), -0.5: (0, 0), math.nan: (math.nan, 0), -math.inf: (-math.inf, 1)},
    F.elu: {math.nan: (math.nan, 1), -math.inf: (-1, 0), math.inf: (math.inf, 1), -1e4: (-1, 0)},
    F.logsigmoid: {math.inf: (0, 0), -math.inf: (-math.inf, 1), -1e4: (-1e4, 1), 1e4: (0, 0)},
    F.softplus: {math.inf: (math.inf, 1), -math.inf: (0, 0), 1e4: (1e4, 1), -1e4: (0, 0)},
    F.log: {
        0: (-math.inf, math.inf),
        math.inf: (math.inf, 0),
        -1: (math.nan, -1),
        math.nan: (math.nan, math.nan),
    },
    F.softsign: {math.inf: (math.nan, math.nan), 1e4: (0.99990001, 9.998e-9)},
    F.silu: {math.inf: (math.inf, math.nan), -math.inf: (math.nan, math.nan), -1e4: (0, 0), 1e4: (1e4, 1)},
    F.mish: {math.inf: (math.inf, math.nan), -math.inf: (math.nan, math.nan), -1e4: (0, 0), 1e4: (1e4, 1)},
    F.gelu: {math.inf: (math.inf, math.nan), -math.inf: (math.nan, math.nan), -1e4: (0, 0), 1e4: (1e4, 1)},
    F.tanhshrink: {math.inf: (math.inf, 1), 1e4: (9999, 1), -1e4: (-9999, 1)},
    F.threshold: {math.nan: (math.nan, 1), math.inf: (math.inf, 1), -math.inf: (1, 0)},
}


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [(function, x, expected) for function, ends in ENDS.items() for x, expected in ends.items()],
)
def test_the_ends(function, x, expected):
    given = (0.0, 1.0) if function is F.threshold else ()
    y, dx = passes(lambda x: function(x, *given), np.full(3, x, np.float64), dy=np.ones(3))
    np.testing.assert_allclose(y, expected[0], 1e-4)
    np.testing.assert_allclose(dx, expected[1], 1e-4)


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_kernels_by_differences(name):
    case = CASES[name]
    for given in (case.given, *case.others):
        check_gradients(lambda x, given=given: case.function(x, **given), [_input(name, 2, 3, 4)])


@pytest.mark.parametrize("name", CASES)
def test_nan_propagates(name):
    case = CASES[name]
    y, _ = passes(lambda x: case.function(x, **case.given), np.array([np.nan, 1.0]), dy=np.ones(2))
    assert np.isnan(y).tolist() == [True, False]


def test_leaky_relu_takes_a_finite_number():
    assert repr(nn.LeakyReLU()) == "LeakyReLU(negative_slope=0.01)"
    with pytest.raises(DTypeError, match=r"LeakyReLU: negative_slope must be a number, got '0\.1'"):
        nn.LeakyReLU("0.1")
    with pytest.raises(ArgumentError, match="leaky_relu: negative_slope must be finite, got nan"):
        F.leaky_relu(np.ones(2), math.nan)


def test_what_functions_refuse():
    x = np.ones(3)
    with pytest.raises(ArgumentError, match="hardtanh: min_val must not be above max_val, got 1 and -1"):
        F.hardtanh(x, 1, -1)
    with pytest.raises(ArgumentError, match="softplus: beta must not be 0"):
        F.softplus(x, 0)
    with pytest.raises(ArgumentError, match="celu: alpha must not be 0"):
        F.celu(x, 0)
    with pytest.raises(ArgumentError, match="softshrink: lambd must be at least 0 and finite, got -1"):
        F.softshrink(x, -1)
    with pytest.raises(ArgumentError, match="gelu: approximate must be one of 'none', 'tanh', got 'exact'"):
        F.gelu(x, "exact")
    with pytest.raises(ShapeError, match=r"glu: the size of axis -1 must be even, got the shape \(3,\)"):
        F.glu(x)


def test_what_layers_refuse():
    with pytest.raises(ArgumentError, match="Hardtanh: min_val must be below max_val, got 1 and 1"):
        nn.Hardtanh(1, 1)
    with pytest.raises(ArgumentError, match="Softplus: beta must not be 0"):
        nn.Softplus(0)
    with pytest.raises(ArgumentError, match="CELU: alpha must not be 0"):
        nn.CELU(0)
    with pytest.raises(ArgumentError, match="GELU: approximate must be one of 'none', 'tanh', got None"):
        nn.GELU(None)
    with pytest.raises(DTypeError, match="ReLU: inplace must be true or false, got 1"):
        nn.ReLU(1)
    with pytest.raises(
        ShapeError, match=r"Softmax2d: x must be \(N, C, H, W\) or \(C, H, W\), got the shape"
    ):
        nn.Softmax2d()(np.ones((2, 3)))
    with pytest.raises(ShapeError, match=r"Softmax2d: x must be .*, got the shape \(\)"):
        nn.Softmax2d()(None)
