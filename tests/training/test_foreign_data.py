"""Data sets and iterables of other libraries in fit, evaluate and predict."""

import re

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.data import Batches, Dataset, LazyDataset, transforms
from fastcnn.errors import ArgumentError, ShapeError
from fastcnn.training import Diagnostics, SampledAccuracy, Trainer, lr_find

from ..data.standins import BatchesOf, Faces, Stream, Tensor, Vision, squares
from .networks import StopAt, StopError

IMAGES, LABELS = squares(50)
HELD = Dataset(IMAGES[:, None], LABELS, ["dark", "light"])
VISION = Vision(IMAGES, LABELS)
TIMES = {"seconds", "images_per_second"}


def make(**options):
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(64, 2))
    model.initialize(seed=0)
    return Trainer(
        model, optim.SGD(model.parameters(), lr=0.1, momentum=0.9), nn.CrossEntropyLoss(), **options
    )


def outcome(t):
    rows = [{name: each for name, each in row.items() if name not in TIMES} for row in t.history]
    return [parameter.data.copy() for parameter in t.model.parameters()], rows


def assert_same(t, other):
    (weights, rows), (expected, others) = outcome(t), outcome(other)
    assert rows == others
    for made, weight in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(made, weight)


def fit(t, train, **options):
    t.fit(train, progress=False, **{"epochs": 3, **options})
    return t


@pytest.mark.parametrize(
    "train", [VISION, Faces(VISION), LazyDataset(VISION)], ids=["vision", "faces", "lazy"]
)
def test_a_data_set_trains_as_in_memory(train):
    options = {"batch_size": 16, "augment": transforms.RandomCrop(6, 1)}
    expected = fit(make(), HELD, validation=HELD, **options)
    assert_same(fit(make(), train, validation=train, **options), expected)


@pytest.mark.parametrize(
    "train",
    [BatchesOf(VISION, 16), lambda: iter(BatchesOf(VISION, 16)), list(BatchesOf(VISION, 16)), Stream(VISION)],
    ids=["loader", "function", "list", "stream"],
)
@pytest.mark.parametrize("accumulate", [1, 3])
def test_batches_train_as_in_memory(train, accumulate):
    expected = make(accumulate_grad_batches=accumulate)
    fit(expected, HELD, batch_size=16, shuffle=False, validation=HELD)
    size = {"batch_size": 16} if isinstance(train, Stream) else {}
    t = make(accumulate_grad_batches=accumulate)
    assert_same(fit(t, train, validation=train, **size), expected)
    assert t.batches_per_epoch == 4


def test_evaluate_and_predict():
    t = fit(make(), HELD, batch_size=16)
    expected, logits = t.evaluate(HELD), t.predict(HELD.images)
    for given in (VISION, Faces(VISION), BatchesOf(VISION, 7), Stream(VISION), LazyDataset(VISION)):
        found = t.evaluate(given, 9)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value)
        np.testing.assert_array_equal(t.predict(given, 9), logits)
    np.testing.assert_array_equal(t.predict(Tensor(HELD.images)), logits)
    np.testing.assert_array_equal(
        t.evaluate(VISION, tta="flip")["loss"], t.evaluate(HELD, tta="flip")["loss"]
    )


def test_metrics_of_ones_own_see_all_outputs():
    t = make(metrics={"rows": lambda outputs, targets: float(len(outputs))})
    assert t.evaluate(BatchesOf(VISION, 7))["rows"] == 50


@pytest.mark.parametrize("task", ["multilabel", "segmentation", "regression", "images"])
def test_other_tasks(task):
    rng = np.random.default_rng(1)
    targets, outputs, loss = {
        "multilabel": (rng.integers(0, 2, (50, 3)), 3, nn.BCEWithLogitsLoss()),
        "segmentation": (rng.integers(0, 3, (50, 6, 6)), 3, nn.CrossEntropyLoss()),
        "regression": (rng.standard_normal(50), 1, nn.MSELoss()),
        "images": (rng.standard_normal((50, 1, 6, 6)), 1, nn.MSELoss()),
    }[task]
    if targets.ndim > 2:
        model = nn.Sequential(nn.Conv2d(1, outputs, 3, padding=1))
    else:
        model = nn.Sequential(nn.Flatten(), nn.Linear(36, outputs))
    t = Trainer(model.initialize(seed=0), optim.SGD(model.parameters(), lr=0.1), loss)
    expected = t.evaluate(Dataset(HELD.images, targets))
    items = list(zip(IMAGES, targets, strict=True))
    batches = [(IMAGES[i : i + 9, None], targets[i : i + 9]) for i in range(0, 50, 9)]
    for given in (LazyDataset(items), batches):
        found = t.evaluate(given, 9)
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-6, err_msg=name)
    fit(t, items, epochs=1, batch_size=9)
    fit(t, batches, epochs=1, validation=items)


def test_batches_of_many_lengths_and_sizes():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    t = Trainer(model.initialize(seed=0), optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())
    rng = np.random.default_rng(0)
    batches = [
        (rng.standard_normal((count, 1, size, size + 1)), rng.integers(0, 2, count))
        for count, size in ((3, 6), (1, 9), (8, 5))
    ]
    fit(t, batches, validation=batches)
    assert t.evaluate(batches)["count"] == 12


