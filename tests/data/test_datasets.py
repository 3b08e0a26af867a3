"""load: data sets with a name, wherever they lie, and what it refuses."""

import dataclasses
import gzip
import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import fastcnn.data
from fastcnn.data import Dataset, cache_folder, catalog, cifar10, fetch, load, named, names, verify
from fastcnn.data.datasets import of_images
from fastcnn.errors import ArgumentError, DataError, DTypeError

from .conftest import ranged

PACKAGED = Path(fastcnn.data.__file__).parent / "mnist"
FILES = sorted(path.name for path in PACKAGED.glob("*.gz"))


@pytest.fixture(scope="module")
def mnist():
    return load("mnist")


def test_sizes_and_label_counts(mnist):
    train, test = mnist
    assert (len(train), len(test)) == (60000, 10000)
    for part in mnist:
        assert part.images.dtype == np.uint8
        assert part.image_shape == (1, 28, 28)
        assert part.classes == tuple("0123456789")
        assert part.images.flags.c_contiguous
    np.testing.assert_array_equal(
        train.class_counts(), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    )
    np.testing.assert_array_equal(
        test.class_counts(), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    )
    np.testing.assert_array_equal(train.labels[:5], [5, 0, 4, 1, 9])
    assert repr(train) == "Dataset('mnist train', 60000 images of 1x28x28 uint8, 10 classes)"


def test_mean_and_deviation(mnist):
    counts = np.bincount(mnist[0].images.ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = (counts * values).sum() / counts.sum()
    deviation = np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum())
    assert round(mean, 4) == 0.1307
    assert round(deviation, 4) == 0.3081


def test_root_with_plain_and_gzip_files(mnist, tmp_path):
    for name in FILES:
        if "t10k" in name:
            (tmp_path / name[:-3]).write_bytes(gzip.decompress((PACKAGED / name).read_bytes()))
        else:
            os.symlink(PACKAGED / name, tmp_path / name)
    for part, expected in zip(load("mnist", root=tmp_path), mnist, strict=True):
        np.testing.assert_array_equal(part.images, expected.images)
        np.testing.assert_array_equal(part.labels, expected.labels)


def test_other_content_is_refused(tmp_path):
    for name in FILES:
        shutil.copy(PACKAGED / name, tmp_path)
    path = tmp_path / "train-labels-idx1-ubyte"
    content = bytearray(gzip.decompress((PACKAGED / f"{path.name}.gz").read_bytes()))
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        load("mnist", root=str(tmp_path))
    assert str(caught.value).startswith(f"{path}: the SHA-256 of its content is ")
    assert "expected 65a50cbb" in str(caught.value)


