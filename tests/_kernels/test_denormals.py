"""Denormal numbers: flushed by float32 kernels, on every thread, for the time of the call."""

import re
from pathlib import Path

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, ops, optim
from fastcnn.errors import ArgumentError
from fastcnn.nn.factored import FactoredGradient

from .helpers import flushing, on_any_threads

CSRC = Path(__file__).parents[2] / "src" / "fastcnn" / "_kernels" / "csrc"
TINY = np.float32(1e-40)  # denormal: the smallest normal number is 1.2e-38
SMALLEST = np.finfo(np.float32).tiny
# They compute with no element, or are run by run_program.
WITHOUT = {
    "images_kernels",
    "channels_kernels",
    "fma_peak",
    "copy_rate",
    "gemm_workspace",
    "conv2d_workspace",
    "affine_workspace",
}


def small(shape, dtype=np.float32):
    """Return numbers around 2e-39, all of them denormal in float32."""
    return (np.random.default_rng(0).uniform(1, 3, shape) * 1e-39).astype(dtype)


def has_denormals(array):
    """Tell whether an element is denormal in float32."""
    magnitude = np.abs(array.astype(np.float64))
    return bool(((magnitude > 0) & (magnitude < SMALLEST)).any())


def adam_moments(x):
    parameter = nn.Parameter(np.ones(x.size, x.dtype))
    optimizer = optim.Adam([parameter])
    parameter.grad = x.ravel()
    optimizer.step()
    return optimizer.state_dict()["state"][0]["exp_avg"]


def step_of_sgd(x):
    parameter = nn.Parameter(np.zeros(x.size, x.dtype))
    parameter.grad = x.ravel()
    optim.SGD([parameter], lr=1.0).step()
    return parameter.data


def product_of_factors(x):
    rows = x.reshape(len(x), -1)
    return FactoredGradient(np.ones((len(rows), 2), x.dtype), rows, (2, rows.shape[1])).array()


def compiled(x):
    model = nn.Sequential(nn.Conv2d(4, 6, 3, padding=1), nn.AvgPool2d(2)).initialize("small_normal", seed=0)
    return model.astype(x.dtype).predict(x)


def compiled_gradient(x):
    model = nn.Sequential(nn.Conv2d(4, 6, 1, bias=False)).initialize(seed=0).astype(x.dtype)
    fast = fastcnn.compile(model, input_gradient=True)
    y = fast(x)
    return fast.backward(np.resize(x, y.shape))


COMPUTE = {
    "avg_pool2d": lambda x: ops.avg_pool2d(x, 2),
    "batch_norm": lambda x: ops.batch_norm(x, np.zeros(4, x.dtype), np.ones(4, x.dtype))[0],
    "conv2d": lambda x: ops.conv2d(x, np.ones((2, 4, 3, 3), x.dtype) / 32),
    "conv2d_backward": lambda x: ops.conv2d_backward(x, x, np.ones((4, 4, 1, 1), x.dtype) / 4)[0],
    "linear": lambda x: ops.linear(x.reshape(len(x), -1), np.ones((3, x[0].size), x.dtype) / 16000),
    "Adam": adam_moments,
    "SGD": step_of_sgd,
    "a product of factors": product_of_factors,
    "a program": compiled,
    "a program's gradient": compiled_gradient,
}


@pytest.fixture(params=COMPUTE, ids=str)
def compute(request):
    """A function of an array (N, 4, H, W) that multiplies or adds its elements in kernels."""
    return COMPUTE[request.param]


def test_float32_denormals_are_flushed(compute):
    x = small((9, 4, 40, 40))
    assert has_denormals(x)
    assert not has_denormals(on_any_threads(lambda: compute(x)))


def test_the_setting_keeps_them(compute):
    x = small((9, 4, 40, 40))
    with flushing(False):
        result = on_any_threads(lambda: compute(x))
    assert has_denormals(result)


def test_float64_is_never_flushed(compute):
    x = small((9, 4, 40, 40), np.float64) * 1e-270  # denormal in float64
    result = compute(x)
    assert ((np.abs(result) > 0) & (np.abs(result) < np.finfo(np.float64).tiny)).any()


def test_the_caller_keeps_its_mode(compute):
    compute(small((2, 4, 6, 6)))
    assert TINY * np.float32(1) == TINY
    assert np.float32(SMALLEST) / np.float32(8) > 0


def test_every_kernel_that_cython_calls_flushes():
    eager = re.findall(r"EAGER_KERNEL\(\w+, (\w+),", (CSRC / "eager/kernels.inc").read_text())
    others = re.findall(r"^ *\.\w+ = FCN\((\w+)\)", (CSRC / "kernels.c").read_text(), re.MULTILINE)
    assert others == ["images_kernels", "channels_kernels", "run_program", "time_program"]
    entries = {*eager, *others} - WITHOUT
    assert len(entries) > 25
    flushing_kernels = set()
    for path in CSRC.rglob("*.c"):
        text = path.read_text()
        flushing_kernels |= set(re.findall(r"FCN\((\w+)\)\([^;{]*\)\n\{\n    FLUSH_DENORMALS;", text))
    assert entries - flushing_kernels == set()


def test_setting():
    assert fastcnn.get_flush_denormal()
    with flushing(False):
        assert not fastcnn.get_flush_denormal()
    assert fastcnn.set_flush_denormal(True) is True
    with pytest.raises(ArgumentError, match=r"set_flush_denormal: mode must be True or False, got 'yes'"):
        fastcnn.set_flush_denormal("yes")
