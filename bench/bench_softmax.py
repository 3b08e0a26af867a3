"""Softmax, and cross-entropy with its gradient in one pass."""

import numpy as np
import pytest

from fastcnn import ops

from . import plain
from .compare import SIDES, compare, random

SHAPES = [(128, 10), (4096, 10), (512, 1000)]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_softmax(benchmark, shape, side):
    logits = 4 * random(*shape)
    functions = {"fastcnn": lambda: ops.softmax(logits, 1), "numpy": lambda: plain.softmax(logits)}
    compare(benchmark, side, functions, f"softmax {shape}", images=shape[0])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_cross_entropy(benchmark, shape, side):
    logits = 4 * random(*shape)
    target = np.random.default_rng(1).integers(0, shape[1], shape[0])
    np.testing.assert_allclose(
        ops.cross_entropy(logits, target)[0], plain.cross_entropy(logits, target)[0], rtol=1e-5
    )
    functions = {
        "fastcnn": lambda: ops.cross_entropy(logits, target)[1],
        "numpy": lambda: plain.cross_entropy(logits, target)[1],
    }
    compare(benchmark, side, functions, f"cross_entropy {shape}", images=shape[0])