@pytest.mark.parametrize("packed", [True, False])
def test_names_with_a_dot(tmp_path, packed):
    for path in PACKAGED.glob("*.gz"):
        content = path.read_bytes()
        name = path.name.replace("-idx", ".idx")
        if packed:
            (tmp_path / name).write_bytes(content)
        else:
            (tmp_path / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
    train, test = load("mnist", root=tmp_path)
    assert (len(train), len(test)) == (60_000, 10_000)


def test_missing_file(tmp_path):
    with pytest.raises(DataError) as caught:
        load("mnist", root=tmp_path)
    first = tmp_path / "train-images-idx3-ubyte"
    assert str(caught.value) == f"{first}: there is no such file, nor {first.name}.gz beside it"


def test_refuses():
    assert names() == ("mnist", "fashion-mnist", "cifar10", "mnist-scenes")
    expected = (
        "^load: no data set is called 'mnits', and no file or folder; there is mnist, fashion-mnist, "
        "cifar10, mnist-scenes$"
    )
    with pytest.raises(ArgumentError, match=expected):
        load("mnits")
    with pytest.raises(DTypeError, match="load: name must be a str, got 5"):
        load(5)
    with pytest.raises(DTypeError, match="load: root must be a path, got 5"):
        load("mnist", root=5)


def test_images_that_are_their_own_targets(tmp_path):
    train, test = load("mnist", targets="images")
    assert (train.task, len(train), len(test)) == ("regression", 60_000, 10_000)
    assert train.labels.dtype == np.float32
    np.testing.assert_array_equal(train.labels[:9], train.images[:9] / np.float32(255))
    path = str(tmp_path / "own.npz")
    images = np.linspace(-1, 1, 6 * 4, dtype=np.float32).reshape(6, 1, 2, 2)
    np.savez(path, images=images, labels=np.arange(6) % 2)
    train, test = load(path, targets="images", value_range=(-1, 1))
    np.testing.assert_allclose(train.labels, (train.images + 1) / 2, atol=1e-6)
    assert train.value_range == (-1, 1)
    images *= 40
    np.savez(path, images=images, labels=np.arange(6) % 2)
    with pytest.raises(
        ArgumentError, match=r"^load: targets 'images' need the values of black and white: give "
    ):
        load(path, targets="images")
    with pytest.raises(ArgumentError, match=r"^load: targets must be None or one of images, got 'labels'$"):
        load("mnist", targets="labels")


def test_targets_of_several_inputs():
    several = Dataset((np.zeros((2, 1, 2, 2), np.uint8), np.zeros((2, 3), np.float32)), [0, 1])
    with pytest.raises(ArgumentError, match=r"^load: targets 'images' need one input, got 2$"):
        of_images(several)


def test_loaded_once_and_safe_from_callers():
    once, again = load("mnist"), load("mnist")
    for part, other in zip(once, again, strict=True):
        assert np.shares_memory(part.images, other.images)
        # A Dataset is each caller's own, what it holds cannot be changed.
        assert part is not other
        for array in (other.images, other.labels):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
            with pytest.raises(ValueError, match="cannot set WRITEABLE"):
                array.setflags(write=True)
    again[0].images = None
    assert load("mnist")[0].images is not None


def test_files_that_change_are_read_again(tmp_path):
    for name in FILES:
        shutil.copy(PACKAGED / name, tmp_path)
    load("mnist", root=tmp_path)
    path = tmp_path / FILES[0]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"^{path}: "):
        load("mnist", root=tmp_path)


# --- Fashion-MNIST and CIFAR-10 ---


@pytest.fixture
def official(server, monkeypatch, tmp_path):
    """Serve small files in the place of Fashion-MNIST's; return them by name."""
    monkeypatch.setenv("FASTCNN_DATA", str(tmp_path / "cache"))
    source = catalog.SOURCES["fashion-mnist"]
    files, contents = [], {}
    for name, shape, code in (
        (catalog.TRAIN_IMAGES, (60, 28, 28), 3),
        (catalog.TRAIN_LABELS, (60,), 1),
        (catalog.TEST_IMAGES, (10, 28, 28), 3),
        (catalog.TEST_LABELS, (10,), 1),
    ):
        array = (np.arange(np.prod(shape)) % (256 if code == 3 else 10)).astype(np.uint8)
        header = bytes([0, 0, 8, code]) + np.array(shape, ">u4").tobytes()
        content = contents[f"{name}.gz"] = gzip.compress(header + array.tobytes(), mtime=0)
        url = server.put(f"/{name}.gz", ranged(content))
        digest = hashlib.sha256(content).hexdigest()
        files.append(catalog.RemoteFile(f"{name}.gz", len(content), digest, (server.url("/none"), url)))
    source = dataclasses.replace(source, files=tuple(files), train=60, test=10)
    monkeypatch.setitem(catalog.SOURCES, "fashion-mnist", source)
    return contents


def test_downloads_into_the_cache_and_reads_from_it(official, server, tmp_path):
    train, test = load("fashion-mnist")
    assert (len(train), len(test), train.image_shape) == (60, 10, (1, 28, 28))
    assert train.classes[9] == "Ankle boot"
    np.testing.assert_array_equal(test.labels, range(10))
    assert test.images[0, 0, 1, 3] == 31
    folder = tmp_path / "cache" / "fashion-mnist"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == official
    asked = len(server.asked)
    assert asked == 8
    named._read.cache_clear()
    assert np.array_equal(load("fashion-mnist")[0].images, train.images)
    assert len(server.asked) == asked


def test_damaged_cache_is_downloaded_anew(official, server, tmp_path):
    expected = load("fashion-mnist")[0].images.copy()
    path = tmp_path / "cache" / "fashion-mnist" / f"{catalog.TRAIN_IMAGES}.gz"
    # Of the same size: only the hash can tell.
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    assert verify("fashion-mnist")[str(path)] == "wrong"
    np.testing.assert_array_equal(load("fashion-mnist")[0].images, expected)
    assert path.read_bytes() == official[path.name]


