"""Tools for testing layers: gradient checks, inputs without ties, tolerances."""

from collections.abc import Callable, Sequence

import numpy as np

from .errors import ArgumentError

# What the project asks of its own kernels: relative to the largest element of the answer.
TOLERANCE = {np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-10}


def assert_close(actual: np.ndarray, expected: np.ndarray, tolerance: float | None = None) -> None:
    """Raise AssertionError unless the arrays agree to `tolerance` times the largest expected magnitude.

    Parameters
    ----------
    actual, expected : arrays of one shape
        What came and what was expected; NaNs and infinities must stand in the same places.
    tolerance : float, optional
        1e-4 for float32 and 1e-10 for float64 if None.
    """
    got, want = np.asarray(actual), np.asarray(expected, np.float64)
    if tolerance is None:
        tolerance = TOLERANCE[got.dtype]
    finite = want[np.isfinite(want)]
    scale = float(np.abs(finite).max()) if finite.size else 1.0
    atol = tolerance * max(scale, 1e-38)
    np.testing.assert_allclose(got, want, rtol=0, atol=atol)


def tie_free(shape: Sequence[int], generator: np.random.Generator, dtype: object = np.float64) -> np.ndarray:
    """Return an array whose elements are all different and 0.01 apart at least, in random order.

    For max-pooling and ReLU: a small step changes no winner and crosses no kink (no element is 0).
    """
    size = int(np.prod(shape))
    values = (np.arange(size) - size / 2 + 0.25) * max(0.01, 2 / max(size, 1))
    return generator.permutation(values).reshape(shape).astype(dtype)  # type: ignore[call-overload]


def numerical_gradient(function: Callable[[], float], array: np.ndarray, eps: float = 1e-6) -> np.ndarray:
    """Return d function / d array by central differences; `function` reads `array`, which is put back."""
    if array.dtype != np.float64:
        raise ArgumentError(f"numerical_gradient: array must be float64, got {array.dtype}")
    gradient = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        before = array[index]
        array[index] = before + eps
        above = function()
        array[index] = before - eps
        below = function()
        array[index] = before
        gradient[index] = (above - below) / (2 * eps)
    return gradient


def gradcheck(
    forward: Callable[..., np.ndarray],
    backward: Callable[..., Sequence[np.ndarray | None]],
    inputs: Sequence[np.ndarray],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    seed: int = 0,
) -> None:
    """Compare a backward function with central differences of the forward function, in float64.

    The loss is ``sum(forward(*inputs) * dy)`` for a random dy.

    Parameters
    ----------
    forward : callable (*inputs) -> y
        The function.
    backward : callable (dy, *inputs) -> one gradient an input (None: not checked)
        Its gradient.
    inputs : sequence of float64 arrays
        Where to check.
    eps, atol, rtol : float
        Step of the differences and tolerances.
    seed : int
        Seed of dy.

    Raises
    ------
    AssertionError
        If a gradient differs; the message names the input.
    """
    values = [np.array(value, np.float64) for value in inputs]
    dy = np.random.default_rng(seed).standard_normal(np.shape(forward(*values)))
    gradients = backward(dy, *values)
    for i, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
        if gradient is None:
            continue
        expected = numerical_gradient(lambda: float(np.sum(forward(*values) * dy)), value, eps)
        np.testing.assert_allclose(gradient, expected, rtol, atol, err_msg=f"gradient of input {i}")
