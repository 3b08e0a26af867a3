"""A whole training step and prediction of the reference networks, through the default path and in PyTorch.

Before the clock starts, the loss and the weights after one step, and the logits, are compared: fastcnn's with
those of the same network run layer by layer in float64, and PyTorch's with fastcnn's.
"""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim, zoo
from fastcnn.testing import assert_close

from .compare import clock, torch_side

NETWORKS = ["residual-mnist", "position-bias-mnist", "compact-mnist", "spec-lenet", "list-cifar"]
BATCHES = [32, 128, 512]
SIDES = ("fastcnn", "torch")


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


def _check_torch_step(kernels, name, images, labels):
    """Compare a step without dropout, of which no two libraries draw the same mask."""
    trainer = _trainer(name, lr=1.0)
    for module in trainer.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    network = kernels.network(trainer.model, images.shape[1:])
    step = kernels.train_step(network, images, labels, 1.0)
    np.testing.assert_allclose(step(), trainer.train_step(images, labels), rtol=1e-4)
    for parameter, theirs in zip(trainer.model.parameters(), network.parameters(), strict=True):
        assert_close(theirs.detach().numpy(), parameter.data, 1e-2)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", NETWORKS)
def test_train_step(benchmark, name, batch, side):
    images, labels = _batch(name, batch)
    if side == "torch":
        kernels = torch_side()
        _check_torch_step(kernels, name, images, labels)
        step = kernels.train_step(
            kernels.network(zoo.build(name, seed=0), images.shape[1:]), images, labels, 1e-3
        )
    else:
        _check_step(name, images, labels)
        trainer = _trainer(name, lr=1e-3)

        def step():
            return trainer.train_step(images, labels)

    clock(benchmark, step, f"training {name} batch {batch}", images=batch)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", NETWORKS)
def test_predict(benchmark, name, batch, side):
    model = zoo.build(name, seed=0)
    images = _batch(name, batch)[0]
    x = images / np.float32(255)
    ours = model.predict(x, batch)
    if side == "torch":
        kernels = torch_side()
        call = kernels.predict(kernels.network(model, images.shape[1:]), x)
        assert_close(call(), ours, 1e-4)
    else:
        reference = zoo.build(name, seed=0).double().eval()
        assert_close(ours, reference(images / 255), 1e-4)

        def call():
            return model.predict(x, batch)

    clock(benchmark, call, f"prediction {name} batch {batch}", images=batch)
