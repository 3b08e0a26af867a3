"""Small data sets of one's own, from the command line."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from fastcnn import recipes
from fastcnn.cli import main
from fastcnn.recipes import Experiment, read_recipe
from fastcnn.training import History

rng = np.random.default_rng(0)


def save(path, count=144, classes=3, shape=(1, 12, 12), **more):
    np.savez(
        path,
        images=rng.integers(0, 256, (count, *shape), np.uint8),
        labels=np.arange(count) % classes,
        **more,
    )


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Make the current folder one with small.npz and net.txt."""
    monkeypatch.chdir(tmp_path)
    save("small.npz")
    (tmp_path / "net.txt").write_text("Conv 4 3 1 0\nReLU\nFC 3\n")


def data_line(capsys):
    out = capsys.readouterr().out
    return next(line for line in out.splitlines() if line.startswith("data"))


def train(*options):
    argv = ["train", "net.txt", "--dataset", "small.npz", "--epochs", "1", "--no-curves"]
    return main([*argv, *options])


@pytest.mark.parametrize(
    ("options", "counts"),
    [
        # 144 images: 29 are the test set, and a fifth of the others is for validation.
        ((), "92 training, 23 validation, 29 test images"),
        (("--validation", "0.4"), "69 training, 46 validation, 29 test images"),
        (("--validation", "40%"), "69 training, 46 validation, 29 test images"),
        (("--validation", "10"), "105 training, 10 validation, 29 test images"),
        (("--limit", "30"), "30 training, 23 validation, 29 test images"),
    ],
)
def test_a_share_is_kept_apart(small, capsys, options, counts):
    assert train(*options) == 0
    assert data_line(capsys) == f"data      small.npz, 1x12x12: {counts}"
    # The folder repeats it.
    assert main(["train", "runs/net-1", "--no-curves"]) == 0
    assert data_line(capsys).endswith(counts)


def test_no_validation(small, capsys):
    assert train("--validation", "0") == 0
    out = capsys.readouterr().out
    assert "115 training, 0 validation, 29 test images" in out
    assert "best      epoch 1 of 1, accuracy " in out


def test_numbers_that_do_not_fit_are_told(small, fails):
    # 144 images, of which 29 are the test set.
    error = fails("train", "net.txt", "--dataset", "small.npz", "--validation", "143")
    assert error == (
        "net.txt: data.validation: split: validation=143 leaves none of the 115 images for training; "
        "possible is 1 to 114; the data set has 115 training images beside 29 test images; "
        "give --validation, a number or a fraction such as 0.2"
    )


@pytest.mark.parametrize("text", ["some", "1e3", "-5", "1.5", "100%", "%", "nan", "twenty%"])
def test_what_validation_expects(capsys, text):
    with pytest.raises(SystemExit):
        main(["train", f"--validation={text}"])
    assert capsys.readouterr().err.endswith(
        "argument --validation: must be a number of images such as 1000, or a fraction below 1 such as 0.2 "
        f"or 20%, got {text!r}\n"
    )


