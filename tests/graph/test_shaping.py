"""Shapes, orders of axes, parts and margins."""

import numpy as np
import pytest

from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.nn import functional as F

from .models import Formula, check_gradients, normal, passes


def _moves(function, *shape):
    """Check that a function only moves elements: y is theirs, and dx is dy put back."""
    x = np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)
    y = Formula(function)(x)
    _, dx = passes(function, x, dy=y)
    np.testing.assert_array_equal(dx, np.where(np.isin(x, y), x, 0))
    check_gradients(function, [normal(*shape)])
    return y


# Reshape


@pytest.mark.parametrize(
    ("shape", "new", "expected"),
    [
        ((2, 3, 4), (6, 4), (6, 4)),
        ((2, 3, 4), (2, -1), (2, 12)),
        ((2, 3, 4), (-1,), (24,)),
        ((2, 3, 4), (1, -1, 1), (1, 24, 1)),
        ((), (1, 1), (1, 1)),
        ((1, 1), (), ()),
        ((0, 3), (0, 5), (0, 5)),
        ((0, 3), (-1, 5), (0, 5)),
        ((2, 3), (np.int64(3), 2), (3, 2)),
    ],
    ids=str,
)
def test_reshape(shape, new, expected):
    for function in (
        lambda x: x.reshape(*new),
        lambda x: x.reshape(new),
        lambda x: x.reshape(list(new)),
        lambda x: x.view(*new),
    ):
        y = _moves(function, *shape)
        assert y.shape == expected
        np.testing.assert_array_equal(y.ravel(), np.arange(1, 1 + y.size))


@pytest.mark.parametrize(
    ("new", "error", "message"),
    [
        ((5,), ShapeError, r"reshape: x of the shape \(2, 3\) has no shape \(5,\)"),
        ((-1, 4), ShapeError, r"reshape: x of the shape \(2, 3\) has no shape \(-1, 4\)"),
        ((-1, -1), ShapeError, r"reshape: x of the shape \(2, 3\) has no shape \(-1, -1\)"),
        ((0, -1), ShapeError, r"reshape: x of the shape \(2, 3\) has no shape \(0, -1\)"),
        ((2**40, 2**40), ShapeError, "has no shape"),
        ((-2, 3), ArgumentError, r"reshape: shape must be integers of at least -1, got \(-2, 3\)"),
        ((2.0, 3), DTypeError, r"reshape: shape must be integers, got \(2.0, 3\)"),
        ((True, 6), DTypeError, "reshape: shape must be integers"),
        (("2", 3), DTypeError, "reshape: shape must be integers"),
        (((2, 3), 1), DTypeError, "reshape: shape must be integers"),
        ((None,), DTypeError, "reshape: shape must be integers"),
    ],
    ids=str,
)
def test_reshape_refuses(new, error, message):
    with pytest.raises(error, match=message):
        passes(lambda x: x.reshape(*new), np.ones((2, 3)))


def test_what_is_left_beside_nothing_is_anything():
    with pytest.raises(ShapeError, match=r"reshape: -1 can be any size beside a 0 in \(0, -1\)"):
        passes(lambda x: x.reshape(0, -1), np.ones((0, 3)))


def test_flatten():
    assert _moves(lambda x: x.flatten(), 2, 3, 4).shape == (24,)
    assert _moves(lambda x: x.flatten(1), 2, 3, 4).shape == (2, 12)
    assert _moves(lambda x: x.flatten(start_dim=0, end_dim=-2), 2, 3, 4).shape == (6, 4)
    with pytest.raises(ShapeError, match="flatten: start_dim 1 comes after end_dim 0"):
        passes(lambda x: x.flatten(1, 0), np.ones((2, 3)))


# Permute


@pytest.mark.parametrize(
    "dims", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (-1, 0, -2), (0, -1, np.int64(1))], ids=str
)
def test_permute(dims):
    x = np.arange(1.0, 25).reshape(2, 3, 4)
    for function in (lambda x: x.permute(*dims), lambda x: x.permute(dims)):
        y = _moves(function, 2, 3, 4)
        np.testing.assert_array_equal(y, x.transpose(dims))


