import json
import math

import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError, DataError
from fastcnn.nn.summary import summarize
from fastcnn.zoo import dicts

from .networks import make, shape_of

# The list of list-cifar, its sizes inferred.
LIST_CIFAR = [
    {"type": "Conv2d", "out_channels": 32, "kernel_size": 5, "padding": 2},
    {"type": "ReLU"},
    {"type": "MaxPool2d", "kernel_size": 2},
    {"type": "Linear", "out_features": 10},
]


def message(layers, shape=(3, 8, 8)):
    with pytest.raises(DataError) as caught:
        zoo.from_dicts(layers, shape, "net.json")
    return str(caught.value)


def nested(levels):
    layers = [{"type": "ReLU"}]
    for _ in range(levels):
        layers = [{"type": "Residual", "body": layers}]
    return layers


def test_list_cifar():
    model = zoo.from_dicts(LIST_CIFAR, (3, 32, 32))
    assert repr(model) == repr(zoo.build("list-cifar"))
    table = summarize(model, (3, 32, 32))
    assert (table.parameters, table.macs) == (84_362, 2_539_520)


@pytest.mark.parametrize("name", zoo.names())
def test_networks_of_the_zoo_there_and_back(name):
    model, shape = make(name), shape_of(name)
    layers = zoo.to_dicts(model, shape)
    again = zoo.from_dicts(json.loads(dicts.to_json(layers)), shape)
    assert again.state_dict().keys() == model.state_dict().keys()
    if isinstance(layers, list):  # a chain
        assert repr(again) == repr(model)
        assert dicts.parse_table({"layers": layers}, "x") == dicts.parse(layers, "x")


def test_every_argument_there_and_back():
    model = nn.Sequential(
        nn.Conv2d(4, 8, (3, 1), (2, 1), (0, 1, 2, 0), (1, 2), 2, False),
        nn.Conv2d(8, 8, 3, padding="same"),
        nn.BatchNorm2d(8, 1e-3, None, False, False),
        nn.BatchNorm2d(8, bias=False),
        nn.Identity(),
        nn.PositionBias((8, 13, 23)),
        nn.ZeroPad2d((1, 0, 2, 0)),
        nn.Residual(nn.Conv2d(8, 8, 1)),
        nn.Residual(nn.ReLU(), nn.Sequential(nn.Identity())),
        nn.DenseResidual(nn.Sequential(nn.ReLU(), nn.Sequential(nn.ReLU()))),
        nn.MaxPool2d(3, 2, 1, 1, True),
        nn.AvgPool2d(2, 1, 1, True, False, 3),
        nn.AdaptiveAvgPool2d((None, 5)),
        nn.Linear(5, 6, False),
        nn.Dropout(0.25),
        nn.Flatten(1, 2),
        nn.LogSoftmax(2),
        nn.Flatten(),
        nn.Linear(9 * 16 * 6, 4),
        nn.Softmax(),
    )
    shape = (4, 26, 22)
    again = zoo.from_dicts(zoo.to_dicts(model), shape)
    assert repr(again) == repr(model)
    assert again.output_shape((1, *shape)) == model.output_shape((1, *shape)) == (1, 4)
    assert again[2].momentum is None
    assert again[2].affine is again[2].track_running_stats is again[11].count_include_pad is False
    assert again[11].divisor_override == 3
    assert again[3].bias is None
    assert {"type": "BatchNorm2d", "bias": False} in zoo.to_dicts(model)
    assert {key: value.shape for key, value in again.state_dict().items()} == {
        key: value.shape for key, value in model.state_dict().items()
    }


