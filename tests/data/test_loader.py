"""Loader: what an epoch holds, that it depends on (seed, epoch) alone, and that no thread stays behind."""

import gc
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn._kernels import cpu
from fastcnn.data import Dataset, Loader
from fastcnn.data.transforms import Compose, Normalize, RandomAffine, RandomErasing
from fastcnn.errors import ArgumentError, DTypeError, ShapeError


def numbered(count, classes=3):
    """Image i is filled with i and has the label i % classes."""
    values = np.arange(count, dtype=np.float32).reshape(-1, 1, 1, 1).repeat(4, axis=3)
    return Dataset(values, np.arange(count) % classes)


def threads():
    return [each for each in threading.enumerate() if each.name == "fastcnn-loader"]


@pytest.fixture(autouse=True)
def no_thread_left():
    assert threads() == []
    yield
    gc.collect()
    assert threads() == []


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 40),
    batch_size=st.integers(1, 50),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    prefetch=st.integers(0, 4),
)
def test_an_epoch_holds_every_image_once(count, batch_size, shuffle, drop_last, prefetch):
    if drop_last and batch_size > count:
        return
    loader = Loader(
        numbered(count), batch_size, shuffle=shuffle, drop_last=drop_last, seed=7, prefetch=prefetch
    )
    batches = list(loader.epoch(2))
    sizes = [len(labels) for _, labels in batches]
    expected = [batch_size] * (count // batch_size)
    if count % batch_size and not drop_last:
        expected.append(count % batch_size)
    assert sizes == expected
    assert len(loader) == len(expected)
    seen = np.concatenate([images[:, 0, 0, 0] for images, _ in batches]).astype(int)
    np.testing.assert_array_equal(seen, loader.order(2)[: len(seen)])
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), seen % 3)
    assert len(set(seen.tolist())) == len(seen)
    if not shuffle:
        np.testing.assert_array_equal(seen, np.arange(len(seen)))


def test_order_depends_on_seed_and_epoch_alone():
    data = numbered(100)
    loader = Loader(data, 10, seed=3)
    first = loader.order(0)
    assert sorted(first.tolist()) == list(range(100))
    assert not np.array_equal(first, loader.order(1))
    assert not np.array_equal(first, Loader(data, 10, seed=4).order(0))
    for other in (
        Loader(data, 17, seed=3, drop_last=True),
        Loader(data, 10, seed=3, augment=RandomErasing()),
    ):
        np.testing.assert_array_equal(other.order(0), first)
    # Seeds and epochs are no sum: (3, 1) is not (4, 0).
    assert not np.array_equal(loader.order(1), Loader(data, 10, seed=4).order(0))


def test_augmentation_depends_on_seed_and_epoch_alone():
    images = np.random.default_rng(0).integers(0, 256, (60, 1, 28, 28), dtype=np.uint8)
    data = Dataset(images, np.zeros(60, np.int64))
    augment = Compose([RandomAffine(9, (0.1, 0.1)), RandomErasing(0.5), Normalize(0.5, 0.5)])

    def epoch(number, prefetch, seed=1):
        loader = Loader(data, 16, seed=seed, augment=augment, prefetch=prefetch)
        return np.concatenate([batch for batch, _ in loader.epoch(number)])

    expected = epoch(5, 0)
    count = cpu.get_num_threads()
    try:
        for number in (1, 2):
            cpu.set_num_threads(number)
            for prefetch in (0, 1, 3):
                np.testing.assert_array_equal(epoch(5, prefetch), expected)
    finally:
        cpu.set_num_threads(count)
    assert not np.array_equal(epoch(6, 0), expected)
    assert not np.array_equal(epoch(5, 0, seed=2), expected)


