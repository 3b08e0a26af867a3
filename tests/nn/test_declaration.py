"""Declaring a layer's class is all that it takes for files to have it."""

import json
import re

import numpy as np
import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError, DataError, DTypeError
from fastcnn.nn import declaration
from fastcnn.zoo import Argument, arguments, declare

from ..graph.activations import CASES


@pytest.fixture
def registry():
    """Let what a test declares be forgotten after it."""
    before = dict(declaration.LAYERS), dict(declaration.BLOCKS)
    yield
    for kept, table in zip(before, (declaration.LAYERS, declaration.BLOCKS), strict=True):
        table.clear()
        table.update(kept)


class Sloped(nn.Module):
    """A layer as it would stand in nn/activation.py."""

    def __init__(self, negative_slope=0.01):
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, x):
        return x * self.negative_slope + nn.functional.relu(x) * (1 - self.negative_slope)

    def extra_repr(self):
        return f"negative_slope={self.negative_slope}"


class Scale(nn.Module):
    """A layer with a weight of the shape of a sample, and a backward of its own."""

    def __init__(self, shape, power=1, generator=None):
        super().__init__()
        self.weight = nn.Parameter(np.ones(shape, np.float32))
        self.power = power

    def forward(self, x):
        return x * self.weight.data**self.power

    def backward(self, dy):
        return dy * self.weight.data**self.power


class Twice(nn.Module):
    """A block: what its inner network does, twice."""

    def __init__(self, inner, times=2):
        super().__init__()
        self.inner, self.times = inner, times

    def forward(self, x):
        for _ in range(self.times):
            x = self.inner(x)
        return x


def declare_all():
    declare({"negative_slope": arguments.real})(Sloped)
    declare(
        {
            "shape": Argument(
                arguments.sample, found=lambda shape: shape, read=lambda layer, _: layer.weight.shape
            ),
            "power": arguments.count,
        },
        weights=lambda values: [values["shape"]],
        takes="images",
    )(Scale)
    declare({"inner": zoo.Body(), "times": arguments.count}, output=lambda values, shape: values["inner"])(
        Twice
    )


def test_a_pointwise_layer_needs_no_more_than_its_declaration(registry):
    declare_all()
    model = nn.Sequential(nn.Flatten(), Sloped(), nn.Linear(12, 3), Sloped(0.2))
    # Behind it samples are as flat as before, so that the linear layer finds its size.
    written = [
        {"type": "Flatten"},
        {"type": "Sloped"},
        {"type": "Linear", "out_features": 3},
        {"type": "Sloped", "negative_slope": 0.2},
    ]
    assert zoo.to_dicts(model) == written
    assert repr(zoo.from_dicts(json.loads(zoo.dicts.to_json(written)), (3, 2, 2))) == repr(model)
    with pytest.raises(DataError, match=re.escape("layers[0] (Sloped): negative_slope must be a number")):
        zoo.from_dicts([{"type": "Sloped", "negative_slope": "0"}], (3, 2, 2))
    with pytest.raises(DataError, match=r"unknown key 'slope'.*; it takes type, name, negative_slope"):
        zoo.from_dicts([{"type": "Sloped", "slope": 0}], (3, 2, 2))


def test_python_source_of_it(registry):
    declare_all()
    source = zoo.to_python(nn.Sequential(Sloped(0.2), Twice(nn.Sequential(nn.ReLU()), 3)))
    assert source == (
        "from fastcnn import nn\n"
        f"from {__name__} import Sloped\n"
        f"from {__name__} import Twice\n"
        "\n"
        "model = nn.Sequential(\n"
        "    Sloped(negative_slope=0.2),\n"
        "    Twice(nn.Sequential(\n"
        "        nn.ReLU(),\n"
        "    ), times=3),\n"
        ")\n"
    )


