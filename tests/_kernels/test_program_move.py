"""Operations of programs that move data or act on single elements, in both layouts."""

import itertools

import numpy as np
import pytest

from fastcnn._kernels import elementwise
from fastcnn._kernels.elementwise import ACTIVATIONS

from .helpers import assert_near, normal
from .layouts import SHAPES, Workbench, both_layouts

RELU = ACTIVATIONS["relu"]

KEY = 0x123456789ABCDEF1


@both_layouts
@pytest.mark.parametrize("shape", [*SHAPES, (2, 300, 1, 1), (1, 1, 12, 12), (33, 5, 7, 7)], ids=str)
def test_images_in_and_results_out(isa, dtype, name, shape):
    batch, channels = shape[:2]
    bench, x = Workbench(name, dtype, batch), normal(shape, dtype)
    for padded in (True, False):
        blob = bench.empty(*shape[1:], padded=padded)
        bench.op.from_nchw(x=blob, images=bench.outside(x), channels=channels)
        bench.run()
        np.testing.assert_array_equal(blob.get(), x)
        blob.assert_rest_is_zero(past_the_batch=True)
        back = np.full_like(x, np.nan)
        bench.op.to_nchw(images=bench.outside(back), x=blob, channels=channels)
        bench.run()
        np.testing.assert_array_equal(back, x)


@both_layouts
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_apply(isa, dtype, name, shape):
    """Each combination of mean, scale and offset, an array to add, ReLU and dropout, in place or not."""
    batch, channels, height, width = shape
    bench, pixels = Workbench(name, dtype, batch), height * width
    y, r = normal(shape, dtype), normal(shape, dtype, 1)
    scale, offset, mean = (normal(channels, dtype, i) for i in (2, 3, 4))
    state = np.concatenate([bench.row(scale), bench.row(offset), bench.row(mean)])
    mask = np.empty((batch, channels * pixels), dtype)
    elementwise.dropout_mask(mask, KEY, 0.3)
    for normed, added, relu, dropout in itertools.product((0, 1), repeat=4):
        source, other = bench.array(y), bench.array(r, halo=0)
        z = source if relu else bench.empty(*shape[1:], halo=2)
        bench.op.apply(
            z=z,
            y=source,
            state=state if normed else None,
            r=other if added else None,
            vectors=bench.vectors(channels),
            activation=RELU if relu else 0,
            dropout=dropout,
            p=0.3,
        )
        bench.run(keys=[KEY])
        expected = y.astype(np.float64)
        if normed:
            expected = (expected - mean[:, None, None]) * scale[:, None, None] + offset[:, None, None]
        if added:
            expected = expected + r
        if relu:
            expected = np.maximum(expected, 0)
        if dropout:
            expected = expected * mask.reshape(shape)
        assert_near(z.get(), expected, 16, (normed, added, relu, dropout))
        z.assert_rest_is_zero()


@both_layouts
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_apply_that_drops_images(isa, dtype, name, shape):
    """Every element of an image has the factor of its first one; or all have that of the first image."""
    batch, channels = shape[:2]
    bench, y = Workbench(name, dtype, batch), normal(shape, dtype)
    masks = {}
    for shared, rows in ((1, batch), (2, 1)):
        masks[shared] = np.empty((rows, 1), dtype)
        elementwise.dropout_mask(masks[shared], KEY, 0.4)
        z, source = bench.empty(*shape[1:], halo=1), bench.array(y)
        bench.op.apply(z=z, y=source, vectors=bench.vectors(channels), dropout=1, p=0.4, shared=shared)
        bench.run(keys=[KEY])
        np.testing.assert_array_equal(z.get(), y * masks[shared][..., None, None])
        z.assert_rest_is_zero()


@both_layouts
@pytest.mark.parametrize("activation", [0, RELU])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_apply_that_drops_channels(isa, dtype, name, shape, activation):
    """A channel of an image has one factor, as if each were an element."""
    bench, y, mask = Workbench(name, dtype, shape[0]), normal(shape, dtype), np.empty(shape[:2], dtype)
    elementwise.dropout_mask(mask, KEY, 0.4)
    z, source = bench.empty(*shape[1:], halo=1), bench.array(y)
    options = {"vectors": bench.vectors(shape[1]), "activation": activation}
    bench.op.apply(z=z, y=source, dropout=1, p=0.4, shared=3, **options)
    bench.run(keys=[KEY])
    np.testing.assert_array_equal(z.get(), (np.maximum(y, 0) if activation else y) * mask[..., None, None])
    z.assert_rest_is_zero()


