"""Winograd's filtering of 3x3 windows: its errors, its edges, and that its bits depend on nothing else."""

import copy

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.algorithms import Wanted

# Channels in, out, height, width, padding: tiles of 4 and of 3 rows and columns, planes of one tile, of few,
# and channels that fill no vector.
CASES = [
    (16, 16, 28, 28, 1),
    (16, 24, 14, 9, 1),
    (3, 5, 4, 4, 1),
    (64, 40, 8, 8, 1),
    (20, 12, 8, 9, 0),
    (8, 9, 11, 13, 2),
    (33, 17, 6, 30, (2, 0, 1, 2)),
    (300, 8, 6, 6, 1),  # sums of several chains
    (136, 136, 4, 7, 1),  # more weights than the caches hold: all tiles in hand, weight gradients by blocks
]


def network(case, bias=True):
    """A convolution of 3x3 windows with an input that can be read by vectors, and a shape of samples."""
    channels, out, height, width, padding = case
    fastcnn.manual_seed(7)
    layers = [nn.Conv2d(2, channels, 1), nn.Conv2d(channels, out, 3, padding=padding, bias=bias)]
    return nn.Sequential(*layers), (2, height, width)


def passes(model, x, dy, algorithm, **options):
    """Return the output, the gradients of input and parameters, and what each pass was made by."""
    model.zero_grad()
    plan = Plan(
        model,
        x.shape[1:],
        training=True,
        batch_size=len(x),
        layout="channels",
        input_gradient=True,
        wanted=Wanted("high", algorithm),
        **options,
    )
    y = plan.forward(x)
    dx = plan.backward(dy)
    return y, dx, [p.grad.copy() for p in model.parameters()], plan.picked


def samples(case, batch, dtype=np.float32):
    model, shape = network(case)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, *shape)).astype(dtype)
    return model, x, rng.standard_normal(model.output_shape(x.shape)).astype(dtype)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("batch", [1, 37])
def test_it_is_the_convolution(isa, filtered, case, batch):
    """In float64, to its own rounding."""
    model, x, dy = samples(case, batch, np.float64)
    model.double()
    reference = copy.deepcopy(model)
    want, dx_wanted = reference(x), reference.backward(dy)
    y, dx, grads, picked = passes(model, x, dy, "winograd")
    assert {(what, name) for layer, what, name in picked if layer == "1 Conv2d"} == {
        ("forward", "winograd"),
        ("input gradient", "winograd"),
        ("weight gradient", "winograd"),
    }
    for got, wanted in zip(
        [y, dx, *grads], [want, dx_wanted, *(p.grad for p in reference.parameters())], strict=True
    ):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-14 * np.abs(wanted).max())


def errors(got, exact):
    """Return the largest error as a share of the largest number of its image and channel."""
    return (np.abs(got - exact).max(axis=(2, 3)) / np.abs(exact).max(axis=(2, 3))).max()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_errors_in_float32(isa, case):
    """Outputs and input gradients within 1e-5 of the largest in their image and channel; weight gradients
    within four times what direct sums have (root mean square)."""
    model, x, dy = samples(case, 32)
    exact = copy.deepcopy(model).double()
    y, dx = exact(x.astype(np.float64)), exact.backward(dy.astype(np.float64))
    dweight = exact[1].weight.grad
    direct = passes(model, x, dy, "direct")
    filtered = passes(model, x, dy, "winograd")
    assert errors(filtered[0], y) < 1e-5
    assert errors(filtered[1], dx) < 1e-5
    spread = [np.sqrt(np.mean((each[2][2] - dweight) ** 2)) for each in (filtered, direct)]
    assert spread[0] < 4 * spread[1]
    assert np.abs(filtered[2][2] - dweight).max() < 3e-6 * np.abs(dweight).max()


def test_an_image_of_one_channel_by_hand():
    """Windows that each pick one pixel of a ramp; tiles of 4 and of 3 rows and columns."""
    model = nn.Sequential(nn.Conv2d(16, 1, 3, padding=1, bias=False))
    weight = np.zeros((1, 16, 3, 3), np.float32)
    weight[0, 3, 0, 2] = 1  # the pixel above and to the right
    model[0].weight.data[...] = weight
    x = np.zeros((1, 16, 7, 7), np.float32)
    x[0, 3] = np.arange(49).reshape(7, 7)
    expected = np.zeros((7, 7))
    expected[1:, :-1] = x[0, 3, :-1, 1:]
    plan = Plan(model, x.shape[1:], batch_size=1, layout="channels", wanted=Wanted("high", "winograd"))
    assert plan.picked == [("0 Conv2d", "forward", "winograd")]
    np.testing.assert_allclose(plan.forward(x)[0, 0], expected, atol=49e-6)


