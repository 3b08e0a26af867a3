"""The file of a training: whole, damaged, of another kind, of another time."""

import json

import numpy as np
import pytest
import safetensors.numpy

from fastcnn.errors import CheckpointError
from fastcnn.training import read_metadata, save_weights
from fastcnn.training.checkpoint import FORMAT, read_checkpoint, write_checkpoint

from .networks import linear

CONDITIONS = {"must": {"seed": 0}, "should": {"engine": True}}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "training.safetensors"
    write_checkpoint(path, CONDITIONS, {"model": {"w": np.arange(6.0).reshape(2, 3)}, "step": 2**100})
    return path


def rewritten(path, change):
    """Write the file again with another sum and text."""
    arrays = safetensors.numpy.load_file(path)
    text = arrays.pop("fastcnn.checkpoint").tobytes().decode()
    digest, text = change(read_metadata(path)["fastcnn.checkpoint"], text)
    arrays["fastcnn.checkpoint"] = np.frombuffer(text.encode(), np.uint8)
    safetensors.numpy.save_file(arrays, path, {"fastcnn.checkpoint": digest})


def test_what_was_written_is_read(file):
    content = read_checkpoint(file)
    assert content["format"] == FORMAT
    assert content["conditions"] == CONDITIONS
    assert content["state"]["step"] == 2**100
    np.testing.assert_array_equal(content["state"]["model"]["w"], [[0, 1, 2], [3, 4, 5]])


def test_everybody_can_read_it(file):
    arrays = safetensors.numpy.load_file(file)
    assert set(arrays) == {"state.model.w", "fastcnn.checkpoint"}
    assert json.loads(arrays["fastcnn.checkpoint"].tobytes())["format"] == FORMAT


def test_every_damaged_byte_is_noticed(file):
    whole = file.read_bytes()
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0x10
        file.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=str(file)):
            read_checkpoint(file)


def test_every_shorter_file_is_noticed(file):
    whole = file.read_bytes()
    for length in range(0, len(whole), 7):
        file.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=str(file)):
            read_checkpoint(file)


def test_weights_alone_are_no_training(tmp_path):
    save_weights(linear(), tmp_path / "weights.safetensors")
    with pytest.raises(CheckpointError, match=r"holds no training, only weights: load_weights reads them"):
        read_checkpoint(tmp_path / "weights.safetensors")


def resigned(path, content):
    """Write a file whose sum is right, whatever is in it."""
    from fastcnn.training.checkpoint import _digest

    arrays, text = safetensors.numpy.load_file(path), json.dumps(content)
    del arrays["fastcnn.checkpoint"]
    rewritten(path, lambda *_: (_digest(arrays, text), text))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"format": FORMAT + 1, "version": "9.0"}, f"written by fastcnn 9.0 in a newer format, {FORMAT + 1}"),
        ({}, "it tells no format"),
        ([], "it tells no format"),
        ({"format": "1"}, "it tells no format"),
        ({"format": 1}, "it has no training"),
        ({"format": 1, "conditions": [], "state": {}}, "it has no training"),
        ({"format": 1, "conditions": {"must": {}}, "state": {}}, "it has no training"),
        ({"format": 1, "conditions": {"must": {}, "should": {}}, "state": 3}, "it has no training"),
        ({"format": 1, "conditions": {"$array": "nothing"}}, "its description is damaged"),
    ],
)
def test_descriptions_that_say_nothing(file, content, message):
    resigned(file, content)
    with pytest.raises(CheckpointError, match=message):
        read_checkpoint(file)


def test_a_text_without_its_sum(file):
    rewritten(file, lambda digest, text: (digest[::-1], text))
    with pytest.raises(CheckpointError, match=r"is damaged: its SHA-256 is not the one that it tells"):
        read_checkpoint(file)


def test_a_file_without_its_text(file):
    arrays = safetensors.numpy.load_file(file)
    del arrays["fastcnn.checkpoint"]
    safetensors.numpy.save_file(arrays, file, read_metadata(file))
    with pytest.raises(CheckpointError, match=r"is damaged: its SHA-256 is not the one that it tells"):
        read_checkpoint(file)


def test_the_file_before_stays_where_a_state_cannot_be_written(file):
    before = file.read_bytes()
    with pytest.raises(TypeError, match="which a file cannot hold"):
        write_checkpoint(file, CONDITIONS, {"x": object()})
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]