def test_layers_that_move_pad_and_resize_there_and_back():
    model = nn.Sequential(
        nn.Conv2d(4, 8, 3, padding=(2, 1), padding_mode="circular"),
        nn.ReflectionPad2d((1, 0, 2, 0)),
        nn.ReplicationPad2d(1),
        nn.CircularPad2d((1, 2, 3, 0)),
        nn.ConstantPad2d((1, 2, 3, 0), -0.5),
        nn.Dropout2d(0.25),
        nn.AlphaDropout(0.1),
        nn.FeatureAlphaDropout(),
        nn.ChannelShuffle(4),
        nn.PixelShuffle(2),
        nn.PixelUnshuffle(1),
        nn.Upsample(
            scale_factor=(0.5, 1.5), mode="bilinear", align_corners=False, recompute_scale_factor=True
        ),
        nn.Upsample((9, 8), mode="bicubic"),
        nn.UpsamplingNearest2d(scale_factor=2),
        nn.UpsamplingBilinear2d((6, 5)),
        nn.AdaptiveMaxPool2d((None, 3)),
        nn.Flatten(),
        nn.Unflatten(1, (-1, 2, 3)),
    )
    shape = (4, 10, 12)
    layers = zoo.to_dicts(model)
    assert layers[0] == {
        "type": "Conv2d",
        "out_channels": 8,
        "kernel_size": 3,
        "padding": [2, 1],
        "padding_mode": "circular",
    }
    again = zoo.from_dicts(json.loads(dicts.to_json(layers)), shape)
    assert repr(again) == repr(model)
    assert again[11].recompute_scale_factor is True
    assert again.output_shape((1, *shape)) == model.output_shape((1, *shape)) == (1, 6, 2, 3)


def test_what_is_written():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 2, bias=False))
    assert zoo.to_dicts(model) == [
        {"type": "Conv2d", "out_channels": 4, "kernel_size": 3},
        {"type": "MaxPool2d", "kernel_size": 2},
        {"type": "Flatten"},
        {"type": "Linear", "out_features": 2, "bias": False},
    ]
    # Without its size, a linear layer that works on rows would take the whole image.
    assert zoo.to_dicts(nn.Sequential(nn.Linear(8, 2))) == [
        {"type": "Linear", "in_features": 8, "out_features": 2}
    ]


def test_a_size_that_is_given():
    assert len(zoo.from_dicts([{"type": "Linear", "in_features": 192, "out_features": 2}], (3, 8, 8))) == 2
    rows = zoo.from_dicts([{"type": "Linear", "in_features": 8, "out_features": 2}], (3, 8, 8))
    assert rows.output_shape((1, 3, 8, 8)) == (1, 3, 8, 2)
    assert message([{"type": "Linear", "in_features": 9, "out_features": 2}]) == (
        "net.json: layers[0] (Linear): in_features is 9, but 192 come in (samples (192,))"
    )


def test_names():
    layers = [{"type": "ReLU", "name": "first"}, {"type": "Residual", "body": {"type": "ReLU"}}]
    model = zoo.from_dicts(layers, (1, 2, 2))
    assert [name for name, _ in model.named_modules()] == ["", "first", "1", "1.body"]
    assert zoo.to_dicts(model) == layers
    assert "two layers with the name '1'" in message([{"type": "ReLU", "name": "1"}, {"type": "ReLU"}])
    for name in ("a.b", "", 3, "x" * 101):
        assert "layers[0] (ReLU): name must be letters" in message([{"type": "ReLU", "name": name}])
    with pytest.raises(ArgumentError, match=r"to_dicts: layer a b \(ReLU\): its name must be letters"):
        zoo.to_dicts(nn.Sequential({"a b": nn.ReLU()}))


