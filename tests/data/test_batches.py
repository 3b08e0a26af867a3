"""Batches of other libraries, and samples that come one after the other."""

import re

import numpy as np
import pytest
from PIL import Image

from fastcnn.data import Batches, transforms
from fastcnn.data.prefetching import with_last
from fastcnn.data.sources import BatchLoader, evaluated, loader_of, source_of
from fastcnn.errors import ArgumentError, DTypeError, ShapeError

from .standins import BatchesOf, Eager, Stream, Tensor, Vision, squares

IMAGES, LABELS = squares()
VISION = Vision(IMAGES, LABELS)


def pairs(size=8, images=None):
    images = IMAGES[:, None] if images is None else images
    return [(images[i : i + size], LABELS[i : i + size]) for i in range(0, len(images), size)]


def sequence(items):
    """A sequence as Keras has it: items by number, and no end for iteration."""

    class Sequence:
        def __len__(self):
            return len(items)

        def __getitem__(self, index):
            return items[index % len(items)]

    return Sequence()


SOURCES = {
    "list": pairs(),
    "loader": BatchesOf(VISION, 8),
    "function": lambda: iter(pairs()),
    "generator": None,
    "eager tensors, channels last": [(Eager(a.transpose(0, 2, 3, 1)), Eager(b)) for a, b in pairs()],
    "dicts": [{"image": Tensor(a), "label": b.tolist()} for a, b in pairs()],
    "lists of pictures": [{"image": [Image.fromarray(c[0]) for c in a], "label": b} for a, b in pairs()],
    "grey": pairs(images=IMAGES),
    "sequence": sequence(pairs()),
}


@pytest.mark.parametrize("name", SOURCES)
def test_batches_of_many_kinds(name):
    given = SOURCES[name] if name != "generator" else (each for each in pairs())
    source = source_of(given, "fit: train")
    assert isinstance(source, Batches)
    assert source.one_shot == (name == "generator")
    assert source.first().images.shape == (1, 1, 6, 6)
    for _ in range(1 if source.one_shot else 2):
        made = list(source.batches())
        assert [len(labels) for _, labels, _ in made] == [8, 8, 4]
        np.testing.assert_array_equal(np.concatenate([each[0] for each in made]), IMAGES[:, None])
        np.testing.assert_array_equal(np.concatenate([each[1] for each in made]), LABELS)
        assert all(each[1].dtype == np.int64 and each[2] is None for each in made)


def test_names_and_lengths():
    loader = BatchesOf(VISION, 8)
    source = Batches(loader)
    assert source.classes == ("dark", "light")
    assert source.length == 3
    assert repr(source) == "Batches(BatchesOf of 3, 1x6x6 uint8, classification)"
    endless = Batches(lambda: iter(pairs()))
    assert endless.length is None
    assert repr(endless) == "Batches(function, 1x6x6 uint8, classification)"


def test_samples_are_put_together():
    for drop_last, counts in ((False, [6, 6, 6, 2]), (True, [6, 6, 6])):
        source = Batches(Stream(VISION), batch_size=6, drop_last=drop_last)
        made = list(source.batches())
        assert [len(labels) for _, labels, _ in made] == counts
        np.testing.assert_array_equal(np.concatenate([each[0] for each in made])[:, 0], IMAGES[: sum(counts)])
    assert [len(labels) for _, labels, _ in evaluated(Stream(VISION), "x").in_order(7)] == [20]
    listed = Batches(list(zip(IMAGES, LABELS, strict=True)), batch_size=6, drop_last=True)
    assert listed.length == 3


def test_the_epoch_is_said():
    stream = Stream(VISION, shuffled=True)
    feed = BatchLoader(Batches(stream, batch_size=20))
    orders = [next(iter(feed.epoch(epoch)))[0] for epoch in (0, 1, 0)]
    np.testing.assert_array_equal(orders[0], orders[2])
    assert (orders[0] != orders[1]).any()


def test_weights_and_several_inputs():
    rows = np.arange(40.0).reshape(20, 2)
    items = [((IMAGES[:8, None], rows[:8]), LABELS[:8], np.arange(8))]
    source = Batches(items)
    ((images, labels, weights),) = source.batches()
    assert [each.shape for each in images] == [(8, 1, 6, 6), (8, 2)]
    assert weights.tolist() == list(range(8))
    made = next(BatchLoader(source).epoch(0))
    assert len(made) == 3
    np.testing.assert_array_equal(made[2], weights)
    assert labels.shape == (8,)


def test_augmentation_follows_from_seed_and_epoch():
    def epoch(number, prefetch, begin=0):
        augment = transforms.RandomCrop(6, 2)
        return list(
            BatchLoader(Batches(pairs()), seed=3, augment=augment, prefetch=prefetch).epoch(number, begin)
        )

    first, again, later = epoch(1, 2), epoch(1, 0), epoch(1, 2, 1)
    for one, other in ((first, again), (first[1:], later)):
        for made, expected in zip(one, other, strict=True):
            np.testing.assert_array_equal(made[0], expected[0])
    assert (first[0][0] != epoch(2, 2)[0][0]).any()
    assert (first[0][0] != pairs()[0][0]).any()


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        (np.array([0.0, 2.0]), "regression"),
        (np.array([[1, 1], [0, 1]]), "multilabel"),
        (np.zeros((2, 6, 6), int), "segmentation"),
        (np.zeros((2, 1, 6, 6)), "regression"),
    ],
)
def test_tasks(labels, task):
    source = Batches([(IMAGES[:2, None], labels)])
    assert source.task == task
    assert len(source.classes) == (2 if task == "multilabel" else 0)


