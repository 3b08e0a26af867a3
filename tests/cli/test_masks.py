"""Folders of pictures with masks, from the command line: training, evaluation, prediction."""

import json

import numpy as np
import pytest

from fastcnn import recipes
from fastcnn.cli import main
from fastcnn.recipes import Classifier

Image = pytest.importorskip("PIL.Image")
rng = np.random.default_rng(0)
RECIPE = """\
[model]
spec = "Conv 4 3 1 1\\nReLU\\nConv 3 1 1 0"

[data]
dataset = "set"
validation = 5
{more}

[optimizer]
type = "Adam"
lr = 0.02

[training]
epochs = 3
batch_size = 4
monitor = "val_mean_iou"
"""


def put(folder, count=20, size=(8, 12), masks="masks"):
    """Put pictures of three levels, which are their classes, and 255 in a corner of the masks."""
    for number in range(count):
        mask = rng.integers(0, 3, size).astype(np.uint8)
        marked = mask.copy()
        marked[0, 0] = 255
        for name, pixels in (("images", 100 * mask), (masks, marked)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(more=""):
    with open("net.toml", "w", encoding="utf-8") as file:
        file.write(RECIPE.format(more=more))


def run(*argv):
    assert main([str(each) for each in argv]) == 0


def test_a_training_and_what_comes_of_it(folder, capsys):
    put(folder / "set")
    write()
    run("train", "net.toml", "--out", "run")
    shown = capsys.readouterr().out
    assert "data      set, 1x8x12: 11 training, 5 validation, 4 test images\n" in shown
    assert "masks     3 classes: 0, 1, 2; 255 does not count\n" in shown
    metrics = json.loads((folder / "run/metrics.json").read_text())["test"]
    assert np.sum(metrics["confusion"]) == 4 * (8 * 12 - 1)
    classifier = Classifier.load("run")
    assert (classifier.kind.ignore_index, classifier.kind.outputs) == (255, (3, 8, 12))
    run("evaluate", "run", "--json")
    told = json.loads(capsys.readouterr().out)
    for name in ("pixel_accuracy", "mean_iou", "dice"):
        assert told[name] == pytest.approx(metrics[name], rel=1e-6)
    run("evaluate", "run")
    assert f"mean IoU {metrics['mean_iou']:.4f}, Dice {metrics['dice']:.4f}" in capsys.readouterr().out
    run("train", "run", "--out", "again", "--quiet")
    again = json.loads((folder / "again/metrics.json").read_text())["test"]
    assert again == json.loads((folder / "run/metrics.json").read_text())["test"]


def test_evaluation_on_other_pictures(folder, capsys):
    """They need not have all the classes."""
    put(folder / "set")
    write()
    run("train", "net.toml", "--out", "run", "--quiet")
    for number in range(5):
        for name, level in (("images", 100), ("masks", 1)):
            (folder / "other" / "test" / name).mkdir(parents=True, exist_ok=True)
            (folder / "other" / "train" / name).mkdir(parents=True, exist_ok=True)
            pixels = Image.fromarray(np.full((8, 12), level, np.uint8))
            for part in ("train", "test"):
                pixels.save(folder / "other" / part / name / f"{number}.png")
    capsys.readouterr()
    run("evaluate", "run", "--dataset", "other", "--json")
    confusion = np.array(json.loads(capsys.readouterr().out)["confusion"])
    assert confusion.sum(1).tolist() == [0, 5 * 96, 0]


def test_the_recipe_says_what_is_not_found(folder, capsys):
    put(folder / "set", masks="labels")
    write('masks = "labels"\nclasses = ["a", "b", "c"]\nignore_index = 255\nresize = [4, 6]')
    run("train", "net.toml", "--out", "run")
    assert "masks     3 classes: a, b, c; 255 does not count\n" in capsys.readouterr().out
    section = recipes.load("run").data
    assert (section.masks, section.classes, section.ignore_index) == ("labels", ["a", "b", "c"], 255)
    classifier = Classifier.load("run")
    assert classifier.classes == ("a", "b", "c")
    assert classifier.reading["masks"] == "labels"
    run("evaluate", "run")
    assert capsys.readouterr().out.startswith("set: test pixel accuracy")
    run("report", "run")


def test_options_say_the_same(folder, fails):
    put(folder / "set", masks="labels")
    write()
    options = ("--masks", "labels", "--classes", "sky, sea,sand", "--ignore-index", "255")
    run("train", "net.toml", *options, "--out", "run", "--quiet")
    section = recipes.load("run").data
    assert (section.masks, section.classes, section.ignore_index) == ("labels", ["sky", "sea", "sand"], 255)
    assert "--resume goes on by the recipe of the run: leave out --masks" in fails(
        "train", "--resume", "run", "--masks", "labels"
    )
    assert "has the value 2, but there are 2 classes (0 to 1)" in fails(
        "train", "net.toml", "--masks", "labels", "--classes", "a,b"
    )
    run("lr-find", "net.toml", *options, "--steps", "4")
    with pytest.raises(SystemExit):
        main(["train", "net.toml", "--classes", "a,,b"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("classes = [1]", "net.toml: data.classes must be a sequence of str, got [1]"),
        ("classes = []", "net.toml: data.classes must be a sequence of str, got []"),
        ('masks = "a/b"', "load: masks must be the name of a folder, got 'a/b'"),
        ('ignore_index = "x"', "net.toml: data.ignore_index must be an integer, got 'x'"),
        ("masks = 3", "net.toml: data.masks must be a string, got 3"),
    ],
)
def test_wrong_keys_of_a_recipe(folder, fails, more, message):
    put(folder / "set")
    write(more)
    assert message in fails("train", "net.toml")


def test_a_network_of_other_classes(folder, fails):
    put(folder / "set")
    write('classes = ["a", "b", "c", "d"]')
    assert "the network makes 3x8x12 outputs of an image of (1, 8, 12); the targets need 4x8x12" in fails(
        "train", "net.toml"
    )


def test_a_network_of_the_zoo(folder, capsys):
    put(folder / "set", 10, (16, 24))
    run("train", "unet-scenes", "--dataset", "set", "--epochs", "1", "--batch-size", "4", "--out", "run")
    assert "masks     3 classes" in capsys.readouterr().out
    assert Classifier.load("run").kind.outputs == (3, 16, 24)
