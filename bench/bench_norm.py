"""Batch normalisation with the batch's statistics, and its gradients, against NumPy and PyTorch."""

import pytest

from fastcnn import ops

from . import plain
from .compare import WITH_TORCH, compare, random

BATCH = 128
SHAPES = [(BATCH, 16, 28, 28), (BATCH, 32, 7, 7)]


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batch_norm(benchmark, shape, side):
    x, weight, bias = random(*shape), random(shape[1], seed=1), random(shape[1], seed=2)
    functions = {
        "fastcnn": lambda: ops.batch_norm(x, None, None, weight, bias, training=True),
        "numpy": lambda: plain.batch_norm(x, weight, bias),
    }
    compare(
        benchmark,
        side,
        functions,
        f"batch_norm {shape}",
        images=BATCH,
        torch=lambda kernels: kernels.batch_norm(x, weight, bias),
    )


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batch_norm_backward(benchmark, shape, side):
    x, weight, dy = random(*shape), random(shape[1], seed=1), random(*shape, seed=2)
    functions = {
        "fastcnn": lambda: ops.batch_norm_backward(dy, x, weight),
        "numpy": lambda: plain.batch_norm_backward(dy, x, weight),
    }
    compare(
        benchmark,
        side,
        functions,
        f"batch_norm_backward {shape}",
        images=BATCH,
        tolerance=1e-3,
        torch=lambda kernels: kernels.batch_norm_backward(dy, x, weight),
    )
