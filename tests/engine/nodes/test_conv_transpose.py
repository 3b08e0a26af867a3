"""Transposed convolutions in programs: every pass in both layouts, remainders without taps too."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.algorithms import Wanted

# Channels in, out, groups.
CHANNELS = [(3, 5, 1), (17, 4, 1), (2, 33, 1), (4, 6, 2), (6, 6, 6), (18, 18, 18), (20, 36, 4)]
GEOMETRIES = {
    "plain": {"kernel_size": 3},
    "doubling": {"kernel_size": 4, "stride": 2, "padding": 1},
    "kernel below stride": {"kernel_size": (2, 1), "stride": (3, 4), "output_padding": (1, 3), "bias": False},
    "dilated": {
        "kernel_size": (3, 2),
        "stride": 2,
        "dilation": (2, 3),
        "padding": 2,
        "output_padding": (0, 2),
    },
    "far beyond x": {"kernel_size": 2, "stride": 2, "dilation": (2, 4), "output_padding": (1, 3)},
    "cut": {"kernel_size": (5, 2), "stride": (1, 3), "padding": (4, 0)},
}


def network(channels, geometry, seed=0):
    first, out, groups = channels
    model = nn.Sequential(
        *(nn.Conv2d(2, first, 3, padding=1), nn.ReLU()),
        *(nn.ConvTranspose2d(first, out, groups=groups, **geometry), nn.BatchNorm2d(out), nn.ReLU()),
        nn.Conv2d(out, 3, 1),
    ).double()
    rng = np.random.default_rng(seed)
    model[3].running_var[...] = rng.uniform(0.5, 2, out)
    model[3].bias.data[...] = rng.standard_normal(out)
    return model


def assert_step(model, x, layout, **options):
    """A step of the program is one of eager mode."""
    model.zero_grad()
    expected = model(x)
    dy = np.random.default_rng(1).standard_normal(expected.shape)
    wanted = [model.backward(dy), *(p.grad for p in model.parameters())]
    model.zero_grad()
    options = {"batch_size": len(x), "layout": layout, **options}
    plan = Plan(model, x.shape[1:], training=True, input_gradient=True, **options)
    np.testing.assert_allclose(plan.forward(x), expected, rtol=1e-10, atol=1e-11)
    largest = max(1, *(np.abs(each).max() for each in wanted))
    for got, want in zip([plan.backward(dy), *(p.grad for p in model.parameters())], wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11 * largest)
    model.zero_grad()
    return plan


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
@pytest.mark.parametrize("channels", CHANNELS, ids=str)
def test_every_geometry(channels, geometry, isa):
    """With a batch norm behind that is folded in for predictions, which have the same bits in any layout."""
    model = network(channels, geometry)
    x = np.random.default_rng(0).standard_normal((5, 2, 5, 6))
    for layout in ("images", "channels"):
        assert_step(model, x, layout)
    model.eval()
    predicted = [
        Plan(model, x.shape[1:], training=False, batch_size=5, layout=layout, bands=bands).forward(x)
        for layout, bands in (("images", 1), ("channels", 1), ("channels", 3))
    ]
    np.testing.assert_allclose(predicted[0], model(x), rtol=1e-9, atol=1e-10)
    for each in predicted[1:]:
        np.testing.assert_array_equal(each, predicted[0])


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("input_gradient", [True, False])
def test_as_the_first_layer(layout, input_gradient):
    """Its weight reads a halo around the gradient, also where the input has none."""
    model = nn.Sequential(nn.ConvTranspose2d(2, 3, 3, 2, 1), nn.Tanh(), nn.Flatten(), nn.Linear(3 * 63, 2))
    model.double()
    x = np.random.default_rng(2).standard_normal((9, 2, 4, 5))
    y = model(x)
    model.backward(np.ones_like(y))
    wanted = [p.grad.copy() for p in model.parameters()]
    model.zero_grad()
    plan = Plan(
        *(model, x.shape[1:]), training=True, batch_size=9, layout=layout, input_gradient=input_gradient
    )
    np.testing.assert_allclose(plan.forward(x), y, rtol=1e-10)
    plan.backward(np.ones_like(y))
    for p, want in zip(model.parameters(), wanted, strict=True):
        np.testing.assert_allclose(p.grad, want, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_from_one_pixel_behind_an_activation_and_padding(layout):
    """Few pixels have their weight's gradient made last; a margin makes more of the output."""
    model = nn.Sequential(
        nn.ConvTranspose2d(4, 3, 4),
        nn.Sigmoid(),
        nn.ZeroPad2d((1, 0, 2, 1)),
        nn.ConvTranspose2d(3, 2, (3, 2), 2, (1, 0)),
    ).double()
    assert_step(model, np.random.default_rng(2).standard_normal((6, 4, 1, 1)), layout)


@pytest.mark.parametrize("name", ["direct", "gemm", "winograd"])
def test_every_implementation(name):
    model = nn.Sequential(
        nn.Conv2d(2, 17, 3),
        nn.ReLU(),
        nn.ConvTranspose2d(17, 18, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(18, 2, 1),
    ).double()
    x = np.random.default_rng(2).standard_normal((3, 2, 10, 9))
    asked = Wanted("high" if name == "winograd" else "highest", name)
    want = model(x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastcnn.engine.plan.settled", lambda *_: asked)
        plan = assert_step(model, x, "channels")
        predicted = Plan(model.eval(), x.shape[1:], training=False, batch_size=3, layout="channels").forward(
            x
        )
    np.testing.assert_allclose(predicted, want, rtol=1e-9, atol=1e-10)
    assert name == "direct" or name in plan.describe()


def test_training_has_the_same_bits_for_any_number_of_threads():
    x = np.random.default_rng(0).standard_normal((37, 2, 5, 6)).astype(np.float32)
    found = []
    for threads in (1, 2, 3, 8):
        fastcnn.set_num_threads(threads)
        nn.init.manual_seed(3)
        model = network((6, 5, 1), GEOMETRIES["doubling"]).astype(np.float32)
        plan = Plan(model, x.shape[1:], training=True, batch_size=37)
        y = plan.forward(x)
        plan.backward(y)
        found.append([y.tobytes(), *(p.grad.tobytes() for p in model.parameters())])
    assert all(each == found[0] for each in found)
