"""Matrix products: fastcnn's own GEMM against NumPy's matmul, which is OpenBLAS in NumPy's wheels."""

import numpy as np
import pytest

from fastcnn._kernels.gemm import gemm

from .compare import SIDES, compare, random

# (m, n, k): squares; one image of a 3x3 convolution 16 -> 16 on 28x28; a linear layer 3136 -> 100, batch 128.
SIZES = [(64, 64, 64), (256, 256, 256), (1024, 1024, 1024), (16, 784, 144), (128, 100, 3136)]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_gemm(benchmark, size, dtype, side):
    m, n, k = size
    a, b = random(m, k).astype(dtype), random(k, n, seed=1).astype(dtype)
    ours, theirs = np.empty((m, n), dtype), np.empty((m, n), dtype)

    def fastcnn():
        gemm(ours, a, b)
        return ours

    functions = {"fastcnn": fastcnn, "numpy": lambda: np.matmul(a, b, out=theirs)}
    compare(benchmark, side, functions, f"gemm {m}x{n}x{k} {dtype}", flops=2 * m * n * k)
