"""Sums over images as operations of programs, in both layouts: slot by slot, whatever the threads."""

import numpy as np
import pytest

from fastcnn._kernels import program as kernels
from fastcnn.engine.memory import table

from .helpers import assert_near, normal
from .layouts import SHAPES, Workbench, both_layouts, same_on_any_threads

# Batches of fewer images than a small batch has slots, of so many slots, of more, and of the most.
BATCHES = (1, 5, 8, 40, 128, 150, 300, 1100)
MOST_SLOTS = (64, 8, 3, 1)


def slots_of_images(bench, most_slots):
    """Return the slot of each image in a layer that may have so many: that of its group's first image."""
    slots, in_one = kernels.slots(bench.batch), 1
    while -(-slots // in_one) > most_slots:
        in_one *= 2
    first = np.arange(bench.batch) // bench.layout.images * bench.layout.images
    return first * slots // bench.batch // in_one


def add_up(bench, out, sums, place):
    bench.op.total(out=out, sums=sums, place=place, tasks=-(-place.size // kernels.TASK_TOTALS))


def bias_gradient(bench, grad, dy, by_position, most_slots):
    """Let the gradient of a bias be made as the engine does, for each channel, or each one and pixel."""
    pixels, vectors = dy.height * dy.width, bench.vectors(dy.channels)
    sums = bench.sums(vectors * (pixels if by_position else 1), most_slots)
    bench.op.grad_sums(sums=sums, g=dy, vectors=vectors, by_position=by_position)
    if not by_position:
        add_up(bench, grad, sums, table(np.arange(dy.channels)))
    elif bench.layout.by_channels:
        row = bench.layout.row(dy.channels)
        rows = np.full(pixels * row, np.nan, bench.dtype)
        bench.op.slot_sum(out=rows, sums=sums, count=rows.size, tasks=-(-rows.size // kernels.TASK_TOTALS))
        row_at = table(row * np.arange(pixels))
        bench.op.planes_from_rows(planes=grad, rows=rows, row_at=row_at, channels=dy.channels, tasks=1)
    else:
        place = (np.arange(dy.channels) * pixels + np.arange(pixels)[:, None]).ravel()
        add_up(bench, grad, sums, table(place))


@both_layouts
@pytest.mark.parametrize("by_position", [False, True])
@pytest.mark.parametrize("most_slots", MOST_SLOTS)
@pytest.mark.parametrize("shape", [*SHAPES, (150, 3, 2, 2), (300, 3, 2, 2)], ids=str)
def test_gradient_of_a_bias(isa, dtype, name, by_position, most_slots, shape):
    """One for each channel, or for each element; whatever the threads."""
    g = normal(shape, dtype)
    bench = Workbench(name, dtype, shape[0])
    dy = bench.array(g)

    def gradient(threads):
        grad = np.full(shape[1:] if by_position else shape[1], np.nan, dtype)
        bias_gradient(bench, grad, dy, by_position, most_slots)
        bench.run(threads=threads)
        return grad

    expected = g.astype(np.float64).sum(axis=0 if by_position else (0, 2, 3))
    assert_near(same_on_any_threads(gradient), expected, 16 * shape[0])


@both_layouts
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("most_slots", MOST_SLOTS)
@pytest.mark.parametrize("shape", [*SHAPES, (150, 19, 2, 2), (3, 2, 17, 18)], ids=str)
def test_gradient_of_slopes(isa, dtype, name, whole, most_slots, shape):
    """One for each channel, or one for all; what stands behind the last channel does not count."""
    g, y = normal(shape, dtype), normal(shape, dtype, 1)
    bench = Workbench(name, dtype, shape[0])
    dy, before, channels = bench.array(g), bench.array(y), shape[1]
    count, slopes = 1 if whole else channels, normal((channels,), dtype, 2)

    def gradient(threads):
        grad = np.full(count, np.nan, dtype)
        vectors, dx = bench.vectors(channels), bench.empty(*shape[1:])
        sums = bench.sums(1 if whole else vectors, most_slots)
        passed = {"g": dy, "x": before, "slope": bench.row(slopes), "vectors": vectors, "channels": channels}
        bench.op.prelu_grad(dx=dx if threads == 1 else None, sums=sums, whole=whole, **passed)
        add_up(bench, grad, sums, table(np.arange(count)))
        bench.run(threads=threads)
        if threads == 1:  # the sums are the same whether the other gradient is wanted or not
            np.testing.assert_array_equal(dx.get(), np.where(y > 0, g, slopes[:, None, None] * g))
        return grad

    terms = np.where(y > 0, 0, g.astype(np.float64) * y)
    expected = terms.sum(keepdims=True).ravel() if whole else terms.sum((0, 2, 3))
    found = same_on_any_threads(gradient)
    assert np.abs(found - expected).max() <= 64 * np.finfo(dtype).eps * np.abs(terms).sum()


@both_layouts
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_slopes_for_channels(isa, dtype, name, shape):
    """What is not above 0 is multiplied, a NaN too; so is its gradient. It may be a sum, which is kept."""
    y, g, slopes = normal(shape, dtype), normal(shape, dtype, 1), normal((shape[1],), dtype, 2)
    y.flat[:2] = np.nan, -0.0
    bench = Workbench(name, dtype, shape[0])
    source, grad, vectors, row = bench.array(y), bench.array(g), bench.vectors(shape[1]), bench.row(slopes)
    z, dx = bench.empty(*shape[1:]), bench.empty(*shape[1:])
    bench.op.apply(z=z, y=source, slope=row, vectors=vectors)
    bench.op.prelu_grad(dx=dx, g=grad, x=source, slope=row, vectors=vectors, channels=shape[1])
    summed, kept = bench.empty(*shape[1:]), bench.empty(*shape[1:])
    bench.op.apply(z=summed, kept=kept, y=source, r=grad, slope=row, vectors=vectors)
    bench.run(threads=2)
    factors = np.where(y > 0, 1, slopes[:, None, None]).astype(dtype)
    np.testing.assert_array_equal(z.get(), y * factors)
    np.testing.assert_array_equal(dx.get(), g * factors)
    np.testing.assert_array_equal(kept.get(), y + g)
    np.testing.assert_array_equal(summed.get(), np.where(y + g > 0, y + g, slopes[:, None, None] * (y + g)))
    for each in (z, dx, summed):
        each.assert_rest_is_zero(past_the_batch=True)


@both_layouts
def test_infinite_slopes_make_nothing_of_images_that_do_not_exist(isa, dtype, name):
    bench, x = Workbench(name, dtype, 3), np.ones((3, 2, 2, 2), dtype)
    row, source = bench.row(np.full(2, np.inf)), bench.array(x)
    z, dx = bench.empty(2, 2, 2), bench.empty(2, 2, 2)
    bench.op.apply(z=z, y=source, slope=row, vectors=bench.vectors(2))
    bench.op.prelu_grad(dx=dx, g=source, x=source, slope=row, vectors=bench.vectors(2), channels=2)
    bench.run()
    for each in (z, dx):
        np.testing.assert_array_equal(each.get(), x)
        each.assert_rest_is_zero(past_the_batch=True)


@both_layouts
@pytest.mark.parametrize("channels", [1, 3, 40])
def test_sum_of_a_row(isa, dtype, name, channels):
    bench, row, out = Workbench(name, dtype, 1), normal((channels,), dtype), np.full(1, np.nan, dtype)
    bench.op.row_sum(out=out, row=bench.row(row), channels=channels, tasks=1)
    bench.run()
    np.testing.assert_allclose(out, row.sum(dtype=np.float64), rtol=4 * np.finfo(dtype).eps)


@both_layouts
@pytest.mark.parametrize("by_position", [False, True])
@pytest.mark.parametrize("most_slots", MOST_SLOTS)
@pytest.mark.parametrize("batch", BATCHES)
def test_each_slot_has_the_sums_of_its_images(isa, dtype, name, by_position, most_slots, batch):
    """Whole numbers, which any order of additions sums up exactly; slots without a group are left alone."""
    bench = Workbench(name, dtype, batch)
    g = np.random.default_rng(batch).integers(-9, 9, (batch, 3, 2, 2)).astype(dtype)
    dy, vectors, lanes = bench.array(g), bench.vectors(3), bench.layout.lanes
    rows = 4 if by_position else 1
    sums = bench.sums(rows * vectors, most_slots)
    bench.op.grad_sums(sums=sums, g=dy, vectors=vectors, by_position=by_position)
    bench.run(threads=3)
    of_slots = bench.held[sums].reshape(most_slots + 1, rows, vectors, lanes)
    of_slots = of_slots.sum(-1) if name == "images" else of_slots.reshape(most_slots + 1, rows, -1)
    slots, used = slots_of_images(bench, most_slots), set()
    for slot in np.unique(slots):
        expected = g[slots == slot].sum(0).reshape(3, 4).T
        expected = expected if by_position else expected.sum(0, keepdims=True)
        np.testing.assert_array_equal(of_slots[slot, :, :3], expected)
        used.add(slot)
    assert len(used) <= min(most_slots, kernels.slots(batch))
    assert np.isnan(np.delete(of_slots, sorted(used), axis=0)).all()


def filled_sums(bench, vectors, most_slots):
    """Return (partial sums of the slots that a batch fills, the numbers of these slots in order)."""
    sums = bench.sums(vectors, most_slots)
    slots = np.unique(slots_of_images(bench, most_slots))
    of_slots = bench.held[sums].reshape(most_slots + 1, -1)
    of_slots[slots] = normal((slots.size, of_slots.shape[1]), bench.dtype)
    return sums, of_slots[slots]


@pytest.mark.parametrize("most_slots", MOST_SLOTS)
@pytest.mark.parametrize("batch", BATCHES)
def test_sums_of_slots(isa, dtype, batch, most_slots):
    """As many slots as the batch fills are added in order; the others are not looked at."""
    bench = Workbench("channels", dtype, batch)
    count = 5 * bench.layout.lanes
    sums, of_slots = filled_sums(bench, 5, most_slots)
    out, scattered = np.full(count, np.nan, dtype), np.full(count, np.nan, dtype)
    tasks = -(-count // kernels.TASK_TOTALS)
    bench.op.slot_sum(out=out, sums=sums, count=count, tasks=tasks)
    add_up(bench, scattered, sums, table(np.arange(count)[::-1]))
    bench.run()
    expected = of_slots[0].copy()
    for row in of_slots[1:]:
        expected += row
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(scattered[::-1], expected)


@pytest.mark.parametrize("most_slots", MOST_SLOTS)
@pytest.mark.parametrize("batch", BATCHES)
def test_sums_of_slots_and_lanes(isa, dtype, batch, most_slots):
    """Slots are added in order, then the lanes; more than one task, and places in any order."""
    bench = Workbench("images", dtype, batch)
    count = kernels.TASK_TOTALS + 5
    sums, of_slots = filled_sums(bench, count, most_slots)
    place = np.random.default_rng(0).permutation(count)
    out = np.full(count, np.nan, dtype)
    add_up(bench, out, sums, table(place))
    bench.run()
    exact = of_slots.astype(np.float64).sum(0).reshape(count, -1).sum(-1)
    assert_near(out[place], exact, 16 * len(of_slots))
