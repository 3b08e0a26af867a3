"""Networks for other tasks than classes, from a recipe and an .npz file to the report."""

import json
import re

import numpy as np
import pytest

from fastcnn import data
from fastcnn.cli import main
from fastcnn.errors import DataError
from fastcnn.recipes import Classifier
from fastcnn.recipes.tasks import Kind
from fastcnn.training.tasks import TASKS, words_of

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (60, 1, 8, 8), dtype=np.uint8)
LIGHT = IMAGES.mean((1, 2, 3)) / 255
SETS = {
    "regression": {"labels": LIGHT},
    "multilabel": {
        "labels": np.stack([LIGHT > 0.5, IMAGES[:, 0, 0, 0] > 127], 1),
        "classes": ("light", "corner"),
    },
    "segmentation": {"labels": np.where(IMAGES[:, 0] > 127, 1, 0).astype(np.uint8), "ignore_index": 255},
}
NETWORKS = {
    "regression": "Conv 2 3 1 0\\nReLU\\nFC 1",
    "multilabel": "Conv 2 3 1 0\\nReLU\\nFC 2",
    "segmentation": "Conv 4 3 1 1\\nReLU\\nConv 2 1 1 0",
}
RECIPE = """\
[model]
spec = "{spec}"

[data]
dataset = "own.npz"

[optimizer]
type = "Adam"
lr = 0.01

[training]
epochs = 2
batch_size = 8
{more}
"""
tasks = pytest.mark.parametrize("task", SETS)


def write(task, more="", weights=None):
    """Write a data set and a recipe for it into the current folder."""
    data.save("own.npz", data.Dataset(IMAGES, weights=weights, **SETS[task]))
    with open("net.toml", "w", encoding="utf-8") as file:
        file.write(RECIPE.format(spec=NETWORKS[task], more=more))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*argv):
    assert main([str(each) for each in argv]) == 0


@tasks
@pytest.mark.parametrize("weighted", [False, True])
def test_from_the_recipe_to_the_report(folder, task, weighted, capsys):
    pytest.importorskip("matplotlib")
    write(task, weights=1.0 + np.arange(60) if weighted else None)
    run("train", "net.toml", "--out", "run")
    row, shown = TASKS[task], capsys.readouterr().out
    assert f"val_{row.main} " in shown
    assert f"test      {'pixel accuracy' if task == 'segmentation' else ''}" in shown
    metrics = json.loads((folder / "run/metrics.json").read_text())
    assert set(row.columns) < set(metrics["test"])
    assert metrics["monitor"] == f"val_{row.main}"
    assert ("confusion" in metrics["test"]) == (task == "segmentation")
    head = (folder / "run/validation_stats.csv").read_text().splitlines()[0]
    assert head == ",".join(["Epoch", "Loss", *row.columns])
    page = (folder / "run/report.html").read_text()
    assert page.count("on the test set") == len(row.columns) + 1
    # The metric that chooses the best epoch comes first, under the name that people give it.
    assert re.search("<span>([^<]+) on the test set", page)[1] == words_of(row.main)
    assert f"Loss and {words_of(row.main)} over the epochs" in page
    assert f"best epoch: validation {words_of(row.main)} " in page
    assert f'<th class="number">validation {words_of(row.main)}</th>' in page
    assert ('<th class="number">IoU</th>' in page) == (task == "segmentation")
    for name in ("curves", "predictions"):
        assert (folder / f"run/{name}.png").exists()
    assert (folder / "run/confusion.png").exists() == (task == "segmentation")
    assert not (folder / "run/mistakes.png").exists()
    run("report", "run")
    assert (folder / "run/report.html").read_text().count("on the test set") == len(row.columns) + 1


