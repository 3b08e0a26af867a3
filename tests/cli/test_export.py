import json
import re

import numpy as np
import pytest

from fastcnn import nn, onnx, recipes
from fastcnn.cli import main
from fastcnn.onnx.loading import opened

pytest.importorskip("onnx")


def run(path, x):
    """Return what ONNX Runtime makes of a file."""
    session = pytest.importorskip("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


@pytest.fixture
def weights(tmp_path):
    """Train a network on small images, and return the folder of the run."""
    rng = np.random.default_rng(0)
    images = {
        f"{part}_images": rng.integers(0, 256, (40, 1, 8, 8)).astype(np.uint8) for part in ("train", "test")
    }
    labels = {f"{part}_labels": np.arange(40) % 3 for part in ("train", "test")}
    np.savez(tmp_path / "own.npz", **images, **labels)
    (tmp_path / "model.txt").write_text("Conv 4 3 1 0\nReLU\nFlatten\nFC 3\nSoftmax\n")
    arguments = [
        "--dataset",
        str(tmp_path / "own.npz"),
        "--epochs",
        "1",
        "--out",
        str(tmp_path / "run"),
        "--quiet",
    ]
    assert main(["train", str(tmp_path / "model.txt"), *arguments, "--no-curves"]) == 0
    return tmp_path / "run"


def test_a_run(weights, tmp_path, capsys):
    file = tmp_path / "model.onnx"
    assert main(["export", str(weights), str(file)]) == 0
    assert f"{file}: any number of images 1x8x8, opset 18" in capsys.readouterr().out
    classifier = recipes.Classifier.load(weights)
    x = np.random.default_rng(1).standard_normal((5, 1, 8, 8)).astype(np.float32)
    np.testing.assert_allclose(run(file, x), classifier.model.predict(x), 1e-5, 1e-5)
    notes = json.loads(onnx.read_metadata(file)["fastcnn"])
    assert notes["classes"] == ["0", "1", "2"]
    assert notes["prepared"] is False


@pytest.mark.parametrize("options", [[], ["--preprocess"]])
def test_a_file_predicts_and_is_measured_as_the_run_is(weights, tmp_path, capsys, options):
    file, images = tmp_path / "model.onnx", tmp_path / "images.npy"
    np.save(images, np.random.default_rng(1).integers(0, 256, (4, 8, 8)).astype(np.uint8))
    assert main(["export", str(weights), str(file), *options]) == 0
    capsys.readouterr()
    for command in (["predict", "%", str(images), "--json"], ["evaluate", "%", "--json"]):
        told = []
        for source in (weights, file):
            assert main([each.replace("%", str(source)) for each in command]) == 0
            told.append(json.loads(capsys.readouterr().out))
        assert _rounded(told[0]) == _rounded(told[1])


def test_a_file_is_parsed_once(weights, tmp_path, monkeypatch):
    file, calls = tmp_path / "model.onnx", []
    assert main(["export", str(weights), str(file)]) == 0
    parse = opened.read_model
    monkeypatch.setattr(opened, "read_model", lambda path: calls.append(path) or parse(path))
    assert main(["evaluate", str(file)]) == 0
    assert calls == [str(file)]


def _rounded(told):
    if isinstance(told, float):
        return round(told, 4)
    if isinstance(told, dict):
        return {key: _rounded(each) for key, each in told.items()}
    return [_rounded(each) for each in told] if isinstance(told, list) else told


def test_a_file_of_somebody_else(weights, tmp_path, capsys, fails):
    """A recipe tells its images, or a config.toml beside it."""
    model = recipes.Classifier.load(weights).model
    images = tmp_path / "images.npy"
    np.save(images, np.random.default_rng(1).integers(0, 256, (4, 8, 8)).astype(np.uint8))
    onnx.export(model, tmp_path / "model.onnx", (1, 8, 8))
    error = fails("predict", tmp_path / "model.onnx", images)
    assert re.search("model.onnx: does not say which network it belongs to", error)
    arguments = ["predict", str(tmp_path / "model.onnx"), str(images), "--recipe", str(weights)]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert main(["predict", str(weights), str(images)]) == 0
    assert capsys.readouterr().out == first
    onnx.export(nn.Sequential(nn.Flatten(), nn.Linear(64, 5)).eval(), tmp_path / "model.onnx", (1, 8, 8))
    error = fails(*arguments)
    assert re.search(r"makes \(5,\) of an image, but \(3,\) is expected", error)


def test_images_as_they_were(weights, tmp_path):
    file = tmp_path / "model.onnx"
    assert (
        main(["export", str(weights / "weights.safetensors"), str(file), "--preprocess", "--batch-size", "2"])
        == 0
    )
    classifier = recipes.Classifier.load(weights)
    images = np.random.default_rng(1).integers(0, 256, (2, 1, 8, 8)).astype(np.uint8)
    np.testing.assert_allclose(run(file, images), classifier.trainer.predict(images), 1e-4, 1e-4)


def test_a_network_by_name(tmp_path, capsys):
    file = tmp_path / "model.onnx"
    assert main(["export", "resnet20-cifar", str(file), "--opset", "20", "--input", "3,16,16"]) == 0
    assert run(file, np.zeros((2, 3, 16, 16), np.float32)).shape == (2, 10)
    capsys.readouterr()
    for command, expected in (
        (["summary", str(file)], "Conv2d"),
        (["convert", str(file), "--to", "json"], '"name": "layer1.0.conv1"'),
        (["profile", str(file), "--describe", "--inference"], "conv"),
    ):
        assert main(command) == 0
        assert expected in capsys.readouterr().out


def test_samples_that_are_no_images(tmp_path, fails):
    onnx.export(nn.Linear(3, 2).eval(), tmp_path / "model.onnx", (3,))
    assert re.search(
        r"model.onnx: takes samples \(3,\), and this command knows images",
        fails("summary", str(tmp_path / "model.onnx")),
    )


def test_errors(tmp_path, fails):
    file = str(tmp_path / "model.onnx")
    assert re.search(
        "--preprocess is for networks that were trained",
        fails("export", "resnet20-cifar", file, "--preprocess"),
    )
    assert re.search(
        "--recipe is for networks that were trained",
        fails("export", "resnet20-cifar", file, "--recipe", "compact-mnist"),
    )
    assert re.search("opset must be from 9 to", fails("export", "resnet20-cifar", file, "--opset", "3"))
    assert re.search("none", fails("export", "resnet20-cifar", str(tmp_path / "none" / "model.onnx")))
    assert re.search("model.onnx: cannot be read", fails("summary", file))