def test_permute_without_axes():
    assert _moves(lambda x: x.permute()).shape == ()


@pytest.mark.parametrize(
    ("dims", "error", "message"),
    [
        ((0,), ArgumentError, r"permute: dims must name all 2 axes, got \(0,\)"),
        ((), ArgumentError, r"permute: dims must name all 2 axes, got \(\)"),
        ((0, 1, 2), ArgumentError, r"permute: dim must lie in \[-2, 2\), got 2"),
        ((0, 0), ArgumentError, r"permute: dim names an axis twice: \(0, 0\)"),
        ((0, -2), ArgumentError, "permute: dim names an axis twice"),
        ((0, 1.0), DTypeError, "permute: dim must be an integer"),
        ((None,), DTypeError, "permute: dim must be an integer"),
    ],
    ids=str,
)
def test_permute_refuses(dims, error, message):
    with pytest.raises(error, match=message):
        passes(lambda x: x.permute(*dims), np.ones((2, 3)))


# Parts

INDICES = [
    0,
    -1,
    np.int64(1),
    slice(None),
    slice(1, None),
    slice(None, None, 2),
    slice(None, None, -1),
    slice(5, 9),
    (slice(None), 0),
    (Ellipsis, 1),
    (Ellipsis, slice(1, 3)),
    (0, Ellipsis, 1),
    None,
    (slice(None), None, 1),
    (1, 2, 3),
    Ellipsis,
    (),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_parts(index):
    y = _moves(lambda x: x[index], 2, 3, 4)
    np.testing.assert_array_equal(y, np.arange(1.0, 25).reshape(2, 3, 4)[index])


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (2, ArgumentError, r"an index of a value of the shape \(2, 3\): index 2 is out of bounds"),
        ((0, 0, 0), ArgumentError, r"an index of a value of the shape \(2, 3\): too many indices"),
        ((..., ...), ArgumentError, r"an index of a value of the shape \(2, 3\): an index can only have"),
        (slice(None, None, 0), ArgumentError, "slice step cannot be zero"),
        (slice(0.5, None), DTypeError, "an index of a value of the shape .*: slice indices must be integers"),
        (True, DTypeError, r"must be integers, slices, None or \.\.\., got bool"),
        (np.bool_(True), DTypeError, "must be integers, slices"),
        ([0, 1], DTypeError, "must be integers, slices, None or ..., got list"),
        (np.array([0]), DTypeError, "must be integers, slices, None or ..., got ndarray"),
        ((0, [1]), DTypeError, "got list"),
        (1.0, DTypeError, "got float"),
        ("a", DTypeError, "got str"),
    ],
    ids=str,
)
def test_parts_that_are_none(index, error, message):
    with pytest.raises(error, match=message):
        passes(lambda x: x[index], np.ones((2, 3)))


def test_parts_that_overlap_add_their_gradients():
    _, dx = passes(lambda x: x[:-1] + x[1:], np.ones(4), dy=np.array([1.0, 10, 100]))
    np.testing.assert_array_equal(dx, [1, 11, 110, 100])


# Zeros around, and nothing behind


def test_zeros_around_images():
    for shape in ((1, 2, 2, 3), (2, 2, 3)):
        check_gradients(lambda x: F.pad(x, (1, 0, 2, 1)), [normal(*shape)])
        check_gradients(lambda x: F.pad(x, [0, 2]), [normal(*shape)])
    np.testing.assert_array_equal(F.pad(np.ones((1, 1, 2)), (1, 0, 0, 1)), [[[0, 1, 1], [0, 0, 0]]])


def test_detached_elements_have_no_gradient():
    y, dx = passes(lambda x: x * x.detach(), np.array([2.0, 3]))
    np.testing.assert_array_equal(y, [4, 9])
    np.testing.assert_array_equal(dx, [2, 3])
    _, dx = passes(lambda x: x.detach(), np.ones(2))
    np.testing.assert_array_equal(dx, [0, 0])
    model = Formula(lambda x, w: x * w.detach(), np.ones(2))
    model.backward(np.ones_like(model(np.ones(2))))
    assert model.a.grad is None
