"""Elements that are put elsewhere in programs: against eager mode, and how they are copied."""

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.rearrange import Rearrange
from fastcnn.engine.tracing import UnsupportedError

from ...nn.forwards import Written, normal
from .test_arithmetic import assert_compiled

SHAPE = (3, 6, 4)


def shuffled(y):
    """Return the channels of two groups by turns."""
    n, c, h, w = y.shape
    return y.reshape(n, 2, c // 2, h, w).permute(0, 2, 1, 3, 4).reshape(n, c, h, w)


def pixels_of_channels(y):
    """Return an image of twice the sizes, each pixel of which was a channel."""
    n, c, h, w = y.shape
    return y.reshape(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)


def halves_swapped(y):
    a, b = F.chunk(y, 2, 1)
    return fastcnn.cat((F.relu(b), a), 1)


# Of the output y (N, 8, 6, 4) of a convolution, features f (N, 8), and a convolution of two channels.
FUNCTIONS = {
    "axes exchanged": lambda y, f, conv: y.permute(0, 1, 3, 2),
    "channels last": lambda y, f, conv: y.permute(0, 2, 3, 1),
    "the first channels": lambda y, f, conv: conv(y[:, :2]),
    "every third channel": lambda y, f, conv: y[:, 1::3],
    "channels backwards": lambda y, f, conv: conv(y[:, 1::-1]),
    "some rows": lambda y, f, conv: y[:, :, 1:4],
    "some of each": lambda y, f, conv: conv(y[:, 2:4, ::2, -3:]),
    "one channel": lambda y, f, conv: y[:, 3:4] * y[:, 5].view(y.shape[0], 1, 6, 4),
    "one column": lambda y, f, conv: F.relu(y[..., 1:2]),
    "axes added": lambda y, f, conv: y[:, :, None].reshape(y.shape[0], 8, 6, 4),
    "parts of features": lambda y, f, conv: f[:, :4] * f[:, 4:],
    "a part that two read": lambda y, f, conv: F.sigmoid(y[:, :2]) * F.relu(y[:, :2]),
    "chunks": lambda y, f, conv: halves_swapped(y),
    "parts of several sizes": lambda y, f, conv: fastcnn.cat(F.split(y, [1, 5, 2], 1)[::-1], 1),
    "channels by turns": lambda y, f, conv: conv(shuffled(y)[:, 3:5]),
    "pixels made of channels": lambda y, f, conv: conv(pixels_of_channels(y)),
    "rows after rows": lambda y, f, conv: fastcnn.cat((y, F.relu(y[:, :, 2:])), 2),
    "columns after columns": lambda y, f, conv: conv(fastcnn.cat((y[:, :2], F.relu(y[:, 2:4])), -1)),
    "an image and features": lambda y, f, conv: fastcnn.cat((y.flatten(1), f), 1),
    "features and two images": lambda y, f, conv: fastcnn.cat(
        (f, y.flatten(1), conv(y[:, :2]).flatten(1)), 1
    ),
    "features made an image": lambda y, f, conv: conv(f.view(f.shape[0], 2, 2, 2)),
    "an image made another": lambda y, f, conv: conv(y.view(y.shape[0], 2, 8, 12)),
    "there and back": lambda y, f, conv: y.permute(0, 3, 1, 2).permute(0, 2, 3, 1) * 2,
    "features plus an image": lambda y, f, conv: f + fastcnn.flatten(y[:, :1, :4, :2], 1),
    "an image plus features": lambda y, f, conv: F.relu(y[:, :2, :2, :2]).flatten(1) + f,
}


class Net(nn.Module):
    """A function of what a convolution and a linear layer make, and a linear layer behind it."""

    def __init__(self, function):
        super().__init__()
        self.first, self.features = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(72, 8)
        self.conv, self.function = nn.Conv2d(2, 3, 3, padding=1), function
        self.last = None
        size = self.output_shape((1, *SHAPE))[1]
        self.last = nn.Linear(size, 3)

    def forward(self, x):
        f = self.features(fastcnn.flatten(x, 1))
        y = fastcnn.flatten(self.function(self.first(x), f, self.conv), 1)
        return y if self.last is None else self.last(y)


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_programs_do_what_eager_mode_does(name, layout):
    assert_compiled(Net(FUNCTIONS[name]).double().initialize(seed=1), layout, SHAPE)


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize(
    "forward",
    [
        lambda m, x: m(x).permute(0, 2, 3, 1),
        lambda m, x: m(x)[:, 1:3],
        lambda m, x: m(x)[:, 1:3].flatten(1),
        lambda m, x: m(x.permute(0, 1, 3, 2)),
        lambda m, x: m(x[:, :, ::2]),
    ],
)
def test_at_both_ends_of_a_model(forward, layout):
    model = Written(nn.Conv2d(3, 4, 3, padding=1), forward).double().initialize(seed=1)
    assert_compiled(model, layout, SHAPE)


def nodes_of(forward, *layers):
    return lower(Written(nn.ModuleList(layers), forward), SHAPE).nodes


def test_elements_move_once_for_all_that_was_done():
    """Nothing moves where they end up as they were, or where flattening is all that was done."""
    conv, last = nn.Conv2d(3, 8, 1), nn.Linear(192, 2)

    def kinds(between):
        nodes = nodes_of(lambda m, x: m[1](between(m[0](x)).flatten(1)), conv, last)
        return [type(node).__name__ for node in nodes]

    assert kinds(lambda y: y) == ["Conv", "Dense"]
    assert kinds(lambda y: y.view(y.shape[0], 4, 12, 4)) == ["Conv", "Dense"]
    assert kinds(lambda y: y.permute(0, 3, 2, 1).permute(0, 3, 2, 1)) == ["Conv", "Dense"]
    assert kinds(lambda y: shuffled(shuffled(y).permute(0, 2, 3, 1).permute(0, 3, 1, 2))) == [
        *("Conv", "Rearrange", "Dense")
    ]


def test_neighbours_are_copied_together():
    """Channels of a pixel, where they stay side by side; else elements."""

    def copied(forward, training=False):
        model = Written(nn.ModuleList([nn.Conv2d(3, 8, 1)]), forward)
        plan = Plan(model, SHAPE, training=training, batch_size=4, layout="channels")
        ops = [op for op in plan.executable.writer.ops if op.kernel == "copy"]
        return [(op.arguments["channels"], len(op.arguments["z_at"])) for op in ops]

    assert copied(lambda m, x: m[0](x)[:, 2:6]) == [(4, 24)]
    assert copied(lambda m, x: m[0](x)[:, ::2]) == [(1, 96)]
    assert copied(lambda m, x: m[0](x).permute(0, 1, 3, 2)) == [(8, 24)]
    # Backward, the gradient of the channels that are taken, and zeros for the others.
    assert copied(lambda m, x: m[0](x)[:, 2:6], training=True) == [(4, 24), (4, 24), (2, 48)]


def test_the_gradient_of_what_is_not_taken_is_0_in_every_step():
    """Others add to the same array, and their numbers do not stay in it."""
    model = Written(nn.Conv2d(2, 2, 1, bias=False), lambda m, x: (y := m(x), y[:, :1])).double()
    plan = Plan(model, (2, 3, 3), training=True, batch_size=3)
    x = normal(3, 2, 3, 3)
    for _ in range(2):
        model.zero_grad()
        plan.forward(x)
        plan.backward((np.zeros((3, 2, 3, 3)), np.ones((3, 1, 3, 3))))
        assert not model.layers.weight.grad[1].any()
        assert model.layers.weight.grad[0].any()


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize(
    "forward",
    [
        lambda m, x: m[0](x)[:, 1],
        lambda m, x: F.relu(m[0](x).flatten(2)),
        lambda m, x: fastcnn.cat((m[0](x)[:, 1], m[0](x)[:, 0]), 1),
    ],
    ids=["a channel", "flattened pixels", "channels put together"],
)
def test_samples_of_two_axes_are_lines(forward, layout):
    model = Written(nn.ModuleList([nn.Conv2d(3, 8, 1)]), forward).double()
    x = normal(4, *SHAPE)
    y = model(x)
    dy = normal(*y.shape)
    wanted = [model.backward(dy), *(p.grad for p in model.parameters())]
    model.zero_grad()
    plan = Plan(model, SHAPE, training=True, batch_size=4, layout=layout, input_gradient=True)
    np.testing.assert_allclose(plan.forward(x), y, rtol=1e-10, atol=1e-12)
    for got, want in zip([plan.backward(dy), *(p.grad for p in model.parameters())], wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize(
    ("forward", "reason"),
    [
        (lambda m, x: m[0](x)[:, :, None], "a layer that reads a tensor of 5 axes"),
        (
            lambda m, x: F.relu(m[0](x).reshape(x.shape[0], 8, 2, 2, 6)),
            "a layer that reads a tensor of 5 axes",
        ),
        (
            lambda m, x: fastcnn.cat((m[0](x)[..., None], m[0](x)[..., None]), 1),
            "a layer that reads a tensor of 5 axes",
        ),
    ],
)
def test_what_has_no_form_is_refused(forward, reason):
    with pytest.raises(UnsupportedError, match=reason):
        nodes_of(forward, nn.Conv2d(3, 8, 1), nn.ZeroPad2d(1))


def test_it_reads_elements_one_by_one():
    """So the pixels of an input that only such nodes read need not fill vectors."""
    first = nodes_of(lambda m, x: m[0](x.permute(0, 1, 3, 2)), nn.Conv2d(3, 8, 1))[0]
    assert isinstance(first, Rearrange)
    assert first.reads_elements
