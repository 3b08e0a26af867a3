"""Profile, summary and drawing of every network of the zoo, of smaller images where they are large."""

import json
import math

import pytest

from fastcnn import zoo
from fastcnn.cli import main, profile
from fastcnn.nn.summary import summarize

from ..zoo.networks import make, shape_of


@pytest.fixture
def small(monkeypatch):
    """Let the command measure for no longer than it must, and networks with as few weights as tests have."""
    monkeypatch.setattr(profile, "_SECONDS", 0.0)
    monkeypatch.setattr(profile, "find_model", lambda name, *_: (make(name, 0), shape_of(name), None))


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *((name, "inference") for name in zoo.names()),
        # Steps of the others are looked at in tests/engine/test_describe.py.
        *((name, "training") for name in ("unet", "conv-autoencoder", "convnext_tiny", "resnet20-cifar")),
    ],
)
def test_profile(small, capsys, name, mode):
    assert main(["profile", name, f"--{mode}", "--batch-size", "2", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    model = make(name, 0)
    table = summarize(model, shape_of(name))
    products = 3 * table.macs - table.layers[0].macs if mode == "training" else table.macs
    assert sum(each["flops"] for each in facts["operations"]) == 2 * 2 * products
    # Each operation is that of layers by their place and type, of a block's own, of the ends, or the loss.
    places = {f"{path} {type(module).__name__}".lstrip() for path, module in model.named_modules()}
    for each in facts["operations"]:
        assert each["layers"]
        assert set(each["layers"].split(" + ")) <= places | {"input", "output", "loss"}, each
    # No layer that multiplies is without an operation of its own or of a fusion.
    named = {part for each in facts["operations"] for part in each["layers"].split(" + ")}
    assert {f"{row.name} {row.type}" for row in table.layers if row.macs} <= named
    assert facts["whole"]["call"].startswith("Trainer" if mode == "training" else "Module.predict")


@pytest.mark.parametrize("name", zoo.names())
def test_summary(capsys, name):
    shape = shape_of(name)
    assert main(["summary", name, "--input", "x".join(map(str, shape)), "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    model = zoo.build(name, input_shape=shape)
    assert facts["parameters"] == sum(each.size for each in model.parameters())
    layers = facts["layers"]
    assert math.prod(layers[-1]["output_shape"]) == math.prod(model.output_shape((1, *shape)))
    assert sum(each["macs"] for each in layers) == facts["macs"]


@pytest.mark.parametrize("name", ["unet", "conv-autoencoder", "convnext_tiny"])
def test_drawing(name, tmp_path, capsys):
    path = tmp_path / "x.svg"
    shape = "x".join(map(str, shape_of(name)))
    assert main(["summary", name, "--input", shape, "--graph", str(path)]) == 0
    text = path.read_text()
    assert {"unet": "ConvTranspose2d", "convnext_tiny": "LayerNorm2d"}.get(name, "Sigmoid") in text
