"""Runs of older versions, as they wrote them, are read: run-0.1.0 is one of fastcnn 0.1.0."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from fastcnn import recipes
from fastcnn.cli import main
from fastcnn.recipes import Classifier
from fastcnn.recipes.experiment import load_parts
from fastcnn.training import History

FOLDERS = sorted(Path(__file__).parent.glob("run-*"))


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def run(request, tmp_path):
    """Return a copy of the folder."""
    return Path(shutil.copytree(request.param, tmp_path / "run"))


def test_its_network_has_the_accuracy_that_it_had(run):
    metrics = json.loads((run / "metrics.json").read_text())
    test = load_parts(recipes.load(run))[2]
    found = Classifier.load(run).trainer.evaluate(test)
    assert found["confusion"].tolist() == metrics["test"]["confusion"]
    assert found["loss"] == pytest.approx(metrics["test"]["loss"], rel=1e-5)


def test_its_history_is_read(run):
    history = History.from_csv(run / "history.csv", run / "steps.csv")
    assert history["epoch"] == [1, 2]
    assert len(history.steps) == 4


def test_commands_take_it(run, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["evaluate", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] > 0.75  # on all test images
    assert main(["report", str(run)]) == 0
    assert (run / "report.html").exists()
    assert main(["train", str(run), "--out", str(run / "again"), "--quiet"]) == 0
    assert main(["train", "--resume", str(run)]) == 1
    assert "there is no checkpoint.safetensors in it to go on from" in capsys.readouterr().err
