import re

import numpy as np
import pytest

from fastcnn import nn, zoo
from fastcnn.errors import ArgumentError, DataError
from fastcnn.zoo import build_layers, spec
from fastcnn.zoo.networks import lenet

TEXT = """\
# a comment, and an empty line

Conv 4 3 1 1   # more
  ReLU
Pool 2 2
FC 5
Softmax
"""


def message(text, shape=(1, 28, 28)):
    with pytest.raises(DataError) as caught:
        zoo.from_spec(text, shape, "net.txt")
    return str(caught.value)


def test_lines():
    layers = spec.parse(TEXT, "net.txt")
    assert [(layer.kind, tuple(layer.arguments.values())) for layer in layers] == [
        ("Conv2d", (4, 3, 1, 1)),
        ("ReLU", ()),
        ("MaxPool2d", (2, 2)),
        ("Linear", (5,)),
        ("Softmax", ()),
    ]
    assert layers[0].where == "net.txt:3: 'Conv 4 3 1 1   # more'"


def test_network():
    model = zoo.from_spec(TEXT, (2, 6, 8))
    assert [type(layer).__name__ for layer in model] == ["Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear"]
    assert model[0].weight.shape == (4, 2, 3, 3)
    assert (model[0].stride, model[0].padding) == ((1, 1), 1)
    assert model[4].weight.shape == (5, 4 * 3 * 4)
    assert model.output_shape((3, 2, 6, 8)) == (3, 5)


def test_softmax_is_left_to_the_loss():
    with_softmax = zoo.from_spec(TEXT, (1, 8, 8)).initialize(seed=1)
    without = zoo.from_spec(TEXT.replace("Softmax", ""), (1, 8, 8)).initialize(seed=1)
    x = np.random.default_rng(0).standard_normal((2, 1, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(with_softmax(x), without(x))


def test_flatten_may_be_left_out():
    short, long = (zoo.from_spec(text, (1, 8, 8)) for text in ("FC 3\n", "Flatten\nFC 3\n"))
    assert short.state_dict().keys() == long.state_dict().keys()


def test_linear_layers_follow_each_other():
    model = zoo.from_spec("FC 20\nReLU\nFC 3", (1, 4, 4))
    assert [type(layer) for layer in model] == [nn.Flatten, nn.Linear, nn.ReLU, nn.Linear]


def test_line_ends_of_other_systems():
    assert len(spec.parse("Conv 4 3 1 1\r\nReLU\r\nFC 2")) == 3


def test_the_published_text():
    text = """\
Conv 6 5 1 2
ReLU
Pool 2 2
Conv 12 5 1 0
ReLU
Pool 2 2
Conv 100 5 1 0
ReLU
Flatten
FC 10
"""
    assert zoo.to_spec(zoo.build("spec-lenet")) == text
    published = [line.partition("#")[0].strip() for line in lenet.SPEC.splitlines()]
    assert [line for line in published if line] == [*text.split("\n")[:-2], "FC {num_classes}", "Softmax"]


@pytest.mark.parametrize(
    "text", ["FC 3\n", "Conv 4 3 2 1\nPool 3 2\nReLU\n", "Flatten\nFC 7\nReLU\nFC 2\nSoftmax\n"]
)
def test_text_from_a_network(text):
    model = build_layers(spec.parse(text), (2, 12, 12))
    again = zoo.to_spec(model)
    assert again.removeprefix("Flatten\n") == text.removeprefix("Flatten\n")
    assert repr(build_layers(spec.parse(again), (2, 12, 12))) == repr(model)


def test_padding_that_is_called_same():
    assert zoo.to_spec(nn.Sequential(nn.Conv2d(1, 2, 5, padding="same"))) == "Conv 2 5 1 2\n"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([nn.BatchNorm2d(2)], "to_spec: layer 0 (BatchNorm2d): the text format has no layers of this type"),
        ([nn.ReLU(), nn.Residual(nn.ReLU())], "to_spec: layer 1 (Residual): the text format has no layers"),
        (
            [nn.Conv2d(1, 2, 3, bias=False)],
            "to_spec: layer 0 (Conv2d): a line Conv OUT KERNEL STRIDE PADDING",
        ),
        ([nn.Conv2d(1, 2, 3, dilation=2)], "cannot say dilation=2"),
        ([nn.Conv2d(2, 2, 3, groups=2)], "cannot say groups=2"),
        ([nn.Conv2d(1, 2, (3, 1))], "cannot say out_channels=2, kernel_size=(3, 1), stride=1, padding=0"),
        ([nn.Conv2d(1, 2, 3, padding=(0, 1, 0, 1))], "padding=(0, 1, 0, 1)"),
        ([nn.MaxPool2d(2, padding=1)], "to_spec: layer 0 (MaxPool2d): a line Pool KERNEL STRIDE cannot say"),
        ([nn.Flatten(2)], "cannot say start_dim=2"),
        ([nn.Softmax(), nn.ReLU()], "to_spec: layer 0 (Softmax): Softmax can only be the last layer"),
        ([{"first": nn.ReLU()}], "to_spec: layer first (ReLU): the text format has no layers of this name"),
    ],
)
def test_networks_without_a_text(layers, expected):
    with pytest.raises(ArgumentError) as caught:
        zoo.to_spec(nn.Sequential(*layers))
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "Cnov 6 5 1 2",
            "unknown layer 'Cnov' (did you mean 'Conv'?); known are: Conv OUT KERNEL STRIDE PADDING",
        ),
        ("conv 6 5 1 2", "unknown layer 'conv' (did you mean 'Conv'?)"),
        ("Dropout 0.5", "unknown layer 'Dropout'; known are"),
        ("Conv 6 5 1", "Conv takes 4 numbers (Conv OUT KERNEL STRIDE PADDING), got 3"),
        ("Conv 6 5 1 2 7", "got 5"),
        ("ReLU 1", "ReLU takes 0 numbers (ReLU), got 1"),
        ("Pool 2", "Pool takes 2 numbers (Pool KERNEL STRIDE), got 1"),
        ("FC ten", "out must be an integer of at least 1, got 'ten'"),
        ("FC 2.5", "got '2.5'"),
        ("FC 0", "out must be an integer of at least 1, got '0'"),
        ("Pool 0 2", "kernel must be an integer of at least 1"),
        ("Conv 6 5 0 2", "stride must be an integer of at least 1, got '0'"),
        ("Conv 6 5 1 -1", "padding must be an integer of at least 0, got '-1'"),
        ("FC " + "9" * 5000, "out must be an integer"),
        ("FC ٣", "out must be an integer"),
    ],
)
def test_lines_that_are_wrong(line, expected):
    text = message(f"ReLU\n{line}\n")
    assert text.startswith(f"net.txt:2: {line!r}: " if len(line) < 99 else "net.txt:2: 'FC 999")
    assert expected in text
    assert len(text) < 500


