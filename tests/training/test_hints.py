"""Mistakes that raise no error are named once, with their cure; what is right is not."""

import numpy as np
import pytest

from fastcnn import data, nn
from fastcnn.training import lr_find

from .networks import linear, network, trainer


def ending(*layers):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10), *layers).initialize(seed=0)


class Own(nn.Softmax):
    """A layer of somebody's own: what it does is seen by its outputs alone."""


def hints(caplog, t, dataset):
    t.fit(dataset, epochs=1, batch_size=100, progress=False)
    t.fit(dataset, epochs=1, batch_size=100, progress=False)
    lr_find(t, dataset, batch_size=100, steps=3)
    records = [each for each in caplog.records if each.name == "fastcnn.training.hints"]
    assert [each.message for each in records] == t.hints
    assert all(each.levelname == "WARNING" for each in records)
    return t.hints


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize(
    "last", [nn.Softmax(), nn.Softmax(1), nn.Sequential(nn.Softmax(-1), nn.Identity()), Own()]
)
def test_softmax_before_cross_entropy(small, caplog, last, engine):
    (hint,) = hints(caplog, trainer(ending(last), engine=engine), small[0])
    assert hint == (
        "the model returns probabilities, and CrossEntropyLoss takes their softmax once more, which slows "
        "learning down: leave out the Softmax at the end"
    )


def test_softmax_before_nll_loss(small, caplog):
    (hint,) = hints(caplog, trainer(ending(nn.Softmax(1)), loss=nn.NLLLoss()), small[0])
    assert hint == (
        "the model returns probabilities, and NLLLoss takes log-probabilities: put LogSoftmax in the place "
        "of Softmax at the end, or leave it out and take CrossEntropyLoss"
    )


def test_logits_before_nll_loss(small, caplog):
    (hint,) = hints(caplog, trainer(ending(), loss=nn.NLLLoss()), small[0])
    assert hint == (
        "NLLLoss takes log-probabilities, and the model's outputs are none: put LogSoftmax at the end, or "
        "take CrossEntropyLoss"
    )


@pytest.mark.parametrize(
    ("last", "loss"),
    [
        ([], nn.CrossEntropyLoss()),
        ([nn.ReLU()], nn.CrossEntropyLoss()),
        ([nn.LogSoftmax(1)], nn.CrossEntropyLoss()),  # whose softmax are the probabilities again
        ([nn.LogSoftmax(1)], nn.NLLLoss()),
    ],
)
def test_endings_that_are_right(small, caplog, last, loss):
    assert hints(caplog, trainer(ending(*last), loss=loss), small[0]) == []
    assert not caplog.records


def floats(dataset, factor=1.0, shift=0.0):
    return data.Dataset(
        dataset.images.astype(np.float32) * np.float32(factor) + np.float32(shift), dataset.labels
    )


@pytest.mark.parametrize("shift", [0, -128])
def test_images_that_are_not_scaled(small, caplog, shift):
    (hint,) = hints(caplog, trainer(lr=1e-5), floats(small[0], shift=shift))
    assert hint.startswith(
        "images reach the model unscaled, with values beyond 32, from which it learns badly: "
    )
    assert "preprocess=lambda images: images / 255, or keep them as uint8" in hint


@pytest.mark.parametrize(
    "dataset", [lambda d: d, lambda d: floats(d, 1 / 255), lambda d: floats(d, 1 / 70, -0.4)]
)
def test_images_that_are(small, caplog, dataset):
    assert hints(caplog, trainer(), dataset(small[0])) == []
    assert not caplog.records


def test_who_prepares_images_knows_what_they_do(small, caplog):
    given = [
        trainer(lr=1e-5, preprocess=lambda images: images.astype(np.float32)),
        trainer(network(), preprocess=lambda images: images / 255),
        trainer(nn.Sequential(nn.BatchNorm2d(1), *linear())),
    ]
    for t in given:
        assert hints(caplog, t, floats(small[0])) == []


def test_two_mistakes_and_another_loss(small, caplog):
    """Each is told once, and what was told for one loss is not the last word on another."""
    t = trainer(ending(nn.Softmax(1)), lr=1e-5)
    assert len(hints(caplog, t, floats(small[0]))) == 2
    t.loss = nn.NLLLoss()
    assert len(hints(caplog, t, floats(small[0]))) == 3