def behind(case):
    """A convolution with everything that its output may pass through."""
    channels, out, height, width, _ = case
    fastcnn.manual_seed(3)
    return nn.Sequential(
        *(nn.Conv2d(2, channels, 1), nn.ReLU()),
        *(
            nn.Conv2d(channels, out, 3, padding=1, bias=False),
            nn.PositionBias((out, height, width)),
            nn.ReLU(),
        ),
        *(nn.Residual(nn.Conv2d(out, out, 3, padding=1)), nn.LeakyReLU(0.1)),
        *(nn.Conv2d(out, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 8, 3, padding=1), nn.Flatten()),
    )


@pytest.mark.parametrize("case", [CASES[1], CASES[3]], ids=str)
def test_a_row_has_the_same_bits_in_any_batch_for_any_threads(isa, case):
    model = behind(case)[:-2].eval()
    x = np.random.default_rng(0).standard_normal((53, 2, case[2], case[3])).astype(np.float32)
    wanted = Wanted("high", "winograd")
    results = []
    for rows, bands, threads in ((53, 1, 1), (53, 1, 3), (1, 1, 1), (1, 2, 2), (1, 4, 3), (5, 3, 2)):
        fastcnn.set_num_threads(threads)
        plan = Plan(model, x.shape[1:], batch_size=rows, layout="channels", bands=bands, wanted=wanted)
        assert "winograd" in {name for _, _, name in plan.picked}
        results.append(np.concatenate([plan.forward(x[i : i + rows]) for i in range(0, 53, rows)]))
    for each in results[1:]:
        np.testing.assert_array_equal(each, results[0])


@pytest.mark.parametrize(("case", "batch"), [(CASES[3], 2), (CASES[3], 33), (CASES[3], 130), (CASES[-1], 70)])
def test_gradients_have_the_same_bits_for_any_threads(isa, case, batch):
    model, x, dy = samples(case, batch)
    found = []
    for threads in (1, 2, 3, 4, 8):
        fastcnn.set_num_threads(threads)
        y, dx, grads, _ = passes(model, x, dy, "winograd")
        found.append([y, dx, *grads])
    for others in found[1:]:
        for got, want in zip(others, found[0], strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("bands", [2, 4])
def test_bands_of_a_step(isa, filtered, bands):
    """Tiles and input channels are shared out; nothing else changes."""
    model, x, dy = samples((32, 16, 14, 14, 1), 1, np.float64)
    model.double()
    want = passes(model, x, dy, "winograd")
    got = passes(model, x, dy, "winograd", bands=bands)
    for a, b in zip([*got[:2], *got[2]], [*want[:2], *want[2]], strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13 * np.abs(b).max())


def test_all_that_stands_behind(isa, filtered):
    model = behind(CASES[1]).double()
    reference = copy.deepcopy(model)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((9, 2, *CASES[1][2:4]))
    compiled = fastcnn.compile(model, input_gradient=True)
    want = reference(x)
    np.testing.assert_allclose(compiled(x), want, rtol=0, atol=1e-12)
    dy = rng.standard_normal(want.shape)
    np.testing.assert_allclose(compiled.backward(dy), reference.backward(dy), rtol=0, atol=1e-11)
    for got, wanted in zip(model.parameters(), reference.parameters(), strict=True):
        np.testing.assert_allclose(
            got.grad, wanted.grad, rtol=0, atol=1e-11 * max(1, np.abs(wanted.grad).max())
        )
    np.testing.assert_allclose(compiled.predict(x), reference.predict(x, engine=False), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"kernel_size": 5}, (16, 16, 16)),
        ({"kernel_size": 3, "stride": 2}, (16, 16, 16)),
        ({"kernel_size": 3, "dilation": 2}, (16, 16, 16)),
        ({"kernel_size": 3, "groups": 2}, (16, 16, 16)),
        ({"kernel_size": 3}, (16, 7, 16)),  # 5 rows of y are no sum of 4s and 3s
        ({"kernel_size": 3}, (16, 16, 4)),
        ({"kernel_size": 3}, (3, 16, 16)),  # samples that are read element by element
    ],
)
def test_what_it_does_not_take(options, shape):
    model = nn.Sequential(nn.Conv2d(shape[0], 16, **options))
    wanted = Wanted("high", "winograd")
    plan = Plan(model, shape, batch_size=2, layout="channels", wanted=wanted)
    assert plan.picked == [("0 Conv2d", "forward", "direct")]


def test_what_is_not_finite_spoils_its_tiles_alone():
    model, _ = network((16, 16, 12, 12, 1))
    conv = nn.Sequential(model[1])
    x = np.random.default_rng(0).standard_normal((2, 16, 12, 12)).astype(np.float32)
    expected = conv.predict(x, engine=False)
    x[0, 3, 5, 5] = np.inf
    y = conv.predict(x, precision="high")
    assert not np.isfinite(y[0, :, 4:8, 4:8]).any()
    rest = np.isfinite(y)
    assert rest.sum() == y.size - 16 * 16
    np.testing.assert_allclose(y[rest], expected[rest], atol=1e-5)