def test_folder_of_the_callers_is_not_written(official, server, tmp_path):
    with pytest.raises(DataError, match=f"^{tmp_path / catalog.TRAIN_IMAGES}: there is no such file"):
        load("fashion-mnist", root=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert server.asked == []
    assert fetch("fashion-mnist", tmp_path) == tuple(str(tmp_path / name) for name in official)
    assert len(load("fashion-mnist", root=tmp_path)[0]) == 60
    assert set(verify("fashion-mnist", tmp_path).values()) == {"right"}
    # Not the official content, but a file of that kind: the caller's to answer for.
    plain = gzip.decompress(official[f"{catalog.TEST_LABELS}.gz"])
    (tmp_path / catalog.TEST_LABELS).write_bytes(plain[:-1] + b"\0")
    assert load("fashion-mnist", root=tmp_path)[1].labels[-1] == 0
    (tmp_path / catalog.TEST_LABELS).write_bytes(plain[:-1] + b"\x0a")
    with pytest.raises(DataError, match="has the label 10, expected 0 to 9"):
        load("fashion-mnist", root=tmp_path)
    shutil.copy(PACKAGED / FILES[0], tmp_path / f"{catalog.TEST_IMAGES}.gz")
    with pytest.raises(
        DataError, match=r"has uint8 \(10000, 28, 28\), but fashion-mnist has uint8 \(10, 28, 28\)"
    ):
        load("fashion-mnist", root=tmp_path)
    with pytest.raises(DataError, match="is not the official file"):
        fetch("fashion-mnist", tmp_path)


def test_cifar10_as_it_is_published(tmp_path, monkeypatch):
    """Six files of 10,000 records, mostly holes."""
    folder = tmp_path / cifar10.FOLDER
    folder.mkdir()
    for number, name in enumerate((*cifar10.TRAIN, cifar10.TEST)):
        with open(folder / name, "wb") as file:
            file.write(bytes([number]) + bytes([10 * number] * 3072))
            file.truncate(30_730_000)
    train, test = load("cifar10", root=tmp_path)
    assert (len(train), len(test), train.image_shape) == (50_000, 10_000, (3, 32, 32))
    np.testing.assert_array_equal(train.labels[::10_000], range(5))
    assert train.classes[train.labels[30_000]] == "cat"
    assert test.images[0].min() == 50
    # Nothing that large is to stay in memory for the other tests.
    named._read.cache_clear()


def test_catalogue():
    for name, source in catalog.SOURCES.items():
        assert source.name == name
        assert len(source.classes) == (11 if source.scenes_of else 10)
        for file in source.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)
            assert len(file.urls) >= 3
            assert all(url.endswith(f"/{file.name}") for url in file.urls)
    # What the publishers' pages state, in megabytes.
    assert round(catalog.SOURCES["cifar10"].size / 2**20) == 162
    assert catalog.SOURCES["mnist"].files == ()


@pytest.mark.parametrize("call", [fetch, verify])
def test_fetch_and_verify_refuse(call, tmp_path):
    what = call.__name__
    with pytest.raises(ArgumentError, match=f"^{what}: no data set is called 'x'"):
        call("x")
    with pytest.raises(DTypeError, match=f"^{what}: name must be a str, got 5"):
        call(5)
    with pytest.raises(DTypeError, match=f"^{what}: root must be a path, got 5"):
        call("cifar10", 5)
    with pytest.raises(ArgumentError, match=f"^{what}: mnist is part of the package"):
        call("mnist", tmp_path)
    assert not call("mnist")


# --- the cache's folder ---


def test_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("FASTCNN_DATA", str(tmp_path / "own"))
    assert cache_folder() == str(tmp_path / "own")
    monkeypatch.setenv("FASTCNN_DATA", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == str(tmp_path / "xdg" / "fastcnn")
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == str(tmp_path / ".cache" / "fastcnn")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == str(tmp_path / "Library" / "Caches" / "fastcnn")


def test_cache_folder_that_is_none(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FASTCNN_DATA", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"file: is not a folder \(FASTCNN_DATA\)$"):
        load("cifar10")


def test_notice_names_authors_and_licence():
    notice = (PACKAGED / "NOTICE").read_text(encoding="ascii")
    for words in ("Yann LeCun and Corinna Cortes", "CC BY-SA 3.0", "unmodified"):
        assert words in notice
