"""Kernels of bfloat16: what they store, what they multiply, and that all instruction sets do the same.

A maximum over windows of one pixel, as the output of a network, shows the values before it as they are
stored.
"""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn._kernels import cpu
from fastcnn.engine import Plan, choose
from fastcnn.engine.algorithms import Wanted
from fastcnn.graph.bfloat16 import rounded

from .helpers import BY_TILES, using_isa, using_threads


@pytest.fixture(autouse=True)
def plain_forms(monkeypatch):
    """Let all instruction sets have products of bfloat16, and all networks use them."""
    monkeypatch.setattr(cpu, "multiplies_bfloat16", lambda: True)
    monkeypatch.setattr(choose, "narrow_pays", lambda graph, training: True)


# Channels and windows: of spans that pairs fill and do not, of one channel and three, in one row and several.
GEOMETRIES = [
    ((1, 9, 11), {"out_channels": 5, "kernel_size": 3}),
    ((3, 9, 11), {"out_channels": 20, "kernel_size": 3, "padding": 1}),
    ((3, 8, 9), {"out_channels": 70, "kernel_size": (2, 3), "stride": 2}),
    ((2, 7, 7), {"out_channels": 3, "kernel_size": (3, 2)}),
    ((5, 7, 6), {"out_channels": 17, "kernel_size": 3, "padding": 2, "dilation": 2}),
    ((16, 6, 7), {"out_channels": 16, "kernel_size": 3, "padding": 1}),
    ((17, 5, 5), {"out_channels": 40, "kernel_size": 1}),
    ((33, 6, 5), {"out_channels": 130, "kernel_size": 3, "stride": 2, "padding": 1}),
    ((6, 7, 5), {"out_channels": 9, "kernel_size": 3, "groups": 3}),
    ((8, 7, 5), {"out_channels": 8, "kernel_size": 3, "groups": 8, "padding": 1}),
    ((300, 2, 2), {"out_channels": 80, "kernel_size": 3, "padding": 1}),
    # Spans that end within a tile, rows of 16 pixels and more, one vector to five.
    ((16, 6, 17), {"out_channels": 16, "kernel_size": 3, "padding": 1}),
    ((11, 5, 40), {"out_channels": 33, "kernel_size": (2, 3)}),
    ((32, 4, 33), {"out_channels": 48, "kernel_size": 1}),
    ((7, 9, 36), {"out_channels": 64, "kernel_size": 5, "padding": 2, "stride": (1, 2)}),
    ((24, 3, 20), {"out_channels": 72, "kernel_size": 3, "padding": 2, "dilation": (1, 2)}),
    ((520, 1, 1), {"out_channels": 260, "kernel_size": 1}),
]


def stored(*layers):
    """Return a network whose output is what these layers store."""
    return nn.Sequential(*layers, nn.MaxPool2d(1)).initialize("kaiming_normal", 0).eval()


def predicted(model, x, algorithm="direct"):
    """Return predictions in the medium precision by one implementation."""
    plan = Plan(model, x.shape[1:], batch_size=len(x), wanted=Wanted("medium", algorithm))
    return plan.forward(x)


def samples(shape, seed=1, count=5):
    return np.random.default_rng(seed).standard_normal((count, *shape)).astype(np.float32)


@pytest.mark.parametrize("name", cpu.available_isas("bfloat16", in_c=True))
def test_numbers_are_stored_rounded(name):
    numbers = np.random.default_rng(0).integers(0, 2**32, (4, 20000), np.uint32)
    numbers[0, :6] = [0x3F808000, 0x3F818000, 0x7F7FFFFF, 0xFF800000, 0x00000001, 0x80000000]
    x = numbers.view(np.float32).reshape(4, 5, 40, 100)
    copied = nn.Sequential(nn.Conv2d(5, 5, 1, groups=5, bias=False), nn.MaxPool2d(1)).eval()
    copied[0].weight.data[...] = 1
    with using_isa(name), np.errstate(all="ignore"):
        made, expected = predicted(copied, x), rounded(x)
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize(("shape", "options"), GEOMETRIES)
def test_products_are_those_of_rounded_numbers_on_all_instruction_sets(shape, options):
    model, x = stored(nn.Conv2d(shape[0], **options)), samples(shape)
    conv = model[0]
    with np.errstate(all="ignore"):
        exact = nn.Conv2d(shape[0], **options).double()
        exact.weight.data[...] = rounded(conv.weight.data)
        exact.bias.data[...] = conv.bias.data
    expected = exact(rounded(x).astype(np.float64))
    found = {}
    for name in cpu.available_isas("bfloat16", in_c=True):
        with using_isa(name):
            found[name] = predicted(model, x)
    one = found.pop("baseline")
    # A result is rounded once, or a unit away where the sum is next to the middle of two.
    np.testing.assert_array_equal(one, rounded(one))
    assert np.mean(one != rounded(expected.astype(np.float32))) < 0.01
    np.testing.assert_allclose(one, expected, rtol=2**-7, atol=1e-5)
    by_tiles = [found.pop(name) for name in BY_TILES if name in found]
    for other in found.values():
        np.testing.assert_array_equal(other, one)
    # Sums in another order: to the bit the same with and without instructions for tiles.
    for other in by_tiles:
        np.testing.assert_array_equal(other, by_tiles[0])
        assert np.mean(other != one) < 0.01
        np.testing.assert_allclose(other, one, rtol=2**-7, atol=1e-5)


