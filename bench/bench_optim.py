"""Optimizer steps over one flat array against in-place NumPy; both sides go on from where they are."""

import pytest

from fastcnn import nn, optim

from . import plain
from .compare import SIDES, compare, random

SIZES = [16_146, 1_000_000]


def _parameter(size):
    parameter = nn.Parameter(random(size))
    parameter.grad = random(size, seed=1)
    return parameter


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("size", SIZES)
def test_sgd(benchmark, size, side):
    parameter, param, buffer = _parameter(size), random(size), 0 * random(size)
    optimizer = optim.SGD([parameter], lr=1e-3, momentum=0.9, weight_decay=1e-4)

    def fastcnn():
        optimizer.step()
        return parameter.data

    def numpy():
        plain.sgd_step(param, parameter.grad, buffer, 1e-3, 0.9, 1e-4)
        return param

    compare(benchmark, side, {"fastcnn": fastcnn, "numpy": numpy}, f"SGD {size:,}", flops=6 * size)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("size", SIZES)
def test_adam(benchmark, size, side):
    parameter, param = _parameter(size), random(size)
    m, v, steps = 0 * param, 0 * param, iter(range(1, 10**9))
    optimizer = optim.Adam([parameter], lr=1e-3)

    def fastcnn():
        optimizer.step()
        return parameter.data

    def numpy():
        plain.adam_step(param, parameter.grad, m, v, 1e-3, 0.9, 0.999, 1e-8, next(steps))
        return param

    compare(benchmark, side, {"fastcnn": fastcnn, "numpy": numpy}, f"Adam {size:,}", flops=13 * size)
