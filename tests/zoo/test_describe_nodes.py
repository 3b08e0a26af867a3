"""Networks with a plain forward, written as nodes: built again, they compute the same to the bit."""

import json

import numpy as np
import pytest

import fastcnn
import fastcnn.nn.functional as F
from fastcnn import nn, zoo
from fastcnn.zoo import dicts

SHAPE = (3, 8, 8)
X = np.random.default_rng(0).standard_normal((4, *SHAPE)).astype(np.float32)


class Block(nn.Module):
    """A residual block as users write it, with an empty Sequential as the shortcut where nothing changes."""

    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False))

    def forward(self, x):
        return F.relu(self.bn1(self.conv1(x)) + self.shortcut(x))


class Blocks(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.layer1 = nn.Sequential(Block(4, 4, 1), Block(4, 6, 2))
        self.fc = nn.Linear(6, 5)

    def forward(self, x):
        return self.fc(self.layer1(self.stem(x)).mean((2, 3)))


class Operators(nn.Module):
    """Numbers, operators and functions of every kind."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding="same")
        self.fc = nn.Linear(3, 4)

    def forward(self, x):
        y = 2 * self.conv(x) - x.sum(1, keepdim=True) / 3
        a, b = y.chunk(2, 1)
        y = fastcnn.cat([b, a.detach(), -b], 1) ** 2 + 0.1
        y = fastcnn.sqrt(y) * fastcnn.sigmoid(y) + fastcnn.tanh(a[:, :1, ..., ::1])
        y = F.max_pool2d(F.pad(y, (1, 0, 1, 0)), 3, 2)
        y = F.avg_pool2d(fastcnn.clamp(y, -1, 1), 2).reshape(x.shape[0], -1, 4).permute(0, 2, 1)
        y = F.log_softmax(F.softmax(y, 1).reshape(-1, 3, 3, 4), -1).amax(2)
        return self.fc(fastcnn.flatten(y, 1).view(-1, 4, 3)).mean(1) - fastcnn.exp(
            x.mean((1, 2, 3), True)[:, 0, 0]
        )


class Twice(nn.Module):
    """A layer that is used twice, and one that stands in two places."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.blocks = nn.ModuleList([nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)])
        self.first = self.blocks[0]
        self.fc = nn.Linear(256, 2)

    def forward(self, x):
        y = F.relu(self.conv(F.relu(self.conv(x))))
        return self.fc(fastcnn.flatten(self.blocks[1](self.first(y)), 1))


class Dropping(nn.Module):
    """Dropout as a function, which follows the mode."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(192, 3)

    def forward(self, x):
        return F.dropout(self.fc(F.dropout(fastcnn.flatten(x, 1), 0.2, self.training)), 0.5, self.training)


class Mixed(nn.Module):
    """The blocks of the package, and a part of forward that is of no use."""

    def __init__(self):
        super().__init__()
        self.body = nn.Residual(
            nn.Sequential(nn.Conv2d(3, 4, 1), nn.Dropout(0.3)), nn.Conv2d(3, 4, 1, bias=False)
        )
        self.dense = nn.DenseResidual(nn.Sequential(nn.Conv2d(4, 2, 1), nn.Identity()))
        self.rows = nn.Linear(8, 3)

    def forward(self, x):
        y = self.body(x)
        F.relu(y)
        return self.rows(self.dense(y)).mean((2, 3))


MODELS = [Blocks, Operators, Twice, Dropping, Mixed, lambda: zoo.build("resnet-cifar", 0)]


@pytest.mark.parametrize("make", MODELS)
def test_there_and_back(make):
    model = make()
    written = zoo.to_dicts(model, SHAPE)
    for text, parse in ((dicts.to_json(written), json.loads), (dicts.to_toml(written), toml)):
        assert parse(text) == written
    again = zoo.from_dicts(written, SHAPE)
    state, other = model.state_dict(), again.state_dict()
    assert {key: value.shape for key, value in other.items()} == {k: v.shape for k, v in state.items()}
    again.load_state_dict(state)
    assert zoo.to_dicts(again, SHAPE) == written
    np.testing.assert_array_equal(again.eval()(X), model.eval()(X))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    for module in (model, again):
        fastcnn.manual_seed(5)
        dy = np.ones_like(module.train()(X))
    np.testing.assert_array_equal(again.backward(dy), model.backward(dy))
    grads = {key: parameter.grad for key, parameter in again.named_parameters()}
    for key, parameter in model.named_parameters():
        np.testing.assert_array_equal(grads[key], parameter.grad)


def toml(text):
    return zoo.files.parse_toml(text, "x")


def test_it_runs_compiled():
    model = zoo.from_dicts(zoo.to_dicts(Blocks(), SHAPE), SHAPE).initialize(seed=0)
    fast, dy = fastcnn.compile(model), np.ones((4, 5), np.float32)
    made = fast(X)
    fast.backward(dy)
    compiled = {key: parameter.grad.copy() for key, parameter in model.named_parameters()}
    model.zero_grad()
    np.testing.assert_allclose(made, model(X), rtol=1e-4, atol=1e-5)
    model.backward(dy)
    for key, parameter in model.named_parameters():
        np.testing.assert_allclose(compiled[key], parameter.grad, rtol=1e-3, atol=1e-4)


def test_what_it_looks_like():
    model = nn.Sequential(Block(3, 4, 2), nn.Flatten(), nn.Linear(64, 5))
    text = """\
{"nodes": [
  {"name": "0.conv1", "type": "Conv2d", "out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1, ...},
  {"name": "0.bn1", "type": "BatchNorm2d"},
  {"name": "0.shortcut.0", "type": "Conv2d", "inputs": "input", "out_channels": 4, "kernel_size": 1, \
"stride": 2, ...},
  {"type": "add", "inputs": ["0.bn1", "0.shortcut.0"]},
  {"type": "relu"},
  {"name": "1", "type": "Flatten"},
  {"name": "2", "type": "Linear", "out_features": 5}
]}
"""
    assert dicts.to_json(zoo.to_dicts(model, SHAPE)) == text.replace("...", '"bias": false')


def test_a_layer_that_is_used_twice_and_one_in_two_places():
    written = zoo.to_dicts(Twice(), SHAPE)["nodes"]
    assert written[:5] == [
        {"name": "conv", "type": "Conv2d", "out_channels": 3, "kernel_size": 3, "padding": 1},
        {"type": "relu"},
        {"layer": "conv"},
        {"type": "relu"},
        {"name": "blocks.0", "type": "Conv2d", "also": ["first"], "out_channels": 4, "kernel_size": 1},
    ]
    model = zoo.from_dicts({"nodes": written}, SHAPE)
    assert model.first is model.get_submodule("blocks.0")


def test_dropout_that_follows_the_mode_is_a_layer():
    written = zoo.to_dicts(Dropping(), SHAPE)["nodes"]
    assert [each for each in written if each["type"] == "Dropout"] == [
        {"name": "dropout", "type": "Dropout", "p": 0.2},
        {"name": "dropout_2", "type": "Dropout"},
    ]


def test_dropout_of_every_kind_that_follows_the_mode_is_a_layer():
    class Kinds(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x):
            y = F.dropout2d(self.conv(x), 0.2, self.training)
            return F.feature_alpha_dropout(F.alpha_dropout(y, 0.3, self.training), 0.5, self.training)

    written = zoo.to_dicts(Kinds(), (3, 4, 4))["nodes"]
    assert [(each["type"], each.get("p")) for each in written[1:]] == [
        ("Dropout2d", 0.2),
        ("AlphaDropout", 0.3),
        ("FeatureAlphaDropout", None),
    ]


def test_functions_that_move_pad_and_resize_are_written():
    class Moving(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x):
            y = F.pixel_shuffle(F.channel_shuffle(self.conv(x), 2), 2)
            y = F.interpolate(F.pad(y, (1, 0, 2, 0), "replicate"), scale_factor=1.5, mode="bilinear")
            return F.pad(F.adaptive_max_pool2d(y, 4), (1, 1, 1, 1), value=-1.5)

    model, x = Moving(), np.random.default_rng(0).standard_normal((2, 3, 4, 4)).astype(np.float32)
    written = zoo.to_dicts(model, (3, 4, 4))
    assert [each["type"] for each in written["nodes"][1:]] == [
        *("channel_shuffle", "pixel_shuffle", "pad", "interpolate", "adaptive_max_pool2d", "pad"),
    ]
    assert written["nodes"][4] == {"type": "interpolate", "scale_factor": 1.5, "mode": "bilinear"}
    again = zoo.from_dicts(written, (3, 4, 4))
    again.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(again(x), model(x))


class Several(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x, y):
        made = self.fc(x) * y
        return {"sum": made + 1, "both": made}


def test_several_inputs_and_outputs():
    model, shapes = Several(), [(3,), (1,)]
    written = zoo.to_dicts(model, shapes)
    assert (written["inputs"], written["output"]) == (["input_1", "input_2"], {"sum": "add", "both": "mul"})
    again = zoo.from_dicts(written, shapes)
    again.load_state_dict(model.state_dict())
    x, y = np.ones((4, 3), np.float32), np.full((4, 1), 2, np.float32)
    for name, value in model(x, y).items():
        np.testing.assert_array_equal(again(x, y)[name], value)


def test_a_layer_with_the_name_of_the_input():
    model = Blocks()
    model.input, model.stem = nn.Conv2d(3, 4, 1), nn.Identity()
    model.forward = lambda x: model.fc(model.layer1(model.stem(model.input(x))).mean((2, 3)))
    written = zoo.to_dicts(model, SHAPE)
    assert written["inputs"] == ["input_"]
    assert written["nodes"][0] == {"name": "input", "type": "Conv2d", "out_channels": 4, "kernel_size": 1}
    zoo.from_dicts(written, SHAPE).load_state_dict(model.state_dict())


def test_a_chain_stays_a_list():
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    assert zoo.to_dicts(model, SHAPE) == zoo.to_dicts(model)
    assert isinstance(zoo.to_dicts(nn.Sequential(Block(3, 3, 1)), SHAPE), dict)


def test_nothing_changes():
    model = Dropping().train()
    stream = nn.init.default_generator()
    before = stream.bit_generator.state
    zoo.to_dicts(model, SHAPE)
    assert stream.bit_generator.state == before
    assert model.training
    assert model.fc.training
    assert vars(model).keys() == vars(Dropping()).keys()


def test_a_model_of_float64():
    model = Operators().double()
    again = zoo.from_dicts(zoo.to_dicts(model, SHAPE), SHAPE).double()
    again.load_state_dict(model.state_dict())
    x = X.astype(np.float64)
    np.testing.assert_array_equal(again(x), model(x))
