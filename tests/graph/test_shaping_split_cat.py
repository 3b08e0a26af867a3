"""Parts along an axis, and tensors put one after the other."""

import numpy as np
import pytest

import fastcnn
from fastcnn import graph, nn
from fastcnn.errors import ArgumentError, DTypeError, ShapeError, SizeError
from fastcnn.nn import functional as F

from .models import check_gradients, normal, passes

# Split and chunk, against the stated sizes


@pytest.mark.parametrize(
    ("size", "split", "sizes"),
    [(7, 3, [3, 3, 1]), (6, 3, [3, 3]), (2, 5, [2]), (7, [2, 0, 5], [2, 0, 5]), (0, 3, [0]), (0, [], [])],
    ids=str,
)
@pytest.mark.parametrize("dim", [1, -2])
def test_split(size, split, sizes, dim):
    x = normal(2, size, 3)
    assert [y.shape for y in F.split(x, split, dim)] == [(2, n, 3) for n in sizes]
    if sizes:
        y, dx = passes(lambda x: graph.apply(graph.Concat(1), *x.split(split, dim)), x, dy=x)
        np.testing.assert_array_equal(y, x)
        np.testing.assert_array_equal(dx, x)


@pytest.mark.parametrize(
    ("size", "chunks", "sizes"),
    [(7, 3, [3, 3, 1]), (6, 4, [2, 2, 2]), (2, 5, [1, 1]), (5, 1, [5]), (0, 3, [0, 0, 0])],
    ids=str,
)
def test_chunk_is_pytorchs(size, chunks, sizes):
    x = normal(2, size)
    assert [y.shape for y in F.chunk(x, chunks, 1)] == [(2, n) for n in sizes]
    check_gradients(lambda x: F.cat(x.chunk(chunks, -1)[::-1], 1), [x])


def test_split_and_chunk_go_along_the_first_axis_by_default():
    assert [y.shape for y in F.split(np.ones((3, 4)), 2)] == [(2, 4), (1, 4)]
    assert [y.shape for y in nn.Parameter(np.ones((3, 4))).chunk(2)] == [(2, 4), (1, 4)]
    assert [y.shape for y in nn.Parameter(np.ones((3, 4))).split(1)] == [(1, 4)] * 3


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda x: x.split(0), ArgumentError, "split: split_size must be at least 1, got 0"),
        (lambda x: x.split([1, 2]), ArgumentError, r"split: split_size must add up to 4, got \[1, 2\]"),
        (lambda x: x.split([5, -1]), ArgumentError, "split: split_size must be at least 0, got -1"),
        (lambda x: x.split(1.5), DTypeError, "split: split_size must be an integer, got 1.5"),
        (lambda x: x.split(2, 2), ArgumentError, r"split: dim must lie in \[-2, 2\), got 2"),
        (lambda x: x.split(2, (0,)), DTypeError, "split: dim must be an integer"),
        (lambda x: x[0, 0].split(1), ShapeError, "split: a tensor without axes has no parts along one"),
        (lambda x: x.chunk(0), ArgumentError, "chunk: chunks must be at least 1, got 0"),
        (lambda x: x.chunk(True), DTypeError, "chunk: chunks must be an integer, got True"),
        (lambda x: x.chunk(2, -3), ArgumentError, r"chunk: dim must lie in \[-2, 2\), got -3"),
        (lambda x: x[0, 0].chunk(1), ShapeError, "chunk: a tensor without axes has no parts along one"),
        (lambda x: F.split([1, 2], 1), DTypeError, "split: the tensor must be an array or a value, got list"),
        (
            lambda x: F.chunk(None, 1),
            DTypeError,
            "chunk: the tensor must be an array or a value, got NoneType",
        ),
    ],
)
def test_split_and_chunk_refuse(function, error, message):
    with pytest.raises(error, match=message):
        passes(function, np.ones((4, 3)))


# Cat


