import csv
import json
import sys

import numpy as np
import pytest

from fastcnn import __version__, recipes
from fastcnn.errors import DataError
from fastcnn.recipes import Experiment, Run, new_folder, read_recipe, results, take_folder
from fastcnn.recipes.run import _as_json
from fastcnn.training import History, LambdaCallback, load_weights, read_metadata

from .conftest import TINY


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a run that has come to its end without matplotlib, and its metrics."""
    run = Run(Experiment(read_recipe(TINY, "my.toml")), take_folder(tmp_path_factory.mktemp("run")))
    run.fit(progress=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib", None)
        return run, run.finish()


def test_what_is_written(finished):
    run, metrics = finished
    assert {path.name for path in run.folder.iterdir()} == {
        "checkpoint.safetensors",
        "weights.safetensors",
        "config.toml",
        "history.csv",
        "metrics.json",
        "validation_stats.csv",
        "test_stats.csv",
        "report.html",
    }
    assert json.loads((run.folder / "metrics.json").read_text()) == metrics
    assert metrics["parameters"] == 2674
    assert np.sum(metrics["test"]["confusion"]) == metrics["test"]["count"] == 100
    assert metrics["best"]["epoch"] == run.experiment.best.best_epoch
    assert metrics["machine"]["fastcnn"] == __version__
    rows = list(csv.DictReader((run.folder / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["val_accuracy"]) == run.experiment.trainer.history[1]["val_accuracy"]


def test_the_file_holds_the_weights_that_were_tested(finished):
    run, metrics = finished
    notes = json.loads(read_metadata(run.folder / "weights.safetensors")["fastcnn"])
    assert notes["epoch"] == metrics["best"]["epoch"]
    assert notes["val_accuracy"] == metrics["best"]["val_accuracy"]
    before = run.experiment.model.state_dict()
    load_weights(run.experiment.model.initialize(seed=99), run.folder / "weights.safetensors")
    after = run.experiment.model.state_dict()
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_config_repeats_the_run_to_the_bit(finished, tmp_path, monkeypatch):
    run, metrics = finished
    again = Run(Experiment(recipes.load(run.folder / "config.toml")), take_folder(tmp_path / "again"))
    again.fit(progress=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in ("weights.safetensors", "config.toml"):
        assert (again.folder / name).read_bytes() == (run.folder / name).read_bytes()
    assert again.finish()["test"] == metrics["test"]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_tables_of_validation_and_test_have_the_loss_summed(tiny, tmp_path, monkeypatch, reduction):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    tiny["loss"] = {"type": "CrossEntropyLoss", "reduction": reduction}
    run = Run(Experiment(read_recipe(tiny, "my.toml")), take_folder(tmp_path / "run"))
    run.fit(progress=False)
    test = run.finish()["test"]
    experiment = run.experiment
    with open(run.folder / "validation_stats.csv", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["Epoch", "CE Loss", "Accuracy", "F1 Score"]
    assert [row[0] for row in rows] == ["1", "2"]
    best = rows[experiment.best.best_epoch - 1]
    # Of the kept weights, by hand.
    logits = experiment.trainer.predict(experiment.validation.images).astype(np.float64)
    labels = experiment.validation.labels
    logs = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    np.testing.assert_allclose(float(best[1]), -logs[np.arange(200), labels].sum(), rtol=1e-5)
    assert float(best[2]) == (logits.argmax(1) == labels).mean()
    assert float(best[3]) == experiment.trainer.history[experiment.best.best_epoch - 1]["val_macro_f1"]
    lines = (run.folder / "test_stats.csv").read_text().splitlines()
    assert lines[0] == "CE Loss,Accuracy,F1 Score"
    total = test["loss"] * (100 if reduction == "mean" else 1)
    assert [float(cell) for cell in lines[1].split(",")] == [total, test["accuracy"], test["macro_f1"]]


@pytest.mark.parametrize("monitor", ["val_macro_f1", "val_loss"])
def test_the_kept_epoch_is_the_best_of_the_monitored_column(tiny, tmp_path, monkeypatch, monitor):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    # A rate at which the figures go up and down.
    tiny["optimizer"]["lr"] = 0.1
    tiny["training"].update(epochs=5, monitor=monitor)
    run = Run(Experiment(read_recipe(tiny, "my.toml")), take_folder(tmp_path / "run"))
    column = run.fit(progress=False)[monitor]
    metrics = run.finish()
    best = (np.argmin if monitor == "val_loss" else np.argmax)(column) + 1
    worst = (np.argmax if monitor == "val_loss" else np.argmin)(column) + 1
    assert best != worst
    notes = json.loads(read_metadata(run.folder / "weights.safetensors")["fastcnn"])
    assert notes["epoch"] == metrics["best"]["epoch"] == best
    loaded = recipes.Classifier.load(run.folder).trainer
    assert loaded.evaluate(run.experiment.validation)[monitor.removeprefix("val_")] == column[best - 1]
    assert loaded.evaluate(run.experiment.test)["correct"] == metrics["test"]["correct"]


def test_accuracy_every_so_many_steps(tiny, tmp_path):
    tiny["training"].update(accuracy_every=4, accuracy_samples=50)
    run = Run(Experiment(read_recipe(tiny, "my.toml")), take_folder(tmp_path / "run"))
    history = run.fit(progress=False)
    lines = (run.folder / "steps.csv").read_text().splitlines()
    assert lines[0] == "step,epoch,loss,accuracy"
    assert [line.split(",")[0] for line in lines[1:]] == ["4", "8", "12"]
    read = History.from_csv(run.folder / "history.csv", run.folder / "steps.csv")
    assert read.steps == history.steps


def test_interrupted_training_keeps_the_best_weights(tiny, tmp_path):
    tiny["training"]["epochs"] = 5

    made = Experiment(read_recipe(tiny, "my.toml"))
    run = Run(made, take_folder(tmp_path / "run"))

    def press_in_the_middle(trainer, batch, logs):
        if len(trainer.history) == 2 and batch == 3:
            raise KeyboardInterrupt

    made.trainer.callbacks.append(LambdaCallback(on_batch_end=press_in_the_middle))
    history = run.fit(progress=False)
    assert history.interrupted
    notes = json.loads(read_metadata(run.folder / "weights.safetensors")["fastcnn"])
    assert notes["epoch"] == history.best("val_accuracy")["epoch"]


def test_interrupted_between_an_epoch_and_its_files(tiny, tmp_path):
    def press(trainer, epoch, row):
        if epoch == 2:
            raise KeyboardInterrupt

    made = Experiment(read_recipe(tiny, "my.toml"))
    run = Run(made, take_folder(tmp_path / "run"), [LambdaCallback(on_epoch_end=press)])
    assert run.fit(progress=False).interrupted
    assert made.best.best_epoch == 2
    notes = json.loads(read_metadata(run.folder / "weights.safetensors")["fastcnn"])
    assert notes["epoch"] == 2
    before = made.model.state_dict()
    load_weights(made.model.initialize(seed=99), run.folder / "weights.safetensors")
    assert all(np.array_equal(before[key], value) for key, value in made.model.state_dict().items())
    assert len((run.folder / "history.csv").read_text().splitlines()) == 3


def test_new_folders_are_counted(tmp_path):
    names = [new_folder("net", tmp_path / "runs").name for _ in range(2)]
    assert names == ["net-1", "net-2"]
    (tmp_path / "runs" / "net-1").rmdir()
    (tmp_path / "runs" / "net-x").mkdir()
    (tmp_path / "runs" / "net-9").mkdir()
    assert new_folder("net", tmp_path / "runs").name == "net-10"


def test_a_folder_that_is_not_empty(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "metrics.json").write_text("old")
    with pytest.raises(DataError, match=r"the folder is not empty"):
        take_folder(tmp_path)
    assert (tmp_path / "metrics.json").exists()
    take_folder(tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_folders_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file: cannot be used as a folder: File exists"):
        take_folder(tmp_path / "file")
    with pytest.raises(DataError, match=r"file/run: cannot be used as a folder: Not a directory"):
        take_folder(tmp_path / "file" / "run")
    with pytest.raises(DataError, match=r"file: no folder can be made in it: File exists"):
        new_folder("net", tmp_path / "file")


def test_the_figures_of_many_classes_can_be_read_again(tmp_path):
    """As many as fit into what is read of a file."""
    confusion = np.zeros((1500, 1500), int)
    np.fill_diagonal(confusion, 12345)
    needed = {key: 0 for key in results._NEEDED}
    path = tmp_path / "metrics.json"
    path.write_text(_as_json({**needed, "test": {"loss": 0.5, "confusion": confusion.tolist()}}))
    assert np.array_equal(results._read_metrics(path)["test"]["confusion"], confusion)
