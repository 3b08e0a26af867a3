"""What the engine's tests share."""

import pytest

import fastcnn
from fastcnn._kernels import cpu
from fastcnn.engine.algorithms import Wanted
from fastcnn.engine.choose import layouts, takes_channels
from fastcnn.engine.elements import ElementType


@pytest.fixture(params=cpu.available_isas("float32"))
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


@pytest.fixture
def filtered(monkeypatch):
    """Let programs filter all windows of 3x3 that they can, in float64 too, where tests can be strict."""
    for module in ("plan", "cache"):
        monkeypatch.setattr(f"fastcnn.engine.{module}.settled", lambda *_: Wanted("high", "winograd"))
        monkeypatch.setattr(f"fastcnn.engine.{module}.choose", _channels)


def _channels(graph, *rest):
    images, channels = layouts(ElementType.of(graph.dtype.name))
    return channels if takes_channels(graph) else images
