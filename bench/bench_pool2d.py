"""Pooling and its gradients against sliding-window views in NumPy and against PyTorch."""

import pytest

from fastcnn import ops

from . import plain
from .compare import WITH_TORCH, compare, random

BATCH = 128
# channels, size, kernel, stride
CASES = {"16x28x28 k2": (16, 28, 2, 2), "16x28x28 k3 stride 2 (overlapping)": (16, 28, 3, 2)}


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("case", CASES)
def test_max_pool2d(benchmark, case, side):
    channels, size, kernel, stride = CASES[case]
    x = random(BATCH, channels, size, size)
    functions = {
        "fastcnn": lambda: ops.max_pool2d(x, kernel, stride)[0],
        "numpy": lambda: plain.max_pool2d(x, kernel, stride)[0],
    }
    assert (ops.max_pool2d(x, kernel, stride)[1] == plain.max_pool2d(x, kernel, stride)[1]).all()
    compare(
        benchmark,
        side,
        functions,
        f"max_pool2d {case}",
        images=BATCH,
        torch=lambda kernels: kernels.max_pool2d(x, kernel, stride),
    )


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("case", CASES)
def test_max_pool2d_backward(benchmark, case, side):
    channels, size, kernel, stride = CASES[case]
    x = random(BATCH, channels, size, size)
    y, argmax = ops.max_pool2d(x, kernel, stride)
    dy = random(*y.shape, seed=1)
    functions = {
        "fastcnn": lambda: ops.max_pool2d_backward(dy, argmax, x.shape),
        "numpy": lambda: plain.max_pool2d_backward(dy, argmax, x.shape),
    }
    compare(
        benchmark,
        side,
        functions,
        f"max_pool2d_backward {case}",
        images=BATCH,
        torch=lambda kernels: kernels.max_pool2d_backward(dy, argmax, x, kernel, stride),
    )


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("case", CASES)
def test_avg_pool2d(benchmark, case, side):
    channels, size, kernel, stride = CASES[case]
    x = random(BATCH, channels, size, size)
    functions = {
        "fastcnn": lambda: ops.avg_pool2d(x, kernel, stride),
        "numpy": lambda: plain.avg_pool2d(x, kernel, stride),
    }
    compare(
        benchmark,
        side,
        functions,
        f"avg_pool2d {case}",
        images=BATCH,
        torch=lambda kernels: kernels.avg_pool2d(x, kernel, stride),
    )
