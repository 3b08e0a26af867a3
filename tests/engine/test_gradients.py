"""The gradients that a compiled step leaves belong to whoever keeps them."""

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.training import Trainer

KEPT = {
    "the array": lambda grad: grad,
    "a part": lambda grad: grad[..., :2],
    "a view of another shape": lambda grad: grad.reshape(-1),
    "a buffer": lambda grad: np.asarray(memoryview(grad)),
}


def trainer(*layers):
    layers = layers or (nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))
    model = nn.Sequential(*layers).initialize(seed=1)
    return Trainer(model, optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss())


def batch(seed):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((5, 2, 6, 6)).astype(np.float32), rng.integers(0, 3, 5)


def addresses(model):
    return [parameter.grad.ctypes.data for parameter in model.parameters()]


@pytest.mark.parametrize("keep", KEPT.values(), ids=KEPT)
def test_what_is_kept_is_not_overwritten(keep):
    training, other = trainer(), trainer()
    kept, copies = [], []
    for step in range(4):
        training.train_step(*batch(step))
        other.train_step(*batch(step))
        for one, two in zip(training.model.parameters(), other.model.parameters(), strict=True):
            np.testing.assert_array_equal(one.grad, two.grad)
            kept.append(keep(one.grad))
            copies.append(kept[-1].copy())
    for one, two in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(training.model.parameters(), other.model.parameters(), strict=True):
        np.testing.assert_array_equal(one.data, two.data)


def test_one_of_many():
    """The others stay where they are, and so does the kept one's successor once it is free."""
    training = trainer()
    training.train_step(*batch(0))
    before = addresses(training.model)
    kept = training.model[0].weight.grad
    training.train_step(*batch(1))
    after = addresses(training.model)
    assert after[0] != before[0]
    assert after[1:3] + after[4:] == before[1:3] + before[4:]
    assert kept.ctypes.data == before[0]
    del kept
    training.train_step(*batch(2))
    assert addresses(training.model)[0] == after[0]


def test_nothing_is_allocated_anew_while_nobody_keeps_anything():
    training = trainer(nn.Flatten(), nn.Linear(72, 8), nn.ReLU(), nn.Linear(8, 3))
    training.train_step(*batch(0))
    before = addresses(training.model)
    for step in range(3):
        training.train_step(*batch(step))
        assert addresses(training.model) == before
        training.optimizer.zero_grad()


def test_a_gradient_that_is_always_zero_can_be_written_into():
    """That of a bias before batch normalisation; no operation would write the zeros again."""
    training = trainer()
    bias = training.model[0].bias
    for step in range(3):
        training.train_step(*batch(step))
        np.testing.assert_array_equal(bias.grad, np.zeros(4, np.float32))
        bias.grad += 1
