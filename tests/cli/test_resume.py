"""``fastcnn train --resume``: real processes that are interrupted, and go on in others."""

import csv
import json
import signal
import subprocess
import sys

import pytest
import safetensors.numpy

from fastcnn.cli import main

# Batch normalisation and dropout; a rate that changes with every step.
RECIPE = """\
[model]
name = "compact-mnist"

[data]
validation = 200
train = 500
test = 100

[optimizer]
type = "Adam"
lr = 0.01

[scheduler]
type = "OneCycleLR"

[[augment]]
type = "RandomCrop"
size = 28
padding = 2

[training]
epochs = 6
batch_size = 50
accuracy_every = 3
"""
TABLES = ("history.csv", "steps.csv", "validation_stats.csv", "test_stats.csv")


def command(*arguments):
    return [sys.executable, "-m", "fastcnn", "train", *map(str, arguments), "--no-curves"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return a folder with a recipe, and a run of it that was never interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "tiny.toml").write_text(RECIPE)
    subprocess.run(command("tiny.toml", "--threads", 2, "--out", "run"), cwd=folder, check=True)
    return folder


def contents(run):
    """Return all that a run has found out, without times."""
    found = {}
    for name in TABLES:
        with open(run / name, newline="") as file:
            found[name] = [
                {key: value for key, value in row.items() if key not in ("seconds", "images_per_second")}
                for row in csv.DictReader(file)
            ]
    metrics = json.loads((run / "metrics.json").read_text())
    found |= {name: metrics[name] for name in ("test", "epochs", "stop_reason")}
    for name in ("weights.safetensors", "checkpoint.safetensors"):
        arrays = safetensors.numpy.load_file(run / name)
        # NumPy's global generator begins anywhere in each process; the text has times in it.
        arrays.pop("fastcnn.checkpoint", None)
        kept = {key: value for key, value in arrays.items() if ".generators." not in key}
        found[name] = {key: value.tobytes() for key, value in kept.items()}
    return found


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_interrupted_and_resumed(whole, tmp_path, number, code):
    run = tmp_path / "run"
    arguments = whole / "tiny.toml", "--threads", 1, "--checkpoint-every", 2
    with subprocess.Popen(
        command(*arguments, "--out", run), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("epoch") and "2/" in line:
                break
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == code
    if code > 0:
        how = "interrupted" if code == 130 else "terminated"
        assert error.startswith(f"fastcnn: {how} in epoch ")
        assert error.rstrip().endswith(f"the test set was not read; go on with: fastcnn train --resume {run}")
    assert not (run / "metrics.json").exists()
    done = subprocess.run(command("--resume", run, "--threads", 2), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(run) == contents(whole / "run")


def test_a_finished_run_is_finished_again(whole, capsys):
    before = contents(whole / "run")
    assert main(["train", "--resume", str(whole / "run"), "--quiet"]) == 0
    assert capsys.readouterr().out.startswith("best      epoch ")
    assert contents(whole / "run") == before


def test_options_that_would_make_it_another_training(whole, fails):
    message = fails("train", "tiny.toml", "--resume", whole / "run", "--lr", "0.1", "--epochs", "9")
    assert message == "--resume goes on by the recipe of the run: leave out --epochs, --lr, RECIPE"
    message = fails("train", "--checkpoint-every", "often")
    assert message == "--checkpoint-every must be steps or a time, such as 500, '10min' or '30s', got 'often'"


def test_folders_without_a_training(tmp_path, whole, fails):
    assert "config.toml: cannot be read: No such file or directory" in fails("train", "--resume", tmp_path)
    old = tmp_path / "old"
    old.mkdir()
    for name in ("config.toml", "history.csv"):
        (old / name).write_bytes((whole / "run" / name).read_bytes())
    message = fails("train", "--resume", old)
    assert "there is no checkpoint.safetensors in it to go on from; train again with: " in message


def test_a_recipe_that_was_changed_meanwhile(tmp_path, whole, fails):
    for name in ("config.toml", "checkpoint.safetensors"):
        (tmp_path / name).write_bytes((whole / "run" / name).read_bytes())
    config = tmp_path / "config.toml"
    config.write_text(config.read_text().replace("lr = 0.01", "lr = 0.02"))
    message = fails("train", "--resume", tmp_path, "--quiet")
    assert message == "config.toml: optimizer.lr is 0.02, but the training that is to go on had 0.01"
