import json

import pytest
import tomli_w

from fastcnn import nn, zoo
from fastcnn.errors import DataError, ShapeError

DICTS = [
    {"type": "Conv2d", "out_channels": 4, "kernel_size": 3},
    {"type": "ReLU"},
    {"type": "Linear", "out_features": 5},
]
FILES = {
    "net.txt": "Conv 4 3 1 0\nReLU\nFC 5\n",
    "net.json": json.dumps(DICTS),
    "table.json": json.dumps({"layers": DICTS}),
    "net.toml": tomli_w.dumps({"layers": DICTS}),
    "net": f"\n {json.dumps(DICTS)}",
}


@pytest.mark.parametrize("name", FILES)
def test_three_ways_to_say_the_same(name, tmp_path):
    path = tmp_path / name
    path.write_text(FILES[name])
    same = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5))
    assert repr(zoo.read(path, (2, 6, 6))) == repr(same)
    text, layers = zoo.read_layers(path)
    assert [each._replace(where="") for each in zoo.parse(text, "again")] == [
        each._replace(where="") for each in layers
    ]


def test_softmax_at_the_end(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(json.dumps([*DICTS, {"type": "Softmax"}]))
    assert isinstance(zoo.read(path, (2, 6, 6))[-1], nn.Linear)
    assert isinstance(zoo.read(path, (2, 6, 6), logits=False)[-1], nn.Softmax)
    assert isinstance(zoo.from_dicts([*DICTS, {"type": "Softmax"}], (2, 6, 6))[-1], nn.Softmax)


@pytest.mark.parametrize("shape", [(), 6, (1, 2, 3, 4), "1,2,3", None])
def test_shapes_that_are_none(shape):
    with pytest.raises(ShapeError, match=r"input_shape must be \(C, H, W\), \(C, L\) or \(features,\)"):
        zoo.from_dicts(DICTS, shape)


@pytest.mark.parametrize("name", ["net.txt", "net.json", "net.toml"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        bytes(range(256)),
        b"[" * 200_000,
        b"{" * 200_000,
        b"a = " * 200_000,
        b"\xef\xbb\xbf",
    ],
)
def test_garbage(name, content, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        zoo.read(path, (1, 28, 28))
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 700
