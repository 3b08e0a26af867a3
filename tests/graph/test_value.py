"""Values: what they are, what Python and NumPy do with them, and what is not recorded."""

import operator

import numpy as np
import pytest

from fastcnn import graph, nn
from fastcnn.errors import DTypeError, StateError
from fastcnn.nn import functional as F

from .models import Formula, check_gradients, normal, passes


def _seen(look, x=None):
    """Return what a function makes of a value inside a call, and the model."""
    found = []
    model = Formula(lambda x: found.append(look(x)) or x * 2)
    model(np.array([[1.0, 2, 3]]) if x is None else x)
    return found[0], model


def _assert_recorded(model):
    np.testing.assert_array_equal(model.backward(np.ones((1, 3))), [[2, 2, 2]])


# What a value is


def test_a_value_tells_its_sizes_and_type():
    look = lambda x: (x.shape, x.ndim, x.dtype, x.size(), x.size(1), x.size(-2), x.numel(), len(x), repr(x))  # noqa: E731
    found, model = _seen(look)
    assert found == ((1, 3), 2, np.float64, (1, 3), 3, 1, 3, 1, "Value(shape=(1, 3), dtype=float64)")
    _assert_recorded(model)


def test_a_value_without_axes_is_a_number_for_python():
    found, _ = _seen(lambda x: (x.item(), float(x), int(x), bool(x), x.numpy()), np.array(2.5))
    assert found == (2.5, 2.5, 2, True, np.array(2.5))
    assert [type(each) for each in found[:4]] == [float, float, int, bool]


def test_forward_can_branch_on_values():
    model = Formula(lambda x: x * 2 if x.sum() > 0 else x * 3)
    for x, factor in ((1.0, 2), (-1.0, 3)):
        dx = model.backward(np.ones_like(model(np.full(2, x))))
        np.testing.assert_array_equal(dx, factor)


def test_values_are_keys_by_identity():
    found, _ = _seen(lambda x: {x: 1}[x])
    assert found == 1


def test_a_value_cannot_be_changed_in_place():
    def change(x):
        x[0] = 1

    with pytest.raises(DTypeError, match="a value cannot be changed in place: make a new one"):
        _seen(change)


# What has no gradient


@pytest.mark.parametrize(
    "compare",
    [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, np.greater, np.not_equal],
)
def test_comparisons_give_arrays_of_bools(compare):
    x = np.array([[1.0, 2, 3]])
    for other in (2, np.array([3.0, 2, 1]), np.float32(2)):
        for function in (lambda x, o=other: compare(x, o), lambda x, o=other: compare(o, x)):
            found, model = _seen(function)
            assert isinstance(found, np.ndarray)
            np.testing.assert_array_equal(found, function(x))
            _assert_recorded(model)
    threshold = nn.Parameter(np.array([3.0, 2, 1]))
    found, model = _seen(lambda x: compare(x, threshold))
    np.testing.assert_array_equal(found, compare(x, threshold.data))
    found, model = _seen(lambda x: compare(x, x * x))
    np.testing.assert_array_equal(found, compare(x, x * x))
    _assert_recorded(model)


@pytest.mark.parametrize(
    "function",
    [
        np.isnan,
        np.isinf,
        np.isfinite,
        np.sign,
        np.logical_not,
        lambda x: np.logical_and(x, x > 1),
        np.shape,
        np.ndim,
        np.size,
        np.argmax,
        lambda x: np.argsort(x, axis=1),
        np.zeros_like,
        lambda x: np.full_like(x, 3),
        lambda x: x.numpy(),
        lambda x: x.numpy().max(),
    ],
)
def test_what_has_no_gradient_can_be_asked(function):
    found, model = _seen(function)
    expected, _ = _seen(lambda x: function(_Array(x.numpy())))
    np.testing.assert_array_equal(found, expected)
    _assert_recorded(model)


class _Array(np.ndarray):
    def __new__(cls, array):
        return np.asarray(array).view(cls)

    def numpy(self):
        return np.asarray(self)


# What NumPy records, and what it does not


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.true_divide, np.divide, np.power])
def test_arithmetic_by_numpys_names_is_recorded(ufunc):
    x, w = np.abs(normal(2, 3)) + 0.5, np.abs(normal(3, seed=1)) + 0.5
    check_gradients(lambda x: ufunc(x, 2.5), [x])
    check_gradients(lambda x: ufunc(np.array([1.0, 2, 3]), x), [x])
    check_gradients(lambda x, w: ufunc(x, w), [x], [w])
    check_gradients(lambda x, w: ufunc(w, x), [x], [w])


