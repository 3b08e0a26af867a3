"""All elements of a batch in a row, as PyTorch's exporter has strided views, and rows that mix samples."""

import numpy as np
import pytest

from fastcnn import onnx
from fastcnn.errors import DataError

from .graphs import save
from .running import samples

SHAPE = (4, 2, 3)
PLACES = np.array([[[23, 0]], [[7, 7]]])


def indices(count, step=24):
    return (np.arange(count).reshape(-1, 1, 1, 1) * step + PLACES).astype(np.int64)


def test_a_batch_of_one_size(tmp_path):
    nodes = [("Reshape", "x minus", "a"), ("Gather", "a at", "y")]
    arrays = {"minus": np.array([-1]), "at": indices(2)}
    model, x = onnx.load(save(tmp_path / "model.onnx", nodes, (2, *SHAPE), arrays=arrays)), samples(SHAPE, 5)
    np.testing.assert_array_equal(model.predict(x), x.reshape(5, -1)[:, PLACES.ravel()].reshape(5, 2, 1, 2))
    arrays = {"minus": np.array([48]), "at": indices(2)}
    model = onnx.load(save(tmp_path / "model.onnx", nodes, (2, *SHAPE), arrays=arrays))
    np.testing.assert_array_equal(model.predict(x), x.reshape(5, -1)[:, PLACES.ravel()].reshape(5, 2, 1, 2))


COMPUTED = [
    *(("Shape", "x", "s"), ("Gather", "s zero", "n"), ("Range", "zero n one", "r")),
    *(("Mul", "r step", "b"), ("Reshape", "b column", "c"), ("Add", "c places", "at")),
    *(("Reshape", "x minus", "a"), ("Gather", "a at", "y")),
]


def computed(**more):
    return {
        **{"zero": np.int64(0), "one": np.int64(1), "step": np.int64(24), "minus": np.array([-1])},
        **{"column": np.array([-1, 1, 1, 1]), "places": PLACES, **more},
    }


def test_a_batch_of_any_size(tmp_path):
    path = save(tmp_path / "model.onnx", COMPUTED, ("N", *SHAPE), arrays=computed())
    model, x = onnx.load(path), samples(SHAPE, 5)
    np.testing.assert_array_equal(model.predict(x), x.reshape(5, -1)[:, PLACES.ravel()].reshape(5, 2, 1, 2))


@pytest.mark.parametrize(
    ("nodes", "arrays", "batch"),
    [
        (COMPUTED, computed(step=np.int64(12)), "N"),
        (COMPUTED, computed(places=PLACES + 1), "N"),
        (COMPUTED, computed(places=PLACES - 1), "N"),
        (COMPUTED[-2:], {"minus": np.array([-1]), "at": indices(2)}, "N"),
        (COMPUTED[-2:], {"minus": np.array([-1]), "at": indices(3)}, 2),
        (COMPUTED[-2:], {"minus": np.array([-1]), "at": np.int64(3)}, 2),
        (COMPUTED[-2:], {"minus": np.array([-1]), "at": np.zeros((2, 0), np.int64)}, 2),
        ([("Reshape", "x minus", "a"), ("Relu", "a", "y")], {"minus": np.array([-1])}, 2),
        ([("Reshape", "x row", "y")], {"row": np.array([1, -1])}, "N"),
    ],
)
def test_what_mixes_samples(tmp_path, nodes, arrays, batch):
    with pytest.raises(DataError, match=r"\((Gather|Relu|Reshape)\): .* mix the samples of a batch"):
        onnx.load(save(tmp_path / "model.onnx", nodes, (batch, *SHAPE), arrays=arrays))


def test_a_row_that_is_an_output(tmp_path):
    with pytest.raises(DataError, match="output 'y' mixes the samples of a batch"):
        onnx.load(save(tmp_path / "model.onnx", [("Reshape", "x row", "y")], arrays={"row": np.array([-1])}))