@tasks
def test_weights_tell_what_they_are_for(folder, task, capsys):
    write(task)
    run("train", "net.toml", "--out", "run", "--quiet")
    classifier = Classifier.load("run")
    assert classifier.kind.task == task
    _, test = data.load("own.npz")
    expected = json.loads((folder / "run/metrics.json").read_text())["test"]
    result = classifier.trainer.evaluate(test)
    for name in ("loss", *TASKS[task].columns):
        assert result[name] == pytest.approx(expected[name], rel=1e-6)
    capsys.readouterr()
    run("evaluate", "run/weights.safetensors", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    run("evaluate", "run/weights.safetensors")
    assert "own.npz: test " in capsys.readouterr().out


@tasks
def test_a_run_goes_on(folder, task):
    write(task)
    run("train", "net.toml", "--out", "whole", "--quiet")
    run("train", "net.toml", "--out", "run", "--quiet")
    run("train", "--resume", "run", "--quiet")
    kept = [json.loads((folder / name / "metrics.json").read_text())["test"] for name in ("whole", "run")]
    assert kept[0] == kept[1]


def test_what_does_not_fit_is_said(fails):
    write("regression", more='monitor = "val_macro_f1"')
    text = fails("train", "net.toml")
    assert (
        "training.monitor is 'val_macro_f1', but the data set is for regression: give one of val_loss" in text
    )
    write("regression", more='[loss]\ntype = "CrossEntropyLoss"')
    assert (
        "loss.type is CrossEntropyLoss, but the data set is for regression: give one of MSELoss, L1Loss"
        in fails("train", "net.toml")
    )
    write("segmentation")
    with open("net.toml", "a", encoding="utf-8") as file:
        file.write('[[augment]]\ntype = "MixUp"\n')
    assert "augment[0]: MixUp: classes of pixels cannot be mixed" in fails("train", "net.toml")


def test_networks_of_other_outputs(fails):
    write("regression")
    data.save("own.npz", data.Dataset(IMAGES, SETS["segmentation"]["labels"]))
    assert "the network makes 1 outputs of an image of (1, 8, 8); the targets need 2x8x8" in fails(
        "train", "net.toml"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"task": "ranking"},
        {"task": []},
        {"outputs": []},
        {"outputs": [0]},
        {"outputs": [10**9]},
        {"outputs": [1.5]},
        {"outputs": "1"},
        {"ignore_index": 1e300},
        {"loss": {"type": "eval"}},
        {"loss": 3},
    ],
)
def test_damaged_notes_of_weights(wrong):
    table = {**Kind("regression", (1,)).to_dict(), **wrong}
    with pytest.raises((ValueError, DataError)):
        Kind.read(table, "file")


@pytest.mark.parametrize("wrong", [{"mae": "low"}, {"count": None}, {"r2": [1]}])
def test_damaged_metrics(folder, fails, wrong):
    write("regression")
    run("train", "net.toml", "--out", "run", "--quiet")
    path = folder / "run/metrics.json"
    metrics = json.loads(path.read_text())
    metrics["test"] |= wrong
    path.write_text(json.dumps(metrics))
    assert "damaged, or not written by fastcnn" in fails("report", "run")


def predicted(task, capsys, *more):
    """Train for a task; return the JSON of three images, their lines, and the network's outputs."""
    write(task)
    run("train", "net.toml", "--out", "run", "--quiet")
    np.save("x.npy", IMAGES[:3])
    capsys.readouterr()
    run("predict", "run", "x.npy", *more, "--json")
    told = json.loads(capsys.readouterr().out)
    run("predict", "run", "x.npy", *more)
    return told, capsys.readouterr().out.splitlines(), Classifier.load("run").trainer.predict(IMAGES[:3])


def test_predicted_values(capsys):
    told, lines, outputs = predicted("regression", capsys)
    for number, (each, line, (value,)) in enumerate(zip(told, lines, outputs, strict=True)):
        assert each["image"] == f"x.npy[{number}]"
        assert each["values"] == [pytest.approx(value, rel=1e-6)]
        name, shown = line.split()
        assert name == f"x.npy[{number}]"
        assert float(shown) == pytest.approx(value, rel=1e-5)


def test_predicted_labels(capsys):
    told, lines, outputs = predicted("multilabel", capsys)
    for each, line, row in zip(told, lines, outputs, strict=True):
        found = {one["label"]: one for one in each["labels"]}
        for name, logit in zip(SETS["multilabel"]["classes"], row, strict=True):
            assert found[name]["probability"] == pytest.approx(1 / (1 + np.exp(-float(logit))), abs=1e-6)
            assert found[name]["present"] == (name in line) == (logit > 0)
        assert ("no label" in line) == (row <= 0).all()


