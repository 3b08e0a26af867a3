"""CIFAR-10's folder and archive, and the version that is never read."""

import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from fastcnn.data import cifar10
from fastcnn.errors import DataError

RECORDS = 20


@pytest.fixture(scope="module")
def content():
    """Return the bytes of the six files, by name."""
    rng = np.random.default_rng(0)
    files = {}
    for name in (*cifar10.TRAIN, cifar10.TEST):
        records = rng.integers(0, 256, (RECORDS, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        files[name] = records.tobytes()
    return files


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Let the files have few images."""
    monkeypatch.setattr(cifar10, "RECORDS", RECORDS)


@pytest.fixture
def folder(tmp_path, content):
    inner = tmp_path / cifar10.FOLDER
    inner.mkdir()
    for name, data in content.items():
        (inner / name).write_bytes(data)
    return inner


@pytest.fixture
def archive(tmp_path, content):
    """Return a function that writes an archive with the files in any order."""

    def write(files, path=tmp_path / cifar10.ARCHIVE):
        with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as tar:
            for name, data in {**files, "readme.html": b"<html>", "batches.meta.txt": b"cat\n"}.items():
                info = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return path

    return write


def assert_is(parts, content):
    for (images, labels), names in zip(parts, (cifar10.TRAIN, (cifar10.TEST,)), strict=True):
        records = np.concatenate([np.frombuffer(content[name], np.uint8) for name in names]).reshape(-1, 3073)
        np.testing.assert_array_equal(labels, records[:, 0])
        np.testing.assert_array_equal(images.reshape(len(labels), -1), records[:, 1:])
        assert images.shape == (RECORDS * len(names), 3, 32, 32)
        assert (images.dtype, labels.dtype) == (np.uint8, np.int64)


def test_folder_and_its_parent(folder, tmp_path, content):
    assert_is(cifar10.read(str(folder)), content)
    assert_is(cifar10.read(str(tmp_path)), content)


def test_archive_in_any_order(archive, tmp_path, content):
    path = archive(dict(reversed(content.items())))
    assert_is(cifar10.read(str(tmp_path)), content)
    assert_is(cifar10.read(str(path)), content)


def test_file_of_another_length(folder, archive, content):
    path = folder / "data_batch_3.bin"
    path.write_bytes(content[path.name][:-3073])
    with pytest.raises(DataError, match=f"^{path}: has {RECORDS - 1} images, expected {RECORDS}$"):
        cifar10.read(str(folder))
    path = archive({**content, "data_batch_3.bin": content["data_batch_3.bin"][:-3073]})
    with pytest.raises(
        DataError, match=f"^{path}: {cifar10.FOLDER}/data_batch_3.bin has .* bytes, expected "
    ):
        cifar10.read(str(path))


def test_wrong_label(archive, content):
    path = archive({**content, cifar10.TEST: b"\x0b" + content[cifar10.TEST][1:]})
    expected = f"^{path}: {cifar10.FOLDER}/test_batch.bin: record 0 has the label 11, expected 0 to 9$"
    with pytest.raises(DataError, match=expected):
        cifar10.read(str(path))


def test_missing(folder, tmp_path):
    (folder / cifar10.TEST).unlink()
    with pytest.raises(DataError, match=f"^{folder / cifar10.TEST}: No such file or directory$"):
        cifar10.read(str(tmp_path))
    with pytest.raises(
        DataError, match=r"none/cifar-10-binary.tar.gz: there is no such file, nor data_batch_1"
    ):
        cifar10.read(str(tmp_path / "none"))


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_pickles_are_never_read(tmp_path):
    trap = tmp_path / "sprung"
    inner = tmp_path / "cifar-10-batches-py"
    inner.mkdir()
    (inner / "data_batch_1").write_bytes(pickle.dumps(Trap(trap)))
    python = tmp_path / "cifar-10-python.tar.gz"
    python.write_bytes(b"")
    for root in (tmp_path, inner, python):
        with pytest.raises(
            DataError, match=r"made of pickles.* use the binary version, cifar-10-binary.tar.gz"
        ):
            cifar10.read(str(root))
    assert not trap.exists()
