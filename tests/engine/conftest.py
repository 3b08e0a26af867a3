"""What the engine's tests share."""

import pytest

import fastcnn
from fastcnn._kernels import cpu


@pytest.fixture(params=cpu.available_isas())
def isa(request):
    """Run the test on each instruction set of this machine."""
    before = cpu.get_isa()
    cpu.set_isa(request.param)
    yield request.param
    cpu.set_isa(before)


@pytest.fixture(autouse=True)
def same_threads():
    """Put the number of threads back."""
    before = fastcnn.get_num_threads()
    yield
    fastcnn.set_num_threads(before)
