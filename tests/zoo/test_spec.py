import re

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import DataError
from fastcnn.zoo import lenet, spec

TEXT = """\
# a comment, and an empty line

Conv 4 3 1 1   # more
  ReLU
Pool 2 2
FC 5
Softmax
"""


def message(text, shape=None):
    with pytest.raises(DataError) as caught:
        spec.build(spec.parse(text, "net.txt"), shape)
    return str(caught.value)


def test_lines():
    lines = spec.parse(TEXT, "net.txt")
    assert [(line.kind, line.numbers) for line in lines] == [
        ("Conv", (4, 3, 1, 1)),
        ("ReLU", ()),
        ("Pool", (2, 2)),
        ("FC", (5,)),
        ("Softmax", ()),
    ]
    assert lines[0].where == "net.txt:3: 'Conv 4 3 1 1   # more'"


def test_network():
    model = spec.build(spec.parse(TEXT), (2, 6, 8))
    assert [type(layer).__name__ for layer in model] == ["Conv2d", "ReLU", "MaxPool2d", "Flatten", "Linear"]
    assert model[0].weight.shape == (4, 2, 3, 3)
    assert (model[0].stride, model[0].padding) == ((1, 1), 1)
    assert model[4].weight.shape == (5, 4 * 3 * 4)
    assert model.output_shape((3, 2, 6, 8)) == (3, 5)


def test_softmax_is_left_to_the_loss():
    with_softmax = spec.build(spec.parse(TEXT), (1, 8, 8)).initialize(seed=1)
    without = spec.build(spec.parse(TEXT.replace("Softmax", "")), (1, 8, 8)).initialize(seed=1)
    x = np.random.default_rng(0).standard_normal((2, 1, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(with_softmax(x), without(x))


def test_flatten_may_be_left_out():
    short, long = (spec.build(spec.parse(text), (1, 8, 8)) for text in ("FC 3\n", "Flatten\nFC 3\n"))
    assert short.state_dict().keys() == long.state_dict().keys()


def test_linear_layers_follow_each_other():
    model = spec.build(spec.parse("FC 20\nReLU\nFC 3"), (1, 4, 4))
    assert [type(layer) for layer in model] == [nn.Flatten, nn.Linear, nn.ReLU, nn.Linear]


def test_line_ends_of_other_systems():
    assert len(spec.parse("Conv 4 3 1 1\r\nReLU\r\nFC 2")) == 3


def test_the_published_text():
    lines = spec.parse(lenet.SPEC.format(num_classes=10))
    assert [" ".join([line.kind, *map(str, line.numbers)]) for line in lines] == [
        "Conv 6 5 1 2",
        "ReLU",
        "Pool 2 2",
        "Conv 12 5 1 0",
        "ReLU",
        "Pool 2 2",
        "Conv 100 5 1 0",
        "ReLU",
        "Flatten",
        "FC 10",
        "Softmax",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "Cnov 6 5 1 2",
            "unknown layer 'Cnov' (did you mean Conv?); known are: Conv OUT KERNEL STRIDE PADDING",
        ),
        ("conv 6 5 1 2", "unknown layer 'conv' (did you mean Conv?)"),
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
    assert text.startswith(f"net.txt:2: {line!r}: ")
    assert expected in text


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
        ("Flatten\nPool 2 2", (1, 4, 4), "net.txt:2: 'Pool 2 2': ", "Pool needs images (C, H, W)"),
        (
            "FC 99999999999999",
            (1, 4, 4),
            "net.txt:1: 'FC 99999999999999': ",
            "the weight would have the shape",
        ),
        ("Conv 999999999 999999999 1 0", (1, 4, 4), "net.txt:1: ", "the weight would have the shape"),
    ],
)
def test_layers_that_do_not_fit(text, shape, where, expected):
    error = message(text, shape)
    assert error.startswith(where)
    assert expected in error


def test_read(tmp_path):
    path = tmp_path / "net.txt"
    path.write_text(TEXT)
    assert spec.read(path) == TEXT
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'none.txt'}: cannot be read: No such file")):
        spec.read(tmp_path / "none.txt")
    path.write_bytes(b"Conv \xff\xfe")
    with pytest.raises(DataError, match=r"not a text file \(UTF-8\): .* at byte 5"):
        spec.read(path)