def test_what_could_be_either():
    """Grey images (N, H, W) with a label each, or an image (C, H, W) with C targets."""
    items = [(np.zeros((3, 4, 4), np.uint8), np.zeros(3, int))] * 2
    assert source_of(items, "x").first().images.shape == (1, 1, 4, 4)
    samples = source_of(items, "x", batch_size=2)
    assert samples.first().images.shape == (1, 3, 4, 4)
    assert samples.first().labels.shape == (1, 3)


def second(images, labels, *weights):
    return [*pairs()[:1], (images, labels, *weights)]


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (3, DTypeError, "Batches: source must be an iterable or a function that returns one, got int"),
        (lambda: iter([]), ArgumentError, "Batches: there is no batch; what one pass uses up cannot serve"),
        (iter([]), ArgumentError, "Batches: there is no batch"),
        ([(IMAGES[0], 1)], ArgumentError, "item 0 is a single sample: say with batch_size how many make a b"),
        (second(IMAGES[:3, None], LABELS[:2]), ShapeError, "batch 1: expected as many labels as images, and"),
        (second(IMAGES[:0, None], LABELS[:0]), ShapeError, "batch 1: expected as many labels as images, and"),
        (second(IMAGES[:2, None], 3), ShapeError, "batch 1: expected as many labels as images, and at least"),
        (second(IMAGES[:2, None] / 255, LABELS[:2]), ShapeError, "batch 1: the images are float32 (2, 1, 6"),
        (second(np.zeros((2, 3, 6, 6), np.uint8), [0, 1]), ShapeError, "batch 1: the images are uint8 (2, 3"),
        (second(IMAGES[:2, None].astype(int), [0, 1]), DTypeError, "batch 1: the images must be uint8 or fl"),
        (second(IMAGES[:2, None], [0, 0.5]), DTypeError, "batch 1: the labels must be integers, got float64"),
        (second("ab", [0, 0]), DTypeError, "batch 1: the images must be numbers, got str 'ab'"),
        (second(IMAGES[:2, None], [0, 0], [1, 1]), ArgumentError, "batch 1: weights must be in all batches "),
        (second(IMAGES[:2, None], [0, 0], [1, -1]), ArgumentError, "batch 1: the weights must be finite and"),
        ([*pairs()[:1], 3], ArgumentError, "batch 1 has no columns 0 and 1, only int"),
        (second(Tensor(IMAGES[:2, None], device="mps"), [0, 0]), DTypeError, "batch 1: the images is a tens"),
    ],
)
def test_bad_batches_are_named(source, error, message):
    with pytest.raises(error, match=re.escape(message)):
        list(Batches(source).batches())


def test_classes_of_batches():
    with pytest.raises(ArgumentError, match="batch 0: label 1 is out of range for 1 classes"):
        Batches(pairs(), classes=["a"])
    with pytest.raises(ArgumentError, match="ignore_index is for masks, but the task is classification"):
        Batches(pairs(), ignore_index=1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Batches(pairs(), batch_size=3),
            ArgumentError,
            "item 0 is a batch by itself: leave batch_si",
        ),
        (
            lambda: Batches(pairs(), drop_last=True),
            ArgumentError,
            "drop_last is for samples: batches have le",
        ),
        (lambda: source_of(IMAGES, "fit: train"), DTypeError, "fit: train must be a Dataset, a data set of "),
        (lambda: source_of("mnist", "fit: train"), DTypeError, "fit: train must be a Dataset, a data set of"),
        (
            lambda: source_of({"train": 1}, "fit: train"),
            DTypeError,
            "must be one data set, got a dict with '",
        ),
        (lambda: source_of(None, "fit: train"), DTypeError, "another library or an iterable of batches, got"),
        (lambda: source_of([], "fit: train"), ArgumentError, "fit: train is empty"),
        (
            lambda: loader_of(Batches(pairs()), "fit", batch_size=4),
            ArgumentError,
            "fit: batch_size=4, but the",
        ),
        (
            lambda: loader_of(Batches(pairs()), "fit", batch_size=None, replacement=True),
            ArgumentError,
            "fit: replacement is for data sets: batches come in an order of their own",
        ),
        (
            lambda: loader_of(Batches(pairs()), "fit", batch_size=None, drop_last=True),
            ArgumentError,
            "fit: drop_last is for data sets: batches have lengths of their own",
        ),
        (
            lambda: loader_of(source_of(VISION, "x"), "fit", batch_size=None),
            ArgumentError,
            "fit: batch_size must be given: how many images make a step",
        ),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_with_last():
    assert list(with_last([])) == []
    assert list(with_last("a")) == [("a", True)]
    assert list(with_last("abc")) == [("a", False), ("b", False), ("c", True)]
