import copy

import pytest

import fastcnn

# Trains in a blink.
TINY = {
    "name": "tiny",
    "model": {"spec": "Conv 4 5 3 0\nReLU\nFC 10\n"},
    "data": {"validation": 200, "train": 300, "test": 100},
    "optimizer": {"type": "Adam", "lr": 0.01},
    "training": {"epochs": 2, "batch_size": 50},
}


@pytest.fixture(autouse=True, scope="package")
def one_thread():
    """Small work is fastest on one thread; results do not depend on it."""
    before = fastcnn.get_num_threads()
    fastcnn.set_num_threads(1)
    yield
    fastcnn.set_num_threads(before)


@pytest.fixture
def tiny():
    """Tables of a small recipe, to be changed."""
    return copy.deepcopy(TINY)
