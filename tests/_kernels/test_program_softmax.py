"""Softmax and cross-entropy as operations of programs, in both layouts, as in eager mode."""

import numpy as np
import pytest

from fastcnn import ops

from .helpers import assert_near, normal
from .layouts import Workbench, both_layouts

# (images, channels, pixels): the features of a sample in (C, H, W) order.
SHAPES = [(1, 1, 1), (7, 10, 1), (18, 17, 1), (2, 33, 1), (16, 16, 1), (3, 4, 5)]


def logits(shape, dtype, kind):
    """Return ordinary logits, or some with ties, of great size, or with values that are no numbers."""
    x = normal(shape, dtype) * (100 if kind == "large" else 3)
    if kind == "ties":
        x = np.round(x / 3)
    if kind == "odd":
        x[0, : shape[1] // 2] = -np.inf
        x[-1, -1] = np.nan
    return x


def arrays(bench, shape, *numbers):
    """Lay out (N, C * pixels) arrays."""
    return [bench.array(a.reshape(shape[0], shape[1], shape[2], 1)) for a in numbers]


def loss(bench, dlogits, x, target, results, *, weight=None, ignore, factor=1.0, smoothing=0.0):
    """Run cross-entropy."""
    bench.op.cross_entropy(
        dlogits=dlogits,
        logits=x,
        target=bench.outside(target, "INT64"),
        weight=weight,
        results=bench.outside(results, "FLOAT64"),
        dlogits_rows=np.zeros(1, np.int32),
        dlogits_at=dlogits.features,
        logits_rows=np.zeros(1, np.int32),
        logits_at=x.features,
        ignore_index=ignore,
        factor=factor,
        label_smoothing=smoothing,
    )
    bench.run()


@both_layouts
@pytest.mark.parametrize("log", [0, 1])
@pytest.mark.parametrize("kind", ["usual", "large", "odd"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_softmax(isa, dtype, name, shape, kind, log):
    bench, flat = Workbench(name, dtype, shape[0]), (shape[0], shape[1] * shape[2])
    numbers, gradient, poison = (
        logits(flat, dtype, kind),
        normal(flat, dtype, 1),
        np.full(flat, np.nan, dtype),
    )
    x, dy, y, dx = arrays(bench, shape, numbers, gradient, poison, poison)
    places = {"y_at": y.features, "x_at": x.features}
    bench.op.softmax(y=y, x=x, log=log, **places)
    places = {"dx_at": dx.features, "dy_at": dy.features, "y_at": y.features}
    bench.op.softmax_grad(dx=dx, dy=dy, y=y, log=log, **places)
    bench.run()
    expected = (ops.log_softmax if log else ops.softmax)(numbers, 1)
    assert_near(y.get().reshape(flat), expected, 16)
    backward = ops.log_softmax_backward if log else ops.softmax_backward
    assert_near(dx.get().reshape(flat), backward(gradient, expected, 1), 64 + 4 * flat[1])
    dx.assert_rest_is_zero(past_the_batch=True)


@both_layouts
@pytest.mark.parametrize("log", [0, 1])
@pytest.mark.parametrize("kind", ["usual", "large", "odd"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 10, 3), (18, 17, 2), (2, 33, 4), (16, 16, 5)], ids=str)
def test_softmax_of_pixels(isa, dtype, name, shape, kind, log):
    """As of (N, C, L) in eager mode."""
    images, channels, pixels = shape
    bench = Workbench(name, dtype, images)
    rows = logits((images * pixels, channels), dtype, kind).reshape(images, pixels, channels)
    numbers = np.ascontiguousarray(rows.transpose(0, 2, 1))
    gradient, poison = normal(shape, dtype, 1), np.full(shape, np.nan, dtype)
    x, dy, y, dx = arrays(bench, shape, numbers, gradient, poison, poison)
    bench.op.pixel_softmax(y=y, x=x, channels=channels, log=log)
    bench.op.pixel_softmax_grad(dx=dx, dy=dy, y=y, channels=channels, log=log)
    bench.run()
    expected = (ops.log_softmax if log else ops.softmax)(numbers, 1)
    assert_near(y.get().reshape(shape), expected, 16)
    backward = ops.log_softmax_backward if log else ops.softmax_backward
    assert_near(dx.get().reshape(shape), backward(gradient, expected, 1), 64 + 4 * channels)
    dx.assert_rest_is_zero(past_the_batch=True)


@both_layouts
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["usual", "ties", "large", "odd"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cross_entropy(isa, dtype, name, shape, kind, weighted, smoothing):
    bench, flat = Workbench(name, dtype, shape[0]), (shape[0], shape[1] * shape[2])
    rng = np.random.default_rng(2)
    numbers, target = logits(flat, dtype, kind), rng.integers(0, flat[1], shape[0])
    target[rng.random(shape[0]) < 0.3] = -7
    weight = rng.integers(0, 3, flat[1]).astype(dtype) if weighted else None
    x, dx = arrays(bench, shape, numbers, np.full(flat, np.nan, dtype))
    results = np.full((shape[0], 2), np.nan)
    loss(bench, dx, x, target, results, weight=weight, ignore=-7, factor=0.25, smoothing=smoothing)
    losses, gradient = ops.cross_entropy(numbers, target, weight, -7, "none", smoothing)
    assert_near(results[:, 0].astype(dtype), losses, 64)
    assert_near(dx.get().reshape(flat), dtype(0.25) * gradient, 64)
    dx.assert_rest_is_zero(past_the_batch=True)
    np.testing.assert_array_equal(results[:, 1], numbers.argmax(axis=1) == target)


@pytest.mark.parametrize("log", [0, 1])
def test_softmax_is_the_same_to_the_bit_in_both_layouts(isa, dtype, log):
    """Whether classes or samples fill the lanes, classes are added up in one order."""
    for classes in (1, 2, 5, 10, 16, 17, 33, 100):
        numbers, results = logits((19, classes), dtype, "usual"), []
        for name in ("images", "channels"):
            bench = Workbench(name, dtype, 19)
            x, y = arrays(bench, (19, classes, 1), numbers, np.full_like(numbers, np.nan))
            bench.op.softmax(y=y, x=x, y_at=y.features, x_at=x.features, log=log)
            bench.run()
            results.append(y.get())
        np.testing.assert_array_equal(results[0], results[1])


@both_layouts
def test_an_ignored_image_may_be_predicted_right(isa, dtype, name):
    bench, target = Workbench(name, dtype, 3), np.array([1, 1, 0])
    x, dx = arrays(bench, (3, 2, 1), np.array([[0, 1], [1, 0], [1, 0]], dtype), np.full((3, 2), np.nan))
    results = np.full((3, 2), np.nan)
    loss(bench, dx, x, target, results, ignore=1)
    np.testing.assert_array_equal(results[:, 1], [1, 0, 1])
    np.testing.assert_array_equal(results[:2, 0], [0, 0])
    assert not dx.get()[:2].any()
