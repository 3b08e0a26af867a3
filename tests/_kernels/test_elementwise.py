"""Activations and the mask of dropout."""

import numpy as np
import pytest

from fastcnn._kernels import elementwise as kernels

from . import reference
from .helpers import SIZES, assert_near, normal, on_any_threads, poisoned

RELU = kernels.ACTIVATIONS["relu"]


@pytest.mark.parametrize("size", [0, *SIZES])
def test_relu(isa, dtype, size):
    x, dy = normal(size, dtype, 1), normal(size, dtype, 2)
    y, dx = poisoned(size, dtype), poisoned(size, dtype)
    kernels.activation(y, x, RELU, 0, 0)
    np.testing.assert_array_equal(y, np.maximum(x, 0))
    kernels.activation_backward(dx, dy, x, RELU, 0, 0)
    np.testing.assert_array_equal(dx, np.where(x > 0, dy, 0))
    # A layer keeps its output instead of its input.
    kernels.activation_backward(dx, dy, y, RELU, 0, 0)
    np.testing.assert_array_equal(dx, np.where(x > 0, dy, 0))


def test_relu_of_special_numbers(isa, dtype):
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, np.finfo(dtype).tiny, -np.finfo(dtype).tiny], dtype)
    y, dx = poisoned(x.shape, dtype), poisoned(x.shape, dtype)
    kernels.activation(y, x, RELU, 0, 0)
    np.testing.assert_array_equal(y, [np.nan, np.inf, 0, 0, 0, np.finfo(dtype).tiny, 0])
    kernels.activation_backward(dx, np.ones_like(x), y, RELU, 0, 0)
    np.testing.assert_array_equal(dx, [1, 1, 0, 0, 0, 1, 0])


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.999])
@pytest.mark.parametrize("key", [0, 1, 2**32, 2**64 - 1])
def test_dropout_mask(isa, dtype, key, p):
    """The mask is a function of (key, row, column): every build makes the same one."""
    mask = poisoned((5, 37), dtype)
    kernels.dropout_mask(mask, key, p)
    assert_near(mask, reference.dropout_mask(5, 37, key, p), 2)


def test_dropout_mask_does_not_depend_on_threads(isa, dtype):
    def run():
        mask = poisoned((61, 700), dtype)
        kernels.dropout_mask(mask, 12345, 0.3)
        return mask

    mask = on_any_threads(run)
    assert abs((mask == 0).mean() - 0.3) < 0.01
    rows = (mask == 0).mean(axis=1)
    columns = (mask == 0).mean(axis=0)
    # Independent rows and columns: their shares spread like binomial ones.
    assert 0.5 < rows.var() / (0.3 * 0.7 / 700) < 2
    assert 0.8 < columns.var() / (0.3 * 0.7 / 61) < 1.25


def test_dropout_of_nothing_and_everything(isa, dtype):
    mask = poisoned((3, 17), dtype)
    kernels.dropout_mask(mask, 9, 0.0)
    np.testing.assert_array_equal(mask, 1)
    kernels.dropout_mask(mask, 9, 1.0)
    np.testing.assert_array_equal(mask, 0)
    for shape in [(0, 5), (5, 0)]:
        kernels.dropout_mask(np.empty(shape, dtype), 9, 0.5)
