"""Trainings and predictions of one process at the same time, in threads and in children."""

import multiprocessing

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.data import Dataset, Loader

from .emulation import EMULATED, forks
from .parallel import child_exits_with, in_threads, with_threads

FORKS = 5 if EMULATED else 50


def network(seed=0):
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Dropout(0.2), nn.Flatten(), nn.Linear(8 * 36, 10)),
    ).initialize(seed=seed)


def pictures(count=200, seed=0):
    rng = np.random.default_rng(seed)
    return Dataset(rng.integers(0, 256, (count, 1, 12, 12), np.uint8), rng.integers(0, 10, count))


def train(seed, epochs=2):
    """Return the bits of the weights after a training."""
    model = network(seed)
    trainer = fastcnn.Trainer(model, optim.Adam(model.parameters()), nn.CrossEntropyLoss(), seed=seed)
    trainer.fit(pictures(seed=seed), epochs=epochs, batch_size=32, progress=False)
    return {name: array.tobytes() for name, array in model.state_dict().items()}


def test_eight_threads_predict_with_one_model():
    """Each its own images, of one image and of many, through the engine and layer by layer."""
    fastcnn.set_num_threads(2)
    model = network().eval()
    samples = [pictures(n, seed=n).images.astype(np.float32) for n in (1, 1, 2, 7, 16, 40, 130, 300)]
    want = [(model.predict(x, 64), model(x)) for x in samples]

    def work(x, compiled, eager):
        for _ in range(10):
            np.testing.assert_array_equal(model.predict(x, 64), compiled)
            np.testing.assert_array_equal(model(x), eager)

    jobs = [lambda x=x, y=y: work(x, *y) for x, y in zip(samples, want, strict=True)]
    assert not in_threads(*jobs)


def test_eight_threads_train_a_model_each():
    fastcnn.set_num_threads(2)
    want, got = [train(seed) for seed in range(8)], {}

    def work(seed):
        got[seed] = train(seed)

    assert not in_threads(*[lambda seed=seed: work(seed) for seed in range(8)])
    assert [got[seed] for seed in range(8)] == want


def test_the_number_of_threads_is_set_by_another_thread_while_one_trains():
    want, got = train(3), []

    def change():
        while not got:
            for count in (1, 2, 5, 16):
                fastcnn.set_num_threads(count)

    assert not in_threads(lambda: got.append(train(3)), change)
    assert got == [want]


@forks
@with_threads
def test_fifty_children_predict_train_and_read_on():
    """Forked after a training, in the middle of an epoch of a loader whose thread runs."""
    fastcnn.set_num_threads(2)
    weights, model, data = train(1), network(5), pictures()
    x = data.images[:40].astype(np.float32)
    predicted = model.predict(x)
    loader = Loader(data, 16, seed=3, prefetch=2)
    whole = [labels.copy() for _, labels in loader.epoch(1)]
    batches = loader.epoch(1)
    read = [next(batches)[1].copy() for _ in range(3)]
    np.testing.assert_array_equal(read, whole[:3])

    def child():
        rest = [labels for _, labels in batches]
        right = len(rest) == len(whole) - 3 and all(map(np.array_equal, rest, whole[3:]))
        return right and np.array_equal(model.predict(x), predicted) and train(1) == weights

    assert [child_exits_with(child) for _ in range(FORKS)] == [0] * FORKS
    for labels, wanted in zip(batches, whole[3:], strict=True):
        np.testing.assert_array_equal(labels[1], wanted)
    assert train(1) == weights


def work_of_a_child(model, x):
    return model.predict(x), train(1)


@with_threads
@pytest.mark.parametrize(
    "method", [pytest.param("fork", marks=forks), pytest.param("forkserver", marks=forks), "spawn"]
)
def test_processes_of_multiprocessing(method):
    fastcnn.set_num_threads(2)
    weights, model = train(1), network()
    x = pictures().images.astype(np.float32)
    want = model.predict(x)
    with multiprocessing.get_context(method).Pool(2) as pool:
        results = pool.starmap(work_of_a_child, [(model, x)] * 4)
    for predicted, trained in results:
        np.testing.assert_array_equal(predicted, want)
        assert trained == weights
