"""im2col and col2im against a sliding-window view and slice additions."""

import pytest

from fastcnn import ops

from . import plain
from .compare import SIDES, compare, random

BATCH = 128
# channels, size, kernel, stride, padding
CASES = {
    "16x28x28 k3": (16, 28, 3, 1, 1),
    "16x28x28 k3 stride 2": (16, 28, 3, 2, 1),
    "3x32x32 k5": (3, 32, 5, 1, 2),
}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("case", CASES)
def test_im2col(benchmark, case, side):
    channels, size, kernel, stride, padding = CASES[case]
    x = random(BATCH, channels, size, size)
    functions = {
        "fastcnn": lambda: ops.im2col(x, kernel, padding=padding, stride=stride),
        "numpy": lambda: plain.im2col(x, kernel, stride, padding),
    }
    compare(benchmark, side, functions, f"im2col {case}", images=BATCH)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("case", CASES)
def test_col2im(benchmark, case, side):
    channels, size, kernel, stride, padding = CASES[case]
    shape = (BATCH, channels, size, size)
    columns = ops.im2col(random(*shape), kernel, padding=padding, stride=stride)
    functions = {
        "fastcnn": lambda: ops.col2im(columns, (size, size), kernel, padding=padding, stride=stride),
        "numpy": lambda: plain.col2im(columns, shape, kernel, stride, padding),
    }
    compare(benchmark, side, functions, f"col2im {case}", images=BATCH)
