"""Clipping of gradients: by hand, and PyTorch's answers."""

import math

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.errors import ArgumentError, DTypeError, StateError
from fastcnn.nn.utils import clip_grad_norm_, clip_grad_value_


def parameters(*grads, dtype=np.float32):
    made = []
    for grad in grads:
        made.append(nn.Parameter(np.zeros(len(grad), dtype)))
        made[-1].grad = np.array(grad, dtype)
    return made


def test_by_hand():
    """(3, 4, 0) and (12): the norm is 13."""
    some = [*parameters([3, 4, 0], [12]), nn.Parameter(np.zeros(2))]
    arrays = [p.grad for p in some[:2]]
    assert clip_grad_norm_(some, 6.5) == 13
    np.testing.assert_allclose(some[0].grad, [1.5, 2, 0], rtol=1e-6)
    np.testing.assert_allclose(some[1].grad, [6], rtol=1e-6)
    assert [p.grad for p in some[:2]] == arrays  # the same objects: they are changed in place
    assert some[2].grad is None
    before = [p.grad.copy() for p in some[:2]]
    assert clip_grad_norm_(iter(some), 7) == pytest.approx(6.5, rel=1e-6)
    for p, grad in zip(some, before, strict=False):
        np.testing.assert_array_equal(p.grad, grad)


# PyTorch 2.13's answers for the gradients (3, -4, 0, 1) and (2) and max_norm 1.
PYTORCH = {
    0: (2.0, [1.5, -2.0, 0.0, 0.5], [1.0]),
    -1: (0.0, [3.0, -4.0, 0.0, 1.0], [2.0]),
    1: (10.0, [0.3, -0.4, 0.0, 0.1], [0.2]),
    0.5: (37.7766, [0.0794, -0.1059, 0.0, 0.0265], [0.0529]),
    3: (4.6416, [0.6463, -0.8618, 0.0, 0.2154], [0.4309]),
    math.inf: (4.0, [0.75, -1.0, 0.0, 0.25], [0.5]),
    -math.inf: (0.0, [3.0, -4.0, 0.0, 1.0], [2.0]),
    "inf": (4.0, [0.75, -1.0, 0.0, 0.25], [0.5]),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("norm_type", PYTORCH)
def test_norms_of_every_order(norm_type, dtype):
    first, second = parameters([3, -4, 0, 1], [2], dtype=dtype)
    total, *grads = PYTORCH[norm_type]
    assert clip_grad_norm_([first, second], 1.0, norm_type) == pytest.approx(total, abs=6e-5)
    np.testing.assert_allclose(first.grad, grads[0], atol=6e-5)
    np.testing.assert_allclose(second.grad, grads[1], atol=6e-5)
    assert first.grad.dtype == dtype


def test_limits():
    (one,) = parameters([3, 4])
    assert clip_grad_norm_(one, math.inf) == 5
    np.testing.assert_array_equal(one.grad, [3, 4])
    assert clip_grad_norm_(one, 0) == 5
    np.testing.assert_array_equal(one.grad, [0, 0])
    assert clip_grad_norm_([], 1) == 0
    assert clip_grad_norm_([nn.Parameter(np.zeros(2))], 1) == 0
    assert clip_grad_norm_(parameters([]), 1) == 0


def test_norms_that_are_not_finite():
    """As in PyTorch: scaled by them, unless that is an error."""
    (one,) = parameters([3, np.nan, 1])
    assert math.isnan(clip_grad_norm_(one, 1))
    assert np.isnan(one.grad).all()
    (one,) = parameters([3, np.inf, 1])
    with pytest.raises(StateError, match="clip_grad_norm_: the norm of the gradients is inf: look for NaN"):
        clip_grad_norm_(one, 1, error_if_nonfinite=True)
    np.testing.assert_array_equal(one.grad, [3, np.inf, 1])
    assert clip_grad_norm_(one, 1) == math.inf
    np.testing.assert_array_equal(one.grad, [0, np.nan, 0])


def test_the_sum_is_taken_in_double_precision_for_any_number_of_threads():
    """In float32 a million squares of 1e-3 after one of 1 would leave the sum at 1 or nearly so."""
    grad = np.full(3_000_001, 1e-3, np.float32)
    grad[0] = 1
    expected = math.sqrt(1 + 3_000_000 * float(np.float32(1e-3)) ** 2)
    totals, before = set(), fastcnn.get_num_threads()
    try:
        for threads in (1, 2, 3):
            fastcnn.set_num_threads(threads)
            totals.add(clip_grad_norm_(parameters(grad), 1e9))
    finally:
        fastcnn.set_num_threads(before)
    (total,) = totals
    assert total == pytest.approx(expected, rel=1e-12)


def test_values():
    some = parameters([3, -4, 0.5], [np.nan, -np.inf])
    arrays = [p.grad for p in some]
    assert clip_grad_value_(some, 1) is None
    np.testing.assert_array_equal(some[0].grad, [1, -1, 0.5])
    np.testing.assert_array_equal(some[1].grad, [np.nan, -1])
    assert all(p.grad is grad for p, grad in zip(some, arrays, strict=True))
    clip_grad_value_(some[0], 0.25)
    np.testing.assert_array_equal(some[0].grad, [0.25, -0.25, 0.25])


@pytest.mark.parametrize("clip", [clip_grad_norm_, clip_grad_value_])
def test_arguments(clip):
    (one,) = parameters([3, 4])
    name = {clip_grad_norm_: "clip_grad_norm_: max_norm", clip_grad_value_: "clip_grad_value_: clip_value"}[
        clip
    ]
    for value in (-1, math.nan):
        with pytest.raises(ArgumentError, match=f"{name} must be at least 0, got {value}"):
            clip(one, value)
    for value in (True, "1", None):
        with pytest.raises(DTypeError, match=f"{name} must be a number, got {value!r}"):
            clip(one, value)
    with pytest.raises(DTypeError, match=f"{clip.__name__}: parameters must be Parameters, got float"):
        clip(1.0, 1.0)
    with pytest.raises(DTypeError, match=f"{clip.__name__}: parameters must be Parameters, got a ndarray"):
        clip([one.grad], 1.0)
    for order, error in ((math.nan, ArgumentError), ("two", DTypeError), (None, DTypeError)):
        with pytest.raises(error, match=f"clip_grad_norm_: norm_type must be a number, got {order!r}"):
            clip_grad_norm_(one, 1.0, order)
    np.testing.assert_array_equal(one.grad, [3, 4])
