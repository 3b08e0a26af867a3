"""Pooling as operations of programs, in both layouts."""

import numpy as np
import pytest

from fastcnn._kernels.elementwise import ACTIVATIONS
from fastcnn.engine.memory import table

from .helpers import assert_near, normal
from .layouts import SHAPES, Workbench, both_layouts, square_windows

RELU = ACTIVATIONS["relu"]
# (size, stride): windows of four and nine taps have loops of their own; some overlap.
WINDOWS = [(2, 2), (3, 3), (2, 1), (3, 2), (3, 1)]


def at_taps(x, windows):
    """Return (N, C, windows, taps)."""
    return x.reshape(*x.shape[:2], -1)[:, :, np.array(windows)]


def spread(shape, windows, shares):
    """Add the share (N, C, windows, taps) of each tap."""
    dx = np.zeros((*shape[:2], shape[2] * shape[3]))
    for i, window in enumerate(windows):
        dx[:, :, window] += shares[:, :, i]
    return dx.reshape(shape)


@both_layouts
@pytest.mark.parametrize(("size", "stride"), WINDOWS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_max_pool(isa, dtype, name, shape, size, stride):
    """The first of equals wins, and NaN."""
    bench = Workbench(name, dtype, shape[0])
    vectors = bench.vectors(shape[1])
    windows, rows, columns = square_windows(*shape[2:], size, stride)
    numbers = np.round(normal(shape, dtype))
    numbers[0, -1, 1, 1], numbers[-1, 0, 0, 0] = np.nan, -np.inf
    x, z = bench.array(numbers), bench.empty(shape[1], rows, columns)
    winners = bench.scratch(len(windows) * vectors, "INDEX")
    for argmax in (None, winners):
        first, taps = x.taps(windows)
        bench.op.max_pool(z=z, x=x, argmax=argmax, first=first, taps=taps, vectors=vectors, channels=shape[1])
        bench.run()
        np.testing.assert_array_equal(z.get(), at_taps(numbers, windows).max(-1).reshape(z.get().shape))
        z.assert_rest_is_zero()

    dz, dx = bench.array(normal(z.get().shape, dtype, 1), halo=0), bench.empty(*shape[1:])
    exclusive = size == stride
    covered = np.concatenate(windows) if exclusive else []
    cleared = np.setdiff1d(np.arange(shape[2] * shape[3]), covered)
    first, taps = dx.taps(windows)
    tap = np.nan_to_num(at_taps(numbers, windows), nan=np.inf).argmax(-1)
    won = tap[..., None] == np.arange(size * size)
    for mask in (None, z):
        bench.op.max_pool_grad(
            dx=dx,
            dz=dz,
            argmax=winners,
            z=mask,
            activation=RELU if mask else 0,
            first=first,
            taps=taps,
            cleared=dx.pixels()[cleared],
            vectors=vectors,
            exclusive=exclusive,
            factor=1.25,
        )
        bench.run()
        gradient = 1.25 * dz.get() * (~(z.get() <= 0) if mask else 1)  # that of a NaN passes, as in PyTorch
        expected = spread(shape, windows, won * gradient.reshape(*shape[:2], -1, 1))
        assert_near(dx.get(), expected, 32)
        dx.assert_rest_is_zero()


@both_layouts
def test_maximum_of_no_taps(isa, dtype, name):
    """It is -inf, in the channels that there are."""
    bench = Workbench(name, dtype, 2)
    x, z = bench.array(np.ones((2, 3, 1, 1))), bench.empty(3, 1, 2)
    first, taps = x.taps([[], [0]])
    bench.op.max_pool(z=z, x=x, first=first, taps=taps, vectors=bench.vectors(3), channels=3)
    bench.run()
    np.testing.assert_array_equal(z.get(), np.broadcast_to([-np.inf, 1], (2, 3, 1, 2)))
    z.assert_rest_is_zero()


@both_layouts
@pytest.mark.parametrize(("size", "stride"), WINDOWS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_avg_pool(isa, dtype, name, shape, size, stride):
    bench = Workbench(name, dtype, shape[0])
    vectors = bench.vectors(shape[1])
    windows, rows, columns = square_windows(*shape[2:], size, stride)
    factor = np.linspace(0.1, 1, len(windows)).astype(dtype)
    numbers = normal(shape, dtype)
    x, z = bench.array(numbers), bench.empty(shape[1], rows, columns)
    first, taps = x.taps(windows)
    bench.op.avg_pool(z=z, x=x, factor=factor, first=first, taps=taps, vectors=vectors)
    bench.run()
    expected = at_taps(numbers.astype(np.float64), windows).sum(-1) * factor
    assert_near(z.get(), expected.reshape(z.get().shape), 32)
    z.assert_rest_is_zero()

    dz, dx = bench.array(normal(z.get().shape, dtype, 1), halo=0), bench.empty(*shape[1:])
    exclusive = size == stride
    cleared = np.setdiff1d(np.arange(shape[2] * shape[3]), np.concatenate(windows) if exclusive else [])
    first, taps = dx.taps(windows)
    bench.op.avg_pool_grad(
        dx=dx,
        dz=dz,
        factor=factor,
        first=first,
        taps=taps,
        cleared=dx.pixels()[cleared],
        vectors=vectors,
        exclusive=exclusive,
    )
    bench.run()
    shares = (dz.get().reshape(*shape[:2], -1).astype(np.float64) * factor)[..., None]
    assert_near(
        dx.get(), spread(shape, windows, np.broadcast_to(shares, (*shares.shape[:3], size * size))), 32
    )
    dx.assert_rest_is_zero()


@both_layouts
def test_gradients_of_taps_in_the_halo_are_dropped(isa, dtype, name):
    bench = Workbench(name, dtype, 1)
    dz, dx = bench.array(np.ones((1, 3, 1, 1))), bench.empty(3, 1, 1)
    bench.op.avg_pool_grad(
        dx=dx,
        dz=dz,
        factor=np.array([0.5], dtype),
        first=table(np.array([0, 2])),
        taps=table(np.array([-1, dx.pixels()[0]])),
        cleared=dx.pixels(),
        vectors=bench.vectors(3),
    )
    bench.run()
    np.testing.assert_array_equal(dx.get().ravel(), [0.5, 0.5, 0.5])
    dx.assert_rest_is_zero()