def test_predicted_masks(folder, capsys, fails):
    image = pytest.importorskip("PIL.Image")
    told, lines, outputs = predicted("segmentation", capsys, "--out", "masks")
    for number, (each, line, logits) in enumerate(zip(told, lines, outputs, strict=True)):
        with image.open(folder / f"masks/x-{number}-predicted.png") as mask:
            np.testing.assert_array_equal(np.asarray(mask), logits.argmax(0))
        shares = {one["class"]: one["share"] for one in each["pixels"]}
        assert shares["1"] == pytest.approx((logits.argmax(0) == 1).mean(), abs=1e-6)
        assert each["file"] in line
    run("predict", "run", "x.npy")
    assert (folder / "x-2-predicted.png").exists()
    assert "two images would be written there" in fails("predict", "run", "x.npy", "x.npy")


def test_predicted_images_are_arrays(folder, capsys):
    data.save("own.npz", data.Dataset(IMAGES, (IMAGES / 255).astype(np.float32)))
    spec = "Conv 1 3 1 1"
    with open("net.toml", "w", encoding="utf-8") as file:
        file.write(RECIPE.format(spec=spec, more=""))
    run("train", "net.toml", "--out", "run", "--quiet")
    np.save("x.npy", IMAGES[0])
    capsys.readouterr()
    run("predict", "run", "x.npy")
    assert capsys.readouterr().out.split() == ["x.npy", "x-predicted.npy"]
    expected = Classifier.load("run").trainer.predict(IMAGES[:1])[0]
    np.testing.assert_array_equal(np.load(folder / "x-predicted.npy"), expected)


def size_of(path):
    with pytest.importorskip("PIL.Image").open(path) as picture:
        return picture.size


@pytest.mark.parametrize(
    ("targets", "spec", "images"),
    [
        (IMAGES / 255, "Conv 1 3 1 1", True),
        (IMAGES[:, 0] / 255, None, True),
        (IMAGES[:, :, :4, :4] / 255, "Conv 1 5 1 0", True),
        (IMAGES[:, 0, :5, :2] / 255, None, False),
    ],
    ids=["images", "planes", "smaller images", "other numbers"],
)
def test_the_report_shows_images_that_were_made(folder, targets, spec, images):
    pytest.importorskip("matplotlib")
    data.save("own.npz", data.Dataset(IMAGES, targets.astype(np.float32), task="regression"))
    text = RECIPE.format(spec=spec, more="")
    if spec is None:
        flat, shape = targets[0].size, list(targets.shape[1:])
        layers = f'{{type = "Flatten"}}, {{type = "Linear", out_features = {flat}}}, '
        layers += f'{{type = "Unflatten", dim = 1, unflattened_size = {shape}}}'
        text = text.replace(f'spec = "{spec}"', f"layers = [{layers}]")
    (folder / "net.toml").write_text(text)
    run("train", "net.toml", "--out", "run", "--quiet")
    page = (folder / "run/report.html").read_text()
    assert ("The first test images, their targets and what was made of them." in page) == images
    assert ("Predicted values against true ones, and residuals." in page) != images
    # Twelve times three pictures, or two charts.
    assert (size_of(folder / "run/predictions.png") == (1755, 870)) == images


def test_evaluation_on_data_of_another_task(fails):
    write("regression")
    run("train", "net.toml", "--out", "run", "--quiet")
    data.save("other.npz", data.Dataset(IMAGES, **SETS["multilabel"]))
    text = fails("evaluate", "run/weights.safetensors", "--dataset", "other.npz")
    assert "made for regression with outputs (1,), but other.npz is for multilabel with (2,)" in text


def test_a_limit_and_no_validation(folder):
    write("regression")
    run("train", "net.toml", "--out", "run", "--quiet", "--limit", "20", "--validation", "0")
    history = (folder / "run/history.csv").read_text().splitlines()
    assert history[0] == "epoch,lr,loss,seconds,images_per_second"
    assert json.loads((folder / "run/metrics.json").read_text())["monitor"] == "loss"
