"""Kernels of losses: rows of losses.inc and losses of classes, by plain formulas."""

import numpy as np
import pytest

from fastcnn._kernels import losses as kernels
from fastcnn.engine.memory import Blob

from .helpers import assert_near, normal, on_any_threads, poisoned
from .layouts import Workbench, both_layouts

WIDE = np.longdouble


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _bce(x, t, k, alpha, beta):
    return -(t * np.log(x) + (1 - t) * np.log1p(-x)), (x - t) / (x * (1 - x)), 0 * x


def _bce_logits(x, t, k, alpha, beta):
    value = (1 - t) * _softplus(x) + k * t * _softplus(-x)
    return value, (1 - t) * _sigmoid(x) - k * t * _sigmoid(-x), 0 * x


def _smooth_l1(x, t, k, alpha, beta):
    d = x - t
    near = abs(d) < alpha
    return (
        np.where(near, d * d / (2 * alpha), abs(d) - alpha / 2),
        np.where(near, d / alpha, np.sign(d)),
        0 * x,
    )


def _huber(x, t, k, alpha, beta):
    d = x - t
    near = abs(d) <= alpha
    value = np.where(near, d * d / 2, alpha * (abs(d) - alpha / 2))
    return value, np.where(near, d, alpha * np.sign(d)), 0 * x


def _gaussian(x, t, k, alpha, beta):
    v, d = np.maximum(k, alpha), x - t
    return (np.log(v) + d * d / v) / 2 + beta, d / v, (1 - d * d / v) / (2 * v)


def _poisson(log):
    def loss(x, t, k, alpha, beta):
        more = np.where(t > 1, t * np.log(t) - t + np.log(2 * np.pi * t) / 2, 0) if beta else 0
        if log:
            return np.exp(x) - t * x + more, np.exp(x) - t, 0 * x
        return x - t * np.log(x + alpha) + more, 1 - t / (x + alpha), 0 * x

    return loss


def _hinge(x, t, k, alpha, beta):
    far = np.maximum(alpha - x, 0)
    return np.where(t == 1, x, far), np.where(t == 1, 1, -1.0 * (alpha - x >= 0)), 0 * x


# Row: the loss and its derivatives, its numbers, and what inputs and targets are: any, in (0, 1), 1 and -1.
ROWS = {
    "mse": (lambda x, t, k, a, b: ((x - t) ** 2, 2 * (x - t), 0 * x), (0, 0), "any", "any"),
    "l1": (lambda x, t, k, a, b: (abs(x - t), np.sign(x - t), 0 * x), (0, 0), "any", "any"),
    "smooth_l1": (_smooth_l1, (0.5, 0), "any", "any"),
    "huber": (_huber, (0.75, 0), "any", "any"),
    "bce": (_bce, (0, 0), "unit", "unit"),
    "bce_logits": (_bce_logits, (0, 0), "any", "unit"),
    "kl_div": (lambda x, t, k, a, b: (t * (np.log(t) - x), -t, 0 * x), (0, 0), "any", "unit"),
    "kl_div_of_logs": (
        lambda x, t, k, a, b: (np.exp(t) * (t - x), -np.exp(t), 0 * x),
        (0, 0),
        "any",
        "any",
    ),
    "gaussian_nll": (_gaussian, (0.5, 0.25), "any", "any"),
    "poisson_nll": (_poisson(False), (0.25, 1), "unit", "count"),
    "poisson_nll_of_logs": (_poisson(True), (0, 0), "any", "count"),
    "soft_margin": (
        lambda x, t, k, a, b: (_softplus(-t * x), -t * _sigmoid(-t * x), 0 * x),
        (0, 0),
        "any",
        "sign",
    ),
    "hinge_embedding": (_hinge, (0.5, 0), "any", "sign"),
}
SHAPES = [(1, 1), (1, 7), (5, 16), (3, 17), (2, 130), (4, 0), (0, 3)]


