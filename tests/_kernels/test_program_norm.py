"""Batch normalisation as operations of programs, also with max-pooling in the same step, in both layouts."""

import numpy as np
import pytest

from fastcnn._kernels import elementwise
from fastcnn._kernels.program import SUM_BLOCK

from .helpers import normal
from .layouts import SHAPES, Workbench, both_layouts, square_windows

EPS, MOMENTUM, KEY, P = 1e-5, 0.1, 0xFEDCBA987654321, 0.3


def close(actual, expected):
    """Compare numbers that sums over the batch went into."""
    tolerance = 1e-4 if actual.dtype == np.float32 else 1e-11
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance * scale)


class Norm:
    """A batch, its statistics by NumPy and by the operations."""

    def __init__(self, bench, shape):
        self.bench, self.shape = bench, shape
        channels = shape[1]
        self.y = normal(shape, bench.dtype) * 2 + 1
        self.gamma, self.beta, self.mean = (normal(channels, bench.dtype, i) for i in (1, 2, 3))
        self.var = np.abs(normal(channels, bench.dtype, 4))
        exact = self.y.astype(np.float64)
        self.count = self.y.size / channels
        self.centred = exact - exact.mean((0, 2, 3))[:, None, None]
        self.variance = exact.var((0, 2, 3))
        self.invstd = 1 / np.sqrt(self.variance + EPS)
        self.z = self.centred * (self.invstd * self.gamma)[:, None, None] + self.beta[:, None, None]
        self.input, self.vectors = bench.array(self.y), bench.vectors(channels)
        self.pixels, self.channels = shape[2] * shape[3], channels
        self.state = np.zeros(8 * bench.layout.row(channels), bench.dtype)
        self.tasks = -(-channels // bench.layout.lanes)
        self.sums = bench.scratch(3 * self.vectors * -(-self.pixels // SUM_BLOCK))

    def statistics(self):
        """Return the operations up to the state."""
        buffers = [self.state, self.sums, self.gamma, self.beta, self.mean, self.var]
        sizes = [self.pixels, self.vectors, self.channels]
        return [
            ("bn_sums", [self.sums, self.input], [self.input.at], sizes[:2], [], None),
            ("bn_finish", buffers, [], sizes, [EPS, MOMENTUM], self.tasks),
        ]

    def finish(self, dgamma, dbeta, pixels=None, fixed=0):
        """Return the operation that turns sums of gradients, over so many pixels, into factors."""
        buffers = [self.state, self.sums, self.gamma, dgamma, dbeta]
        sizes = [pixels or self.pixels, self.vectors, self.channels, self.pixels, fixed]
        return ("bn_grad_finish", buffers, [], sizes, [], self.tasks)

    def assert_gradients(self, g, dy, dgamma, dbeta, kept=1):
        """Check all gradients for the gradient g of z."""
        sum_g, sum_products = g.sum((0, 2, 3)), (g * self.centred).sum((0, 2, 3))
        back = g - (sum_g / self.count)[:, None, None]
        back = back - self.centred * (self.invstd**2 * sum_products / self.count)[:, None, None]
        close(dy.get(), back * (self.gamma * self.invstd)[:, None, None] * kept)
        close(dgamma, sum_products * self.invstd)
        close(dbeta, sum_g)
        dy.assert_rest_is_zero(past_the_batch=True)


@both_layouts
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forward(isa, dtype, name, shape):
    bench = Workbench(name, dtype, shape[0])
    norm, z = Norm(bench, shape), bench.empty(*shape[1:])
    mean, var = norm.mean.copy(), norm.var.copy()
    apply = ("apply", [z, norm.input, norm.state], [z.at, norm.input.at], [norm.pixels, norm.vectors, 1, 0])
    bench.run(*norm.statistics(), (*apply, [0.0], None))
    close(z.get(), np.maximum(norm.z, 0))
    z.assert_rest_is_zero()
    close(norm.mean, mean + MOMENTUM * (norm.y.mean((0, 2, 3), dtype=np.float64) - mean))
    close(norm.var, var + MOMENTUM * (norm.variance * norm.count / (norm.count - 1) - var))


@both_layouts
@pytest.mark.parametrize("behind_relu", [0, 1])
@pytest.mark.parametrize("mask", ["none", "y", "z"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_backward(isa, dtype, name, shape, mask, behind_relu):
    bench = Workbench(name, dtype, shape[0])
    norm, g = Norm(bench, shape), bench.array(normal(shape, dtype, 5), halo=2)
    dy, z = bench.empty(*shape[1:]), bench.array(np.maximum(norm.z, 0), halo=0) if mask == "z" else None
    dgamma, dbeta = np.full((2, shape[1]), np.nan, dtype)
    z_at, relu, factor = [z.at] if z else [], mask != "none", 1.25 if z else 1.0
    sizes = [norm.pixels, norm.vectors, relu]
    y = norm.input
    bench.run(
        *norm.statistics(),
        ("bn_grad_sums", [norm.sums, g, y, norm.state, z], [g.at, y.at, *z_at], sizes, [factor], None),
        norm.finish(dgamma, dbeta),
        (
            "bn_grad",
            [dy, g, y, norm.state, z],
            [dy.at, g.at, y.at, *z_at],
            [*sizes, behind_relu],
            [factor],
            None,
        ),
    )
    exact = factor * g.get().astype(np.float64)
    if relu:
        exact = exact * (norm.z > 0)
    norm.assert_gradients(exact, dy, dgamma, dbeta, norm.y > 0 if behind_relu else 1)


@both_layouts
@pytest.mark.parametrize("folded", [0, 1])
def test_evaluation(isa, dtype, name, folded):
    """Folded, scale and offset of a normalisation act on a convolution without its bias."""
    bench = Workbench(name, dtype, 1)
    norm, bias = Norm(bench, (1, 17, 2, 2)), normal(17, dtype, 6) if folded else None
    buffers = [norm.state, None, norm.gamma, norm.beta, norm.mean, norm.var, bias]
    bench.run(("bn_fixed", buffers, [], [4, norm.vectors, 17, folded], [EPS], norm.tasks))
    scale, offset, mean = norm.state.reshape(8, -1)[:3, :17]
    expected = norm.gamma / np.sqrt(norm.var.astype(np.float64) + EPS)
    close(scale, expected)
    close(mean, np.zeros(17) if folded else norm.mean)
    shift = (bias.astype(np.float64) - norm.mean) * expected if folded else 0
    close(offset, norm.beta + shift)
    assert not norm.state.reshape(8, -1)[:, 17:].any()


@both_layouts
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_backward_in_evaluation(isa, dtype, name, shape):
    """dx = gamma invstd dy, and the gradients of scale and shift around the running mean."""
    bench = Workbench(name, dtype, shape[0])
    norm, g = Norm(bench, shape), bench.array(normal(shape, dtype, 5))
    dy, y = bench.empty(*shape[1:]), norm.input
    dgamma, dbeta = np.full((2, shape[1]), np.nan, dtype)
    buffers = [norm.state, None, norm.gamma, norm.beta, norm.mean, norm.var, None]
    sizes = [norm.pixels, norm.vectors, 0]
    bench.run(
        ("bn_fixed", buffers, [], [norm.pixels, norm.vectors, shape[1], 0], [EPS], norm.tasks),
        ("bn_grad_sums", [norm.sums, g, y, norm.state, None], [g.at, y.at], sizes, [1.0], None),
        norm.finish(dgamma, dbeta, fixed=1),
        ("bn_grad", [dy, g, y, norm.state, None], [dy.at, g.at, y.at], [*sizes, 0], [1.0], None),
    )
    exact, invstd = g.get().astype(np.float64), 1 / np.sqrt(norm.var.astype(np.float64) + EPS)
    close(dy.get(), exact * (norm.gamma * invstd)[:, None, None])
    close(dgamma, (exact * (norm.y - norm.mean[:, None, None].astype(np.float64))).sum((0, 2, 3)) * invstd)
    close(dbeta, exact.sum((0, 2, 3)))


@both_layouts
@pytest.mark.parametrize(("relu", "dropout"), [(1, 0), (1, 1), (0, 0)])
@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_with_max_pooling(isa, dtype, name, shape, size, relu, dropout):
    bench, (batch, channels, height, width) = Workbench(name, dtype, shape[0]), shape
    norm, (windows, rows, columns) = Norm(bench, shape), square_windows(height, width, size, size)
    z, dz = (
        bench.empty(channels, rows, columns),
        bench.array(normal((batch, channels, rows, columns), dtype, 7)),
    )
    y, dy = norm.input, bench.empty(*shape[1:])
    winners = bench.scratch(len(windows) * norm.vectors)
    numbers = np.concatenate(windows)
    rest = np.setdiff1d(np.arange(norm.pixels), numbers)
    dgamma, dbeta = np.full((2, channels), np.nan, dtype)
    factor = 1 / (1 - P) if dropout else 1.0
    sizes, grad_buffers = [len(windows), norm.vectors, relu], [dz, y, norm.state, z, winners]
    (first, taps), (_, dy_taps) = y.taps(windows), dy.taps(windows)
    tables = [dz.at, z.at, first, taps]
    apply_sizes = [*sizes, dropout, norm.pixels]
    bench.run(
        *norm.statistics(),
        ("apply_pool", [z, y, norm.state, winners], [z.at, first, taps, numbers], apply_sizes, [P], None),
        ("bn_pool_grad_sums", [norm.sums, *grad_buffers], tables, sizes, [factor], None),
        norm.finish(dgamma, dbeta, len(windows)),
        (
            "bn_pool_grad",
            [dy, *grad_buffers],
            [*tables, dy_taps, np.concatenate([y.at[rest], dy.at[rest]])],
            [*sizes, rest.size],
            [factor],
            None,
        ),
        keys=[KEY],
    )
    full = np.maximum(norm.z, 0) if relu else norm.z
    if dropout:
        mask = np.empty((batch, channels * norm.pixels), dtype)
        elementwise.dropout_mask(mask, KEY, P)
        full = full * mask.reshape(shape)
    at_taps = full.reshape(batch, channels, -1)[:, :, np.array(windows)]
    close(z.get(), at_taps.max(-1).reshape(z.get().shape))
    z.assert_rest_is_zero()
    gradient = factor * dz.get().astype(np.float64) * (z.get() > 0 if relu else 1)
    g = np.zeros((batch, channels, norm.pixels))
    tap = np.array(windows)[np.arange(len(windows)), at_taps.argmax(-1)]
    np.put_along_axis(g, tap, gradient.reshape(tap.shape), axis=2)
    norm.assert_gradients(g.reshape(shape), dy, dgamma, dbeta)