def test_help_tells_what_validation_is(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "0.2 or 20%;" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", ["residual-mnist", "spec-lenet", "plain-mnist-bn-relu"])
def test_recipes_of_the_package_take_small_sets(tmp_path, monkeypatch, name):
    """They drop a last batch, and use so many images of each class."""
    monkeypatch.chdir(tmp_path)
    labels = np.repeat(np.arange(10), [2, *[12] * 8, 30])
    images = rng.integers(0, 256, (len(labels), 1, 28, 28), np.uint8)
    np.savez("small.npz", images=images, labels=labels)
    recipe = recipes.load(name).replace("data.dataset", "small.npz", "test")
    made = Experiment(recipe.replace("training.epochs", 1, "test"))
    assert (len(made.train), len(made.validation), len(made.test)) == (82, 20, 26)
    assert len(made.fit(progress=False)) == 1
    # What it came to is in the recipe that is written into the folder.
    again = Experiment(read_recipe(made.recipe.to_dict(), "again"))
    assert (len(again.train), len(again.validation), len(again.test)) == (82, 20, 26)


def test_numbers_of_a_recipe_of_ones_own_stay(tiny_recipe):
    assert len(Experiment(tiny_recipe({"validation": 60})).validation) == 60
    assert len(Experiment(tiny_recipe({})).validation) == 23


@pytest.fixture
def tiny_recipe(small):
    def make(data):
        table = {
            "model": {"spec": "FC 3"},
            "data": {"dataset": "small.npz", **data},
            "optimizer": {"type": "Adam"},
            "training": {"epochs": 1, "batch_size": 20},
        }
        return read_recipe(table, "my.toml")

    return make


def test_validation_images_of_its_own(small, capsys, tiny_recipe):
    images = rng.integers(0, 256, (30, 1, 12, 12), np.uint8)
    arrays = {f"{part}_images": images for part in ("train", "val", "test")}
    np.savez(
        "small.npz", **arrays, **{f"{part}_labels": np.arange(30) % 3 for part in ("train", "val", "test")}
    )
    assert train() == 0
    assert data_line(capsys).endswith("30 training, 30 validation, 30 test images")
    assert main(["evaluate", "runs/net-1"]) == 0
    recipe = tiny_recipe({}).replace("training.monitor", "loss", "test")
    assert Experiment(recipe.replace("data.validation", 0, "test")).validation is None


def test_channels_last(small, capsys, fails):
    save("small.npz", shape=(12, 12, 3))
    assert 'layout="NHWC" (--layout NHWC)' in fails("train", "net.txt", "--dataset", "small.npz")
    assert train("--layout", "NHWC") == 0
    assert "small.npz, 3x12x12: " in data_line(capsys)
    # The run knows how to read its data set.
    assert main(["evaluate", "runs/net-1"]) == 0
    assert main(["report", "runs/net-1"]) == 0
    assert main(["summary", "runs/net-1"]) == 0
    assert main(["lr-find", "net.txt", "--dataset", "small.npz", "--layout", "NHWC", "--steps", "3"]) == 0


def test_files_with_a_byte_order_mark(small, tmp_path):
    (tmp_path / "net.txt").write_text("Conv 4 3 1 0\nReLU\nFC 3\n", encoding="utf-8-sig")
    (tmp_path / "net.json").write_text('[{"type": "Linear", "out_features": 3}]', encoding="utf-8-sig")
    text = (
        '[model]\nfile = "net.json"\n[data]\ndataset = "small.npz"\n[optimizer]\ntype = "Adam"\n'
        "[training]\nepochs = 1\nbatch_size = 20\n"
    )
    (tmp_path / "my.toml").write_text(text, encoding="utf-8-sig")
    assert train("--quiet") == 0
    assert main(["train", "my.toml", "--quiet"]) == 0
    assert main(["train", "net.json", "--dataset", "small.npz", "--epochs", "1", "--quiet"]) == 0


def test_pictures_of_twelve_bits(small, capsys, tmp_path, fails):
    """What was said of white in training holds for predictions."""
    image = pytest.importorskip("PIL.Image")
    # Class a is light on the left, class b on the right.
    for label, name in enumerate("ab"):
        (tmp_path / "deep" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 1500, (8, 8)).astype(np.uint16)
            pixels[:, 4 * label : 4 * label + 4] += 2500
            image.fromarray(pixels).save(tmp_path / "deep" / name / f"{number}.png")
    (tmp_path / "two.txt").write_text("FC 2\n")
    argv = ["train", "two.txt", "--dataset", "deep", "--epochs", "60"]
    argv += ["--batch-size", "8", "--no-curves", "--quiet"]
    assert "--white, such as 4095" in fails(*argv)
    assert main([*argv, "--white", "4095"]) == 0
    capsys.readouterr()
    assert main(["predict", "runs/two-1", "deep/a/0.png", "deep/b/0.png", "--invert", "no"]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]
    assert main(["evaluate", "runs/two-1"]) == 0
    assert "test accuracy 100.00%" in capsys.readouterr().out
    assert fails("predict", "runs/two-1", "deep/b/0.png", "--white", "1000").endswith("0 and white 1000")


def test_pictures_of_many_sizes(small, capsys, tmp_path, fails):
    """They are resized in training, evaluation and prediction alike."""
    image = pytest.importorskip("PIL.Image")
    # Class a is light on the left, class b on the right.
    for label, name in enumerate("ab"):
        (tmp_path / "many" / name).mkdir(parents=True)
        for number in range(20):
            height, width = 10 + number, 30 - number
            pixels = rng.integers(0, 100, (height, width)).astype(np.uint8)
            pixels[:, width // 2 * label :][:, : width // 2] += 150
            image.fromarray(pixels).save(tmp_path / "many" / name / f"{number}.{('png', 'jpg')[number % 2]}")
    (tmp_path / "two.txt").write_text("FC 2\n")
    argv = ["train", "two.txt", "--dataset", "many", "--epochs", "60"]
    argv += ["--batch-size", "8", "--no-curves", "--quiet"]
    assert "all pictures must have one size: resize=... or --resize brings them to one" in fails(*argv)
    assert main([*argv, "--resize", "9"]) == 0
    assert main([*argv, "--resize", "6X11"]) == 0
    capsys.readouterr()
    for run, notes in (("two-1", "(29x11 resized and cut to 9x9)"), ("two-2", "(29x11 resized to 11x6)")):
        assert main(["predict", f"runs/{run}", "many/a/1.jpg", "many/b/1.jpg", "--invert", "no"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[1] for line in lines] == ["a", "b"]
        assert all(line.endswith(notes) for line in lines)
        assert main(["evaluate", f"runs/{run}"]) == 0
        assert "test accuracy 100.00%" in capsys.readouterr().out
    assert "resize = [6, 11]" in " ".join((tmp_path / "runs/two-2/config.toml").read_text().split()).replace(
        "[ 6, 11, ]", "[6, 11]"
    )
    assert main(["train", "runs/two-2", "--epochs", "1", "--quiet", "--no-curves"]) == 0


@pytest.mark.parametrize("size", ["0", "x", "8x", "-8", "8x8x8", "8.5"])
def test_sizes_that_are_none(small, capsys, size):
    with pytest.raises(SystemExit):
        main(["train", "net.txt", "--resize=" + size])
    assert f"must be the shorter side such as 64, or height and width such as 48x64, got '{size}'" in (
        " ".join(capsys.readouterr().err.split())
    )


def test_a_folder_of_npy_files_as_the_file_with_these_arrays(small, capsys):
    """Training, and evaluation of what came of it: the arrays are the same, and so are all figures."""
    arrays = {name: value for part in ("train", "val", "test") for name, value in _part(part).items()}
    np.savez("parts.npz", **arrays)
    Path("parts").mkdir()
    for name, array in arrays.items():
        np.save(f"parts/{name}.npy", array)
    tables = []
    for source in ("parts.npz", "parts"):
        assert (
            main(["train", "net.txt", "--dataset", source, "--epochs", "2", "--no-curves", "--out", "run"])
            == 0
        )
        assert main(["evaluate", "run"]) == 0
        columns = History.from_csv("run/history.csv")
        tables.append([columns[name] for name in ("loss", "val_loss", "val_accuracy")])
        shutil.rmtree("run")
    assert tables[0] == tables[1]


def _part(name):
    images = rng.integers(0, 256, (30, 1, 12, 12), np.uint8)
    return {f"{name}_images": images, f"{name}_labels": np.arange(30) % 3}
