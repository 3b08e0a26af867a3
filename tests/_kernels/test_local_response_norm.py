"""Local response normalisation against the equation, on any threads and instruction set."""

import numpy as np
import pytest

from fastcnn._kernels import norm as kernels

from . import reference
from .helpers import assert_sums, normal, on_any_threads, poisoned

SHAPES = [(1, 1, 1), (3, 7, 5), (2, 4, 16), (2, 33, 17), (5, 3, 70)]


@pytest.mark.parametrize("beta", [0.0, 0.4, 0.5, 0.75, 1.0, 2.0])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values_and_gradients(isa, dtype, shape, beta):
    x, dy = normal(shape, dtype, 1), normal(shape, dtype, 2)
    for before, behind in ((0, 0), (1, 0), (1, 1), (3, 2), (0, 4)):
        numbers = before, behind, 0.3, beta, 1.5

        def run(numbers=numbers):
            y, dx, products = (poisoned(shape, dtype) for _ in range(3))
            kernels.local_response_norm(y, x, *numbers)
            kernels.local_response_norm_backward(dx, products, dy, x, *numbers)
            return y, dx

        y, dx = on_any_threads(run)
        want, grad, magnitude = reference.local_response_norm(dy, x, *numbers)
        assert_sums(y, want, np.abs(want), 2 * (before + behind) + 16, ("y", *shape, *numbers))
        assert_sums(dx, grad, magnitude, 4 * (before + behind) + 32, ("dx", *shape, *numbers))
