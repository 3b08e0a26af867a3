"""Each example runs as its docstring says, on a few images."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
QUICK = ["--epochs", "2", "--limit", "1000"]


def run(name, *options, cwd):
    """Run an example with warnings as errors and return what it prints."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *QUICK, *options]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def accuracy(text):
    """Return the test accuracy that an example printed, in percent."""
    return float(re.search(r"test accuracy ([\d.]+)%", text)[1])


def test_every_example_is_tested():
    tested = {
        "custom_layer.py",
        "look_inside.py",
        "serve.py",  # in tests/test_serve.py
        "train_with_loop.py",
        "train_with_trainer.py",
        "two_inputs.py",
    }
    assert {path.name for path in EXAMPLES.glob("*.py")} == tested


def test_train_with_trainer(tmp_path):
    from fastcnn.training import read_metadata

    text = run("train_with_trainer.py", cwd=tmp_path)
    assert accuracy(text) > 50
    assert "Parameters: 20,538" in text
    assert read_metadata(tmp_path / "weights.safetensors") == {}


def test_train_with_loop(tmp_path):
    text = run("train_with_loop.py", cwd=tmp_path)
    losses = [float(value) for value in re.findall(r"loss ([\d.]+)", text)]
    assert len(losses) == 2
    assert losses[1] < losses[0]
    assert accuracy(text) > 50


def test_custom_layer(tmp_path):
    text = run("custom_layer.py", cwd=tmp_path)
    assert text.startswith("gradients agree")
    assert accuracy(text) > 50


def test_two_inputs(tmp_path):
    text = run("two_inputs.py", cwd=tmp_path)
    assert text.startswith("Hinted, input 1x28x28, 10\n")
    assert accuracy(text) > 80
    without = float(re.search(r"tell nothing: ([\d.]+)%", text)[1])
    assert without < accuracy(text) - 2  # it has learned from the rows


def test_look_inside(tmp_path):
    pytest.importorskip("matplotlib")
    from matplotlib import image

    text = run("look_inside.py", "--digit", "7", "--out", "seen.png", cwd=tmp_path)
    assert accuracy(text) > 50
    picture = image.imread(tmp_path / "seen.png")
    assert picture.shape[:2] == (696, 1440)
    assert len(set(map(tuple, picture.reshape(-1, 4)))) > 200  # drawn, not blank
