import pytest

import fastcnn
from fastcnn import data


@pytest.fixture(autouse=True)
def one_thread():
    """Small work is fastest on one thread; results do not depend on it."""
    before = fastcnn.get_num_threads()
    fastcnn.set_num_threads(1)
    yield
    fastcnn.set_num_threads(before)


@pytest.fixture(scope="session")
def mnist():
    """2,000 training and 500 validation images, balanced."""
    train, _ = data.load("mnist")
    return data.split(data.stratified_subset(train, 2500, seed=0), 500, seed=0)


@pytest.fixture(scope="session")
def small(mnist):
    """300 training and 100 validation images, balanced."""
    return data.stratified_subset(mnist[0], 300, seed=1), data.stratified_subset(mnist[1], 100, seed=1)
