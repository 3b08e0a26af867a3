"""Which types and names a weights file may have, and what becomes of them in a model."""

import json
import os
import struct

import numpy as np
import pytest
import safetensors.numpy

from fastcnn import nn
from fastcnn.errors import CheckpointError
from fastcnn.training import load_weights, save_weights

WEIGHT = {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}
BIAS = {"dtype": "F32", "shape": [2], "data_offsets": [12, 20]}


def file_of(entries, data):
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_bfloat16_is_read(tmp_path):
    path = tmp_path / "w.safetensors"
    # 1.5, -2, 0, 3.140625, -0.5 and 2^-126: sign, exponent and the first seven bits of the fraction.
    halves = np.array([[0x3FC0, 0xC000, 0x0000], [0x4049, 0xBF00, 0x0080]], "<u2")
    path.write_bytes(file_of({"weight": WEIGHT, "bias": BIAS}, halves.tobytes() + bytes(8)))
    model = nn.Linear(3, 2)
    assert load_weights(model, path) == ([], [])
    assert model.weight.data.tolist() == [[1.5, -2, 0], [3.140625, -0.5, 2.0**-126]]
    halves[0, 1] = 0x7F80
    path.write_bytes(file_of({"weight": WEIGHT, "bias": BIAS}, halves.tobytes() + bytes(8)))
    with pytest.raises(CheckpointError, match="'weight' has 1 of 6 values that are NaN or infinite"):
        load_weights(model, path)


def test_float8_is_refused_by_name(tmp_path):
    path = tmp_path / "w.safetensors"
    eighths, bias = {**WEIGHT, "dtype": "F8_E4M3", "data_offsets": [0, 6]}, {**BIAS, "data_offsets": [6, 14]}
    path.write_bytes(file_of({"weight": eighths, "bias": bias}, bytes(14)))
    with pytest.raises(
        CheckpointError, match="'weight' is stored as F8_E4M3, which is not read into float32"
    ):
        load_weights(nn.Linear(3, 2), path)


class Buffers(nn.Module):
    def __init__(self, **buffers):
        super().__init__()
        for name, value in buffers.items():
            self.register_buffer(name, np.asarray(value))


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", ">i2", "u4", ">i8", "u8", "f2", ">f4", "f8"])
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 3)])
def test_buffers_of_every_type_go_back_and_forth(tmp_path, dtype, shape):
    values = np.asfortranarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) % 2).astype(dtype)
    save_weights(Buffers(kept=values), tmp_path / "w.safetensors")
    model = Buffers(kept=np.ones_like(values))
    assert load_weights(model, tmp_path / "w.safetensors") == ([], [])
    assert model.kept.dtype == values.dtype
    np.testing.assert_array_equal(model.kept, values)


@pytest.mark.parametrize(
    ("stored", "own", "message"),
    [
        (np.array([300]), np.zeros(1, np.int8), "'kept' has values that int8 cannot hold"),
        (np.array([-1]), np.zeros(1, np.uint8), "'kept' has values that uint8 cannot hold"),
        (np.array([2]), np.zeros(1, bool), "'kept' has values that bool cannot hold"),
        (np.array([0.5]), np.zeros(1, int), "'kept' is stored as F64, which is not read into int64"),
    ],
)
def test_values_that_do_not_survive_are_refused(tmp_path, stored, own, message):
    save_weights(Buffers(kept=stored), tmp_path / "w.safetensors")
    model = Buffers(kept=own)
    with pytest.raises(CheckpointError, match=message):
        load_weights(model, tmp_path / "w.safetensors")
    assert model.kept.tolist() == [0]


def test_integers_and_bools_are_converted_where_they_fit(tmp_path):
    save_weights(Buffers(kept=[1, 0]), tmp_path / "w.safetensors")
    model = Buffers(kept=[False, False])
    load_weights(model, tmp_path / "w.safetensors")
    assert model.kept.tolist() == [True, False]


@pytest.mark.parametrize("values", [np.array([1j]), np.array(["a"]), np.array([None])])
def test_what_a_file_cannot_hold_is_not_written(tmp_path, values):
    with pytest.raises(
        CheckpointError, match=r"not written: 'kept' is an array of .*make it one of bool, float"
    ):
        save_weights(Buffers(kept=values), tmp_path / "w.safetensors")
    assert os.listdir(tmp_path) == []


def test_what_is_shared_is_written_under_every_name(tmp_path):
    path = tmp_path / "w.safetensors"
    block = nn.Linear(2, 2)
    model = nn.Sequential(block, block)
    save_weights(model, path)
    stored = safetensors.numpy.load_file(path)
    assert sorted(stored) == ["0.bias", "0.weight", "1.bias", "1.weight"]
    # Files with one of the names, as they once were written.
    safetensors.numpy.save_file({name: stored[name] + 1 for name in ("0.bias", "0.weight")}, path)
    assert load_weights(model, path) == ([], [])
    assert np.array_equal(block.weight.data, stored["1.weight"] + 1)


def test_a_file_without_the_count_of_batches_is_read(tmp_path):
    state = nn.BatchNorm2d(2).state_dict()
    del state["num_batches_tracked"]
    safetensors.numpy.save_file(state, tmp_path / "w.safetensors")
    assert load_weights(nn.BatchNorm2d(2), tmp_path / "w.safetensors") == ([], [])


def test_a_prefix_is_recognised(tmp_path):
    path = tmp_path / "w.safetensors"
    state = nn.Linear(3, 2).state_dict()
    safetensors.numpy.save_file({f"module.{name}": value for name, value in state.items()}, path)
    with pytest.raises(CheckpointError) as caught:
        load_weights(nn.Linear(3, 2), path)
    assert str(caught.value).endswith(
        "Without 'module.' of DataParallel the names fit: model.load_state_dict("
        "{name.removeprefix('module.'): value for name, value in "
        f"safetensors.numpy.load_file({str(path)!r}).items()}})"
    )
