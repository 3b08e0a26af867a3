"""The gradients that a compiled step leaves belong to whoever keeps them."""

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.nn.factored import FactoredGradient
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


# A step of a few images leaves gradients of large linear layers as factors


class Twice(nn.Module):
    """One linear layer at two places."""

    def __init__(self):
        super().__init__()
        self.layer, self.last = nn.Linear(256, 256), nn.Linear(256, 3)

    def forward(self, x):
        return self.last(self.layer(nn.functional.relu(self.layer(x))))


def large():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(400, 100), nn.ReLU(), nn.Linear(100, 3)
    )


def steps(model, images, read=False, shape=(1, 12, 12), **limits):
    """Return what a few steps leave, and how the second linear layer's gradient was kept."""
    model = model.initialize(seed=2)
    training = Trainer(model, optim.Adam(model.parameters()), nn.CrossEntropyLoss(), **limits)
    rng = np.random.default_rng(images)
    kinds = set()
    for _ in range(3):
        x = rng.standard_normal((images, *shape)).astype(np.float32)
        training.train_step(x, rng.integers(0, 3, images))
        kinds |= {type(parameter._grad) for parameter in model.parameters()}
        if read:
            assert all(parameter.grad.shape == parameter.shape for parameter in model.parameters())
    return [parameter.data for parameter in model.parameters()], FactoredGradient in kinds


@pytest.mark.parametrize(("images", "few"), [(1, True), (3, True), (4, True), (5, False)])
def test_factors_of_a_few_images(images, few):
    """Clipped gradients are arrays; this limit is never reached."""
    weights, factored = steps(large(), images)
    read, _ = steps(large(), images, read=True)
    clipped, written = steps(large(), images, clip_grad_value=1e9)
    assert (factored, written) == (few, False)
    for one, two, three in zip(weights, read, clipped, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


def test_factors_that_stay_as_they_were():
    """A gradient that is read only after more steps of other parameters is still the step's."""
    model = large().initialize(seed=2)
    training = Trainer(model, optim.SGD(model.parameters(), lr=0.0), nn.CrossEntropyLoss())
    rng = np.random.default_rng(0)
    batches = [(rng.standard_normal((2, 1, 12, 12)).astype(np.float32), np.array([0, 1])) for _ in range(2)]
    training.train_step(*batches[0])
    kept, first = model[3].weight._grad, model[3].weight.grad
    training.train_step(*batches[1])
    assert not np.array_equal(model[3].weight.grad, first)
    np.testing.assert_array_equal(kept.array(), first)


def test_flat_samples_have_factors():
    layers = [(nn.Linear(400, 100), nn.ReLU(), nn.Linear(100, 3)) for _ in range(2)]
    weights, factored = steps(nn.Sequential(*layers[0]), 2, shape=(400,))
    assert factored
    eager, _ = steps(nn.Sequential(*layers[1]), 2, shape=(400,), engine=False)
    for one, two in zip(weights, eager, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_what_several_layers_share_has_no_factors():
    weights, factored = steps(Twice(), 2, shape=(256,))
    assert not factored
    eager, _ = steps(Twice(), 2, shape=(256,), engine=False)
    for one, two in zip(weights, eager, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)
