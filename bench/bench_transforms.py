"""Augmentation of whole uint8 batches, on real digits, against NumPy."""

import numpy as np
import pytest

from fastcnn import data
from fastcnn.data import transforms

from . import plain
from .compare import SIDES, clock, compare

BATCH = 512


@pytest.fixture(scope="module")
def images():
    return np.ascontiguousarray(data.load("mnist")[1].images[:BATCH])


@pytest.mark.parametrize("side", SIDES)
def test_normalize(benchmark, images, side):
    transform = transforms.Normalize(0.1307, 0.3081)
    functions = {
        "fastcnn": lambda: transform(images),
        "numpy": lambda: plain.normalize(images, 0.1307, 0.3081),
    }
    compare(benchmark, side, functions, "Normalize", images=BATCH)


@pytest.mark.parametrize("side", SIDES)
def test_affine(benchmark, images, side):
    transform = transforms.RandomAffine(5, (0.05, 0.05), (0.95, 1.05))
    height, width = images.shape[2:]

    def maps():
        return transform.matrices(BATCH, height, width, np.random.default_rng(0))

    ours = transform(images, np.random.default_rng(0)).astype(int)
    # The kernel computes in float32: where it meets a half, the byte may differ by one.
    assert np.abs(ours - plain.affine(images, maps())).max() <= 1
    functions = {
        "fastcnn": lambda: transform(images, np.random.default_rng(0)),
        "numpy": lambda: plain.affine(images, maps()),
    }
    compare(benchmark, side, functions, "RandomAffine", images=BATCH, tolerance=1.5 / 255)


def _augmentations():
    return {
        "RandomCrop": transforms.RandomCrop(28, 3),
        "RandomErasing": transforms.RandomErasing(0.1),
        "RandomHorizontalFlip": transforms.RandomHorizontalFlip(),
        "compact-mnist (affine, erasing)": transforms.Compose(
            [transforms.RandomAffine(5, (0.05, 0.05), (0.95, 1.05)), transforms.RandomErasing(0.1)]
        ),
    }


@pytest.mark.parametrize("name", _augmentations())
def test_augmentation(benchmark, images, name):
    """Augmentation that is NumPy itself, and a whole recipe's: how many images a second it can feed."""
    transform, rng = _augmentations()[name], np.random.default_rng(0)
    result = transform(images, rng)
    assert result.shape == images.shape
    assert result.dtype == images.dtype
    assert (result != images).any()
    clock(benchmark, lambda: transform(images, rng), name, images=BATCH)