def test_weights_of_samples_count():
    weights = np.random.default_rng(0).random(50)
    weighted = Dataset(HELD.images, LABELS, weights=weights)
    batches = [(HELD.images[i : i + 9], LABELS[i : i + 9], weights[i : i + 9]) for i in range(0, 50, 9)]
    expected = fit(make(), weighted, batch_size=9, shuffle=False, validation=weighted)
    assert_same(fit(make(), batches, validation=batches), expected)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_stream_goes_on_from_a_checkpoint(tmp_path, shuffled):
    options = {"batch_size": 8, "epochs": 3, "checkpoint": tmp_path, "augment": transforms.RandomCrop(6, 1)}
    whole = fit(make(), Stream(VISION, shuffled), **{**options, "checkpoint": None})
    with pytest.raises(StopError):
        fit(make(callbacks=[StopAt(2, 4)]), Stream(VISION, shuffled), **options)
    assert_same(fit(make(), Stream(VISION, shuffled), resume=True, **options), whole)


def test_a_lazy_data_set_goes_on_from_a_checkpoint(tmp_path):
    options = {"batch_size": 8, "epochs": 3, "checkpoint": tmp_path, "validation": VISION}
    whole = fit(make(), VISION, **{**options, "checkpoint": None})
    with pytest.raises(StopError):
        fit(make(callbacks=[StopAt(2, 4)]), VISION, **options)
    with pytest.raises(ArgumentError, match="train: the images are not those of the training that goes on"):
        fit(make(), LazyDataset(VISION)[:40], resume=True, **options)
    assert_same(fit(make(), VISION, resume=True, **options), whole)


def test_what_one_pass_uses_up_serves_one_epoch():
    def once():
        return (each for each in BatchesOf(VISION, 16))

    expected = fit(make(), HELD, batch_size=16, shuffle=False, epochs=1)
    given = once()
    assert_same(fit(make(), given, epochs=1), expected)
    with pytest.raises(ArgumentError, match="what one pass uses up cannot serve a second one"):
        fit(make(), given, epochs=1)
    message = "fit: train is a generator, which one pass uses up, but there are 2 epochs: give the function"
    with pytest.raises(ArgumentError, match=message):
        fit(make(), once(), epochs=2)
    with pytest.raises(ArgumentError, match="fit: validation is a generator, which one pass uses up, but"):
        fit(make(), HELD, batch_size=16, validation=once())
    assert "val_loss" in fit(make(), HELD, batch_size=16, epochs=1, validation=once()).history.columns
    with pytest.raises(ArgumentError, match="epoch 2 has no batch"):
        lr_find(make(), once(), steps=9)


def test_callbacks_know_where_they_are():
    sampled, layers = SampledAccuracy(HELD, 1, 10), Diagnostics(every=1)
    t = fit(make(callbacks=[sampled, layers]), lambda: iter(BatchesOf(VISION, 16)), epochs=2)
    assert [point["epoch"] for point in t.history.steps] == [1, 1, 1, 1, 1.25, 1.5, 1.75, 2]


def test_a_bar_without_an_end(capfd):
    t = make()
    t.fit(lambda: iter(BatchesOf(VISION, 16)), epochs=2)
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert t.history[-1]["images_per_second"] > 0


def test_a_bad_item_ends_the_training_with_its_number():
    items = list(zip(IMAGES, LABELS.tolist(), strict=True))
    items[33] = IMAGES[0, :3], 1
    with pytest.raises(
        ShapeError, match=re.escape("LazyDataset: item 33: the image is uint8 (1, 3, 6), but")
    ):
        fit(make(), items, batch_size=8)
    batches = list(BatchesOf(VISION, 16))
    batches[2] = 5
    with pytest.raises(ArgumentError, match="Batches: batch 2 has no columns 0 and 1, only int"):
        fit(make(), batches)


def test_labels_that_the_model_cannot_have():
    with pytest.raises(ArgumentError, match=r"target must lie in \[0, 2\)"):
        fit(make(), [(IMAGES[0], i) for i in range(9)], batch_size=9)


def test_lr_find_takes_them():
    found = lr_find(make(), VISION, batch_size=16, steps=12)
    expected = lr_find(make(), HELD, batch_size=16, steps=12)
    np.testing.assert_array_equal(found.losses, expected.losses)
    assert len(lr_find(make(), BatchesOf(VISION, 16), steps=12).losses) <= 12


def test_threads_make_no_difference():
    results = []
    for threads in (1, 2):
        fastcnn.set_num_threads(threads)
        results.append(fit(make(), Batches(Stream(VISION, True), batch_size=8)))
    assert_same(*results)


def test_labels_are_mixed():
    pairs = list(zip(IMAGES, LABELS, strict=True))
    mixed = fit(make(), HELD, batch_size=16, augment=transforms.MixUp())
    assert_same(fit(make(), VISION, batch_size=16, augment=transforms.MixUp()), mixed)
    assert_same(fit(make(), pairs, batch_size=16, augment=transforms.MixUp(num_classes=2)), mixed)
    with pytest.raises(ArgumentError, match="MixUp: the data set does not say how many classes there are"):
        fit(make(), pairs, batch_size=16, augment=transforms.MixUp())
