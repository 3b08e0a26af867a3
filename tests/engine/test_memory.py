"""Buffers: places, halos that stay zero, alignment, and what is too large."""

import numpy as np
import pytest

from fastcnn import _shapes, nn
from fastcnn._kernels import program as kernels
from fastcnn.engine import Plan
from fastcnn.engine.layout import Layout
from fastcnn.engine.memory import Blob, table, widest
from fastcnn.errors import SizeError

from .networks import layouts_of, random_network

LAYOUTS = "images", "channels"


@pytest.mark.parametrize(("name", "step", "pixel"), [("images", 8, 24), ("channels", 1, 8)])
def test_places(name, step, pixel):
    halo = widest((1, 0, 2, 0), (0, 2, 1, -1))
    assert halo == (1, 2, 2, 0)
    blob = Blob(channels=3, height=2, width=4, layout=Layout(name, 8), halo=halo)
    assert blob.row_width == 7
    assert blob.pitch == pixel
    assert blob.group_size == 4 * 7 * pixel
    assert blob.offset(1, 1) == 8 * pixel
    assert blob.lines() == ((2 * 7 + 1) * pixel, 7 * pixel, pixel)
    grid = blob.grid(np.array([-2, 1]), np.array([-1, 0, 5]), 2)
    np.testing.assert_array_equal(grid, [k * pixel + 2 * step for k in (0, 1, 6, 21, 22, 27)])
    assert blob.channel(2) == 2 * step
    places = [(7 * (2 + i) + 1 + j) * pixel for i in range(2) for j in range(4)]
    np.testing.assert_array_equal(blob.pixels(), places)
    np.testing.assert_array_equal(blob.pixels(2), np.add(places, 2 * step))
    wider = Blob(3, 2, 4, Layout(name, 8), (2, 2, 2, 0))
    np.testing.assert_array_equal(wider.pixels()[:2], [(8 * 2 + 2) * pixel, (8 * 2 + 3) * pixel])


def test_tables_of_the_same_places_are_one_that_nobody_writes_to():
    one, other = (Blob(channels, 3, 5, Layout("channels", 8)) for channels in (3, 8))
    places = one.pixels()
    assert other.pixels() is places
    with pytest.raises(ValueError, match="read-only"):
        places[0] = 1
    assert Blob(8, 3, 5, Layout("channels", 8), (1, 0, 0, 0)).pixels() is not places


def test_a_blob_beyond_32_bits_has_no_places():
    blob = Blob(2**27, 4, 4, Layout("channels", 8))
    message = r"engine: a sample has more than 2\*\*31 elements \(2147483648\)"
    assert blob.group_size - blob.pitch == 15 * 2**27
    np.testing.assert_array_equal(blob.grid([3], [3], 2**27 - 1), [2**31 - 1])
    with pytest.raises(SizeError, match=message):
        blob.grid([0], [0], 2**27)
    with pytest.raises(SizeError, match=message.replace("2147483648", str(19 * 2**27))):
        Blob(2**27, 4, 4, Layout("channels", 8), (0, 1, 0, 0)).pixels()


def test_channels_without_padding():
    assert Blob(3, 2, 4, Layout("channels", 8), padded=False).pitch == 3
    assert Blob(3, 2, 4, Layout("images", 8), padded=False).pitch == 24


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_two_elements_share_a_place(name):
    layout = Layout(name, 16)
    blob = Blob(5, 3, 3, layout, (1, 1, 1, 1))
    places = blob.pixels()[:, None] + blob.channel(np.arange(5))
    assert len(np.unique(places)) == places.size
    assert np.diff(np.sort(places.ravel())).min() >= layout.step
    assert places.max() + layout.step <= blob.group_size


@pytest.mark.parametrize("value", [2**31, -(2**31), 2**40])
def test_places_that_pass_32_bits(value):
    with pytest.raises(SizeError, match="more than 2\\*\\*31 elements"):
        table(np.array([0, value]))


def test_largest_places():
    assert table(np.array([2**31 - 1, 1 - 2**31])).dtype == np.int32
    assert table(np.array([], np.int64)).shape == (0,)


def halo_of(blob, memory):
    """Return what is in the halo of a blob, of all groups."""
    rows, columns = blob.height + blob.halo[2] + blob.halo[3], blob.row_width
    array = memory[blob].reshape(-1, rows, columns, blob.pitch)
    outside = np.ones((rows, columns), bool)
    left, _, top, _ = blob.halo
    outside[top : top + blob.height, left : left + blob.width] = False
    return array[:, outside]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_written_into_halos(training, layout, isa):
    elements = 0
    for seed in range(12):
        model, shape, _ = random_network(seed)
        model.double().reseed(0)
        if layout not in layouts_of(model, shape):
            continue
        options = {"training": training, "input_gradient": training, "layout": layout}
        plan = Plan(model, shape, batch_size=11, **options)
        rng = np.random.default_rng(seed)
        for batch in (11, 3):
            y = plan.forward(rng.standard_normal((batch, *shape)))
            if training:
                plan.backward(rng.standard_normal(y.shape))
        for blob in plan.executable.writer.blobs:
            halo = halo_of(blob, plan.executable.memory)
            assert not halo.any()
            elements += halo.size
    assert elements > 200


def test_buffers_that_fit_each_and_not_together_are_refused():
    """None of them is used here, and so no memory."""
    model, free = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU(), nn.BatchNorm2d(8)), _shapes.available_bytes()
    batch = int(0.4 * free) // (8 * 100 * 4)
    with pytest.raises(SizeError, match="engine: the buffers of a program would have the shape"):
        Plan(model, (8, 10, 10), training=True, batch_size=batch)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_large_batch_left_behind_is_not_seen_by_a_small_one(layout):
    layers = nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)
    model = nn.Sequential(*layers).double()
    options = {"training": True, "input_gradient": True, "layout": layout}
    used = Plan(model, (1, 6, 6), batch_size=40, **options)
    rng = np.random.default_rng(0)
    y = used.forward(1e3 * rng.standard_normal((40, 1, 6, 6)))
    used.backward(1e3 * rng.standard_normal(y.shape))
    x, dy = rng.standard_normal((5, 1, 6, 6)), rng.standard_normal((5, *y.shape[1:]))
    results = []
    for plan in (used, Plan(model, (1, 6, 6), batch_size=5, **options)):
        model[1].reset_parameters()
        model.zero_grad()
        results.append([plan.forward(x), plan.backward(dy), *(p.grad for p in model.parameters())])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_operation_on_several_images_has_room_for_them():
    """Even for what nothing else reads: the gradient of what only a pool of the input has made."""
    layers = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 4, bias=False)
    models = [(nn.Sequential(*layers), (4, 5, 3)), *(random_network(seed)[:2] for seed in range(40))]
    found = 0
    for model, shape in models:
        if "channels" not in layouts_of(model, shape):
            continue
        plan = Plan(model, shape, training=True, batch_size=40, layout="channels")
        for op in plan.executable.writer.ops:
            if op.whole_chunk:
                blobs = [buffer for buffer in op.buffers.values() if isinstance(buffer, Blob)]
                assert all(blob.scope != kernels.EACH_THREAD for blob in blobs), op
                found += len(blobs)
    assert found > 20
