import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import fastcnn
from fastcnn import nn
from fastcnn.errors import CheckpointError, DTypeError
from fastcnn.training import load_weights, read_metadata, save_weights

from ..oracle import recipe

FOLDER = Path(__file__).parent
IMAGES = {**recipe.uniform((5, 1, 12, 12)), "seed": 7}


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return np.maximum(self.norm(self.conv(x)), 0)


class Network(nn.Module):
    """The one of make_weights.py."""

    def __init__(self):
        super().__init__()
        self.stem = Block(1, 4)
        self.body = nn.Sequential(Block(4, 6), nn.MaxPool2d(2), nn.Conv2d(6, 3, (1, 2), stride=(2, 1)))
        self.head = nn.Linear(45, 10)

    def forward(self, x):
        return self.head(self.body(self.stem(x)).reshape(len(x), -1))


def logits(model):
    return model.predict(recipe.make(IMAGES, np.float32))


def test_weights_written_by_pytorch_give_its_logits():
    model = Network().initialize(seed=3)
    load_weights(model, FOLDER / "torch.safetensors")
    expected = json.loads((FOLDER / "torch_logits.json").read_text())
    np.testing.assert_allclose(logits(model), expected, rtol=1e-5, atol=1e-5)
    assert model.stem.norm.num_batches_tracked == 3


# What torch.save wrote of {"a": torch.ones(2)}, up to its first bytes of code.
SAVED = {
    "new": b"PK\x03\x04\0\0\x08\x08" + bytes(18) + b"\x10\0\x12\0archive/data.pklFB\x0e\0" + bytes(100),
    "old": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}q\0",
}


@pytest.mark.parametrize("kind", SAVED)
@pytest.mark.parametrize("name", ["net.pth", "net.pt", "net.safetensors"])
def test_files_of_torch_save_are_refused_with_what_converts_them(kind, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(SAVED[kind])
    for read in (lambda: load_weights(Network(), path), lambda: read_metadata(path)):
        with pytest.raises(CheckpointError) as caught:
            read()
        message, first, second = str(caught.value).splitlines()
        assert message.startswith(f"{path}: is a file of torch.save, a pickle, which is not read ")
        assert first.strip() == "import torch, safetensors.torch"
        loaded = f"torch.load({str(path)!r}, weights_only=True)"
        assert (
            second.strip() == f"safetensors.torch.save_file({loaded}, {str(tmp_path / 'net.safetensors')!r})"
        )


def test_another_archive_is_no_file_of_torch_save(tmp_path):
    np.savez(tmp_path / "w.npz", a=np.ones(3))
    with pytest.raises(CheckpointError, match=r"w\.npz: not a safetensors file"):
        load_weights(Network(), tmp_path / "w.npz")


def test_weights_written_here_are_what_pytorch_wrote(tmp_path):
    model = Network()
    load_weights(model, FOLDER / "torch.safetensors")
    save_weights(model, tmp_path / "w.safetensors")
    theirs = safetensors.numpy.load_file(FOLDER / "torch.safetensors")
    ours = safetensors.numpy.load_file(tmp_path / "w.safetensors")
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert value.dtype == theirs[key].dtype
        assert value.shape == theirs[key].shape
        assert value.tobytes() == theirs[key].tobytes()


def test_a_round_trip_is_exact_and_keeps_metadata(tmp_path):
    path = tmp_path / "w.safetensors"
    model = Network().initialize(seed=1)
    fastcnn.save_weights(model, path, {"classes": "ä,b", "epoch": "3"})
    other = Network().initialize(seed=2)
    fastcnn.load_weights(other, str(path))
    assert read_metadata(path) == {"classes": "ä,b", "epoch": "3"}
    for key, value in model.state_dict().items():
        assert np.array_equal(other.state_dict()[key], value)
    assert os.listdir(tmp_path) == ["w.safetensors"]
    (tmp_path / "plain").touch()
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    save_weights(model, path)
    assert read_metadata(path) == {}


def stored(tmp_path, change=lambda state: None):
    """Write the state of a Linear(3, 2), changed, and return the path."""
    state = nn.Linear(3, 2).initialize(seed=0).state_dict()
    change(state)
    path = tmp_path / "w.safetensors"
    safetensors.numpy.save_file(state, path)
    return path


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_other_precisions_are_converted(tmp_path, dtype):
    values = np.arange(6).reshape(2, 3) / 4
    path = stored(tmp_path, lambda s: s.update(weight=values.astype(dtype)))
    model = nn.Linear(3, 2)
    load_weights(model, path)
    assert model.weight.data.dtype == np.float32
    assert np.array_equal(model.weight.data, values)
    double = nn.Linear(3, 2).double()
    load_weights(double, path)
    assert double.weight.data.dtype == np.float64


def header(content, data=b""):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text + data


BIAS = {"dtype": "F32", "shape": [2], "data_offsets": [24, 32]}
WEIGHT = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
SHORT = b'{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x08",
        b"\x80\x04\x95 a pickle, perhaps",
        struct.pack("<Q", 2**63 - 1) + b"{}",
        struct.pack("<Q", 10**12) + b"{}",
        struct.pack("<Q", 100) + b"{}",
        header(b"{not json"),
        header(b"\xff\xfe\xff"),
        header([1, 2]),
        header({"weight": WEIGHT, "bias": BIAS}, bytes(20)),
        header({"weight": WEIGHT, "bias": BIAS}, bytes(99)),
        header({"weight": {**WEIGHT, "data_offsets": [0, 2**62]}}, bytes(24)),
        header({"weight": {**WEIGHT, "data_offsets": [24, 0]}}, bytes(24)),
        header({"weight": {**WEIGHT, "shape": [2**40, 2**40]}}, bytes(24)),
        header({"weight": {**WEIGHT, "shape": [-2, -3]}}, bytes(24)),
        header({"weight": {**WEIGHT, "dtype": "F33"}}, bytes(24)),
        header({"weight": WEIGHT, "bias": WEIGHT}, bytes(24)),
        header({"weight": WEIGHT, "bias": {**BIAS, "data_offsets": [28, 36]}}, bytes(36)),  # a gap
        header(b'{"bias":%b,"bias":%b}' % (SHORT, SHORT.replace(b"0,8", b"8,16")), bytes(16)),  # a name twice
        header({"__metadata__": {"a": 1}, "weight": WEIGHT}, bytes(24)),
    ],
)
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    for read in (lambda: load_weights(nn.Linear(3, 2), path), lambda: read_metadata(path)):
        with pytest.raises(CheckpointError) as caught:
            read()
        assert str(caught.value).startswith(f"{path}: not a safetensors file, or a damaged one: ")