def numbers(kind, shape, dtype, seed):
    rng = np.random.default_rng(seed)
    made = {
        "any": lambda: rng.standard_normal(shape),
        "unit": lambda: rng.uniform(0.05, 0.95, shape),
        "count": lambda: rng.integers(2, 9, shape),
        "sign": lambda: rng.choice([-1, 1], shape),
    }
    return made[kind]().astype(dtype)


def arrays(row, shape, dtype):
    _, _, x, t = ROWS[row]
    return numbers(x, shape, dtype, 1), numbers(t, shape, dtype, 2), numbers("unit", shape, dtype, 3)


def expected(row, x, t, k, weight, share):
    """Return losses and both gradients, of numbers with more digits."""
    loss, (alpha, beta), _, _ = ROWS[row]
    each = share.astype(WIDE)[:, None] * weight.astype(WIDE)
    return [each * part for part in loss(*(a.astype(WIDE) for a in (x, t, k)), alpha, beta)]


def test_every_row_is_here():
    assert kernels.ROWS.keys() == ROWS.keys()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("row", ROWS)
def test_rows(isa, dtype, row, shape):
    (x, t, k), weight = arrays(row, shape, dtype), numbers("unit", shape, dtype, 4)
    share = np.resize([1.0, 0.5, 0.0], shape[0])
    _, (alpha, beta), _, _ = ROWS[row]

    def run():
        sums = poisoned((shape[0], 2), np.float64)
        dx, dk, losses = (poisoned(x.size, dtype) for _ in range(3))
        flat = (each.ravel() for each in (x, t, k, weight))
        kernels.elementwise_loss(sums, dx, dk, losses, *flat, kernels.ROWS[row], alpha, beta, 0.25, share)
        return sums, dx, dk, losses

    sums, dx, dk, losses = on_any_threads(run)
    value, slope, other = expected(row, x, t, k, weight, share)
    assert_near(losses.reshape(shape), value, 64, row)
    assert_near(dx.reshape(shape), slope / 4, 64, row)
    assert_near(dk.reshape(shape), other / 4, 64, row)
    np.testing.assert_allclose(sums[:, 0], losses.reshape(shape).sum(1, dtype=np.float64), rtol=1e-12)
    assert not sums[:, 1].any()


def test_a_row_without_weights(isa, dtype):
    """What is not given is 1, and what is not wanted is not written."""
    x, t, _ = arrays("bce_logits", (3, 5), dtype)
    sums, dx = poisoned((3, 2), np.float64), poisoned(15, dtype)
    kernels.elementwise_loss(
        sums, dx, None, None, x.ravel(), t.ravel(), None, None, kernels.ROWS["bce_logits"], 0, 0, 1.0
    )
    ones = np.ones_like(x)
    value, slope, _ = expected("bce_logits", x, t, ones, ones, np.ones(3))
    assert_near(dx.reshape(3, 5), slope, 64)
    np.testing.assert_allclose(sums[:, 0], value.sum(1).astype(np.float64), rtol=1e-5)


@pytest.mark.parametrize("row", ["bce", "gaussian_nll"])
def test_what_a_row_refuses_is_counted(isa, dtype, row):
    """Outside of [0, 1], and variances below 0; a NaN is neither, and a sample of weight 0 has none."""
    x = np.full((3, 19), 0.5, dtype)
    bad = x.copy()
    bad[0, [0, 18]], bad[1, 7], bad[1, 8], bad[2, 3] = -1e-3, -np.inf, np.nan, -1
    inputs = (bad, x, x) if row == "bce" else (x, x, bad)
    sums, dx, dk = poisoned((3, 2), np.float64), poisoned(x.size, dtype), poisoned(x.size, dtype)
    share = np.array([1, 0.5, 0])
    flat = [each.ravel() for each in inputs]
    kernels.elementwise_loss(sums, dx, dk, None, *flat, None, kernels.ROWS[row], 1e-6, 0, 1.0, share)
    np.testing.assert_array_equal(sums[:, 1], [2, 1, 0])
    assert np.isnan(sums[1, 0])
    assert sums[2, 0] == 0
    assert not dx.reshape(3, 19)[2].any()


