import shutil

import numpy as np

from fastcnn.cli import main
from fastcnn.data import catalog

from ..data.conftest import failing, ranged, server  # noqa: F401, a fixture
from ..data.test_datasets import official  # noqa: F401, a fixture


def test_lists_what_is_where(official, capsys, tmp_path):  # noqa: F811
    assert main(["datasets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "images", "training", "test", "download", "where"]
    assert lines[1].split(maxsplit=5) == ["mnist", "1x28x28", "60,000", "10,000", "none", "in the package"]
    assert lines[2].endswith("not downloaded")
    assert lines[3].split()[:2] == ["cifar10", "3x32x32"]
    assert "170.1 MB" in lines[3]
    row = ["mnist-scenes", "1x64x64", "10,000", "2,000", "none", "made of mnist"]
    assert lines[4].split(maxsplit=5) == row
    assert str(tmp_path / "cache") in lines[6]
    assert main(["datasets", "download", "fashion-mnist"]) == 0
    paths = capsys.readouterr().out.split()
    assert paths == [str(tmp_path / "cache" / "fashion-mnist" / name) for name in official]
    assert main(["datasets", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[2].endswith(str(tmp_path / "cache" / "fashion-mnist"))


def test_verify(official, capsys, tmp_path):  # noqa: F811
    argv = ["datasets", "verify", "fashion-mnist", "--data", str(tmp_path)]
    assert main(argv) == 1
    assert capsys.readouterr().out.count("missing") == 4
    assert main(["datasets", "download", "fashion-mnist", "--data", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(argv) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("right    ") for line in lines)
    assert lines[4].startswith("right    Dataset('fashion-mnist train', 60 images")
    (tmp_path / f"{catalog.TEST_LABELS}.gz").write_bytes(b"")
    assert main(argv) == 1
    assert f"wrong    {tmp_path / catalog.TEST_LABELS}.gz" in capsys.readouterr().out


def test_mnist_needs_no_download(capsys):
    assert main(["datasets", "download", "mnist"]) == 0
    assert capsys.readouterr().out == "mnist is in the package: there is nothing to download\n"
    assert main(["datasets", "verify", "mnist"]) == 0
    assert "60000 images" in capsys.readouterr().out


def test_mistakes(official, server, fails, tmp_path):  # noqa: F811
    assert fails("datasets", "download", "x").startswith("fetch: no data set is called 'x'")
    name = f"/{catalog.TRAIN_IMAGES}.gz"
    server.put(name, failing(403))
    first, *addresses, cure = fails("datasets", "download", "fashion-mnist", lines=4).split("\n")
    assert first.endswith(f"{name}: cannot be downloaded:")
    assert addresses[-1] == f"  {server.url(name)}: HTTP 403 Forbidden"
    assert cure.startswith("Put the file there by hand (")
    assert cure.endswith("or name a folder that has it, with root= or --data.")


def test_training_and_evaluation_take_a_folder(recipe, official, capsys, tmp_path, fails):  # noqa: F811
    folder = tmp_path / "files"
    argv = ["--dataset", "fashion-mnist", "--data", str(folder)]
    assert main(["datasets", "download", "fashion-mnist", "--data", str(folder)]) == 0
    text = (tmp_path / recipe).read_text()
    for old, new in (("200", "10"), ("500", "50"), ("100", "10")):
        text = text.replace(old, new)
    (tmp_path / recipe).write_text(text)
    assert main(["train", recipe, *argv, "--epochs", "1", "--quiet"]) == 0
    assert main(["evaluate", "runs/tiny-1", "--data", str(folder)]) == 0
    assert "fashion-mnist: test accuracy" in capsys.readouterr().out
    # The folder is in the run's config, so that it can be repeated.
    assert main(["train", "runs/tiny-1", "--epochs", "1", "--quiet"]) == 0
    shutil.rmtree(folder)
    assert fails("evaluate", "runs/tiny-1", "--data", str(folder)).startswith(str(folder))


def test_training_takes_a_path(recipe, capsys, tmp_path, fails):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (600, 1, 8, 8), dtype=np.uint8), np.arange(600) % 10
    np.savez(tmp_path / "own.npz", images=images, labels=labels)
    text = (tmp_path / recipe).read_text()
    (tmp_path / recipe).write_text(text.replace("200", "50").replace("500", "200"))
    assert main(["train", recipe, "--dataset", "own.npz", "--epochs", "1"]) == 0
    assert "own.npz, 1x8x8" in capsys.readouterr().out
    assert main(["summary", "runs/tiny-1"]) == 0
    error = fails("train", recipe, "--dataset", "own.npz", "--data", ".")
    assert error == "load: root is for data sets with a name, but 'own.npz' is a path"
    assert fails("train", recipe, "--dataset", "other.npz") == "other.npz: there is no such file or folder"


def test_summary_needs_no_download(recipe, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("FASTCNN_DATA", str(tmp_path / "cache"))
    text = (tmp_path / recipe).read_text()
    (tmp_path / recipe).write_text(text.replace("[data]", '[data]\ndataset = "cifar10"'))
    assert main(["summary", recipe]) == 0
    assert "32" in capsys.readouterr().out
    assert not (tmp_path / "cache").exists()
