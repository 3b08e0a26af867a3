"""State dicts of torchvision fit the networks of the same names, and give PyTorch's logits."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import fastcnn
from fastcnn import zoo

from ..oracle import cases, zoo_weights

CASES = {case.id: case for case in cases.load("zoo")}


def test_every_network_with_those_names_is_asked():
    assert {name for name in zoo.names() if zoo.find(name).torchvision} == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_logits_of_a_file_with_names_of_torchvision(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    shapes = {key: tuple(shape) for key, shape in case.args["shapes"].items()}
    model = zoo.build(name, num_classes=case.args["num_classes"], **case.args["options"])
    assert {key: value.shape for key, value in model.state_dict().items()} == shapes
    save_file(zoo_weights.weights(shapes), tmp_path / "weights.safetensors")
    fastcnn.load_weights(model, tmp_path / "weights.safetensors")
    logits = model.predict(zoo_weights.images())
    np.testing.assert_allclose(logits, case["logits"], rtol=1e-4, atol=1e-4)