@pytest.mark.parametrize("dim", [0, 1, 2, -1, -3])
def test_cat_by_differences(dim):
    shapes = [[2, 3, 4], [2, 3, 4], [2, 3, 4]]
    for shape, size in zip(shapes, (1, 0, 5), strict=True):
        shape[dim] = size
    inputs = [normal(*shape) for shape in shapes]
    check_gradients(lambda *xs: F.cat(xs, dim), inputs)
    np.testing.assert_array_equal(F.cat(inputs, dim), np.concatenate(inputs, dim))


def test_cat_of_values_parameters_and_arrays():
    check_gradients(
        lambda x, w: F.cat([x, w, np.ones((1, 2)), x], 0) * np.arange(12.0).reshape(6, 2),
        [normal(2, 2)],
        [normal(1, 2)],
    )
    y = F.cat((nn.Parameter(np.ones(1)), np.zeros(2)))
    assert isinstance(y, np.ndarray)
    np.testing.assert_array_equal(y, [1, 0, 0])


@pytest.mark.parametrize(
    ("tensors", "dim", "error", "message"),
    [
        ([], 0, DTypeError, r"cat: tensors must be a sequence of at least one tensor, got \[\]"),
        (np.ones(3), 0, DTypeError, "cat: tensors must be a sequence of at least one tensor, got array"),
        ([[1.0], np.ones(1)], 0, DTypeError, "cat: tensors must be arrays or values, got list"),
        ([np.ones(1), None], 0, DTypeError, "cat: tensors must be arrays or values, got NoneType"),
        (
            [np.ones(1), np.ones(1, "f4")],
            0,
            DTypeError,
            "cat: tensors must have one dtype, got float64 and float32",
        ),
        (
            [np.ones((1, 2)), np.ones((1, 3))],
            0,
            ShapeError,
            r"cat: tensors must have the same sizes but along axis 0, got \(1, 2\) and \(1, 3\)",
        ),
        ([np.ones((1, 2)), np.ones(2)], 1, ShapeError, r"got \(1, 2\) and \(2,\)"),
        ([np.ones(2)], 1, ArgumentError, r"cat: dim must lie in \[-1, 1\), got 1"),
        ([np.ones(2)], "0", DTypeError, "cat: dim must be an integer"),
        ([np.ones(())], 0, ShapeError, "cat: a tensor without axes has no parts along one"),
        ([np.broadcast_to(1.0, (2**42,))] * 2, 0, SizeError, r"cat: the output would have the shape \(879"),
    ],
)
def test_cat_refuses(tensors, dim, error, message):
    with pytest.raises(error, match=message):
        F.cat(tensors, dim)


def test_cat_does_not_mind_the_order_of_bytes():
    y, (da, db) = passes(lambda a, b: F.cat([a, b]), np.ones(1, ">f4"), np.zeros(1, np.float32))
    np.testing.assert_array_equal(y, [1, 0])
    np.testing.assert_array_equal(F.cat([np.ones(1, ">f4"), np.zeros(1, np.float32)]), [1, 0])
    assert da == db == 1


def test_cat_of_nothing_without_axes():
    """What has no element and one axis adds nothing to tensors of any axes, as in PyTorch."""
    x = normal(2, 3)
    nothing = np.zeros(0)
    y, (da, dx, db) = passes(lambda a, x, b: F.cat([a, x, b, x], -1) * 2, nothing, x, nothing)
    np.testing.assert_array_equal(y, 2 * np.hstack([x, x]))
    np.testing.assert_array_equal(dx, np.full((2, 3), 4.0))
    assert da.shape == db.shape == (0,)
    assert F.cat([nothing, nothing]).shape == (0,)
    with pytest.raises(ArgumentError, match=r"cat: dim must lie in \[-1, 1\), got 1"):
        F.cat([nothing, nothing], 1)
    with pytest.raises(ShapeError, match=r"got \(2, 3\) and \(1,\)"):
        F.cat([nothing, x, np.zeros(1)])


def test_cat_of_different_axes_is_not_compiled():
    """There a value for each sample looks as if it had no element."""

    class Net(nn.Module):
        def forward(self, x):
            return F.cat([x, x.sum(1)], 1)

    with pytest.raises(ShapeError, match="cat: tensors must have the same sizes"):
        fastcnn.compile(Net())(normal(2, 3))