@both_layouts
@pytest.mark.parametrize("shape", [(1, 3, 1), (5, 17, 1), (18, 5, 6), (2, 33, 4)], ids=str)
@pytest.mark.parametrize("row", ROWS)
def test_rows_in_programs(isa, dtype, name, row, shape):
    """On (images, channels, pixels): losses of images, gradients where elements are, and nowhere else."""
    flat = (shape[0], shape[1] * shape[2])
    (x, t, k), weight = arrays(row, flat, dtype), numbers("unit", flat, dtype, 4)
    share, results = np.resize([1.0, 0.5, 0.0], shape[0]), np.full((shape[0], 2), np.nan)
    bench = Workbench(name, dtype, shape[0])
    of_x, of_t, of_k, of_weight = (bench.array(a.reshape(*shape, 1)) for a in (x, t, k, weight))
    dx, dk = (bench.array(np.zeros((*shape, 1), dtype)) for _ in range(2))
    _, (alpha, beta), _, _ = ROWS[row]
    bench.op.elementwise_loss(
        dx=dx,
        dk=dk,
        x=of_x,
        target=of_t,
        k=of_k,
        weight=of_weight,
        share=bench.outside(share, "FLOAT64"),
        results=bench.outside(results, "FLOAT64"),
        vectors=bench.vectors(shape[1]),
        channels=shape[1],
        row=kernels.ROWS[row],
        alpha=alpha,
        beta=beta,
        factor=0.25,
    )
    bench.run()
    value, slope, other = expected(row, x, t, k, weight, share)
    np.testing.assert_allclose(
        results[:, 0], value.sum(1).astype(float), rtol=1e-4 if dtype == np.float32 else 1e-10, atol=1e-6
    )
    assert not results[:, 1].any()
    assert_near(dx.get().reshape(flat), slope / 4, 64)
    assert_near(dk.get().reshape(flat), other / 4, 64)
    for blob in (dx, dk):
        assert isinstance(blob, Blob)
        blob.assert_rest_is_zero(past_the_batch=True)


CLASSES = [(1, 1, 1), (3, 10, 1), (5, 2, 3), (2, 17, 4), (7, 61, 1), (1, 3, 33), (0, 4, 2), (2, 4, 0)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", CLASSES, ids=str)
def test_negative_log_likelihood(isa, dtype, shape, weighted):
    outer, classes, inner = shape
    rng, x = np.random.default_rng(5), normal(shape, dtype)
    weight = rng.uniform(0.5, 2, classes).astype(dtype) if weighted else None
    share = rng.choice([0, 0.5, 1], outer)
    labels = rng.integers(0, classes, (outer, inner))
    labels[rng.random((outer, inner)) < 0.3] = -100

    def run():
        losses, dx = poisoned((outer, inner), np.float64), poisoned(shape, dtype)
        kernels.nll_loss(losses, dx, x, labels, weight, -100, 0.25, share)
        return losses, dx

    losses, dx = on_any_threads(run)
    one_hot = labels[:, None] == np.arange(classes)[:, None]
    each = one_hot * share[:, None, None] * (1 if weight is None else weight.astype(float)[:, None])
    np.testing.assert_allclose(losses, -(each * x).sum(1), rtol=1e-12, atol=1e-300)
    assert_near(dx, -each / 4, 4)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 10), (5, 2), (7, 61), (0, 4), (1, 33)], ids=str)
