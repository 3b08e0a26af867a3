"""What tells data sets and parts of a training from each other."""

import functools

import numpy as np
import pytest

from fastcnn import data
from fastcnn.data import transforms
from fastcnn.training import conditions
from fastcnn.training.conditions import _told, fingerprint


def dataset(images=None, labels=(0, 1, 2), **options):
    images = np.arange(3 * 16, dtype=np.uint8).reshape(3, 1, 4, 4) if images is None else images
    return data.Dataset(images, labels, **options)


def test_the_same_data_have_the_same_fingerprint():
    assert fingerprint(dataset()) == fingerprint(dataset())
    strided = np.repeat(dataset().images, 2, axis=3)[..., ::2]
    assert fingerprint(dataset(strided)) == fingerprint(dataset())
    assert fingerprint(None) is None


def test_other_data_have_another_one():
    images = dataset().images
    pixel = images.copy()
    pixel[2, 0, 3, 3] ^= 1
    others = [
        dataset(pixel),
        dataset(images[[1, 0, 2]]),
        dataset(images.reshape(3, 4, 2, 2)),
        dataset(images.astype(np.float32)),
        dataset(labels=(0, 2, 1)),
        dataset(classes=("a", "b", "c")),
        dataset((images, np.zeros((3, 1)))),
    ]
    assert len({fingerprint(each) for each in [dataset(), *others]}) == 1 + len(others)


@pytest.mark.parametrize("rows", [1, 1000, 9000])
def test_of_large_data_a_part_is_read(monkeypatch, rows):
    """Rows in even steps; a change among them is seen."""
    images = np.zeros((rows, 1, 32, 32), np.uint8)
    labels = np.zeros(rows, int)
    before = fingerprint(dataset(images, labels))
    monkeypatch.setattr(conditions, "_MOST_BYTES", images.nbytes // 2)
    images[0, 0, 5, 5] = 1
    assert fingerprint(dataset(images, labels)) != before


def test_parts_are_told_apart_without_addresses():
    assert _told(transforms.RandomHorizontalFlip(0.3)) == "RandomHorizontalFlip(p=0.3)"
    assert _told(fingerprint) == "fastcnn.training.conditions.fingerprint"
    assert _told(functools.partial(print)) == "functools.partial(<built-in function print>)"
    assert _told(object()) == "builtins.object"
    assert _told(None) is None
