"""Batch normalisation as operations of programs, also with max-pooling in the same step, in both layouts."""

import numpy as np
import pytest

from fastcnn._kernels import elementwise
from fastcnn._kernels.elementwise import ACTIVATIONS
from fastcnn._kernels.program import SUM_BLOCK
from fastcnn.engine.memory import table

from .helpers import normal
from .layouts import SHAPES, Workbench, both_layouts, same_on_any_threads, square_windows

RELU = ACTIVATIONS["relu"]

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
        """Append the operations up to the state."""
        self.bench.op.bn_sums(sums=self.sums, y=self.input, vectors=self.vectors)
        self.bench.op.bn_finish(
            state=self.state,
            sums=self.sums,
            gamma=self.gamma,
            beta=self.beta,
            running_mean=self.mean,
            running_var=self.var,
            pixels=self.pixels,
            vectors=self.vectors,
            channels=self.channels,
            eps=EPS,
            momentum=MOMENTUM,
            tasks=self.tasks,
        )

    def fixed(self, conv_bias=None, folded=False):
        """Append the operation that makes the state of evaluation."""
        self.bench.op.bn_fixed(
            state=self.state,
            gamma=self.gamma,
            beta=self.beta,
            running_mean=self.mean,
            running_var=self.var,
            conv_bias=conv_bias,
            vectors=self.vectors,
            channels=self.channels,
            folded=folded,
            eps=EPS,
            tasks=self.tasks,
        )

    def finish(self, dgamma, dbeta, pixels=None, fixed=False, dslope=None):
        """Append the operation that turns sums of gradients, over so many pixels, into factors."""
        self.bench.op.bn_grad_finish(
            state=self.state,
            sums=self.sums,
            gamma=self.gamma,
            dgamma=dgamma,
            dbeta=dbeta,
            summed_pixels=pixels or self.pixels,
            pixels=self.pixels,
            vectors=self.vectors,
            channels=self.channels,
            fixed=fixed,
            dslope=dslope,
            sloped=dslope is not None,
            tasks=self.tasks,
        )

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
    norm.statistics()
    bench.op.apply(z=z, y=norm.input, state=norm.state, vectors=norm.vectors, activation=RELU)
    bench.run()
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
    relu, factor = mask != "none", 1.25 if z else 1.0
    common = {
        "g": g,
        "y": norm.input,
        "state": norm.state,
        "z": z,
        "vectors": norm.vectors,
        "activation": RELU if relu else 0,
        "factor": factor,
    }
    norm.statistics()
    bench.op.bn_grad_sums(sums=norm.sums, **common)
    norm.finish(dgamma, dbeta)
    bench.op.bn_grad(dy=dy, mask_by_y=behind_relu, **common)
    bench.run()
    exact = factor * g.get().astype(np.float64)
    if relu:
        exact = exact * (norm.z > 0)
    norm.assert_gradients(exact, dy, dgamma, dbeta, norm.y > 0 if behind_relu else 1)


@both_layouts
@pytest.mark.parametrize("shape", [*SHAPES, (150, 5, 2, 3), (2, 3, 17, 18)], ids=str)
def test_backward_through_slopes(isa, dtype, name, shape):
    """Some slopes are below 0 or above 1: what is normalised is made anew, and says where they act."""

    def step(threads):
        bench = Workbench(name, dtype, shape[0])
        norm, g = Norm(bench, shape), bench.array(normal(shape, dtype, 5), halo=2)
        slopes = np.linspace(-1.5, 2, shape[1]).astype(dtype)
        dy, z = bench.empty(*shape[1:]), bench.empty(*shape[1:])
        dgamma, dbeta, dslope = np.full((3, shape[1]), np.nan, dtype)
        state = {"y": norm.input, "state": norm.state, "vectors": norm.vectors, "slope": bench.row(slopes)}
        norm.statistics()
        bench.op.apply(z=z, **state)
        bench.op.bn_grad_sums(sums=norm.sums, g=g, factor=1.0, **state)
        norm.finish(dgamma, dbeta, dslope=dslope)
        bench.op.bn_grad(dy=dy, g=g, factor=1.0, **state)
        bench.run(threads=threads)
        exact, factors = g.get().astype(np.float64), np.where(norm.z > 0, 1, slopes[:, None, None])
        close(z.get(), norm.z * factors)
        norm.assert_gradients(exact * factors, dy, dgamma, dbeta)
        close(dslope, np.where(norm.z > 0, 0, exact * norm.z).sum((0, 2, 3)))
        return np.concatenate([z.get().ravel(), dy.get().ravel(), dgamma, dbeta, dslope])

    same_on_any_threads(step)


