"""Convolution and its gradients on layers of the reference networks, against im2col in NumPy and PyTorch."""

import pytest

from fastcnn import ops

from . import plain
from .compare import WITH_TORCH, compare, random

BATCH = 64
# in_channels, out_channels, size, kernel, stride, padding
CASES = {
    "1->16 28x28 k3": (1, 16, 28, 3, 1, 1),
    "16->16 28x28 k3": (16, 16, 28, 3, 1, 1),
    "32->64 7x7 k3": (32, 64, 7, 3, 1, 1),
    "8->16 14x14 k3 stride 2": (8, 16, 14, 3, 2, 1),
    "3->32 32x32 k5": (3, 32, 32, 5, 1, 2),
    "32->8 7x7 k1": (32, 8, 7, 1, 1, 0),
}


def _arrays(case):
    in_channels, out_channels, size, kernel, stride, padding = CASES[case]
    x = random(BATCH, in_channels, size, size)
    weight = random(out_channels, in_channels, kernel, kernel, seed=1)
    bias = random(out_channels, seed=2)
    out_size = (size + 2 * padding - kernel) // stride + 1
    flops = 2 * BATCH * weight.size * out_size**2
    return x, weight, bias, stride, padding, flops


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("case", CASES)
def test_conv2d(benchmark, case, side):
    x, weight, bias, stride, padding, flops = _arrays(case)
    functions = {
        "fastcnn": lambda: ops.conv2d(x, weight, bias, stride, padding),
        "numpy": lambda: plain.conv2d(x, weight, bias, stride, padding),
    }
    compare(
        benchmark,
        side,
        functions,
        f"conv2d {case}",
        images=BATCH,
        flops=flops,
        torch=lambda kernels: kernels.conv2d(x, weight, bias, stride, padding),
    )


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("case", CASES)
def test_conv2d_backward(benchmark, case, side):
    x, weight, bias, stride, padding, flops = _arrays(case)
    dy = random(*ops.conv2d(x, weight, bias, stride, padding).shape, seed=3)
    functions = {
        "fastcnn": lambda: ops.conv2d_backward(dy, x, weight, stride, padding),
        "numpy": lambda: plain.conv2d_backward(dy, x, weight, stride, padding),
    }
    compare(
        benchmark,
        side,
        functions,
        f"conv2d_backward {case}",
        images=BATCH,
        flops=2 * flops,
        torch=lambda kernels: kernels.conv2d_backward(dy, x, weight, stride, padding),
    )
