"""Margins, interpolation, adaptive maxima and dropout of channels in programs: as in eager mode."""

import copy
import warnings

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.lower import lower
from fastcnn.engine.nodes.conv import Conv
from fastcnn.engine.nodes.resample import Resample
from fastcnn.errors import FastcnnError

from ...nn.forwards import Written
from .test_arithmetic import assert_compiled
from .test_conv_transpose import assert_step

SHAPE = (3, 6, 4)
both_layouts = pytest.mark.parametrize("layout", ["images", "channels"])

# Behind a convolution to 8 channels of 6x4 pixels.
LAYERS = {
    "reflected": nn.ReflectionPad2d((1, 3, 2, 0)),
    "replicated": nn.ReplicationPad2d((1, 9, 2, 0)),
    "circular": nn.CircularPad2d((4, 1, 0, 6)),
    "constant": nn.ConstantPad2d((1, 0, 2, 3), -1.5),
    "nearest": nn.Upsample(scale_factor=2),
    "nearest, smaller": nn.Upsample((4, 3), mode="nearest-exact"),
    "bilinear": nn.Upsample(scale_factor=(1.5, 2), mode="bilinear"),
    "bilinear, smaller": nn.Upsample((2, 3), mode="bilinear"),
    "corners": nn.UpsamplingBilinear2d((9, 5)),
    "bicubic": nn.Upsample((5, 7), mode="bicubic"),
    "area": nn.Upsample((4, 7), mode="area"),
    "far larger": nn.Upsample(scale_factor=12),
    "pixels of channels": nn.PixelShuffle(2),
    "channels of pixels": nn.PixelUnshuffle(2),
    "channels by turns": nn.ChannelShuffle(4),
    "adaptive maxima": nn.AdaptiveMaxPool2d((4, 3)),
    "adaptive maxima apart": nn.AdaptiveMaxPool2d((3, 2)),
    "unflattened": nn.Sequential(nn.Flatten(), nn.Unflatten(1, (4, 8, -1))),
    "zeros and a mirror": nn.Sequential(nn.ZeroPad2d((1, 0, 2, 0)), nn.ReflectionPad2d(2)),
    "zeros and an activation": nn.Sequential(nn.ZeroPad2d((1, 0, 2, 0)), nn.Sigmoid()),
    "zeros and shuffled": nn.Sequential(nn.ZeroPad2d((1, 1, 2, 0)), nn.PixelUnshuffle(2)),
    "zeros and interpolated": nn.Sequential(nn.ZeroPad2d(1), nn.Upsample((5, 5), mode="bilinear")),
    "convolutions with margins": nn.Sequential(
        nn.Conv2d(8, 4, 3, padding=2, padding_mode="circular"),
        nn.Conv2d(4, 5, 4, padding="same", padding_mode="reflect"),
        nn.Conv2d(5, 8, 3, 2, (3, 1), 2, padding_mode="replicate"),
    ),
}
# Of two convolutions' outputs y and z (N, 8, 6, 4).
FUNCTIONS = {
    "smoothed": lambda y, z: F.interpolate(y, (3, 3), mode="bilinear", antialias=True),
    "read twice": lambda y, z: F.pad(y, (1, 0, 0, 1), "reflect") + F.interpolate(y, (7, 5)),
    "a margin, sliced": lambda y, z: F.pad(y, (1, 2))[:, 1:, 2:],
    "margins put together": lambda y, z: fastcnn.cat((F.pad(y, (1, 1, 0, 0)), F.pad(z, (0, 2))), 1),
    "margins that are added": lambda y, z: F.pad(y, (1, 1, 0, 0)) * 2 + F.pad(z, (0, 2)),
    "a margin, transposed": lambda y, z: F.pad(y, (1, 2)).permute(0, 1, 3, 2),
    "moved, then repeated": lambda y, z: F.pad(F.pixel_shuffle(y, 2)[:, :, ::-1], (1,) * 4, "replicate"),
    "one row": lambda y, z: F.pad(z[:, :, :1], (3, 0, 5, 1), "replicate") + F.pad(y, (3, 0, 1, 0), value=2),
}


