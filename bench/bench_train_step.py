"""A whole training step and prediction of the reference networks, through the default path.

Before the clock starts, the loss and the weights after one step, and the logits, are compared with those
of the same network run layer by layer in float64.
"""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim, zoo
from fastcnn.testing import assert_close

from .compare import clock

NETWORKS = ["residual-mnist", "position-bias-mnist", "compact-mnist", "spec-lenet", "list-cifar"]
BATCHES = [32, 128, 512]


def _batch(name, size):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (size, *zoo.find(name).input_shape), np.uint8), rng.integers(0, 10, size)


def _trainer(name, lr):
    model = zoo.build(name, seed=0)
    return fastcnn.Trainer(model, optim.SGD(model.parameters(), lr=lr), nn.CrossEntropyLoss(), seed=0)


def _check_step(name, images, labels):
    trainer = _trainer(name, lr=1.0)
    loss = trainer.train_step(images, labels)

    model, cross_entropy = zoo.build(name, seed=0).double().reseed(0), nn.CrossEntropyLoss()
    expected = cross_entropy(model(images / 255), labels)
    model.backward(cross_entropy.backward())
    np.testing.assert_allclose(loss, expected, rtol=1e-4)
    pairs = zip(trainer.model.parameters(), model.parameters(), strict=True)
    for parameter, reference in pairs:
        # In float32 some of half a million pixels are on the other side of a ReLU's 0, and the gradients of
        # biases are what remains of sums that cancel.
        assert_close(parameter.data, reference.data - reference.grad, 1e-2)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", NETWORKS)
def test_train_step(benchmark, name, batch):
    images, labels = _batch(name, batch)
    _check_step(name, images, labels)
    trainer = _trainer(name, lr=1e-3)
    clock(
        benchmark, lambda: trainer.train_step(images, labels), f"training {name} batch {batch}", images=batch
    )


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", NETWORKS)
def test_predict(benchmark, name, batch):
    model = zoo.build(name, seed=0)
    images = _batch(name, batch)[0]
    x = images / np.float32(255)
    reference = zoo.build(name, seed=0).double().eval()
    assert_close(model.predict(x, batch), reference(images / 255), 1e-4)
    clock(benchmark, lambda: model.predict(x, batch), f"prediction {name} batch {batch}", images=batch)
