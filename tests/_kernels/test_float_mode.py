"""The mode that kernels compute in, on every thread, for the time of the call: denormals are flushed."""

import ctypes
import platform
import re
import subprocess
import sys
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
    "adjust_workspace",
    "resample_workspace",
    "resize_workspace",
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


# What the C library calls them on x86-64.
UPWARD, TOWARD_ZERO = 0x800, 0xC00
x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of another processor differ")


@pytest.fixture
def c():
    """The C library, which rounds to nearest again after the test."""
    library = ctypes.CDLL(None)
    yield library
    library.fesetround(0)


def rounding_cases(dtype):
    """Return functions that round, in kernels alone: what NumPy does here and there follows the caller."""
    x, rng = np.random.default_rng(1).standard_normal((9, 4, 12, 12)).astype(dtype), np.random.default_rng(2)
    kernel, matrix = (
        rng.standard_normal((6, 4, 3, 3)).astype(dtype),
        rng.standard_normal((3, 576)).astype(dtype),
    )
    layers = nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 144, 3)
    model = nn.Sequential(*layers).initialize(seed=0).astype(dtype)
    compiled, parameter = fastcnn.compile(model, input_gradient=True), nn.Parameter(np.ones(5, dtype))
    optimizer, y = optim.SGD([parameter], lr=0.1), ops.conv2d(x, kernel)
    dy = rng.standard_normal((9, 3)).astype(dtype)

    def step():
        parameter.data[...], parameter.grad = 0.75, np.arange(5, dtype=dtype)
        optimizer.step()
        return parameter.data.copy()

    def backward():
        compiled(x)
        return compiled.backward(dy)

    return {
        "conv2d": lambda: ops.conv2d(x, kernel),
        "conv2d_backward": lambda: ops.conv2d_backward(y, x, kernel)[1],
        "linear": lambda: ops.linear(x.reshape(9, -1), matrix),
        "softmax": lambda: ops.softmax(dy),
        "a prediction": lambda: model.predict(x),
        "a backward pass": backward,
        "a step of SGD": step,
    }


@x86
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rounding", [UPWARD, TOWARD_ZERO])
def test_results_do_not_depend_on_how_the_caller_rounds(c, rounding, dtype):
    for name, compute in rounding_cases(dtype).items():
        want = on_any_threads(compute)
        c.fesetround(rounding)
        got = on_any_threads(compute)
        assert c.fegetround() == rounding
        c.fesetround(0)
        np.testing.assert_array_equal(got, want, name)


@x86
def test_what_the_caller_knows_of_exceptions_stays(c):
    """A float32 kernel raises no flag, and takes none back."""
    model = nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(96, 3)).initialize(seed=0)
    x = np.random.default_rng(0).standard_normal((8, 4, 6, 6)).astype(np.float32)
    model.predict(x)
    every = 0x3D  # all but denormal operands, which have no name in C
    for raised in (0, 0x10, every):
        c.feclearexcept(every)
        c.feraiseexcept(raised)
        before = c.fetestexcept(every)
        model.predict(x)
        assert c.fetestexcept(every) == before


TRAPS = """
import ctypes
import numpy as np
import fastcnn
from fastcnn import nn

c = ctypes.CDLL(None)
model = nn.Sequential(
    nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(24, 3)
).initialize(seed=0)
compiled, loss = fastcnn.compile(model), nn.CrossEntropyLoss()
x = np.full((9, 4, 6, 6), 1e30, np.float32)
x[3:] = np.nan
x[6:] = np.inf
for threads in (1, 2):
    fastcnn.set_num_threads(threads)
    model.train()
    model.predict(x), model(x), compiled.gradients(x, np.arange(9) % 3, loss)  # whatever is made but once
    traps = 0x1 | 0x4 | 0x8  # invalid, division by zero, overflow
    assert c.feenableexcept(traps) != -1
    model.predict(x)
    compiled.gradients(x, np.arange(9) % 3, loss)
    assert c.fegetexcept() == traps
    c.fedisableexcept(traps)
print("went on")
"""


@x86
@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "feenableexcept"), reason="a function of the GNU C library"
)
def test_a_caller_that_wants_traps_is_not_trapped():
    """As numerical programs in other languages may: kernels compute with infinities and NaN as they come."""
    done = subprocess.run([sys.executable, "-c", TRAPS], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr


def test_every_kernel_that_cython_calls_has_its_own_mode():
    eager = re.findall(r"EAGER_KERNEL\(\w+, (\w+),", (CSRC / "eager/kernels.inc").read_text())
    others = re.findall(r"^ *\.\w+ = FCN\((\w+)\)", (CSRC / "kernels.c").read_text(), re.MULTILINE)
    assert others == ["channels_kernels", "run_program", "time_program", "images_kernels"]
    entries = {*eager, *others} - WITHOUT
    assert len(entries) > 25
    flushing_kernels = set()
    for path in CSRC.rglob("*.c"):
        text = path.read_text()
        flushing_kernels |= set(re.findall(r"FCN\((\w+)\)\([^;{]*\)\n\{\n    OWN_FLOAT_MODE;", text))
    assert entries - flushing_kernels == set()


def test_setting():
    assert fastcnn.get_flush_denormal()
    with flushing(False):
        assert not fastcnn.get_flush_denormal()
    assert fastcnn.set_flush_denormal(True) is True
    with pytest.raises(ArgumentError, match=r"set_flush_denormal: mode must be True or False, got 'yes'"):
        fastcnn.set_flush_denormal("yes")