def test_a_layer_with_weights(registry):
    declare_all()
    model = zoo.from_dicts([{"type": "Scale", "power": 2}], (2, 3, 4))
    assert model[0].weight.shape == (2, 3, 4)
    assert zoo.to_dicts(model) == [{"type": "Scale", "power": 2}]
    message = r"Scale needs images \(C, H, W\), but 5 flat features come in"
    with pytest.raises(DataError, match=message):
        zoo.from_dicts([{"type": "Scale"}], (5,))
    # The weight alone does not fit, and is known before it is made.
    with pytest.raises(DataError, match="the weight would have the shape"):
        zoo.from_dicts([{"type": "Scale"}], (2**20, 2**20, 2**10))


def test_a_block(registry):
    declare_all()
    layers = [{"type": "Twice", "inner": [{"type": "ReLU"}, {"type": "Twice", "inner": {"type": "ReLU"}}]}]
    model = zoo.from_dicts(layers, (2, 3, 4))
    assert repr(model) == repr(nn.Sequential(Twice(nn.Sequential(nn.ReLU(), Twice(nn.ReLU())))))
    assert zoo.to_dicts(model) == layers
    with pytest.raises(DataError, match=re.escape("layers[0] (Twice): inner is missing: a list of layers")):
        zoo.from_dicts([{"type": "Twice"}], (2, 3, 4))


def test_subclasses_do_not_come_along(registry):
    declare_all()

    class Steeper(Sloped):
        pass

    class ReLU(nn.ReLU):
        """Has the name of one that is declared, but is another class."""

    for layer in (Steeper(), ReLU()):
        with pytest.raises(ArgumentError, match=r"only layers of fastcnn.nn can be written"):
            zoo.to_dicts(nn.Sequential(layer))
    with pytest.raises(DataError, match="unknown type 'Steeper'"):
        zoo.from_dicts([{"type": "Steeper"}], (2, 3, 4))
    assert type(zoo.from_dicts([{"type": "ReLU"}], (2, 3, 4))[0]) is nn.ReLU


def test_a_layer_whose_forward_is_its_own_is_another_one():
    layer = nn.ReLU()
    layer.forward = lambda x: -x
    with pytest.raises(ArgumentError, match=r"layer 0 \(ReLU\): only layers of fastcnn.nn can be written"):
        zoo.to_dicts(nn.Sequential(layer))


def test_what_cannot_be_declared(registry):
    class ReLU(nn.Module):
        pass

    with pytest.raises(
        ArgumentError, match=r"declare: ReLU is fastcnn.nn.activation.ReLU already: take anot"
    ):
        declare()(ReLU)
    with pytest.raises(
        ArgumentError, match="declare: relu is a function of files already: take another name"
    ):
        declare()(type("relu", (nn.Module,), {}))
    with pytest.raises(DTypeError, match="declare: a class of modules is needed, got <class 'int'>"):
        declare()(int)
    with pytest.raises(ArgumentError, match="declare: Sloped has no argument 'slope'; it takes negative_sl"):
        declare({"slope": arguments.real})(Sloped)
    with pytest.raises(ArgumentError, match="declare: Scale needs shape: it must be declared, or have a def"):
        declare({"power": arguments.count})(Scale)
    with pytest.raises(
        ArgumentError, match="declare: takes must be 'any', 'images', 'lines' or 'features', got 'all'"
    ):
        declare(takes="all")
    assert not {"Scale", "Sloped"} & declaration.LAYERS.keys()
    # A cell of a notebook may run again.
    declare_all()
    declare_all()


