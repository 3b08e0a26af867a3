"""Linear layers and their gradients against NumPy's matmul and against PyTorch."""

import pytest

from fastcnn import ops

from . import plain
from .compare import WITH_TORCH, compare, random

# Images, inputs, outputs: layers of position-bias-mnist and list-cifar, and one of no reference network.
SIZES = [(128, 3136, 100), (512, 8192, 10), (512, 1152, 128)]


def _arrays(size):
    images, inputs, outputs = size
    return random(images, inputs), random(outputs, inputs, seed=1), random(outputs, seed=2)


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_linear(benchmark, size, side):
    x, weight, bias = _arrays(size)
    functions = {
        "fastcnn": lambda: ops.linear(x, weight, bias),
        "numpy": lambda: plain.linear(x, weight, bias),
    }
    compare(
        benchmark,
        side,
        functions,
        f"linear {size}",
        images=len(x),
        flops=2 * len(x) * weight.size,
        torch=lambda kernels: kernels.linear(x, weight, bias),
    )


@pytest.mark.parametrize("side", WITH_TORCH)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_linear_backward(benchmark, size, side):
    x, weight, bias = _arrays(size)
    dy = random(len(x), len(bias), seed=3)
    functions = {
        "fastcnn": lambda: ops.linear_backward(dy, x, weight),
        "numpy": lambda: plain.linear_backward(dy, x, weight),
    }
    compare(
        benchmark,
        side,
        functions,
        f"linear_backward {size}",
        images=len(x),
        flops=4 * len(x) * weight.size,
        torch=lambda kernels: kernels.linear_backward(dy, x, weight),
    )
