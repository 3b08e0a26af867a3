"""Sums, differences, products, quotients and powers of values, parameters, arrays and numbers."""

import math
import operator

import numpy as np
import pytest

from fastcnn import graph, nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError, SizeError
from fastcnn.graph.arithmetic import sum_to
from fastcnn.ops._images import sum_over_images

from .models import Formula, check_gradients, normal, passes

NAN, INF = math.nan, math.inf
OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
every = pytest.mark.parametrize("name", OPERATORS)


def _positive(*shape: int, seed: int = 0) -> np.ndarray:
    """Return numbers in [0.5, 2), which can be divided by and raised to any power."""
    return np.asarray(np.random.default_rng([seed, *shape]).uniform(0.5, 2, shape))


# By hand


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "y", "da", "db"),
    [
        ("+", [5, 2], [1, 10], [1, 10]),
        ("-", [1, -6], [1, 10], [-1, -10]),
        ("*", [6, -8], [2, 40], [3, -20]),
        ("/", [1.5, -0.5], [0.5, 2.5], [-0.75, 1.25]),
        ("**", [9, 16], [6, -320], [9 * math.log(3), NAN]),
    ],
)
def test_two_tensors_by_hand(name, y, da, db, dtype):
    a, b = np.array([3, -2], dtype), np.array([2, 4], dtype)
    found, grads = passes(OPERATORS[name], a, b, dy=np.array([1, 10], dtype))
    for each, expected in zip((found, *grads), (y, da, db), strict=True):
        assert each.dtype == dtype
        np.testing.assert_allclose(each, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "y", "dx"),
    [
        (lambda x: x + 3, [5, -1], [1, 1]),
        (lambda x: 3 + x, [5, -1], [1, 1]),
        (lambda x: x - 3, [-1, -7], [1, 1]),
        (lambda x: 3 - x, [1, 7], [-1, -1]),
        (lambda x: x * 3, [6, -12], [3, 3]),
        (lambda x: 3 * x, [6, -12], [3, 3]),
        (lambda x: x / 4, [0.5, -1], [0.25, 0.25]),
        (lambda x: 4 / x, [2, -1], [-1, -0.25]),
        (lambda x: x**2, [4, 16], [4, -8]),
        (lambda x: 2**x, [4, 0.0625], [4 * math.log(2), 0.0625 * math.log(2)]),
        (lambda x: -x, [-2, 4], [-1, -1]),
        (lambda x: x * True, [2, -4], [1, 1]),
        (lambda x: x * np.float64(0.5), [1, -2], [0.5, 0.5]),
        (lambda x: np.float64(0.5) * x, [1, -2], [0.5, 0.5]),
        (lambda x: x * np.array([1, 0]), [2, 0], [1, 0]),
        (lambda x: np.array([1.0, 0.5]) - x, [-1, 4.5], [-1, -1]),
        (lambda x: x * (x > 0), [2, 0], [1, 0]),
        (lambda x: x + x * x, [6, 12], [5, -7]),
        (lambda x: x - x, [0, 0], [0, 0]),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_tensor_and_constants_by_hand(function, y, dx, dtype):
    found, grad = passes(function, np.array([2, -4], dtype))
    assert found.dtype == grad.dtype == dtype
    np.testing.assert_allclose(found, y, rtol=1e-6)
    np.testing.assert_allclose(grad, dx, rtol=1e-6)


# Broadcasting

SHAPES = [
    ((2, 3, 4, 5), (2, 3, 4, 5)),
    ((2, 3, 4, 5), (1, 3, 4, 5)),  # over the batch
    ((2, 3, 4, 5), (3, 4, 5)),
    ((2, 3, 4, 5), (2, 3, 1, 1)),  # over pixels
    ((2, 3, 4, 5), (2, 1, 4, 5)),  # over channels
    ((2, 3, 4, 5), (3, 1, 1)),  # over batch and pixels
    ((2, 3, 4, 5), (5,)),
    ((2, 3, 4, 5), ()),
    ((2, 1, 4), (1, 3, 1)),  # both ways
    ((2, 1), (3, 1, 4)),
    ((1,), (4,)),
    ((), ()),
    ((0, 3), (3,)),  # no images
    ((9, 2), (2,)),  # more images than slots of a small batch
]


@every
@pytest.mark.parametrize(("a", "b"), SHAPES, ids=str)
def test_broadcasting_by_differences(name, a, b):
    function = OPERATORS[name]
    first, second = _positive(*a), _positive(*b, seed=1)
    check_gradients(function, [first, second])
    check_gradients(lambda x, y: function(y, x), [first, second])


@every
@pytest.mark.parametrize("shape", [(3, 1, 1), (4, 5), (), (1, 3, 1, 5)], ids=str)
def test_parameters_by_differences(name, shape):
    function = OPERATORS[name]
    x, weight = _positive(2, 3, 4, 5), _positive(*shape, seed=1)
    check_gradients(lambda x, w: function(x, w), [x], [weight])
    check_gradients(lambda x, w: function(w, x), [x], [weight])
    check_gradients(lambda x, a, b: x * function(a, b), [x], [weight, weight + 0.5])


@every
@pytest.mark.parametrize(
    "constant", [1.5, np.float32(2.5), _positive(3, 1, 1)], ids=["number", "scalar", "array"]
)
def test_constants_by_differences(name, constant):
    function = OPERATORS[name]
    x = _positive(2, 3, 2, 2)
    check_gradients(lambda x: function(x, constant), [x])
    check_gradients(lambda x: function(constant, x), [x])
    check_gradients(lambda x, w: x * function(constant, w), [x], [_positive(2)])
    check_gradients(lambda x, w: x * function(w, constant), [x], [_positive(3, 1, 1)])


def test_a_constant_array_may_have_more_axes_than_the_tensor():
    y, dx = passes(lambda x: x * np.array([[1.0, 2], [3, 4]]), np.array([10.0, 20]))
    np.testing.assert_array_equal(y, [[10, 40], [30, 80]])
    np.testing.assert_array_equal(dx, [4, 6])


def test_the_gradient_of_what_was_broadcast_over_images_is_added_by_the_rule_of_slots():
    dy = normal(33, 4, 5, 5).astype(np.float32)
    expected = sum_over_images(dy.sum(axis=(2, 3), keepdims=True))
    np.testing.assert_array_equal(sum_to(dy, (4, 1, 1)), expected)
    np.testing.assert_array_equal(sum_to(dy, (1, 4, 1, 1)), expected[None])
    assert sum_to(dy, dy.shape) is dy


# Powers


def test_the_gradient_of_a_power_at_zero():
    """As in PyTorch: x ** 0 does not depend on x, and 0 ** b not on b."""
    a, b = np.zeros(5), np.array([0, 1, 2, 0.5, -1])
    y, (da, db) = passes(operator.pow, a, b)
    np.testing.assert_array_equal(y, [1, 0, 0, 0, INF])
    np.testing.assert_array_equal(da, [0, 1, 0, INF, -INF])
    np.testing.assert_array_equal(db, [0, 0, 0, 0, -INF])


def test_the_zeroth_power_of_anything_has_no_slope():
    y, dx = passes(lambda x: x**0, np.array([0, 2, -3, INF, NAN]))
    np.testing.assert_array_equal(y, 1)
    np.testing.assert_array_equal(dx, 0)


@pytest.mark.parametrize(
    ("power", "dx"), [(2, [-6, 10]), (3, [27, 75]), (-1, [-1 / 9, -1 / 25]), (1, [1, 1])]
)
def test_whole_powers_of_negative_numbers(power, dx):
    np.testing.assert_allclose(passes(lambda x: x**power, np.array([-3.0, 5.0]))[1], dx, rtol=1e-12)


def test_a_fractional_power_of_a_negative_number_is_nan():
    y, dx = passes(lambda x: x**0.5, np.array([-1.0]))
    assert np.isnan([y, dx]).all()


# No warnings


def test_division_by_zero_and_overflow_give_infinity_without_a_warning():
    y, dx = passes(lambda x: 1 / x, np.array([0.0, -0.0]))
    np.testing.assert_array_equal(y, [INF, -INF])
    np.testing.assert_array_equal(dx, [-INF, -INF])
    y, (da, db) = passes(operator.truediv, np.zeros(1), np.zeros(1))
    assert np.isnan([y, db]).all()
    assert da == INF
    y, dx = passes(lambda x: x * 1e30 * 1e30, np.ones(1, np.float32))
    assert y == dx == INF
    assert passes(lambda x: x * 1e300, np.ones(1, np.float32))[0] == INF


# Types


def test_integers_and_bools_among_the_tensors_are_constants():
    x, mask = np.array([1.5, 2.5], np.float32), np.array([True, False])
    for other in (mask, mask.astype(np.int64), mask.astype(np.uint8)):
        y, (dx, none) = passes(operator.mul, x, other)
        assert y.dtype == dx.dtype == np.float32
        np.testing.assert_array_equal(y, [1.5, 0])
        np.testing.assert_array_equal(dx, [1, 0])
        assert none.dtype == other.dtype
        assert not none.any()


def test_integers_alone_are_computed_as_numpy_does():
    model = Formula(lambda x, index: x * (index + 0.5) + index * index)
    y = model(np.ones(2), np.array([1, 2]))
    np.testing.assert_array_equal(y, [2.5, 6.5])
    np.testing.assert_array_equal(model.backward(np.ones(2))[0], [1.5, 2.5])


@pytest.mark.parametrize(
    ("function", "inputs", "error", "message"),
    [
        (lambda a: -a, [np.ones(2, bool)], DTypeError, "neg: x must be numbers, got bool"),
        (lambda a, b: a - b, [np.ones(2, bool)] * 2, DTypeError, "subtract: no result for bool and bool"),
        (lambda a: a**-2, [np.arange(1, 3)], ArgumentError, "power: integers have no negative powers"),
    ],
)
def test_what_numpy_has_no_result_for(function, inputs, error, message):
    with pytest.raises(error, match=message):
        Formula(function)(*inputs)


@pytest.mark.parametrize("swapped", [0, 1])
def test_the_order_of_bytes_is_no_type_of_its_own(swapped):
    given = [np.array([1.0, 2], np.float32), np.array([3.0, 4], np.float32)]
    given[swapped] = given[swapped].astype(">f4")
    model = Formula(lambda x, y, w: x * y + w, np.ones((), np.float32))
    y = model(*given)
    np.testing.assert_array_equal(y, [4, 9])
    da, db = model.backward(np.ones(2, ">f4"))
    assert y.dtype == da.dtype == db.dtype == np.float32
    np.testing.assert_array_equal([da, db], [[3, 4], [1, 2]])


# Parameters outside of a call


@every
def test_parameters_outside_of_a_call_give_arrays(name):
    function, weight = OPERATORS[name], np.array([1.5, 2], np.float32)
    parameter = nn.Parameter(weight.copy())
    for y, expected in [
        (function(parameter, 2), function(weight, np.float32(2))),
        (function(2, parameter), function(np.float32(2), weight)),
        (function(weight, parameter), function(weight, weight)),
        (function(np.float64(2), parameter), function(np.float32(2), weight)),
    ]:
        assert isinstance(y, np.ndarray)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y, expected)
    assert parameter.grad is None
    assert isinstance(function(nn.Parameter(np.ones(())), 2), np.ndarray)
    assert isinstance(-nn.Parameter(np.ones(())), np.ndarray)


