"""Instruction sets, threads, poisoned outputs and error bounds for the tests of the kernels."""

from contextlib import contextmanager

import numpy as np

from fastcnn._kernels import cpu

# Around the vector lengths 2, 4, 8, 16 of both element types, and primes.
SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 61)
THREADS = (1, 2, 3, 8)
# Instruction sets with products by tiles, and the one that does in plain C what they do.
BY_TILES = [name for name in cpu.available_isas("bfloat16", in_c=True) if name.startswith("amx")]


@contextmanager
def using_isa(name):
    """Use the kernels of one instruction set."""
    before = cpu.get_isa()
    cpu.set_isa(name)
    try:
        yield
    finally:
        cpu.set_isa(before)


@contextmanager
def using_threads(count):
    """Use this many threads."""
    before = cpu.get_num_threads()
    cpu.set_num_threads(count)
    try:
        yield
    finally:
        cpu.set_num_threads(before)


@contextmanager
def flushing(mode):
    """Let float32 kernels take denormal numbers for zeros, or not."""
    before = cpu.get_flush_denormal()
    cpu.set_flush_denormal(mode)
    try:
        yield
    finally:
        cpu.set_flush_denormal(before)


def poisoned(shape, dtype):
    """Return an array that a kernel must fill: every element that it leaves alone shows."""
    poison = np.nan if np.dtype(dtype).kind == "f" else np.iinfo(dtype).min
    return np.full(shape, poison, dtype)


def normal(shape, dtype, seed=0):
    """Return standard normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def on_any_threads(function):
    """Return what `function` returns (an array or several); the threads must not change a bit of it."""
    expected = None
    for count in THREADS:
        with using_threads(count):
            result = function()
        arrays = result if isinstance(result, tuple) else (result,)
        bits = [array.tobytes() for array in arrays]
        if expected is not None:
            assert bits == expected, f"{count} threads give another result than {THREADS[0]}"
        expected = bits
    return result


def assert_sums(actual, expected, magnitude, terms, case=None):
    """Check sums of `terms` products in floating point against exact ones.

    `magnitude` is the same sum of the terms' absolute values: whatever the order of the additions, the error
    is at most about terms * eps * magnitude.
    """
    assert actual.shape == expected.shape, f"{case}: shape {actual.shape}, expected {expected.shape}"
    eps = np.finfo(actual.dtype).eps
    error = np.abs(actual.astype(np.float64) - expected)
    bound = (terms + 2) * eps * magnitude
    bad = ~(error <= bound)
    assert not bad.any(), f"{case}: {bad.sum()} of {bad.size} elements are off, by up to {error.max():.3g}"


def assert_near(actual, expected, ulps=16, case=None):
    """Check that each element is within `ulps` roundings, relative to the larger of it and 1."""
    assert actual.shape == expected.shape, f"{case}: shape {actual.shape}, expected {expected.shape}"
    tolerance = ulps * np.finfo(actual.dtype).eps
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance, err_msg=str(case))
