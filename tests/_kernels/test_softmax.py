"""Softmax, log-softmax and cross-entropy."""

import numpy as np
import pytest

from fastcnn._kernels import losses as loss_kernels
from fastcnn._kernels import softmax as kernels

from . import reference
from .helpers import assert_near, flushing, normal, on_any_threads, poisoned

# (outer, classes, inner)
SHAPES = [(1, 1, 1), (3, 10, 1), (5, 2, 3), (2, 17, 4), (7, 61, 1), (1, 3, 33), (0, 4, 2), (2, 4, 0)]
LARGE = [(900, 10, 5), (3500, 10, 1)]  # enough for threads


def logits(shape, dtype, seed=1):
    return 4 * normal(shape, dtype, seed)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("shape", [*SHAPES, *LARGE], ids=str)
def test_softmax(isa, dtype, shape, log):
    x, dy = logits(shape, dtype), normal(shape, dtype, 2)

    def run():
        y, dx = poisoned(shape, dtype), poisoned(shape, dtype)
        kernels.softmax(y, x, log)
        kernels.softmax_backward(dx, dy, y, log)
        return y, dx

    y, dx = on_any_threads(run)
    log_p = reference.log_softmax(x)
    p = np.exp(log_p)
    assert_near(y, log_p if log else p, 32, (shape, log))
    if log:
        expected = dy - p * dy.sum(axis=1, keepdims=True, dtype=np.float64)
    else:
        expected = p * (dy - (p * dy).sum(axis=1, keepdims=True))
    assert_near(dx, expected, 32 + 4 * shape[1], (shape, log))


@pytest.mark.parametrize("shape", [(2, 0, 1), (2, 0, 33)])
def test_without_classes_there_is_nothing_to_write(isa, dtype, shape):
    around = np.arange(192, dtype=dtype)
    x, y, dx = (around[start:start].reshape(shape) for start in (32, 96, 160))
    kernels.softmax(y, x, False)
    kernels.softmax_backward(dx, y, y, False)
    np.testing.assert_array_equal(around, np.arange(192))


def test_softmax_by_hand(isa, dtype):
    y = poisoned((1, 3, 1), dtype)
    kernels.softmax(y, np.log(np.array([[[1], [2], [5]]], dtype)), False)
    assert_near(y, np.array([[[0.125], [0.25], [0.625]]]), 8)


@pytest.mark.parametrize("offset", [1e4, -1e4, 1e30, -1e30])
def test_nothing_overflows(isa, dtype, offset):
    """Only differences count, however large the numbers."""
    x = np.full((1, 4, 1), offset, dtype)
    y, losses, dx = poisoned(x.shape, dtype), poisoned((1, 1), np.float64), poisoned(x.shape, dtype)
    kernels.softmax(y, x, False)
    assert_near(y, np.full(x.shape, 0.25), 8)
    loss_kernels.cross_entropy(losses, dx, x, np.array([[2]]), None, -100, 0.0, 1.0)
    np.testing.assert_allclose(losses, np.log(4), rtol=1e-6)
    assert_near(dx[0, :, 0], np.array([0.25, 0.25, -0.75, 0.25]), 8)


def test_impossible_and_unknown_classes(isa, dtype):
    """-inf is a class of probability 0; a NaN makes its row NaN and no other."""
    x = np.array([[[0], [-np.inf], [0]], [[1], [np.nan], [1]], [[0], [0], [0]]], dtype)
    y = poisoned(x.shape, dtype)
    kernels.softmax(y, x, False)
    np.testing.assert_array_equal(y[0, :, 0], [0.5, 0, 0.5])
    assert np.isnan(y[1]).all()
    assert_near(y[2], np.full((3, 1), 1 / 3), 8)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [*SHAPES, *LARGE], ids=str)
