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


BETAS = 1e-3, 0.9, 0.999, 1e-8
# The optimizer; the step of NumPy on param, grad, arrays of zeros and the number of the step; operations.
OTHERS = {
    "RMSprop": (optim.RMSprop, lambda p, g, a, t: plain.rmsprop_step(p, g, a[0], 1e-2, 0.99, 1e-8), 9),
    "Adagrad": (optim.Adagrad, lambda p, g, a, t: plain.adagrad_step(p, g, a[0], 1e-2, 1e-10), 7),
    "Adadelta": (optim.Adadelta, lambda p, g, a, t: plain.adadelta_step(p, g, *a[:2], 1.0, 0.9, 1e-6), 16),
    "RAdam": (optim.RAdam, lambda p, g, a, t: plain.radam_step(p, g, *a[:2], *BETAS, t), 12),
    "Adamax": (
        optim.Adamax,
        lambda p, g, a, t: plain.adamax_step(p, g, *a[:2], 2e-3, 0.9, 0.999, 1e-8, t),
        9,
    ),
    "Lion": (optim.Lion, lambda p, g, a, t: plain.lion_step(p, g, a[0], 1e-4, 0.9, 0.99), 9),
}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", OTHERS)
def test_other(benchmark, name, size, side):
    kind, step, flops = OTHERS[name]
    parameter, param, steps = _parameter(size), random(size), iter(range(1, 10**9))
    optimizer, arrays = kind([parameter]), [0 * param, 0 * param]

    def fastcnn():
        optimizer.step()
        return parameter.data

    def numpy():
        step(param, parameter.grad, arrays, next(steps))
        return param

    compare(benchmark, side, {"fastcnn": fastcnn, "numpy": numpy}, f"{name} {size:,}", flops=flops * size)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("size", SIZES)
def test_nadam(benchmark, size, side):
    parameter, param, steps, products = _parameter(size), random(size), iter(range(1, 10**9)), [1.0]
    optimizer, m, v = optim.NAdam([parameter]), 0 * param, 0 * param

    def fastcnn():
        optimizer.step()
        return parameter.data

    def numpy():
        plain.nadam_step(param, parameter.grad, m, v, products, 2e-3, 0.9, 0.999, 1e-8, next(steps))
        return param

    compare(benchmark, side, {"fastcnn": fastcnn, "numpy": numpy}, f"NAdam {size:,}", flops=15 * size)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("rows", [64, 512])
def test_muon(benchmark, rows, side):
    parameter, param = nn.Parameter(random(rows, rows)), random(rows, rows)
    parameter.grad = random(rows, rows, seed=1)
    optimizer, buffer = optim.Muon([parameter], lr=0.02), 0 * param
    coefficients = optimizer.param_groups[0]["ns_coefficients"]

    def fastcnn():
        optimizer.step()
        return parameter.data

    def numpy():
        plain.muon_step(param, parameter.grad, buffer, 0.02, 0.95, 0.1, coefficients)
        return param

    # Five steps of three products.
    compare(benchmark, side, {"fastcnn": fastcnn, "numpy": numpy}, f"Muon {rows}", flops=30 * rows**3)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("size", SIZES)
def test_average(benchmark, size, side):
    current, ours, theirs = random(size, seed=1), random(size), random(size)
    update = optim.swa_utils.get_ema_multi_avg_fn(0.999)

    def fastcnn():
        update([ours], [current], 1)
        return ours

    def numpy():
        plain.average(theirs, current, 0.999)
        return theirs

    compare(benchmark, side, {"fastcnn": fastcnn, "numpy": numpy}, f"average {size:,}", flops=3 * size)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("size", SIZES)
def test_lookahead(benchmark, size, side):
    """Every step is one of the slow weights too."""
    parameter, param, slow = _parameter(size), random(size), random(size)
    optimizer = optim.Lookahead(optim.SGD([parameter], lr=1e-3), k=1)

    def fastcnn():
        optimizer.step()
        return parameter.data

    def numpy():
        plain.sgd_step(param, parameter.grad, 0 * param, 1e-3, 0.0, 0.0)
        plain.average(slow, param, 0.5)
        param[...] = slow
        return param

    compare(benchmark, side, {"fastcnn": fastcnn, "numpy": numpy}, f"Lookahead {size:,}", flops=5 * size)
