"""Older versions of operators."""

import numpy as np
import pytest

from fastcnn import onnx
from fastcnn.errors import DataError

from .graphs import save
from .running import samples
from .test_load import SHAPE, integers, loaded

OLD = {
    "factors of an upsampling": (8, [("Upsample", "x", "y", {"scales": [1.0, 1.0, 2.0, 2.0]})]),
    "Clip": (6, [("Clip", "x", "y", {"min": -0.5, "max": 1.0})]),
    "Clip without limits": (9, [("Clip", "x", "y")]),
    "Slice": (9, [("Slice", "x", "y", {"starts": [1, 0], "ends": [3, -2], "axes": [1, 3]})]),
    "Squeeze": (
        11,
        [("Slice", "x start end axis", "a"), ("Squeeze", "a", "b", {"axes": [1]}),
         ("Unsqueeze", "b", "y", {"axes": [2, 4]})],
    ),
    "Pad": (10, [("Pad", "x", "y", {"pads": [0, 0, 1, 2, 0, 0, 0, 3], "value": 0.5})]),
    "Split": (11, [("Split", "x", "y b", {"axis": 1, "split": [3, 1]})]),
    "Upsample": (9, [("Upsample", "x scales", "y", {"mode": "nearest"})]),
    "Resize": (10, [("Resize", "x scales", "y", {"mode": "linear"})]),
    "Dropout": (11, [("Dropout", "x", "y", {"ratio": 0.3})]),
    "Softmax": (11, [("Softmax", "x", "y", {"axis": 2})]),
    "Softmax of the last axis": (11, [("Softmax", "x", "y", {"axis": -1})]),
    "ReduceMean": (13, [("ReduceMean", "x", "y", {"axes": [2, 3], "keepdims": 0})]),
}  # fmt: skip


@pytest.mark.parametrize("name", OLD)
def test_older_versions_of_operators(tmp_path, name):
    opset, nodes = OLD[name]
    arrays = {
        "scales": np.array([1, 1, 2, 3], np.float32),
        "four": np.array([0.5, 1, 2, 0.25], np.float32), "table": np.ones((6, 7), np.float32),
        "start": integers(0), "end": integers(1), "axis": integers(1),
    }  # fmt: skip
    used = {each for node in nodes for each in node[1].split()}
    loaded(tmp_path, nodes, opset=opset, arrays={key: arrays[key] for key in arrays.keys() & used})


FOUR = np.array([0.5, 1, 2, 0.25], np.float32)
TABLE = np.arange(42, dtype=np.float32).reshape(6, 7)
COLUMN = FOUR[:, None, None]
# What runtimes have no more, with the answer: before opset 7 arrays were broadcast where a node said so.
OLDEST = {
    "sums along an axis": (("Add", "x four", "y", {"broadcast": 1, "axis": 1}), lambda x: x + COLUMN),
    "along an axis before the last": (("Sub", "x six", "y", {"broadcast": 1, "axis": 2}),
                                      lambda x: x - TABLE[:, :1]),
    "products of the last axes": (("Mul", "x table", "y", {"broadcast": 1}), lambda x: x * TABLE),
    "slopes": (("PRelu", "x four", "y"), lambda x: np.where(x > 0, x, x * COLUMN)),
    "batch normalisation": (("BatchNormalization", "x four four four four", "y",
                             {"is_test": 1, "epsilon": 0.0}),
                            lambda x: (x - COLUMN) / np.sqrt(COLUMN) * COLUMN + COLUMN),
}  # fmt: skip


@pytest.mark.parametrize("name", OLDEST)
def test_the_oldest_version(tmp_path, name):
    node, answer = OLDEST[name]
    arrays = {"four": FOUR, "table": TABLE, "six": TABLE[:, 0]}
    used = {key: value for key, value in arrays.items() if key in node[1].split()}
    model, x = onnx.load(save(tmp_path / "model.onnx", [node], opset=6, arrays=used)), samples(SHAPE, 3)
    np.testing.assert_allclose(model.predict(x), answer(x), 1e-5, 1e-6)


def test_arrays_of_the_oldest_version_are_computed(tmp_path):
    nodes = [("Add", "table six", "c", {"broadcast": 1, "axis": 0}), ("Add", "x c", "y", {"broadcast": 1})]
    arrays = {"table": TABLE, "six": TABLE[:, 0]}
    model, x = onnx.load(save(tmp_path / "model.onnx", nodes, opset=6, arrays=arrays)), samples(SHAPE, 3)
    np.testing.assert_allclose(model.predict(x), x + TABLE + TABLE[:, :1], 1e-6)


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (("Add", "x four", "y", {"broadcast": 1, "axis": 4}), "axis must be from 0 to 3, got 4"),
        (("Dropout", "x", "y"), "is_test must be 1"),
        (("BatchNormalization", "x four four four four", "y"), "training_mode must be 0"),
    ],
)
def test_what_has_no_form_in_older_versions(tmp_path, node, message):
    arrays = {"four": FOUR} if "four" in node[1] else {}
    with pytest.raises(DataError, match=message):
        onnx.load(save(tmp_path / "model.onnx", [node], opset=6, arrays=arrays))


def test_a_version_that_is_not_known(tmp_path):
    with pytest.raises(DataError, match=r"operators must be of opset 6 to .*, got opset 5"):
        onnx.load(save(tmp_path / "model.onnx", [("Relu", "x", "y")], opset=5))