def test_every_truncation_is_refused(tmp_path):
    path = stored(tmp_path)
    whole = path.read_bytes()
    model = nn.Linear(3, 2)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"w\.safetensors: not a safetensors file"):
            load_weights(model, path)


def test_folders_and_missing_files_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="nothing: there is no such file"):
        load_weights(nn.Linear(3, 2), tmp_path / "nothing")
    with pytest.raises(CheckpointError, match="is a folder, not a file"):
        read_metadata(tmp_path)
    with pytest.raises(CheckpointError, match="/dev/null: is a device or pipe, not a file"):
        read_metadata("/dev/null")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("bias"), "does not fit the model: it lacks 'bias'"),
        (
            lambda s: s.update(more=np.zeros(1)),
            "does not fit the model: it has 'more', which the model does not",
        ),
        (
            lambda s: (s.pop("bias"), s.update({f"x{i}": np.zeros(1) for i in range(9)})),
            "lacks 'bias' and has 'x0', 'x1', 'x2', 'x3', 'x4', 'x5' and 3 more, which",
        ),
        (
            lambda s: s.update(weight=np.zeros((3, 2), np.float32)),
            r"'weight' has the shape \(3, 2\) but the model expects \(2, 3\)",
        ),
        (lambda s: s.update(bias=np.zeros((), np.float32)), r"'bias' has the shape \(\) but the model"),
        (
            lambda s: s.update(bias=np.zeros(2, np.int32)),
            "'bias' is stored as I32, which is not read into float32",
        ),
        (
            lambda s: s.update(bias=np.array([np.nan, 1], np.float32)),
            "'bias' has 1 of 2 values that are NaN or infinite",
        ),
        (lambda s: s.update(bias=np.array([np.inf, np.inf])), "'bias' has 2 of 2 values"),
        (lambda s: s.update(bias=np.array([0, 1e300])), "too large for float32: 'bias' has 1 of 2"),
    ],
)
def test_files_for_another_model_change_nothing(tmp_path, change, message):
    path = stored(tmp_path, change)
    model = nn.Linear(3, 2).initialize(seed=9)
    before = model.state_dict()
    with pytest.raises(CheckpointError, match=message) as caught:
        load_weights(model, path)
    assert str(caught.value).startswith(f"{path}: ")
    assert all(np.array_equal(model.state_dict()[key], value) for key, value in before.items())


def test_not_strict_takes_what_both_have(tmp_path):
    path = stored(tmp_path, lambda s: (s.pop("bias"), s.update(more=np.zeros(1))))
    model = nn.Linear(3, 2).initialize(seed=9)
    bias = model.bias.data.copy()
    result = load_weights(model, path, strict=False)
    assert (result.missing_keys, result.unexpected_keys) == (["bias"], ["more"])
    assert np.array_equal(model.weight.data, nn.Linear(3, 2).initialize(seed=0).weight.data)
    assert np.array_equal(model.bias.data, bias)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = stored(tmp_path)
    before = path.read_bytes()
    model = nn.Linear(3, 2)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CheckpointError, match=r"w\.safetensors: cannot be written: .*No space left"):
            save_weights(model, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["w.safetensors"]
    model.bias.data[0] = np.nan
    with pytest.raises(CheckpointError, match="not written: 'bias' has 1 of 2 values that are NaN"):
        save_weights(model, path)
    assert path.read_bytes() == before
    with pytest.raises(CheckpointError, match="cannot be written"):
        save_weights(nn.Linear(3, 2), tmp_path / "no such folder" / "w.safetensors")


def test_a_symbolic_link_is_followed(tmp_path):
    path = stored(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(path)
    save_weights(nn.Linear(3, 2).initialize(seed=5), link)
    assert link.is_symlink()
    model = nn.Linear(3, 2)
    load_weights(model, path)
    assert np.array_equal(model.weight.data, nn.Linear(3, 2).initialize(seed=5).weight.data)


def test_wrong_types_are_named(tmp_path):
    with pytest.raises(DTypeError, match="save_weights: model must be a Module, got dict"):
        save_weights({}, tmp_path / "x")
    with pytest.raises(DTypeError, match="load_weights: model must be a Module, got str"):
        load_weights("x", tmp_path / "x")
    with pytest.raises(DTypeError, match="metadata must map str to str, got 'epoch': 3"):
        save_weights(nn.Linear(1, 1), tmp_path / "x", {"epoch": 3})
