"""Numbers that are not finite, and logits of +-1e4, against PyTorch's stored answers and by hand."""

import math

import numpy as np
import pytest

from fastcnn import nn, ops
from fastcnn.ops.normalization import batch_norm_forward

from .._kernels.helpers import flushing
from ..oracle.cases import Case, load
from ..oracle.compare import DTYPES, assert_close

CASES = load("special")


def _window(case: Case) -> tuple:
    names = ("kernel_size", "stride", "padding") if "kernel_size" in case.args else ("output_size",)
    return tuple(case.args.get(name, 0) for name in names)


def _computed(case: Case, dtype, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return what fastcnn.ops says, under the names of PyTorch's answers."""
    rest = {name: case.input(name, dtype) for name in case.specs if name not in ("x", "dy")}
    dy = case.input("dy", dtype)
    if case.op == "relu":
        return {"y": ops.relu(x), "dx": ops.relu_backward(dy, x)}
    if case.op in ("softmax", "log_softmax"):
        y = getattr(ops, case.op)(x, **case.args)
        return {"y": y, "dx": getattr(ops, f"{case.op}_backward")(dy, y, **case.args)}
    if case.op.endswith(("loss", "entropy")):
        y, dx = getattr(ops, case.op)(x, rest.pop("target"), **rest, **case.args)
        return {"y": np.asarray(y), "dx": dx}
    if case.op in ("conv2d", "linear"):
        y = getattr(ops, case.op)(x, *rest.values(), **case.args)
        grads = getattr(ops, f"{case.op}_backward")(dy, x, rest["weight"], **case.args)
        return {"y": y, **dict(zip(("dx", "dweight", "dbias"), grads, strict=True))}
    if case.op == "max_pool2d":
        y, argmax = ops.max_pool2d(x, *_window(case))
        return {"y": y, "argmax": argmax, "dx": ops.max_pool2d_backward(dy, argmax, x.shape)}
    if case.op == "batch_norm":
        weight, training = rest["weight"], case.args["training"]
        y, mean, invstd = batch_norm_forward(x, *rest.values(), **case.args)
        grads = ops.batch_norm_backward(dy, x, weight, training=training, saved=(mean, invstd))
        names = ("running_mean", "running_var", "dx", "dweight", "dbias")
        return {"y": y, **dict(zip(names, (rest["running_mean"], rest["running_var"], *grads), strict=True))}
    backward = getattr(ops, f"{case.op}_backward")
    y = getattr(ops, case.op)(x, *_window(case))
    return {"y": y, "dx": backward(dy, x.shape, *(_window(case) if case.op == "avg_pool2d" else ()))}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.op}-{case.id}")
def test_agrees_with_pytorch(case: Case, dtype) -> None:
    found = _computed(case, dtype, case.input("x", dtype))
    for name, expected in case.answers.items():
        assert_close(found[name], expected, dtype, f"{name} of {case.describe()}", floor=1.0)


def cross_entropy_by_hand(logits, target, weight, smoothing):
    """Return the rows' losses and gradients, from the equations, in Python's floats."""
    losses, grads = [], []
    for row, label in zip(logits.tolist(), target.tolist(), strict=True):
        top = max(row)
        shifted = [value - top for value in row]
        total = math.fsum(math.exp(value) for value in shifted)
        logs = [value - math.log(total) for value in shifted]
        share = [w * smoothing / len(row) for w in weight]
        share[label] += weight[label] * (1 - smoothing)
        losses.append(-math.fsum(q * log for q, log in zip(share, logs, strict=True) if q))
        mass = math.fsum(share)
        grads.append([math.exp(log) * mass - q for q, log in zip(share, logs, strict=True)])
    return np.array(losses), np.array(grads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1e4, 1e5, 1e30])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("classes", [2, 7, 17, 33])
def test_large_logits_by_hand(classes, smoothing, scale, dtype):
    rng = np.random.default_rng(classes)
    logits = (scale * rng.choice([-1, 0, 1], (9, classes))).astype(dtype)
    target, weight = rng.integers(classes, size=9), rng.integers(1, 5, classes) / 4
    want, grads = cross_entropy_by_hand(logits.astype(np.float64), target, weight.tolist(), smoothing)
    loss, got = ops.cross_entropy(logits, target, weight.astype(dtype), -100, "none", smoothing)
    assert np.isfinite(loss).all()
    np.testing.assert_allclose(loss, want, rtol=1e-6 if dtype == np.float32 else 1e-13)
    np.testing.assert_allclose(got, grads, atol=3e-6 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(3, 5), (3, 17), (3, 5, 4)], ids=str)
def test_what_counts_for_nothing_may_be_anything(shape, value, dtype):
    """The loss and gradient of the other targets are what they are without it."""
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    target = np.zeros((3, *shape[2:]), np.int64)
    target[1], target[2] = 2, 4
    weight = np.ones(shape[1], dtype)
    weight[2] = 0
    spoiled, ignored = x.copy(), np.where(target == 2, -100, target)
    spoiled[1] = value
    for given, options in ((target, {"weight": weight}), (ignored, {})):
        for reduction in ("mean", "sum"):
            want = ops.cross_entropy(x, given, **options, reduction=reduction)
            got = ops.cross_entropy(spoiled, given, **options, reduction=reduction)
            assert got[0] == want[0]
            assert not got[1][1].any()
            np.testing.assert_array_equal(got[1][::2], want[1][::2])
            assert ops.nll_loss(spoiled, given, **options, reduction=reduction)[0] == pytest.approx(
                ops.nll_loss(x, given, **options, reduction=reduction)[0]
            )


def test_dropout_multiplies():
    """Dropped or not, a NaN or an infinity stays visible; nothing warns."""
    x = np.array([[np.nan, np.inf, -np.inf, 1e38, 1.0]], np.float32)
    y, mask = ops.dropout(x, 1.0, generator=np.random.default_rng(0))
    np.testing.assert_array_equal(y, [[np.nan, np.nan, np.nan, 0, 0]])
    np.testing.assert_array_equal(ops.dropout_backward(x, mask), y)


@pytest.mark.parametrize("mode", [True, False])
def test_denormals_in_layers(mode):
    """Kernels flush them in float32 unless told otherwise; the layers of each are the same kernels."""
    x = np.full((2, 3, 4, 4), 1e-39, np.float32)
    with flushing(mode):
        found = [
            nn.ReLU()(x),
            nn.AvgPool2d(2)(x),
            nn.BatchNorm2d(3).eval()(x),
            ops.conv2d(x, np.ones((1, 3, 1, 1), np.float32)),
            ops.linear(x.reshape(2, -1), np.ones((1, 48), np.float32) / 64),
        ]
    assert [bool(y.any()) for y in found] == [not mode] * 5


@pytest.mark.parametrize("training", [True, False])
def test_statistics_that_are_not_finite_stay_so(training):
    """They are those of a channel that has seen an infinity; nothing warns, and other channels are right."""
    x = np.random.default_rng(0).standard_normal((4, 3, 2, 2))
    mean, var = np.array([0, np.inf, 0]), np.array([1, np.nan, 1])
    y = ops.batch_norm(x, mean, var, training=training)
    assert not np.isfinite([mean[1], var[1]]).any()
    assert np.isfinite(y[:, [0, 2]]).all()
    assert np.isfinite(y[:, 1]).all() == training
