"""Interpolation and its gradient against products of matrices in NumPy and against PyTorch."""

import pytest

from fastcnn import ops

from . import plain
from .compare import WITH_TORCH, compare, random

BATCH, CHANNELS, SIZE = 32, 16, 28
# mode, size of the output
CASES = {
    "nearest 56x56": ("nearest", 56),
    "bilinear 56x56": ("bilinear", 56),
    "bicubic 20x20": ("bicubic", 20),
}


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("case", CASES)
def test_interpolate(benchmark, case, side):
    mode, size = CASES[case]
    x = random(BATCH, CHANNELS, SIZE, SIZE)
    compare(
        benchmark,
        side,
        {
            "fastcnn": lambda: ops.interpolate(x, size, mode=mode),
            "numpy": lambda: plain.interpolate(x, size, mode),
        },
        f"interpolate {CHANNELS}x{SIZE}x{SIZE} to {case}",
        images=BATCH,
        torch=lambda kernels: kernels.interpolate(x, size, mode),
    )


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("case", CASES)
def test_interpolate_backward(benchmark, case, side):
    mode, size = CASES[case]
    dy = random(BATCH, CHANNELS, size, size)
    shape = BATCH, CHANNELS, SIZE, SIZE
    compare(
        benchmark,
        side,
        {
            "fastcnn": lambda: ops.interpolate_backward(dy, shape, size, mode=mode),
            "numpy": lambda: plain.interpolate_backward(dy, SIZE, mode),
        },
        f"interpolate_backward {CHANNELS}x{SIZE}x{SIZE} from {case}",
        images=BATCH,
        torch=lambda kernels: kernels.interpolate_backward(dy, shape, mode),
    )
