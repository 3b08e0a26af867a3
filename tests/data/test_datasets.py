"""load: MNIST as it is, wherever it lies, and what it refuses."""

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import fastcnn.data
from fastcnn.data import load, names
from fastcnn.errors import ArgumentError, DataError, DTypeError

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


def test_missing_file(tmp_path):
    with pytest.raises(DataError) as caught:
        load("mnist", root=tmp_path)
    first = tmp_path / "train-images-idx3-ubyte"
    assert str(caught.value) == f"{first}: there is no such file, nor {first.name}.gz beside it"


def test_refuses():
    assert names() == ("mnist",)
    with pytest.raises(ArgumentError, match="load: no data set is called 'mnits'; there is mnist"):
        load("mnits")
    with pytest.raises(DTypeError, match="load: name must be a str, got 5"):
        load(5)
    with pytest.raises(DTypeError, match="load: root must be a path, got 5"):
        load("mnist", root=5)


def test_notice_names_authors_and_licence():
    notice = (PACKAGED / "NOTICE").read_text(encoding="ascii")
    for words in ("Yann LeCun and Corinna Cortes", "CC BY-SA 3.0", "unmodified"):
        assert words in notice