# Name in the message: a function that NumPy computes.
NUMPY = {
    "numpy.exp was called on a value": np.exp,
    "numpy.maximum was called on a value": lambda x: np.maximum(x, 0),
    "numpy.where was called on a value": lambda x: np.where(x > 0, x, 0),
    "numpy.concatenate was called on a value": lambda x: np.concatenate([x, x], axis=1)[:, :3],
    "numpy.mean was called on a value": lambda x: np.mean(x, axis=0, keepdims=True),
    "numpy.add was called on a value": lambda x: np.add.reduce(x, axis=0, keepdims=True),
    "numpy.matmul was called on a value": lambda x: np.eye(1) @ x,
    "an array was made of a value": np.asarray,
}


@pytest.mark.parametrize("message", NUMPY)
def test_what_numpy_computes_is_a_constant_and_backward_says_so(message):
    function, x = NUMPY[message], np.array([[1.0, 2, 3]])
    model = Formula(lambda x: x * function(x))
    np.testing.assert_array_equal(model(x), x * function(x))
    with pytest.raises(StateError) as caught:
        model.backward(np.ones((1, 3)))
    assert message in str(caught.value)
    assert f"({__file__}:" in str(caught.value)
    assert "use functions of fastcnn, x.numpy() for what has no gradient" in str(caught.value)
    np.testing.assert_array_equal(model.predict(x, engine=False), x * function(x))


def test_the_first_of_several_is_named_and_the_next_call_starts_anew():
    model = Formula(lambda x: x + (np.exp(x) + np.abs(x)) if x.sum() > 0 else x)
    model(np.ones(2))
    with pytest.raises(StateError, match=r"numpy\.exp was called"):
        model.backward(np.ones(2))
    model(-np.ones(2))
    np.testing.assert_array_equal(model.backward(np.ones(2)), 1)


def test_numpy_can_write_a_result_into_an_array_but_not_into_a_value():
    out = np.empty(2)
    found, model = _seen(lambda x: np.add(x, 1, out=out), np.ones(2))
    assert found is out
    with pytest.raises(StateError, match=r"numpy\.add was called on a value"):
        model.backward(np.ones(2))
    total = np.zeros(2)

    def accumulate(x):
        nonlocal total
        total += x
        return total

    _, model = _seen(accumulate, np.ones(2))
    np.testing.assert_array_equal(total, 1)
    with pytest.raises(StateError, match=r"numpy\.add was called on a value"):
        model.backward(np.ones(2))


def test_a_value_cannot_be_where_numpy_writes():
    x = np.ones(2)

    def write(v):
        np.add(v.numpy(), 1, out=v)
        return v

    with pytest.raises(DTypeError, match="a value cannot be changed in place"):
        passes(write, x)
    np.testing.assert_array_equal(x, 1)


def test_arrays_made_of_a_value():
    x = np.array([1.0, 2])
    copied, _ = _seen(np.array, x)
    copied[0] = 5
    assert x[0] == 1
    shared, _ = _seen(np.asarray, x)
    assert np.shares_memory(shared, x)
    found, _ = _seen(lambda v: np.asarray(v, np.float32), x)
    assert found.dtype == np.float32
    found, _ = _seen(lambda v: v.__array__(np.float32), x)
    assert found.dtype == np.float32
    with pytest.raises(ValueError, match="float32 cannot be made of a value of float64 without a copy"):
        _seen(lambda v: v.__array__(np.float32, copy=False), x)


# When it belongs to


def test_a_value_ends_with_its_call():
    found, _ = _seen(lambda x: x)
    for use in (
        lambda: found + 1,
        lambda: F.relu(found),
        lambda: found.sum(),
        lambda: found[0],
        lambda: nn.Linear(3, 2).double()(found),
    ):
        with pytest.raises(StateError, match="a value is used after the call of the module"):
            use()
    assert isinstance(found, graph.Value)
    np.testing.assert_array_equal(found.numpy(), [[1, 2, 3]])


def test_a_value_is_used_in_its_own_call_alone():
    inner = Formula(lambda y, x: x * y)

    def outer(x):
        return Formula(lambda y: y * x)(x.numpy())

    with pytest.raises(StateError, match="a value is used in another call than the one that it belongs to"):
        Formula(outer)(np.ones(2))
    np.testing.assert_array_equal(Formula(lambda x: inner(x, x))(np.full(2, 3.0)), 9)


def test_a_call_that_failed_is_over():
    kept = []

    def fail(x):
        kept.append(x)
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        Formula(fail)(np.ones(2))
    with pytest.raises(StateError, match="after the call"):
        kept[0] * 2
