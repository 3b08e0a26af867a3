"""Interpolation, margins and dropout of channels as operations of programs, in both layouts."""

import numpy as np
import pytest

from fastcnn._kernels import elementwise

from .helpers import assert_sums, normal
from .layouts import SHAPES, Workbench, both_layouts

KEY = 0x123456789ABCDEF1


@both_layouts
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_resample(isa, dtype, name, shape, weighted):
    """Pixels of no tap, of a few, and of so many that their sum is one of halves."""
    bench, rng = Workbench(name, dtype, shape[0]), np.random.default_rng(0)
    pixels = shape[2] * shape[3]
    windows = [rng.integers(0, pixels, count).tolist() for count in (0, 1, 2, 4, 16, 129, 1000, 3)]
    numbers = normal(shape, dtype)
    x, z = bench.array(numbers), bench.empty(shape[1], 2, 4)
    first, taps = x.taps(windows)
    weight = rng.standard_normal(taps.size).astype(dtype)
    bench.op.resample(
        z=z,
        x=x,
        weight=weight if weighted else None,
        first=first,
        taps=taps,
        vectors=bench.vectors(shape[1]),
    )
    bench.run()
    expected, magnitude = np.zeros((2, *shape[:2], 8))
    flat = numbers.reshape(*shape[:2], -1).astype(np.float64)
    for i, window in enumerate(windows):
        factors = weight[first[i] : first[i + 1]] if weighted else np.ones(len(window))
        expected[..., i] = (flat[..., window] * factors).sum(-1)
        magnitude[..., i] = np.abs(flat[..., window] * factors).sum(-1)
    whole = (*shape[:2], 2, 4)
    assert_sums(z.get(), expected.reshape(whole), magnitude.reshape(whole), 140)
    z.assert_rest_is_zero()


@both_layouts
@pytest.mark.parametrize("value", [-1.5, -np.inf])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fill(isa, dtype, name, shape, value):
    """Some pixels, and nothing beside their channels."""
    bench = Workbench(name, dtype, shape[0])
    numbers = normal(shape, dtype)
    z = bench.array(numbers)
    filled = np.arange(0, shape[2] * shape[3], 3)
    bench.op.fill(z=z, z_at=z.pixels()[filled], channels=shape[1], value=value)
    bench.run()
    expected = numbers.reshape(*shape[:2], -1).copy()
    expected[..., filled] = value
    np.testing.assert_array_equal(z.get(), expected.reshape(shape))
    z.assert_rest_is_zero()


@both_layouts
@pytest.mark.parametrize("by_channel", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_drop(isa, dtype, name, shape, by_channel):
    """The mask is that of eager mode, in place or not."""
    bench, x = Workbench(name, dtype, shape[0]), normal(shape, dtype)
    mask = np.empty((shape[0], shape[1] * (1 if by_channel else shape[2] * shape[3])), dtype)
    elementwise.dropout_mask(mask, KEY, 0.4)
    kept = np.broadcast_to(mask.reshape(*shape[:2], *((1, 1) if by_channel else shape[2:])) > 0, shape)
    for factor, shift, dropped in ((1.5, 0.25, -2.0), (1.5, 0.0, 0.0)):
        y = bench.array(x)
        for z in (bench.empty(*shape[1:], halo=2), y):
            bench.op.drop(
                z=z,
                y=y,
                vectors=bench.vectors(shape[1]),
                dropout=1,
                p=0.4,
                factor=factor,
                kept=shift,
                dropped=dropped,
                by_channel=by_channel,
            )
            bench.run(keys=[KEY])
            expected = np.where(kept, x * dtype(factor) + dtype(shift), dtype(dropped))
            np.testing.assert_allclose(z.get(), expected, rtol=1e-6, atol=1e-7)
            if not (shift or dropped):
                z.assert_rest_is_zero()
