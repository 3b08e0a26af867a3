"""What PyTorch exports gives its answers, and trains as it does there."""

import gzip

import numpy as np
import onnx as library
import pytest

import fastcnn
from fastcnn import nn, onnx, optim, zoo

from ..oracle.exported import FOLDER, LR, TARGETS, filled, images_of

ANSWERS = np.load(FOLDER / "answers.npz")
NETWORKS = sorted(path.name.removesuffix(".onnx.gz") for path in FOLDER.glob("*.gz"))


@pytest.fixture
def exported(tmp_path):
    """Return a function that loads a network."""

    def load(name):
        model = library.ModelProto.FromString(gzip.decompress((FOLDER / f"{name}.onnx.gz").read_bytes()))
        library.save(filled(model), tmp_path / "model.onnx")
        return onnx.load(tmp_path / "model.onnx")

    return load


@pytest.mark.parametrize("name", NETWORKS)
def test_logits(exported, name):
    model, images = exported(name), images_of(name.partition("-")[0])
    np.testing.assert_allclose(model.predict(images), ANSWERS[name], 1e-4, 1e-4)
    np.testing.assert_allclose(model.predict(images[:1]), ANSWERS[name][:1], 1e-4, 1e-4)


@pytest.mark.parametrize(
    "name", [name.removesuffix("-export") for name in NETWORKS if name.endswith("-export")]
)
def test_names_and_training(exported, name):
    """Parameters have PyTorch's names, and a step of training makes of them what it makes there."""
    model = exported(f"{name}-export")
    known = zoo.build(name, num_classes=100, **({"hidden": 64} if name == "vgg11_bn" else {})).state_dict()
    assert {key for key in model.state_dict() if not key.endswith("tracked")} == {
        key for key in known if not key.endswith("tracked")
    }
    model.double()
    trainer = fastcnn.Trainer(model, optim.SGD(model.parameters(), lr=LR), nn.CrossEntropyLoss())
    images = images_of(name).astype(np.float64)
    trainer.train_step(images, np.array(TARGETS))
    np.testing.assert_allclose(model.predict(images), ANSWERS[f"{name}-step"], 1e-4, 1e-4)
