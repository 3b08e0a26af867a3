"""Stochastic depth: which samples are left, and what they are multiplied by."""

import numpy as np
import pytest

from fastcnn import ops
from fastcnn.errors import ArgumentError, ShapeError


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(40,), (40, 3), (40, 2, 3, 4)])
def test_samples_are_zero_or_scaled(shape: tuple[int, ...], dtype: type) -> None:
    x = rng(1).standard_normal(shape).astype(dtype)
    y, mask = ops.stochastic_depth(x, 0.2, "row", generator=rng())
    assert mask is not None
    assert mask.shape == (40,) + (1,) * (len(shape) - 1)
    assert (y.dtype, mask.dtype) == (dtype, dtype)
    assert set(mask.ravel()) == {dtype(0), dtype(1.25)}
    np.testing.assert_array_equal(y, x * mask)


def test_one_draw_decides_about_a_batch() -> None:
    x = np.ones((5, 2, 3, 3), np.float32)
    kept = []
    for seed in range(50):
        y, mask = ops.stochastic_depth(x, 0.5, "batch", generator=rng(seed))
        assert mask is not None
        assert mask.shape == (1, 1, 1, 1)
        assert np.unique(y).tolist() in ([0], [2])
        kept.append(bool(y.any()))
    assert 10 < sum(kept) < 40


def test_how_often_samples_are_kept() -> None:
    y, _ = ops.stochastic_depth(np.ones((20_000, 1), np.float32), 0.3, "row", generator=rng(5))
    assert abs(y.mean() - 1) < 0.02
    assert abs((y == 0).mean() - 0.3) < 0.01


def test_the_same_generator_gives_the_same_mask_whatever_the_samples_are() -> None:
    masks = [
        ops.stochastic_depth(np.ones(shape, np.float32), 0.5, "row", generator=rng(2))[1].ravel()
        for shape in ((30, 1), (30, 4, 7), (30,))
    ]
    np.testing.assert_array_equal(masks[0], masks[1])
    np.testing.assert_array_equal(masks[0], masks[2])


def test_in_evaluation_or_with_p_0_nothing_is_drawn() -> None:
    x, source = np.ones((3, 2), np.float32), rng()
    before = source.bit_generator.state
    for y, mask in (
        ops.stochastic_depth(x, 0.5, "row", False, generator=source),
        ops.stochastic_depth(x, 0.0, "batch", True, generator=source),
        ops.stochastic_depth(x, 0.5, "row", False),
    ):
        assert mask is None
        np.testing.assert_array_equal(y, x)
    assert source.bit_generator.state == before
    np.testing.assert_array_equal(ops.stochastic_depth_backward(x, None), x)


def test_extremes() -> None:
    y, mask = ops.stochastic_depth(np.array([[1.0, np.inf, np.nan]]), 1.0, "row", generator=rng())
    np.testing.assert_array_equal(y, [[0, np.nan, np.nan]])
    np.testing.assert_array_equal(mask, [[0]])
    empty, mask = ops.stochastic_depth(np.zeros((0, 3)), 0.5, "row", generator=rng())
    assert empty.shape == (0, 3)
    assert mask is not None
    assert mask.shape == (0, 1)
    one = np.arange(24.0).reshape(2, 3, 4)[:, ::2, ::-1]
    y, mask = ops.stochastic_depth(one, 0.5, "row", generator=rng())
    np.testing.assert_array_equal(y, one * mask)


def test_messages() -> None:
    x = np.ones((4, 3))
    with pytest.raises(ArgumentError, match="stochastic_depth: mode must be 'row' or 'batch', got 'all'"):
        ops.stochastic_depth(x, 0.5, "all", generator=rng())
    with pytest.raises(ShapeError, match=r"stochastic_depth: x must have a batch axis, got a number"):
        ops.stochastic_depth(np.array(3.0), 0.5, "row", generator=rng())
    with pytest.raises(
        ShapeError,
        match=r"mask must have a number for each sample or for all of dy \(4, 3\), got the shape \(3, 1",
    ):
        ops.stochastic_depth_backward(x, np.ones((3, 1)))