def test_every_layer_of_the_package_says_what_it_makes():
    """The shape and the weights that are declared are those of the layers themselves."""
    made = [
        nn.Conv2d(4, 6, (3, 2), 2, (1, 0), 1, 2),
        nn.Conv2d(4, 8, 3, padding="same", dilation=2, bias=False),
        nn.MaxPool2d(3, 2, 1),
        nn.AvgPool2d(3, ceil_mode=True),
        nn.AdaptiveAvgPool2d((2, None)),
        nn.BatchNorm2d(4),
        nn.Linear(9, 5),
        nn.PositionBias((4, 8, 9)),
        nn.GroupNorm(2, 4),
        nn.GroupNorm(4, 4, bias=False),
        nn.LocalResponseNorm(3, 0.5, beta=0.5, k=2.0),
        nn.LayerNorm((8, 9), 0.1, bias=False),
        nn.LayerNorm(9, elementwise_affine=False),
        nn.LayerNorm2d(4, bias=False),
        nn.InstanceNorm2d(4, momentum=0.2, affine=True, track_running_stats=True),
        nn.InstanceNorm2d(4, affine=True, bias=False),
        nn.Conv2d(4, 6, 3, padding=(2, 1), padding_mode="reflect"),
        nn.Conv2d(4, 6, 4, padding="same", padding_mode="circular"),
        nn.AdaptiveMaxPool2d((3, None)),
        nn.ZeroPad2d((1, 2, 0, 3)),
        nn.ConstantPad2d(2, -1.5),
        nn.ReflectionPad2d((8, 2, 0, 3)),
        nn.ReplicationPad2d((1, 20, 0, 3)),
        nn.CircularPad2d((9, 2, 8, 3)),
        nn.ZeroPad2d((-1, 2, -3, 0)),
        nn.ReflectionPad2d((-8, 2, 0, -3)),
        nn.CircularPad2d((-5, 4, -2, 6)),
        nn.ZeroPad1d(2),
        nn.ConstantPad1d((1, -2), 0.5),
        nn.ReflectionPad1d((8, -3)),
        nn.ReplicationPad1d((12, 0)),
        nn.CircularPad1d((-4, 5)),
        nn.PixelShuffle(2),
        nn.PixelUnshuffle(1),
        nn.ChannelShuffle(2),
        nn.Unflatten(2, (2, -1)),
        nn.Upsample(scale_factor=2),
        nn.Upsample((3, 20), mode="bicubic", align_corners=True),
        nn.Upsample(None, (0.5, 1.7), "bilinear", recompute_scale_factor=True),
        nn.Upsample(5, mode="area"),
        nn.UpsamplingNearest2d(size=5),
        nn.UpsamplingBilinear2d(scale_factor=(1.5, 0.7)),
        nn.Flatten(2, 3),
        nn.Softmax(-1),
        nn.LogSoftmax(),
        nn.Softmin(1),
        nn.Softmax2d(),
        nn.GLU(1),
        nn.Dropout(0.3),
        nn.Dropout1d(0.3),
        nn.Dropout2d(0.3),
        nn.AlphaDropout(0.3),
        nn.FeatureAlphaDropout(0.3),
        nn.StochasticDepth(0.3, "row"),
        nn.Identity(),
        nn.ConvTranspose2d(4, 6, (3, 2), (2, 3), (1, 0), (1, 2), 2, dilation=(1, 2)),
        nn.ConvTranspose2d(4, 3, 3, bias=False),
        nn.PReLU(),
        nn.PReLU(4, 0.1),
        nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2, dilation=2),
        nn.ConvTranspose1d(4, 3, 3, bias=False),
        nn.Conv1d(4, 6, 3, 2, 1, 2, 2),
        nn.Conv1d(4, 8, 4, padding="same", bias=False),
        nn.MaxPool1d(3, 2, 1, 2),
        nn.AvgPool1d(3, ceil_mode=True),
        nn.AdaptiveAvgPool1d(2),
        nn.AdaptiveMaxPool1d(3),
        nn.LPPool1d(2, 3, 2, True),
        nn.LPPool2d(1.5, (3, 2)),
        nn.BatchNorm1d(4),
        nn.InstanceNorm1d(4, momentum=0.2, track_running_stats=True),
        *(case.layer(**case.given) for case in CASES.values()),
    ]
    assert {type(layer).__name__ for layer in made} == declaration.LAYERS.keys()
    for layer in made:
        declared = declaration.declaration_of(layer)
        values = {key: each.of(layer, key) for key, each in declared.arguments.items()}
        shape = (4, 9) if type(layer).__name__.endswith("1d") else (4, 8, 9)
        assert declared.output(values, shape) == layer.output_shape((1, *shape))[1:], layer
        assert repr(declared.make(**values)) == repr(layer)
        largest = max((each.shape for each in layer.parameters()), key=np.prod, default=())
        counted = declared.weights(values)
        assert (np.prod(counted[0]) if counted else 0) >= (np.prod(largest) if largest else 0)
