import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import fastcnn
from fastcnn import recipes
from fastcnn.cli import main
from fastcnn.training import read_metadata

from .conftest import TINY


@pytest.fixture
def no_pictures(monkeypatch):
    """As if matplotlib were not installed: drawing takes longer than training here."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def test_a_training(trained):
    assert {path.name for path in trained.iterdir()} >= {
        "weights.safetensors",
        "config.toml",
        "history.csv",
        "metrics.json",
    }


def test_what_is_shown(recipe, capsys, no_pictures):
    assert main(["train", recipe]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    lines = shown.out.splitlines()
    metrics = json.loads(Path("runs/tiny-1/metrics.json").read_text())
    test, best = metrics["test"], metrics["best"]
    assert lines[0] == "network   tiny, 2,674 parameters"
    assert lines[1] == "data      mnist, 1x28x28: 500 training, 200 validation, 100 test images"
    assert lines[2] == "training  2 epochs, batch size 50, Adam with lr 0.01, seed 0"
    assert lines[3].startswith("machine   1 thread, ")
    assert lines[3].endswith(", float32 products high")
    assert lines[4] == "folder    runs/tiny-1"
    assert lines[5].startswith("epoch 1/2  loss ")
    for part in ("accuracy ", "val_loss ", "val_accuracy ", "lr 0.01", " images/s"):
        assert part in lines[6]
    assert lines[7] == f"best      epoch {best['epoch']} of 2, val_accuracy {best['val_accuracy']:.2%}"
    assert lines[8].startswith(
        f"test      accuracy {test['accuracy']:.2%} ({100 - test['correct']} of 100 wrong)"
    )
    assert lines[9].startswith(f"time      {metrics['seconds']:.1f} s, ")
    assert lines[10].startswith("written   runs/tiny-1: report.html, weights")
    assert lines[10].endswith('(pictures need: pip install "fastcnn[plots]")')
    # What is missing is said once.
    assert shown.out.count("fastcnn[plots]") == 1


def test_curves_as_text(recipe, capsys, no_pictures, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["train", recipe, "--quiet", "--curves"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines[:-4])) <= 60
    assert [line.strip() for line in lines].count("epoch") == 0
    assert lines[-4].startswith("best ")
    assert any(line.strip().startswith("accuracy (%)") for line in lines)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert main(["train", recipe, "--no-curves"]) == 0
    assert "accuracy (%)" not in capsys.readouterr().out
    assert main(["train", recipe]) == 0
    assert "accuracy (%)" in capsys.readouterr().out


def test_quiet(recipe, capsys, no_pictures):
    assert main(["train", recipe, "--quiet"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert [line.split()[0] for line in shown.out.splitlines()] == ["best", "test", "time", "written"]


def test_options_change_the_recipe(recipe, no_pictures):
    options = "--dataset mnist --epochs 1 --batch-size 60 --lr 0.02 --seed 7 --limit 120 --out here --quiet"
    assert main(["train", recipe, *options.split()]) == 0
    config = recipes.load("here")
    assert (config.training.epochs, config.training.batch_size, config.data.train) == (1, 60, 120)
    assert (config.optimizer.options["lr"], config.seed) == (0.02, 7)


def test_the_precision_is_recorded(recipe, capsys, no_pictures, monkeypatch):
    monkeypatch.setattr("fastcnn._precision._precision", "high")  # and put back
    assert main(["train", recipe, "--precision", "highest", "--out", "run"]) == 0
    assert ", float32 products highest\n" in capsys.readouterr().out
    assert recipes.load("run").training.precision == "highest"
    assert json.loads(Path("run/metrics.json").read_text())["machine"]["float32 products"] == "highest"
    fastcnn.set_float32_matmul_precision("high")
    assert main(["evaluate", "run", "--precision", "highest"]) == 0
    assert fastcnn.get_float32_matmul_precision() == "highest"


def test_config_repeats_the_run_to_the_bit_on_any_number_of_threads(trained, recipe, no_pictures):
    command = ["train", str(trained / "config.toml"), "--quiet", "--threads"]
    assert main([*command, "2"]) == 0
    assert main([*command, "1"]) == 0
    first, second, third = (
        (folder / "weights.safetensors").read_bytes()
        for folder in (trained, Path("runs/tiny-1"), Path("runs/tiny-2"))
    )
    assert first == second == third


def test_a_network_as_text(tmp_path, monkeypatch, no_pictures):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.txt").write_text("Conv 4 5 3 0  # small\nReLU\nFC 10\nSoftmax\n")
    assert main(["train", "model.txt", "--epochs", "1", "--limit", "200", "--quiet"]) == 0
    assert recipes.load("runs/model-1").model.spec == "Conv 4 5 3 0  # small\nReLU\nFC 10\nSoftmax\n"


def test_the_folder_stays_as_it_is(trained, recipe, fails):
    before = (trained / "weights.safetensors").read_bytes()
    assert fails("train", recipe, "--out", trained) == f"{trained}: the folder is not empty"
    assert (trained / "weights.safetensors").read_bytes() == before
    assert fails("train", recipe, "--overwrite") == "--overwrite is for a folder that is given with --out"


def test_overwrite(recipe, no_pictures):
    for _ in range(2):
        assert main(["train", recipe, "--out", "here", "--overwrite", "--epochs", "1", "--quiet"]) == 0
    assert len(Path("here/history.csv").read_text().splitlines()) == 2


def test_a_loss_that_diverges(recipe, capsys, no_pictures):
    text = TINY.replace('type = "Adam"\nlr = 0.01', 'type = "SGD"\nlr = 1e30')
    Path(recipe).write_text(text)
    assert main(["train", recipe]) == 1
    error = capsys.readouterr().err
    assert "no epoch was finished, so there are no weights to keep" in error
    assert not Path("runs/tiny-1/weights.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["nothing.toml"], "nothing.toml: cannot be read: No such file or directory"),
        (["nothing.txt"], "nothing.txt: cannot be read: No such file or directory"),
        (
            ["compact-mnits"],
            "compact-mnits: no recipe, network or file is called that (did you mean 'compact-mnist'",
        ),
        (
            ["tiny.toml", "--dataset", "mnits"],
            "--dataset: data.dataset must be one of mnist, fashion-mnist, cifar10, mnist-scenes; "
            "got 'mnits' (did you",
        ),
        (["tiny.toml", "--epochs", "0"], "--epochs: training.epochs must be an integer of at least 1, got 0"),
        (["tiny.toml", "--batch-size", "-5"], "--batch-size: training.batch_size must be an integer"),
        (["tiny.toml", "--lr", "nan"], "--lr: optimizer.lr must be a finite number of at least 0, got nan"),
        (["tiny.toml", "--seed", "-1"], "--seed: seed must be an integer of at least 0, got -1"),
        (["tiny.toml", "--limit", "99999"], "tiny.toml: data.train: stratified_subset: n=99999"),
        (["tiny.toml", "--threads", "0"], "set_num_threads: n must be at least 1, got 0"),
        (["tiny.toml", "--out", "tiny.toml"], "tiny.toml: cannot be used as a folder: File exists"),
        (
            ["tiny.toml", "--out", "tiny.toml/run"],
            "tiny.toml/run: cannot be used as a folder: Not a directory",
        ),
        (["."], "config.toml: cannot be read: No such file or directory"),
    ],
)
def test_mistakes(recipe, fails, options, expected):
    assert fails("train", *options).startswith(expected)
    assert not Path("runs").exists()


def test_mistakes_in_files(recipe, fails):
    Path(recipe).write_text(TINY + "epcohs = 3\n")
    expected = (
        "tiny.toml: unknown key training.epcohs (did you mean 'epochs'?); allowed are epochs, batch_size"
    )
    assert fails("train", recipe).startswith(expected)
    Path(recipe).write_text("epochs = \n")
    assert fails("train", recipe).startswith("tiny.toml: not a TOML file: ")
    Path("model.txt").write_text("Conv 4 3 1 1\nDense 10\n")
    assert fails("train", "model.txt").startswith("model.txt:2: 'Dense 10': unknown layer 'Dense'")
    Path("model.txt").write_text("Conv 4 3 1 1\nFC 7\n")
    assert fails("train", "model.txt").startswith("model.txt: the network makes 7 outputs")


def test_ctrl_c_keeps_the_best_weights(recipe, tmp_path):
    """A real process is interrupted in the middle of a training that would last long."""
    command = [sys.executable, "-m", "fastcnn", "train", recipe, "--epochs", "100000", "--threads", "1"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        for line in process.stdout:
            if line.startswith("epoch") and "2/" in line:
                break
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.startswith("fastcnn: interrupted in epoch ")
    assert "the best weights so far (epoch " in error
    assert "are in runs/tiny-1; the test set was not read; go on with: " in error
    notes = json.loads(read_metadata(tmp_path / "runs/tiny-1/weights.safetensors")["fastcnn"])
    assert f"(epoch {notes['epoch']})" in error
    assert not (tmp_path / "runs/tiny-1/metrics.json").exists()
    assert main(["evaluate", str(tmp_path / "runs/tiny-1")]) == 0
