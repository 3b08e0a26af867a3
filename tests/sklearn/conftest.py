"""These tests need scikit-learn."""

import importlib.util

import numpy as np
import pytest

from fastcnn import data

if importlib.util.find_spec("sklearn") is None:
    collect_ignore_glob = ["*.py"]


@pytest.fixture(scope="session")
def digits():
    """Digits of MNIST: 2,000 to train on, 1,000 others."""
    train, test = data.load("mnist")
    return train.images[:2000], train.labels[:2000], test.images[:1000], test.labels[:1000]


@pytest.fixture
def rows():
    """Rows of four numbers, and three classes that are told by two of them."""
    X = np.random.default_rng(0).normal(size=(150, 4))
    return X, (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