@both_layouts
def test_relu_keeps_nan(isa, dtype, name):
    bench = Workbench(name, dtype, 1)
    y = bench.array(np.array([-1, 2, np.nan, -np.inf, np.inf, -0.0]).reshape(1, 6, 1, 1))
    bench.op.apply(z=y, y=y, vectors=bench.vectors(6), activation=RELU)
    bench.run()
    np.testing.assert_array_equal(y.get().ravel(), [0, 2, np.nan, 0, np.inf, 0])


@both_layouts
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_activation_gradient(isa, dtype, name, shape):
    bench, g, z = Workbench(name, dtype, shape[0]), normal(shape, dtype), normal(shape, dtype, 1)
    dx, dy, behind = bench.empty(*shape[1:]), bench.array(g, halo=0), bench.array(z, halo=2)
    bench.op.activation_grad(
        dx=dx, g=dy, kept=behind, vectors=bench.vectors(shape[1]), activation=RELU, factor=1.5
    )
    bench.run()
    np.testing.assert_array_equal(dx.get(), np.where(z > 0, dtype(1.5) * g, 0))
    dx.assert_rest_is_zero()


@both_layouts
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products_and_affine_functions(isa, dtype, name, shape):
    """A value may be multiplied by one of its pixels; the halo is not written."""
    bench, x, r = Workbench(name, dtype, shape[0]), normal(shape, dtype), normal(shape, dtype, 1)
    y, other, z = bench.array(x, halo=1), bench.array(r, halo=0), bench.empty(*shape[1:])
    vectors = bench.vectors(shape[1])
    bench.op.multiply(z=z, y=y, r=other, vectors=vectors)
    bench.run()
    np.testing.assert_array_equal(z.get(), x * r)
    z.assert_rest_is_zero()
    first = np.full(shape[2] * shape[3], other.pixels()[0], np.int32)
    bench.op.multiply(z=z, y=y, r=other, r_at=first, vectors=vectors)
    bench.run()
    np.testing.assert_array_equal(z.get(), x * r[:, :, :1, :1])
    bench.op.affine(z=z, y=y, vectors=vectors, factor=-1.5, shift=0.0)
    bench.run()
    np.testing.assert_array_equal(z.get(), dtype(-1.5) * x)
    z.assert_rest_is_zero()
    bench.op.affine(z=z, y=z, vectors=vectors, factor=0.5, shift=0.25)
    bench.run()
    assert_near(z.get(), -0.75 * x.astype(np.float64) + 0.25, 2)


@both_layouts
def test_gather(isa, dtype, name):
    bench, source = Workbench(name, dtype, 1), normal(9, dtype)
    out, place = np.full(4, np.nan, dtype), np.array([3, 0, 8, 8], np.int32)
    bench.op.gather(out=out, source=source, place=place, tasks=1)
    bench.run()
    np.testing.assert_array_equal(out, source[place])


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (4, 30), (17, 9), (40, 33)], ids=str)
def test_numbers_of_channels_and_pixels_as_rows_and_back(isa, dtype, shape):
    """A row of channels for each pixel is padded to whole vectors; what is past its channels stays zero."""
    (channels, pixels), bench = shape, Workbench("channels", dtype, 1)
    planes, row = normal(shape, dtype), bench.layout.row(channels)
    rows, row_at = np.zeros(pixels * row, dtype), np.arange(pixels, dtype=np.int32) * np.int32(row)
    rows.reshape(pixels, row)[:, :channels] = np.nan
    bench.op.rows_from_planes(rows=rows, planes=planes, row_at=row_at, channels=channels, tasks=1)
    bench.run()
    expected = np.zeros((pixels, row), dtype)
    expected[:, :channels] = planes.T
    np.testing.assert_array_equal(rows.reshape(pixels, row), expected)
    back = np.full_like(planes, np.nan)
    bench.op.planes_from_rows(planes=back, rows=rows, row_at=row_at, channels=channels, tasks=1)
    bench.run()
    np.testing.assert_array_equal(back, planes)
