import json
from pathlib import Path

import pytest

from fastcnn import nn, zoo
from fastcnn.cli import main

TEXT = "Conv 6 5 1 2\nReLU\nPool 2 2\nFlatten\nFC 10\nSoftmax\n"


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "model.txt"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize(
    "formats", [("spec",), ("json", "spec"), ("toml", "json", "spec"), ("json", "toml", "spec")]
)
def test_there_and_back(text, formats, capsys):
    """A file of each format is made from the one before; the last is the first text."""
    path = text
    for name in formats:
        assert main(["convert", str(path), "--to", name, "--input", "3x32x32"]) == 0
        path = path.with_name(f"{len(str(path))}.{name.replace('spec', 'txt')}")
        path.write_text(capsys.readouterr().out)
    assert path.read_text() == TEXT


def test_python(text, capsys):
    assert main(["convert", str(text), "--to", "python"]) == 0
    namespace: dict = {}
    exec(capsys.readouterr().out, namespace)
    model = namespace["model"]
    assert isinstance(model[-1], nn.Softmax)
    assert model.output_shape((2, 1, 28, 28)) == (2, 10)


def test_a_network_of_the_zoo_and_a_run(trained, capsys):
    assert main(["convert", "residual-mnist", "--to", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == zoo.to_dicts(zoo.build("residual-mnist"))
    assert main(["convert", str(trained), "--to", "spec"]) == 0
    assert capsys.readouterr().out == "Conv 4 5 3 0\nReLU\nFlatten\nFC 10\n"


def test_a_network_that_is_no_chain(tmp_path, capsys, fails):
    texts = {}
    for name in ("json", "toml"):
        assert main(["convert", "resnet-cifar", "--to", name]) == 0
        texts[name] = capsys.readouterr().out
    for old, new in (("json", "toml"), ("toml", "json")):
        path = tmp_path / f"net.{old}"
        path.write_text(texts[old])
        assert main(["convert", str(path), "--to", new, "--input", "3x32x32"]) == 0
        assert capsys.readouterr().out == texts[new]
    for name in ("spec", "python"):
        assert "the network must be a Sequential, got ResNet, which is no chain" in fails(
            "convert", "resnet-cifar", "--to", name
        )
    assert main(["summary", str(path), "--input", "3x32x32"]) == 0
    assert "Parameters: 272,474 " in capsys.readouterr().out


def test_nodes_keep_their_names(tmp_path, capsys):
    nodes = [
        {"name": "squares", "type": "mul", "inputs": ["input", "input"]},
        {"name": "flat", "type": "flatten", "start_dim": 1},
        {"name": "fc", "type": "Linear", "out_features": 10},
    ]
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"nodes": nodes}))
    assert main(["convert", str(path), "--to", "toml"]) == 0
    path = tmp_path / "net.toml"
    path.write_text(capsys.readouterr().out)
    assert main(["convert", str(path), "--to", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"nodes": nodes}


def test_train_what_was_converted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["convert", "spec-lenet", "--to", "json"]) == 0
    Path("net.json").write_text(capsys.readouterr().out)
    assert main(["train", "net.json", "--limit", "200", "--epochs", "1", "--quiet"]) == 0
    assert "test      accuracy" in capsys.readouterr().out
    # The folder holds all that is needed.
    Path("net.json").unlink()
    assert main(["evaluate", "runs/net-1"]) == 0
    assert main(["summary", "runs/net-1"]) == 0
    assert "Parameters: 33,078 " in capsys.readouterr().out


def test_mistakes(text, fails, tmp_path):
    assert fails("convert", "compact-mnist", "--to", "spec").startswith(
        "to_spec: layer 1 (BatchNorm2d): the text format has no layers of this type, only Conv, Pool"
    )
    error = fails("convert", text, "--to", "json", "--input", "3,1,1")
    assert error.startswith(f"{text}:3: 'Pool 2 2': pool2d (rows): the kernel is larger")
    path = tmp_path / "net.json"
    path.write_text('[{"type": "Linear", "out": 3}]')
    assert fails("convert", path, "--to", "toml") == (
        f"{path}: layers[0] (Linear): unknown key 'out'; it takes type, name, in_features, out_features, bias"
    )
    path.write_bytes(b"\0\1\2")
    assert fails("summary", path).startswith(f"{path}: not a JSON file: ")
