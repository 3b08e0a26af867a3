"""Rectification with learned slopes, on any threads and instruction set."""

import numpy as np
import pytest

from fastcnn._kernels import elementwise as kernels

from .helpers import assert_sums, normal, on_any_threads, poisoned

SHAPES = [(1, 1, 1), (3, 7, 5), (2, 4, 16), (9, 33, 1), (37, 3, 70)]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(isa, dtype, shape, shared):
    x, dy = normal(shape, dtype, 1), normal(shape, dtype, 2)
    x[0, 0, 0], x[-1, -1, -1] = -0.0, 0.0
    weight = normal(1 if shared else shape[1], dtype, 3)

    def run():
        y, dx, dweight = poisoned(shape, dtype), poisoned(shape, dtype), poisoned(shape[1:2], dtype)
        kernels.prelu(y, x, weight, shared)
        kernels.prelu_backward_input(dx, dy, x, weight, shared)
        kernels.prelu_backward_weight(dweight, dy, x)
        return y, dx, dweight

    y, dx, dweight = on_any_threads(run)
    np.testing.assert_array_equal(y, np.where(x > 0, x, x * weight[:, None]))
    np.testing.assert_array_equal(dx, np.where(x > 0, dy, dy * weight[:, None]))
    terms = np.where(x > 0, 0, dy.astype(np.float64) * x)
    count = shape[0] * shape[2]
    assert_sums(dweight, terms.sum((0, 2)), np.abs(terms).sum((0, 2)), count, shape)


def test_numbers_that_are_none(isa, dtype):
    """A NaN stays one, and is in the sum; an infinity has its slope."""
    x = np.array([np.nan, -np.inf, np.inf], dtype).reshape(1, 3, 1)
    y, dweight = poisoned(x.shape, dtype), poisoned((3,), dtype)
    kernels.prelu(y, x, np.full(3, 0.5, dtype), False)
    np.testing.assert_array_equal(y.ravel(), [np.nan, -np.inf, np.inf])
    kernels.prelu_backward_weight(dweight, np.ones_like(x), x)
    np.testing.assert_array_equal(dweight, [np.nan, -np.inf, 0])