def test_cross_entropy(isa, dtype, shape, weighted, smoothing):
    outer, classes, inner = shape
    rng = np.random.default_rng(5)
    x = logits(shape, dtype)
    weight = rng.uniform(0.5, 2, classes).astype(dtype) if weighted else None
    labels = rng.integers(0, classes, (outer, inner))
    ignored = rng.random((outer, inner)) < 0.3
    labels[ignored] = -100
    one_hot = (labels[:, None] == np.arange(classes)[:, None]).astype(np.float64)
    soft = rng.dirichlet(np.ones(classes), (outer, inner)).transpose(0, 2, 1).astype(dtype)
    soft = np.ascontiguousarray(soft)

    def run():
        losses, dx = poisoned((outer, inner), np.float64), poisoned(shape, dtype)
        loss_kernels.cross_entropy(losses, dx, x, labels, weight, -100, smoothing, 0.25)
        soft_losses, soft_dx = poisoned((outer, inner), np.float64), poisoned(shape, dtype)
        loss_kernels.cross_entropy_soft(soft_losses, soft_dx, x, soft, weight, smoothing, 0.25)
        return losses, dx, soft_losses, soft_dx

    losses, dx, soft_losses, soft_dx = on_any_threads(run)
    case = (shape, weighted, smoothing)
    tolerance = 64 + 4 * classes
    expected, gradient = reference.cross_entropy(x, one_hot, weight, smoothing)
    expected[ignored] = 0
    gradient[np.broadcast_to(ignored[:, None], shape)] = 0
    assert_near(losses.astype(dtype), expected, tolerance, case)
    assert_near(dx, 0.25 * gradient, tolerance, case)
    expected, gradient = reference.cross_entropy(x, soft, weight, smoothing)
    assert_near(soft_losses.astype(dtype), expected, tolerance, case)
    assert_near(soft_dx, 0.25 * gradient, tolerance, case)


def test_cross_entropy_by_hand(isa, dtype):
    """Probabilities 1/4 and 3/4, the second class right, counted twice; the second row is ignored."""
    x = np.log(np.array([[[1], [3]], [[1], [1]]], dtype))
    losses, dx = poisoned((2, 1), np.float64), poisoned(x.shape, dtype)
    loss_kernels.cross_entropy(losses, dx, x, np.array([[1], [9]]), np.array([1, 2], dtype), 9, 0.0, 1.0)
    np.testing.assert_allclose(losses, [[2 * np.log(4 / 3)], [0]], rtol=1e-6)
    assert_near(dx[:, :, 0], np.array([[0.5, -0.5], [0, 0]]), 8)


def test_exp_is_within_two_roundings(isa, dtype):
    """The gradient of log-softmax shows exp: dx = dy - exp(y) * sum(dy), here with dy = (0, -1)."""
    info = np.finfo(dtype)
    low, high = float(np.log(info.smallest_subnormal)) - 2, float(np.log(info.max))
    x = np.linspace(low, high - 1e-3, 200_001).astype(dtype)
    special = np.array([0, -0.0, high + 1, np.inf, -np.inf, np.nan], dtype)
    y = np.zeros((x.size + special.size, 2, 1), dtype)
    y[:, 0, 0] = np.concatenate([x, special])
    dx, flushed = poisoned(y.shape, dtype), poisoned(y.shape, dtype)
    dy = np.broadcast_to(np.array([[0], [-1]], dtype), y.shape).copy()
    with flushing(False):
        kernels.softmax_backward(dx, dy, y, True)
    kernels.softmax_backward(flushed, dy, y, True)
    exact = np.exp(x.astype(np.longdouble))
    error = np.abs(dx[: x.size, 0, 0] - exact) / np.spacing(exact.astype(dtype))
    assert error.max() <= 2
    np.testing.assert_array_equal(dx[x.size :, 0, 0], [1, 1, np.inf, np.inf, 0, np.nan])
    denormal = (dx > 0) & (dx < info.tiny) & (dtype == np.float32)
    np.testing.assert_array_equal(flushed, np.where(denormal, 0, dx))