# Errors


@every
def test_shapes_that_do_not_fit(name):
    word = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "**": "power"}[name]
    message = rf"{word}: sizes must be equal or 1, got the shapes \(2, 3\) and \(2,\)"
    with pytest.raises(ShapeError, match=message):
        passes(OPERATORS[name], np.ones((2, 3)), np.ones(2))
    with pytest.raises(ShapeError, match=message):
        passes(lambda x: OPERATORS[name](x, np.ones(2)), np.ones((2, 3)))


@every
def test_two_types_of_floats(name):
    message = r"the tensors must have one dtype, got float32 and float64; model\.float\(\) and"
    with pytest.raises(DTypeError, match=message):
        passes(OPERATORS[name], np.ones(2, np.float32), np.ones(2))
    with pytest.raises(DTypeError, match=message):
        Formula(OPERATORS[name], np.ones(2))(np.ones(2, np.float32))


@every
@pytest.mark.parametrize("other", [None, "1", [1, 2], 1j, np.array(["a"]), np.array([1j]), {}], ids=repr)
def test_other_operands(name, other):
    message = f"an operand must be a tensor, an array or a number, got {type(other).__name__}"
    for function in (lambda x: OPERATORS[name](x, other), lambda x: OPERATORS[name](other, x)):
        with pytest.raises(DTypeError, match=message):
            passes(function, np.ones(2))


def test_a_result_that_does_not_fit_into_memory():
    with pytest.raises(SizeError, match=r"multiply: the output would have the shape \(2097152, 2097152\)"):
        passes(lambda x: x * x.reshape(-1, 1), np.broadcast_to(np.ones(1), 2**21))


def test_one_step_can_be_applied_to_arrays():
    y = graph.apply(graph.Add(), np.ones(2), np.ones((3, 1)))
    np.testing.assert_array_equal(y, np.full((3, 2), 2))