def test_margins(isa, dtype, shape, weighted, power):
    rows, classes = shape
    rng, x = np.random.default_rng(6), normal(shape, dtype)
    weight = rng.uniform(0.5, 2, classes).astype(dtype) if weighted else None
    share, labels = rng.choice([0, 0.5, 1], rows), rng.integers(0, classes, rows)

    def run():
        losses, dx = poisoned(rows, np.float64), poisoned(shape, dtype)
        kernels.multi_margin_loss(losses, dx, x, labels, weight, power, 0.75, 0.25, share)
        return losses, dx

    losses, dx = on_any_threads(run)
    at, wide = np.arange(rows), x.astype(WIDE)
    near = np.maximum(0, WIDE(0.75) - wide[at, labels][:, None] + wide)
    near[at, labels] = 0
    each = share * (1 if weight is None else weight.astype(float)[labels]) / classes
    np.testing.assert_allclose(losses, (each * (near**power).sum(1)).astype(float), rtol=2e-5, atol=1e-12)
    slope = each[:, None] * (near > 0) * (1 if power == 1 else 2 * near)
    slope[at, labels] = -slope.sum(1)
    assert_near(dx, slope / 4, 64 + 4 * classes)


def test_margins_by_hand(isa, dtype):
    """Of scores 0, 0.5 and -1 the first shall be ahead by 1: the others are too near by 1.5 and 0."""
    losses, dx = poisoned(1, np.float64), poisoned((1, 3), dtype)
    kernels.multi_margin_loss(losses, dx, np.array([[0, 0.5, -1]], dtype), np.array([0]), None, 1, 1.0, 1.0)
    np.testing.assert_allclose(losses, [0.5])
    assert_near(dx, np.array([[-1 / 3, 1 / 3, 0]]), 4)


def _within(value, exact, dtype, units):
    errors = abs(value.astype(WIDE) - exact) / np.spacing(abs(exact).astype(dtype)).astype(WIDE)
    assert errors.max() <= units, float(errors.max())


def losses_of(row, x, t, k, alpha=0.0):
    losses, sums = poisoned(x.size, x.dtype), poisoned((1, 2), np.float64)
    dx, dk = poisoned(x.size, x.dtype), poisoned(x.size, x.dtype)
    kernels.elementwise_loss(sums, dx, dk, losses, x, t, k, None, kernels.ROWS[row], alpha, 0, 1.0)
    return losses


def test_the_logarithm(isa, dtype):
    """A normal distribution's loss at its mean is half of that of the variance."""
    rng, info = np.random.default_rng(1), np.finfo(dtype)
    ends = np.log([float(info.tiny) * 2, float(info.max) / 2])
    x = np.concatenate([np.exp(rng.uniform(*ends, 20001)), rng.uniform(0.5, 2, 20001)]).astype(dtype)
    x = x[x != 1]
    zero = np.zeros_like(x)
    _within(2 * losses_of("gaussian_nll", zero, zero, x), np.log(x.astype(WIDE)), dtype, 3)
    ends = np.array([0, 1, np.inf, np.nan, -1], dtype)
    zero = np.zeros_like(ends)
    # x + log(x)
    found = losses_of("poisson_nll", ends, -np.ones_like(ends), zero)
    np.testing.assert_array_equal(found, [-np.inf, 1, np.inf, np.nan, np.nan])


def test_the_logarithm_of_denormal_numbers(dtype):
    if dtype == np.float32:
        pytest.skip("kernels take them for 0")
    x = np.array([5e-324, 1e-310, 2.2e-308])
    zero = np.zeros_like(x)
    np.testing.assert_allclose(2 * losses_of("gaussian_nll", zero, zero, x), np.log(x), rtol=1e-15)


def test_the_logarithm_of_a_number_near_1(isa, dtype):
    """Binary cross-entropy of the target 0 is -log(1 - x)."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(0, 0.999, 20001), np.exp(rng.uniform(-60, 0, 20001))]).astype(dtype)
    x = x[(x > 0) & (x < 1)]
    zero = np.zeros_like(x)
    _within(losses_of("bce", x, zero, x), -np.log1p(-x.astype(WIDE)), dtype, 3)