@both_layouts
@pytest.mark.parametrize("name", LAYERS)
def test_layers(name, layout, isa):
    fastcnn.manual_seed(3)
    layers = nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), copy.deepcopy(LAYERS[name])
    assert_compiled(
        nn.Sequential(*layers, nn.AdaptiveAvgPool2d((2, 3)), nn.Flatten()).double(), layout, SHAPE
    )


@both_layouts
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name, layout, isa):
    fastcnn.manual_seed(3)
    layers = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1) for _ in range(2)])
    model = Written(layers, lambda m, x: FUNCTIONS[name](m[0](x), m[1](x)))
    assert_compiled(model.double(), layout, SHAPE)


@both_layouts
@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_padding_of_lines(mode, layout):
    model = nn.Sequential(
        nn.Conv1d(2, 3, 4, padding="same", padding_mode=mode),
        nn.Tanh(),
        nn.Conv1d(3, 2, 3, stride=2, padding=2, padding_mode=mode),
    ).double()
    assert_step(model, np.random.default_rng(0).standard_normal((5, 2, 9)), layout)


@both_layouts
@pytest.mark.parametrize("kind", [nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout])
@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_dropouts(kind, p, layout, isa):
    """The same masks as in eager mode, of images and of features, for any number of threads."""
    fastcnn.manual_seed(3)
    features = nn.Flatten(), kind(p), nn.Linear(192, 5)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.SELU(), kind(p), *features, kind(p)).double()
    for threads in (1, 3):
        fastcnn.set_num_threads(threads)
        assert_compiled(model.reseed(4), layout, SHAPE)


@both_layouts
@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_dropout_of_channels_of_lines(p, layout, isa):
    fastcnn.manual_seed(3)
    model = nn.Sequential(nn.Conv1d(2, 8, 3), nn.Dropout1d(p), nn.Conv1d(8, 3, 2), nn.Dropout1d(p)).double()
    assert_compiled(model.reseed(4), layout, (2, 9))


def test_features_are_dropped_eagerly():
    """As a sample's features are one channel, of as many as there are samples."""
    model = nn.Sequential(nn.Linear(5, 4), nn.Dropout1d(0.5))
    y = model.reseed(0)(np.ones((40, 5), np.float32))
    dropped = (y == 0).all(1)
    assert 5 < dropped.sum() < 35
    assert ((y != 0).all(1) | dropped).all()
    with pytest.raises(FastcnnError, match="dropout1d of features, which drops whole samples"):
        Plan(model, (5,), training=True, batch_size=40)
    assert Plan(model.eval(), (5,), training=False, batch_size=40) is not None


def test_a_value_that_may_be_infinite_stands_in_the_channels_alone(isa):
    """A convolution of three channels reads the vector that they do not fill."""
    layers = nn.Conv2d(3, 3, 1), nn.ConstantPad2d(1, -np.inf), nn.MaxPool2d(3, 1), nn.Conv2d(3, 2, 3)
    model = nn.Sequential(*layers).double()
    x = np.random.default_rng(0).standard_normal((2, *SHAPE))
    for layout in ("images", "channels"):
        y = Plan(model, SHAPE, batch_size=2, layout=layout).forward(x)
        np.testing.assert_allclose(y, model(x), rtol=1e-12)


def test_no_layer_runs_eagerly():
    for layer in LAYERS.values():
        model = nn.Sequential(nn.Conv2d(3, 8, 1), copy.deepcopy(layer))
        x = np.zeros((2, *SHAPE), np.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.predict(x)
            assert isinstance(fastcnn.compile(model)._plans.find(model, x), Plan)


def test_what_is_written_of_it():
    """Zeros are a margin that the convolution reads; other margins are an array."""
    nodes = lower(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, padding_mode="zeros")), SHAPE).nodes
    assert [type(node) for node in nodes] == [Conv]
    nodes = lower(nn.Sequential(nn.ConstantPad2d(1, 0.0), nn.Conv2d(3, 8, 3)), SHAPE).nodes
    assert [type(node) for node in nodes] == [Conv]
    nodes = lower(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, padding_mode="reflect")), SHAPE).nodes
    assert [type(node) for node in nodes] == [Resample, Conv]
    kernels = [
        op.kernel
        for op in Plan(
            nn.Sequential(nn.Conv2d(3, 8, 1), nn.Upsample(scale_factor=2)), SHAPE, batch_size=2
        ).executable.writer.ops
    ]
    assert "resample" not in kernels  # pixels move as they are