@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize("begin", [0, 1, 6, 7, 9])
def test_the_rest_of_an_epoch(prefetch, begin):
    """What is left out takes its share of the random numbers."""
    augment = Compose([RandomAffine(9, (0.1, 0.1)), RandomErasing(0.5)])
    images = np.random.default_rng(0).random((33, 1, 8, 8), dtype=np.float32)
    loader = Loader(Dataset(images, np.arange(33) % 3), 5, seed=4, augment=augment, prefetch=prefetch)
    whole, rest = list(loader.epoch(1)), list(loader.epoch(1, begin))
    assert len(rest) == max(0, 7 - begin)
    for one, other in zip(whole[begin:], rest, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


def test_sampling_with_replacement():
    loader = Loader(numbered(200), 32, seed=0, replacement=True)
    order = loader.order(0)
    assert len(order) == 200
    assert order.min() >= 0
    assert order.max() < 200
    # About 1 - 1/e of the images are met.
    assert 110 < len(set(order.tolist())) < 145
    assert sum(len(labels) for _, labels in loader.epoch(0)) == 200
    assert not np.array_equal(order, loader.order(1))


@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_the_callers_own(prefetch, shuffle):
    data = numbered(10)
    for images, labels in Loader(data, 4, shuffle=shuffle, prefetch=prefetch).epoch(0):
        images[:] = -1
        labels[:] = -1
    np.testing.assert_array_equal(data.images[:, 0, 0, 0], np.arange(10))
    assert data.labels.min() == 0


def test_prepares_ahead_and_no_further():
    made, enough = [], threading.Semaphore(0)

    def augment(images, rng):
        made.append(threading.current_thread().name)
        enough.release()
        return images

    batches = Loader(numbered(2560), 256, augment=augment, prefetch=3).epoch(0)
    assert made == []
    next(batches)
    for _ in range(4):
        assert enough.acquire(timeout=10)
    assert not enough.acquire(timeout=0.05)
    assert made == ["fastcnn-loader"] * 4
    batches.close()


def test_thread_ends_with_the_epoch():
    batches = Loader(numbered(10), 5).epoch(0)
    assert threads() == []
    next(batches)
    next(batches)
    with pytest.raises(StopIteration):
        next(batches)
    assert threads() == []


@pytest.mark.parametrize("leave", ["close", "break", "forget"])
def test_thread_ends_when_the_epoch_is_left(leave):
    loader = Loader(numbered(1000), 1, prefetch=2)
    if leave == "break":
        for _ in loader.epoch(0):
            break
        gc.collect()
    else:
        batches = loader.epoch(0)
        next(batches)
        assert len(threads()) == 1
        if leave == "close":
            batches.close()
        else:
            del batches
            gc.collect()
    assert threads() == []


def test_several_epochs_at_once():
    loader = Loader(numbered(30), 7, seed=2)
    together = list(zip(loader.epoch(0), loader.epoch(1), strict=True))
    for epoch in (0, 1):
        seen = np.concatenate([pair[epoch][0][:, 0, 0, 0] for pair in together])
        np.testing.assert_array_equal(seen, loader.order(epoch))


@pytest.mark.parametrize("prefetch", [0, 1, 2])
@pytest.mark.parametrize("error", [ValueError("no cat"), KeyboardInterrupt(), SystemExit(3)])
def test_error_of_augment_reaches_the_caller(prefetch, error):
    calls = []

    def augment(images, rng):
        calls.append(len(images))
        if len(calls) == 3:
            raise error
        return images

    batches = Loader(numbered(100), 5, augment=augment, prefetch=prefetch).epoch(0)
    next(batches)
    next(batches)
    with pytest.raises(type(error)) as caught:
        next(batches)
    assert caught.value is error
    assert len(calls) == 3
    with pytest.raises(StopIteration):
        next(batches)


@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize("result", [None, np.zeros((3, 1, 1, 4), np.uint8), 5])
def test_augment_must_return_the_batch(prefetch, result):
    loader = Loader(numbered(10), 4, augment=lambda images, rng: result, prefetch=prefetch)
    with pytest.raises(ShapeError, match="Loader: augment must return an array of 4 images, got"):
        next(loader.epoch(0))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"dataset": [1, 2]}, DTypeError, "dataset must be a Dataset, got list"),
        ({"dataset": Dataset(np.empty((0, 1, 2, 2), np.uint8), [])}, ArgumentError, "the data set is empty"),
        ({"batch_size": 0}, ArgumentError, "batch_size must be at least 1, got 0"),
        ({"batch_size": 2.0}, DTypeError, "batch_size must be an integer, got 2.0"),
        ({"seed": -1}, ArgumentError, "seed must be at least 0, got -1"),
        ({"seed": None}, DTypeError, "seed must be an integer, got None"),
        ({"prefetch": -1}, ArgumentError, "prefetch must be at least 0, got -1"),
        ({"augment": 5}, DTypeError, "augment must be callable, got 5"),
        ({"replacement": True, "shuffle": False}, ArgumentError, "replacement=True draws at random"),
        ({"batch_size": 11, "drop_last": True}, ArgumentError, "no batch: 10 images, batch_size 11"),
    ],
)
def test_refuses(options, error, message):
    with pytest.raises(error, match=f"Loader: .*{message}"):
        Loader(**{"dataset": numbered(10), "batch_size": 2, **options})


@pytest.mark.parametrize("epoch", [-1, 1.5, None])
def test_epoch_must_be_a_count(epoch):
    for method in (Loader(numbered(10), 2).epoch, Loader(numbered(10), 2).order):
        with pytest.raises((ArgumentError, DTypeError), match="epoch must be"):
            method(epoch)
