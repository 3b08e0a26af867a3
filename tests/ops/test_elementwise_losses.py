"""Losses of single elements and margins of classes: by hand, their gradients, weights and messages."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn import ops
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.testing import numerical_gradient

from ..oracle.compare import DTYPES


def test_by_hand() -> None:
    x, t = np.array([1.0, 3.0]), np.array([0.0, 1.0])
    half = np.array([0.5, 0.25])
    cases = {
        "mse_loss": ((x, t), 2.5, [1.0, 2.0]),
        "l1_loss": ((x, t), 1.5, [0.5, 0.5]),
        "smooth_l1_loss": ((x, t, "sum", 2.0), 1.25, [0.5, 1.0]),
        "huber_loss": ((x, t, "sum", 1.5), 0.5 + 1.5 * 1.25, [1.0, 1.5]),
        "binary_cross_entropy": ((half, np.array([1.0, 0.0])), math.log(2 / 0.75) / 2, [-1.0, 2 / 3]),
        "binary_cross_entropy_with_logits": (
            (np.zeros(2), np.array([1.0, 0.0]), None, "sum", np.array([3.0, 3.0])),
            4 * math.log(2),
            [-1.5, 0.5],
        ),
        "kl_div": ((np.log(half), np.array([0.25, 0.25]), "sum"), -0.25 * math.log(2), [-0.25, -0.25]),
        "poisson_nll_loss": ((np.zeros(2), t), 1.0, [0.5, 0.0]),
        "soft_margin_loss": ((np.zeros(2), np.array([1.0, -1.0])), math.log(2), [-0.25, 0.25]),
        "hinge_embedding_loss": ((half, np.array([1.0, -1.0])), 0.625, [0.5, -0.5]),
        "gaussian_nll_loss": ((x, t, np.array([1.0, 4.0])), (0.5 + 0.5 + math.log(4) / 2) / 2, [0.5, 0.25]),
    }
    for name, (arguments, loss, gradient) in cases.items():
        found = getattr(ops, name)(*arguments)
        np.testing.assert_allclose(found[0], loss, rtol=1e-14, err_msg=name)
        np.testing.assert_allclose(found[1], gradient, rtol=1e-14, err_msg=name)
    np.testing.assert_allclose(found[2], [0.0, (1 - 1) / 16])


# Function -> numbers of input, target and a third array that are far from where it has no derivative.
SMOOTH = {
    "mse_loss": {},
    "l1_loss": {},
    "smooth_l1_loss": {"beta": 0.5},
    "huber_loss": {"delta": 0.5},
    "binary_cross_entropy": {"weight": np.array([1.0, 2.0, 0.5])},
    "binary_cross_entropy_with_logits": {"pos_weight": np.array([1.0, 2.0, 0.5])},
    "kl_div": {"log_target": True},
    "poisson_nll_loss": {"log_input": False, "full": True},
    "soft_margin_loss": {},
    "hinge_embedding_loss": {},
    "gaussian_nll_loss": {"full": True},
    "multi_margin_loss": {"p": 2},
}


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_differences(name: str, reduction: str) -> None:
    rng = np.random.default_rng(1)
    x, t = rng.uniform(0.1, 0.9, (4, 3)), rng.uniform(0.1, 0.9, (4, 3))
    if name in ("soft_margin_loss", "hinge_embedding_loss"):
        t = rng.choice([-1.0, 1.0], (4, 3))
    third = ()
    if name == "gaussian_nll_loss":
        third = (rng.uniform(0.5, 2, (4, 1)),)
    if name == "multi_margin_loss":
        t = rng.integers(0, 3, 4)
    function, more = getattr(ops, name), {**SMOOTH[name], "sample_weight": np.array([1.0, 0.5, 0, 2])}

    def loss() -> float:
        return function(x, t, *third, reduction=reduction, **more)[0]

    found = function(x, t, *third, reduction=reduction, **more)[1:]
    for array, gradient in zip((x, *third), found, strict=True):
        np.testing.assert_allclose(gradient, numerical_gradient(loss, array), rtol=1e-6, atol=1e-8)


FUNCTIONS = [name for name in SMOOTH if "margin" not in name]


def _inputs(name: str, shape: tuple[int, ...]) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    count = len(
        [p for p in inspect.signature(getattr(ops, name)).parameters if p in ("input", "target", "var")]
    )
    return [rng.uniform(0.1, 0.9, shape) for _ in range(count)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_weights_of_samples(name: str) -> None:
    """Ones are none at all; others weigh the mean of each sample, and 0 is no sample."""
    function, given = getattr(ops, name), _inputs(name, (4, 2, 3))
    plain = function(*given)
    for kind in (np.float32, np.float64):
        for one, other in zip(plain, function(*given, sample_weight=np.ones(4, kind)), strict=True):
            np.testing.assert_array_equal(one, other)
    weight = np.array([0, 1.5, 0.25, 2])
    each, gradient = function(*given, reduction="none")[:2]
    for reduction, divisor in (("mean", weight.sum() * 6), ("sum", 1.0)):
        loss, dx, *_ = function(*given, reduction=reduction, sample_weight=weight)
        by_sample = weight[:, None, None]
        np.testing.assert_allclose(loss, (by_sample * each).sum() / divisor, rtol=1e-13)
        np.testing.assert_allclose(dx, by_sample * gradient / divisor, rtol=1e-13)
    found = function(*given, reduction="none", sample_weight=weight)[0]
    np.testing.assert_allclose(found, weight[:, None, None] * each, rtol=1e-15)
    given[0][0] = np.nan
    assert np.isfinite(function(*given, sample_weight=weight)[0])
    loss, dx, *_ = function(*given, sample_weight=np.zeros(4))
    assert math.isnan(loss)
    assert not dx.any()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("target", ["classes", "probabilities"])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss", "multi_margin_loss"])
def test_weights_of_samples_of_classes(name: str, target: str, reduction: str) -> None:
    rng = np.random.default_rng(4)
    shape = (4, 3) if name == "multi_margin_loss" else (4, 3, 2, 5)
    x, weight, of_class = rng.standard_normal(shape), np.array([0, 1.5, 0.25, 2]), np.array([1, 0.5, 2])
    t = rng.integers(0, 3, (4, *shape[2:]))
    if target == "probabilities":
        if name != "cross_entropy":
            return
        t = rng.uniform(0, 1, shape)
    function = getattr(ops, name)
    plain = function(x, t, weight=of_class, reduction=reduction)
    ones = function(x, t, weight=of_class, reduction=reduction, sample_weight=np.ones(4))
    for one, other in zip(plain, ones, strict=True):
        np.testing.assert_array_equal(one, other)
    each, gradient = function(x, t, weight=of_class, reduction="none")
    own = weight.reshape(4, *[1] * (each.ndim - 1))
    counts = of_class[t] if target == "classes" and name != "multi_margin_loss" else np.ones(each.shape)
    divisor = (own * counts).sum() if reduction == "mean" else 1.0
    loss, dx = function(x, t, weight=of_class, reduction=reduction, sample_weight=weight)
    want = own * each if reduction == "none" else (own * each).sum() / divisor
    np.testing.assert_allclose(loss, want, rtol=1e-13)
    np.testing.assert_allclose(dx, own[:, None] * gradient / divisor, rtol=1e-12, atol=1e-15)


def test_one_sample_and_no_axis() -> None:
    """A number is one sample, and so is a row of classes."""
    loss, gradient = ops.l1_loss(np.array(3.0), np.array(1.0), sample_weight=np.array([0.5]))
    assert loss == 2.0
    assert gradient == 1.0
    x, t = np.array([0.0, 1.0]), np.array(1)
    for name in ("cross_entropy", "nll_loss", "multi_margin_loss"):
        one, _ = getattr(ops, name)(x, t, reduction="sum")
        half, _ = getattr(ops, name)(x, t, reduction="sum", sample_weight=np.array([0.5]))
        assert half == one / 2


@pytest.mark.parametrize("own", [(3, 2), (3, 1), (1, 2), (3,), ()])
@pytest.mark.parametrize("wanted", [(3, 2), (3, 1), (2,), (1,), ()])
def test_variances_and_targets_that_several_elements_share(own, wanted) -> None:
    """They count as if each element had its own; a variance has the sum of the gradients."""
    x, one = np.arange(6.0).reshape(3, 2), 0.5 + np.arange(6.0).reshape(3, 2)
    v, t = one.ravel()[: math.prod(own)].reshape(own), one.ravel()[: math.prod(wanted)].reshape(wanted)
    every = np.broadcast_to(v[:, None] if own == (3,) else v, x.shape)
    difference = x - np.broadcast_to(t, x.shape)
    loss, dx, dv = ops.gaussian_nll_loss(x, t, v, reduction="sum")
    np.testing.assert_allclose(loss, ((np.log(every) + difference**2 / every) / 2).sum(), rtol=1e-13)
    np.testing.assert_allclose(dx, difference / every, rtol=1e-13)
    each = (1 / every - difference**2 / every**2) / 2
    along = {(3, 2): (), (3, 1): 1, (1, 2): 0, (3,): 1, (): None}[own]
    np.testing.assert_allclose(dv, each.sum(along).reshape(own), rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: ops.binary_cross_entropy(np.array([0.5, 1.5, -1]), np.zeros(3)),
            ArgumentError,
            r"binary_cross_entropy: input must lie in \[0, 1\], got 2 elements that do not",
        ),
        (
            lambda: ops.binary_cross_entropy(np.zeros(2), np.array([0.5, 2])),
            ArgumentError,
            r"binary_cross_entropy: target must lie in \[0, 1\], got 0.5 to 2",
        ),
        (
            lambda: ops.gaussian_nll_loss(np.zeros(2), np.zeros(2), np.array([1.0, -1])),
            ArgumentError,
            "gaussian_nll_loss: var must be at least 0, got 1 elements that do not",
        ),
        (
            lambda: ops.gaussian_nll_loss(np.zeros((2, 3)), np.zeros((2, 3)), np.ones((2, 2))),
            ShapeError,
            r"gaussian_nll_loss: var must have the shape of input \(2, 3\), or 1 for one of its axes, or "
            r"lack the last one, got \(2, 2\)",
        ),
        (
            lambda: ops.gaussian_nll_loss(np.zeros((2, 3)), np.zeros(2), np.ones((2, 3))),
            ShapeError,
            r"gaussian_nll_loss: target must be broadcastable to the shape \(2, 3\) of input, got \(2,\)",
        ),
        (
            lambda: ops.huber_loss(np.zeros(2), np.zeros(2), delta=0),
            ArgumentError,
            "huber_loss: delta must be greater than 0, got 0.0",
        ),
        (
            lambda: ops.smooth_l1_loss(np.zeros(2), np.zeros(2), beta=-1),
            ArgumentError,
            "smooth_l1_loss: beta must be at least 0, got -1.0",
        ),
        (
            lambda: ops.multi_margin_loss(np.zeros((2, 3)), np.array([0, 3])),
            ArgumentError,
            r"multi_margin_loss: target must lie in \[0, 3\), got 0 to 3",
        ),
        (
            lambda: ops.multi_margin_loss(np.zeros((2, 3)), np.array([0, 1]), p=3),
            ArgumentError,
            "multi_margin_loss: p must be 1 or 2, got 3",
        ),
        (
            lambda: ops.mse_loss(np.zeros((2, 3)), np.zeros((2, 3)), sample_weight=np.array([1.0, -2])),
            ArgumentError,
            "mse_loss: sample_weight must be finite and not negative, got -2.0 to 1.0",
        ),
        (
            lambda: ops.binary_cross_entropy(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(2)),
            ShapeError,
            r"binary_cross_entropy: weight must be broadcastable to the shape \(2, 3\) of input, got \(2,\)",
        ),
        (
            lambda: ops.l1_loss(np.zeros(2), np.zeros(2, np.float32)),
            DTypeError,
            r"l1_loss: the arrays must have one dtype, got input float64, target float32: "
            r"cast one, as input\.astype\(np\.float32\)",
        ),
    ],
)
def test_messages(call, error, message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        call()


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_of_ten_thousand(dtype) -> None:
    x, t = np.array([1e4, -1e4, 1e4, -1e4], dtype), np.array([1, 0, 0, 1], dtype)
    loss, gradient = ops.binary_cross_entropy_with_logits(x, t, reduction="none")
    np.testing.assert_array_equal(loss, [0, 0, 1e4, 1e4])
    np.testing.assert_array_equal(gradient, [0, 0, 1, -1])
    loss, gradient = ops.soft_margin_loss(x, 2 * t - 1, reduction="none")
    np.testing.assert_array_equal(loss, [0, 0, 1e4, 1e4])
    np.testing.assert_array_equal(gradient, [0, 0, 1, -1])


def test_a_batch_gives_each_sample_what_it_gets_alone() -> None:
    rng = np.random.default_rng(7)
    x, t = (
        rng.standard_normal((9, 3, 17)).astype(np.float32),
        rng.standard_normal((9, 3, 17)).astype(np.float32),
    )
    whole, gradient = ops.smooth_l1_loss(x, t, "none")
    for i in range(9):
        one, dx = ops.smooth_l1_loss(x[i : i + 1], t[i : i + 1], "none")
        np.testing.assert_array_equal(one[0], whole[i])
        np.testing.assert_array_equal(dx[0], gradient[i])


@given(st.sampled_from(FUNCTIONS), st.sampled_from(DTYPES), st.integers(0, 2**32 - 1))
def test_reductions_are_of_the_same_losses(name: str, dtype, seed: int) -> None:
    """Whatever the shape: one has a value for each element, others their sum and mean, in double."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 40 if rng.random() < 0.3 else 6, int(rng.integers(1, 4))))
    given = [rng.uniform(0.1, 0.9, shape).astype(dtype) for _ in _inputs(name, (1,))]
    function = getattr(ops, name)
    each, gradient = function(*given, reduction="none")[:2]
    assert each.shape == shape
    assert each.dtype == gradient.dtype == dtype
    total, slope = function(*given, reduction="sum")[:2]
    np.testing.assert_allclose(total, each.sum(dtype=np.float64), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(slope, gradient)
    mean, slope = function(*given)[:2]
    np.testing.assert_allclose(mean, total / each.size, rtol=1e-15)
    np.testing.assert_allclose(slope, gradient / each.size, rtol=1e-6 if dtype == np.float32 else 1e-14)