@both_layouts
@pytest.mark.parametrize("batch", [128, 150, 300, 1100])
def test_large_batches(isa, dtype, name, batch):
    """Statistics and gradients of several slots, on any number of threads."""
    shape = batch, 5, 2, 3

    def step(threads):
        bench = Workbench(name, dtype, batch)
        norm, g = Norm(bench, shape), bench.array(normal(shape, dtype, 5))
        dy, (dgamma, dbeta) = bench.empty(*shape[1:]), np.full((2, 5), np.nan, dtype)
        common = {"g": g, "y": norm.input, "state": norm.state, "vectors": norm.vectors, "factor": 1.0}
        mean, var = norm.mean.copy(), norm.var.copy()
        norm.statistics()
        bench.op.bn_grad_sums(sums=norm.sums, **common)
        norm.finish(dgamma, dbeta)
        bench.op.bn_grad(dy=dy, **common)
        bench.run(threads=threads)
        norm.assert_gradients(g.get().astype(np.float64), dy, dgamma, dbeta)
        close(norm.mean, mean + MOMENTUM * (norm.y.mean((0, 2, 3), dtype=np.float64) - mean))
        close(norm.var, var + MOMENTUM * (norm.variance * norm.count / (norm.count - 1) - var))
        return np.concatenate([dy.get().ravel(), dgamma, dbeta, norm.mean, norm.var])

    same_on_any_threads(step)


@both_layouts
@pytest.mark.parametrize("folded", [0, 1])
def test_evaluation(isa, dtype, name, folded):
    """Folded, scale and offset of a normalisation act on a convolution without its bias."""
    bench = Workbench(name, dtype, 1)
    norm, bias = Norm(bench, (1, 17, 2, 2)), normal(17, dtype, 6) if folded else None
    norm.fixed(bias, folded)
    bench.run()
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
    dy = bench.empty(*shape[1:])
    dgamma, dbeta = np.full((2, shape[1]), np.nan, dtype)
    common = {"g": g, "y": norm.input, "state": norm.state, "vectors": norm.vectors, "factor": 1.0}
    norm.fixed()
    bench.op.bn_grad_sums(sums=norm.sums, **common)
    norm.finish(dgamma, dbeta, fixed=True)
    bench.op.bn_grad(dy=dy, fixed=1, **common)
    bench.run()
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
    winners = bench.scratch(len(windows) * norm.vectors, "INDEX")
    numbers = np.concatenate(windows)
    rest = np.setdiff1d(np.arange(norm.pixels), numbers)
    dgamma, dbeta = np.full((2, channels), np.nan, dtype)
    factor = 1 / (1 - P) if dropout else 1.0
    (first, taps), (_, dy_taps) = y.taps(windows), dy.taps(windows)
    common = {"y": y, "state": norm.state, "first": first, "vectors": norm.vectors}
    common["activation"] = RELU if relu else 0
    gradient = {"dz": dz, "z": z, "argmax": winners, "factor": factor, **common}
    norm.statistics()
    bench.op.apply_pool(
        z=z,
        argmax=winners,
        taps=taps,
        numbers=table(numbers),
        y_pixels=norm.pixels,
        dropout=dropout,
        p=P,
        **common,
    )
    bench.op.bn_pool_grad_sums(sums=norm.sums, taps=taps, **gradient)
    norm.finish(dgamma, dbeta, len(windows))
    bench.op.bn_pool_grad(
        dy=dy,
        y_taps=taps,
        dy_taps=dy_taps,
        y_rest=y.pixels()[rest],
        dy_rest=dy.pixels()[rest],
        **gradient,
    )
    bench.run(keys=[KEY])
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
