"""Every test of a kernel that asks for `isa` or `dtype` runs on each of them."""

import numpy as np
import pytest

from fastcnn._kernels import cpu

from .helpers import using_isa


@pytest.fixture(params=cpu.available_isas("float32"))
def isa(request):
    """Run on one instruction set after the other."""
    with using_isa(request.param):
        yield request.param


@pytest.fixture(params=[np.float32, np.float64], ids=["f32", "f64"])
def dtype(request):
    """Run with both element types."""
    return request.param