def test_softmax_in_the_middle():
    assert message("Softmax\nFC 3") == "net.txt:1: 'Softmax': Softmax can only be the last layer"


def test_nothing_to_build():
    assert message("# only a comment\n").startswith("net.txt: no layers (each line is one of: Conv OUT")
    assert message("Softmax") == "net.txt:1: 'Softmax': there is no layer before Softmax"


@pytest.mark.parametrize(
    ("text", "shape", "where", "expected"),
    [
        ("ReLU\nPool 3 1", (1, 2, 2), "net.txt:2: 'Pool 3 1': ", "larger than the padded input"),
        ("Conv 6 5 1 0", (1, 4, 9), "net.txt:1: 'Conv 6 5 1 0': ", "larger than the padded input"),
        ("FC 9\nConv 6 5 1 0", (1, 4, 4), "net.txt:2: 'Conv 6 5 1 0': ", "but 9 flat features come in"),
        ("Flatten\nPool 2 2", (1, 4, 4), "net.txt:2: 'Pool 2 2': ", "MaxPool2d needs images (C, H, W)"),
        (
            "FC 99999999999999",
            (1, 4, 4),
            "net.txt:1: 'FC 99999999999999': ",
            "the weight would have the shape",
        ),
        ("Conv 999999999 9999 1 9999", (1, 4, 4), "net.txt:1: ", "the weight would have the shape"),
    ],
)
def test_layers_that_do_not_fit(text, shape, where, expected):
    error = message(text, shape)
    assert error.startswith(where)
    assert expected in error


def test_hostile_texts():
    assert message("ReLU\n" * 10_001).endswith("more than 10,000 layers")
    assert message("FC 200000\n" * 9_999, (1, 1, 1)).endswith("of memory are free")
    assert max(len(message(each * 1_000_000)) for each in ("\0", "x", "x ")) < 500
    assert "known are" in message("Conv\0 3 3 1 1")


def test_read(tmp_path):
    path = tmp_path / "net.txt"
    path.write_text(TEXT)
    assert repr(zoo.read_spec(path, (1, 8, 8))) == repr(zoo.from_spec(TEXT, (1, 8, 8)))
    path.write_text("FC x")
    with pytest.raises(DataError, match=re.escape(f"{path}:1: 'FC x': out must be")):
        zoo.read_spec(path, (1, 8, 8))
