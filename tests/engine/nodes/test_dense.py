"""Linear layers: all images at once, several chains in deep ones, samples that are read where they are."""

import re

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.engine import Plan
from fastcnn.engine.nodes.loss import Loss

BATCHES = (1, 2, 3, 5, 8, 13, 16, 17, 40)


def perceptron(depth, hidden, classes=10):
    layers = nn.Flatten(), nn.Linear(depth, hidden), nn.ReLU(), nn.Linear(hidden, classes, bias=False)
    return nn.Sequential(*layers)


def after_convolution(channels):
    layers = (
        nn.Conv2d(2, channels, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * channels, 70),
        nn.ReLU(),
    )
    return nn.Sequential(*layers)


class Both(nn.Module):
    """Windows read the image beside a linear layer: it has zeros around it."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 16, 3, padding=1), nn.Conv2d(16, 9, 3, padding=1)
        self.flat, self.all, self.part = nn.Flatten(), nn.Linear(1024, 70), nn.Linear(576, 70)

    def forward(self, x):
        x = self.first(x)
        return self.all(self.flat(x)) + self.part(self.flat(self.second(x)))


MODELS = {
    "deep": (perceptron(1024, 100), (1, 32, 32)),
    "no whole chains": (perceptron(1025, 70), (1, 1025, 1)),
    "rows": (perceptron(600, 257), (600,)),
    "few channels": (after_convolution(8), (2, 8, 8)),
    "whole vectors": (after_convolution(16), (2, 8, 8)),
    "between windows": (Both(), (2, 8, 8)),
}


def rows(batch, shape, dtype=np.float32):
    return np.random.default_rng(0).standard_normal((batch, *shape)).astype(dtype)


@pytest.mark.parametrize("name", MODELS)
def test_each_row_is_the_same_to_the_bit_in_every_batch(name, isa):
    model, shape = MODELS[name]
    x = rows(max(BATCHES), shape)
    expected = model.predict(x, engine=False)
    whole = model.predict(x)
    np.testing.assert_allclose(whole, expected, rtol=1e-4, atol=1e-5)
    for threads in (1, 2, 3):
        fastcnn.set_num_threads(threads)
        for batch in BATCHES:
            np.testing.assert_array_equal(model.predict(x[:batch], batch), whole[:batch])
            for layout in ("images", "channels"):
                options = {"training": False, "batch_size": batch, "layout": layout}
                np.testing.assert_array_equal(Plan(model, shape, **options).forward(x[:batch]), whole[:batch])


def test_images_of_whole_vectors_are_read_where_they_are():
    model, shape = MODELS["whole vectors"]
    text = Plan(model, shape, training=False, batch_size=8, layout="channels").describe()
    operations = re.findall(r"^ +\d+ +([a-z_]+) ", text, re.MULTILINE)
    assert operations[-3:] == ["conv_spans", "dense_of_all", "to_nchw"]


def test_large_layers_multiply_all_images_at_once():
    model, shape = MODELS["deep"]
    text = Plan(model, shape, training=False, batch_size=8, layout="channels").describe()
    assert "dense_of_all" in text
    assert " from_nchw " not in text  # samples are read where they are
    assert "<- input" in text
    small = Plan(perceptron(64, 20), (1, 8, 8), training=False, batch_size=8, layout="channels")
    assert "dense_of_all" not in small.describe()


@pytest.mark.parametrize("loss", [None, Loss()], ids=["two parts", "a step"])
def test_gradients_where_samples_are_read_as_they_are(loss):
    """The caller may overwrite x between forward and backward pass."""
    model, cross_entropy = perceptron(300, 120).double(), nn.CrossEntropyLoss()
    x, target = rows(9, (1, 15, 20), np.float64), np.arange(9)
    expected = cross_entropy(model(x), target)
    model.backward(cross_entropy.backward())
    wanted = [p.grad for p in model.parameters()]
    options = {"training": True, "batch_size": 9, "layout": "channels", "loss": loss}
    plan = Plan(model, x.shape[1:], **options)
    model.zero_grad()
    if loss is None:
        given = x.copy()
        cross_entropy(plan.forward(given), target)
        given[...] = np.nan
        plan.backward(cross_entropy.backward())
    else:
        results = plan.step(x, target, 1 / 9)
        plan.gradients.hand_out()
        assert results[:, 0].mean() == pytest.approx(expected, rel=1e-12)
    for parameter, grad in zip(model.parameters(), wanted, strict=True):
        np.testing.assert_allclose(parameter.grad, grad, rtol=1e-10, atol=1e-14)


def test_a_perceptron_learns_alike_with_the_engine_and_without():
    results = []
    for engine in (True, False):
        model = perceptron(300, 120).double()
        model.initialize(seed=1)
        trainer = fastcnn.Trainer(
            model, optim.Adam(model.parameters(), lr=1e-2), nn.CrossEntropyLoss(), engine=engine
        )
        x = rows(33, (1, 15, 20), np.float64)
        results.append([trainer.train_step(x, np.arange(33) % 10) for _ in range(5)])
    np.testing.assert_allclose(*results, rtol=1e-9)