def test_a_shortcut():
    layers = [
        {
            "type": "Residual",
            "body": [{"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1}],
            "shortcut": {"type": "Conv2d", "out_channels": 4, "kernel_size": 1, "stride": 2},
        },
        {"type": "Residual", "body": {"type": "ReLU"}, "shortcut": [{"type": "ReLU"}]},
    ]
    model = zoo.from_dicts(json.loads(dicts.to_json(layers)), (3, 8, 8))
    assert model.output_shape((1, 3, 8, 8)) == (1, 4, 4, 4)
    assert list(model[0].state_dict()) == ["body.0.weight", "body.0.bias", "shortcut.weight", "shortcut.bias"]
    assert type(model[1].shortcut) is nn.Sequential
    assert zoo.to_dicts(model) == layers
    layers[0]["shortcut"]["out_channels"] = 5
    assert message(layers) == (
        "net.json: layers[0] (Residual): Residual: body makes the shape (4, 4, 4) and shortcut (5, 4, 4); "
        "they must be the same"
    )
    layers[0]["shortcut"] = 3
    assert message(layers) == "net.json: layers[0].shortcut must be a list of layers, got 3"


def test_linear_in_a_body_gets_its_flatten():
    model = zoo.from_dicts(
        [
            {"type": "DenseResidual", "body": {"type": "Conv2d", "out_channels": 2, "kernel_size": 1}},
            {"type": "Sequential", "body": [{"type": "Linear", "out_features": 3}]},
        ],
        (1, 4, 4),
    )
    assert model.output_shape((1, 1, 4, 4)) == (1, 3)
    assert list(model.state_dict()) == ["0.body.weight", "0.body.bias", "1.1.weight", "1.1.bias"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (
            {"type": "Conv2D", "kernel_size": 3},
            "[1]: unknown type 'Conv2D' (did you mean 'Conv2d'?); there is Adap",
        ),
        ({"type": "os.system"}, "[1]: unknown type 'os.system'; there is"),
        ({"type": ["ReLU"]}, "[1]: unknown type ['ReLU']"),
        ({"kernel_size": 3}, "[1]: type is missing: one of Adaptive"),
        ("ReLU", "[1] must be a table such as {'type': 'ReLU'}, got 'ReLU'"),
        (None, "[1] must be a table"),
        ({"type": "ReLU", "inplace": True}, "[1] (ReLU): unknown key 'inplace'; it takes type, name"),
        ({"type": "ReLU", 7: True}, "[1] (ReLU): unknown key 7"),
        (
            {"type": "Conv2d", "out_channels": 3, "kernel": 3},
            "[1] (Conv2d): unknown key 'kernel' (did you mean 'kernel_size'?); it takes type, name, in_",
        ),
        ({"type": "Dropout", "generator": 3}, "unknown key 'generator'"),
        ({"type": "Conv2d", "kernel_size": 3}, "[1] (Conv2d): out_channels is missing"),
        ({"type": "Conv2d", "out_channels": -3, "kernel_size": 3}, "out_channels must be at least 1, got -3"),
        (
            {"type": "Conv2d", "out_channels": 3.0, "kernel_size": 3},
            "out_channels must be an integer, got 3.0",
        ),
        (
            {"type": "Conv2d", "out_channels": True, "kernel_size": 3},
            "out_channels must be an integer, got True",
        ),
        (
            {"type": "Conv2d", "out_channels": 3, "kernel_size": [3, 0]},
            "kernel_size must be at least 1, got 0",
        ),
        (
            {"type": "Conv2d", "out_channels": 3, "kernel_size": [1] * 999},
            "must be a number or a few, got 999",
        ),
        ({"type": "Conv2d", "out_channels": 10**4000, "kernel_size": 3}, "out_channels must be below 2**63"),
        (
            {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "groups": 2},
            "must be multiples of groups 2",
        ),
        ({"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "padding": "half"}, "padding"),
        (
            {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "bias": 1},
            "bias must be true or false, got 1",
        ),
        (
            {"type": "Conv2d", "out_channels": 4, "kernel_size": 9},
            "the kernel is larger than the padded input",
        ),
        (
            {"type": "Conv2d", "out_channels": 4, "kernel_size": 3, "in_channels": 4},
            "in_channels is 4, but 3 come",
        ),
        ({"type": "BatchNorm2d", "eps": math.nan}, "eps must be at least 0 and finite, got nan"),
        ({"type": "BatchNorm2d", "eps": "1"}, "eps must be a number, got '1'"),
        ({"type": "BatchNorm2d", "momentum": 2}, "momentum must lie in [0, 1], got 2"),
        ({"type": "PositionBias", "shape": [3, 8]}, "shape must be (C, H, W), got (3, 8)"),
        ({"type": "PositionBias", "shape": [3, 8, 9]}, "shape is (3, 8, 9), but (3, 8, 8) come in"),
        ({"type": "Dropout", "p": 1.5}, "p must lie in [0, 1], got 1.5"),
        ({"type": "Dropout", "p": math.inf}, "p must be at least 0 and finite"),
        ({"type": "MaxPool2d", "kernel_size": 2, "padding": 2}, "padding may be at most half of the kernel"),
        ({"type": "AdaptiveAvgPool2d", "output_size": [1, 2, 3]}, "output_size must be an integer or two"),
        ({"type": "Flatten", "start_dim": 0}, "start_dim 0 to end_dim -1 must be axes behind the batch axis"),
        ({"type": "Softmax", "dim": 99}, "dim"),
        ({"type": "Residual"}, "[1] (Residual): body is missing: a list of layers"),
        ({"type": "Residual", "body": 3}, "layers[1].body must be a list of layers, got 3"),
        ({"type": "Sequential", "body": {"type": "ReLU"}}, "layers[1].body must be a list of layers"),
        (
            {"type": "Residual", "body": [{"type": "Relu"}]},
            "layers[1].body[0]: unknown type 'Relu' (did you mean",
        ),
        (
            {"type": "Residual", "body": [{"type": "Linear", "out_features": 3}]},
            "layers[1] (Residual): Residual: body turns the shape (3, 8, 8) into (3,); it must keep it",
        ),
        (
            {"type": "DenseResidual", "body": [{"type": "MaxPool2d", "kernel_size": 2}]},
            "layers[1] (DenseResidual): DenseResidual: body turns the shape (3, 8, 8) into (3, 4, 4)",
        ),
    ],
)
def test_layers_that_are_wrong(layer, expected):
    text = message([{"type": "ReLU"}, layer])
    assert text.startswith("net.json: layers[1]")
    assert expected in text
    assert len(text) < 500


def test_images_behind_a_flatten():
    expected = "net.json: layers[1] (BatchNorm2d): BatchNorm2d needs images (C, H, W), but 192 flat features"
    assert message([{"type": "Flatten"}, {"type": "BatchNorm2d"}]).startswith(expected)


@pytest.mark.parametrize("value", [{"type": "ReLU"}, "ReLU", 3, None])
def test_what_is_no_list(value):
    assert message(value).startswith("net.json: layers must be a list of layers, got ")


def test_hostile_lists():
    assert message([]) == "net.json: layers has no layers"
    assert message(nested(33)).endswith("more than 32 blocks inside each other")
    assert len(zoo.from_dicts(nested(32), (1, 2, 2))) == 1
    assert message([{"type": "ReLU"}] * 10_001).endswith("layers[10000]: more than 10,000 layers")
    endless = []
    endless.append({"type": "Residual", "body": endless})
    assert message(endless).endswith("more than 32 blocks inside each other")
    huge = {"type": "Linear", "out_features": 10**7}
    # Each alone would fit.
    assert "of memory are free" in message(
        [{"type": "Linear", "out_features": 10**4}, huge, {"type": "Conv2d"}][:2]
    )
    assert message([{"type": "Linear", "out_features": 30_000}] * 999).endswith("GiB of memory are free")
    assert "the output would have the shape" in message([{"type": "ZeroPad2d", "padding": 10**9}])
    assert "2**63" in message([{"type": "ZeroPad2d", "padding": 2**62}])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[{]", "net.json: not a JSON file: "),
        ("[" * 100_000, "net.json: not a JSON file: "),
        ('[{"type": "Dropout", "p": ' + "9" * 5000 + "}]", "net.json: not a JSON file: "),
        ("3", "net.json: layers must be a list of layers, got 3"),
        (
            '{"type": "ReLU"}',
            "net.json: a network is a list of layers, or a table with the key 'layers' alone",
        ),
        ('{"layers": [], "x": 1}', "got the keys ['layers', 'x']"),
        ('{"layers": {}}', "net.json: layers must be a list of layers, got {}"),
    ],
)
def test_json_that_is_wrong(text, expected):
    with pytest.raises(DataError) as caught:
        dicts.parse_json(text, "net.json")
    assert expected in str(caught.value)