@pytest.mark.parametrize(("shape", "options"), GEOMETRIES)
def test_weight_gradients_are_those_of_rounded_numbers(shape, options):
    x, rng = samples(shape, count=7), np.random.default_rng(2)
    for name in cpu.available_isas("bfloat16", in_c=True):
        for algorithm in ("direct", "gemm"):
            model = nn.Sequential(nn.Conv2d(shape[0], **options), nn.MaxPool2d(1)).initialize(
                "kaiming_normal", 0
            )
            with using_isa(name):
                plan = Plan(
                    model,
                    shape,
                    training=True,
                    batch_size=len(x),
                    input_gradient=True,
                    wanted=Wanted("medium", algorithm),
                )
                y = plan.forward(x)
                dy = rng.standard_normal(y.shape).astype(np.float32)
                dx = plan.backward(dy)
            exact = nn.Conv2d(shape[0], **options).double()
            exact.weight.data[...] = rounded(model[0].weight.data)
            exact(rounded(x).astype(np.float64))
            expected = exact.backward(rounded(dy).astype(np.float64))
            np.testing.assert_array_equal(dx, rounded(dx))
            np.testing.assert_allclose(dx, expected, rtol=2**-7, atol=1e-5)
            for got, want in zip(model[0].parameters(), exact.parameters(), strict=True):
                bound = 1e-5 * np.abs(want.grad).max()
                np.testing.assert_allclose(got.grad, want.grad, rtol=1e-5, atol=bound)


@pytest.mark.parametrize("channels", [1, 3, 5, 16])
@pytest.mark.parametrize("name", cpu.available_isas("bfloat16", in_c=True))
def test_what_no_window_reads_may_be_no_number(name, channels):
    """Pairs end where spans and rows do: what stands behind is not multiplied by 0."""
    x = samples((channels, 7, 7))
    x[:, :, 1::2] = np.nan
    x[:, :, :, 1::2] = np.inf
    for kernel_size in (1, (1, 1)):
        model = nn.Sequential(nn.Conv2d(channels, 4, kernel_size, stride=2), nn.MaxPool2d(1)).initialize(
            "kaiming_normal", 0
        )
        with using_isa(name):
            plan = Plan(model, x.shape[1:], training=True, batch_size=len(x), wanted=Wanted("medium"))
            y = plan.forward(x)
            plan.backward(np.ones_like(y))
        assert np.isfinite(y).all()
        assert np.isfinite(model[0].weight.grad).all()


@pytest.mark.parametrize("size", [3, 4, 5, 6, 7, 8, 13])
@pytest.mark.parametrize("channels", [(2, 6), (16, 16), (34, 50), (64, 64)])
def test_filtering_rounds_about_as_direct_products_do(channels, size):
    before, behind = channels
    model = stored(nn.Conv2d(3, before, 1), nn.Conv2d(before, behind, 3, padding=1))
    x = samples((3, size, size))
    for name in cpu.available_isas("bfloat16", in_c=True):
        with using_isa(name):
            ways = ("direct", "winograd", "winograd_pairs")
            direct, filtered, in_pairs = (predicted(model, x, each) for each in ways)
        size_of = np.sqrt(np.mean(direct**2))
        if size != 5:  # which tiles of 4 and 3 do not fill
            assert np.sqrt(np.mean((filtered - direct) ** 2)) < 0.001 * size_of
        assert np.sqrt(np.mean((in_pairs - direct) ** 2)) < 0.01 * size_of
        if size > 3:  # else there are no tiles of 2
            assert not np.array_equal(in_pairs, direct)


@pytest.mark.parametrize("name", cpu.available_isas("bfloat16", in_c=True))
def test_an_image_alone_gives_the_bits_that_it_gives_among_others(name):
    """Few pixels beside many weights: one image is read in bands, and of many taps beside them are left out.

    Sums in another order show in some of a thousand images: the next layer rounds them.
    """
    layers = nn.Conv2d(80, 80, 1), nn.Conv2d(80, 80, 3, padding=1), nn.ReLU(), nn.Conv2d(80, 16, 1)
    model = nn.Sequential(*layers).initialize("kaiming_normal", 1).eval()
    x = samples((80, 2, 2), seed=0, count=3000)
    with using_isa(name):
        with using_threads(1):
            together = model.predict(x, precision="medium")
        with using_threads(2):
            alone = [model.predict(x[i : i + 1], precision="medium") for i in range(len(x))]
    np.testing.assert_array_equal(np.concatenate(alone), together)


def test_the_number_of_threads_changes_no_bit():
    x, target = samples((3, 12, 12), count=37), np.arange(37) % 4
    found = []
    for threads in (1, 2, 3):
        model = nn.Sequential(
            *(nn.Conv2d(3, 20, 3), nn.ReLU(), nn.Conv2d(20, 24, 3, padding=1), nn.BatchNorm2d(24)),
            *(nn.Flatten(), nn.Linear(2400, 4)),
        ).initialize("kaiming_normal", 0)
        with using_threads(threads):
            plan = Plan(model, x.shape[1:], training=True, batch_size=len(x), wanted=Wanted("medium"))
            y = plan.forward(x)
            plan.backward(y - target[:, None].astype(np.float32))
        found.append([y, *(parameter.grad.copy() for parameter in model.parameters())])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
