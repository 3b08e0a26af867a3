"""Trainings of networks with several outputs, whose loss takes all of them."""

import numpy as np
import pytest

import fastcnn
from fastcnn import data, nn, optim
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.training import lr_find

from ..nn.forwards import Hinted
from .networks import assert_same_state, hinted, states, trainer


@pytest.fixture(scope="module")
def digits(small):
    return tuple(map(hinted, small))


class TwoHeads(nn.Module):
    """The digit from both inputs, and from the image alone."""

    def __init__(self, kind=tuple, only_in_training=False):
        super().__init__()
        self.both, self.alone = Hinted(hints=5), nn.Linear(784, 10)
        self.kind, self.only_in_training = kind, only_in_training

    def forward(self, image, hint):
        digit = self.both(image, hint)
        if self.only_in_training and not self.training:
            return digit
        alone = self.alone(image.flatten(1))
        return {"digit": digit, "alone": alone} if self.kind is dict else self.kind([digit, alone])


class Weighted:
    """The cross-entropy of the first output and a part of that of the second."""

    def __init__(self):
        self.losses = nn.CrossEntropyLoss(), nn.CrossEntropyLoss()
        self.kind = np.ndarray

    def __call__(self, outputs, labels):
        self.kind = type(outputs)
        if isinstance(outputs, np.ndarray):
            return self.losses[0](outputs, labels)
        first, second = outputs.values() if self.kind is dict else outputs
        return self.losses[0](first, labels) + 0.3 * self.losses[1](second, labels)

    def backward(self):
        first = self.losses[0].backward()
        if self.kind is np.ndarray:
            return first
        second = self.losses[1].backward(0.3)
        return {"alone": second, "digit": first} if self.kind is dict else self.kind([first, second])


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("kind", [tuple, list, dict])
def test_a_loss_of_several_outputs(digits, kind, engine):
    t = trainer(TwoHeads(kind).initialize(seed=1), loss=Weighted(), engine=engine)
    history = t.fit(digits[0], epochs=3, batch_size=32, validation=digits[1], progress=False)
    assert history["loss"][-1] < history["loss"][0]
    outputs = t.predict(digits[1].images, 30)
    assert type(outputs) is kind
    first, second = outputs.values() if kind is dict else outputs
    assert (first.shape, second.shape) == ((100, 10), (100, 10))
    found, entropy = t.evaluate(digits[1], 30), nn.CrossEntropyLoss()
    assert found["accuracy"] == history["val_accuracy"][-1] == (first.argmax(1) == digits[1].labels).mean()
    assert found["loss"] == entropy(first, digits[1].labels) + 0.3 * entropy(second, digits[1].labels)


@pytest.mark.parametrize("engine", [True, False])
def test_the_steps_of_several_outputs_are_those_of_a_loop(digits, engine):
    t, own, loss = (
        trainer(TwoHeads().initialize(seed=1), loss=Weighted(), engine=engine),
        TwoHeads().initialize(seed=1),
        Weighted(),
    )
    run = fastcnn.compile(own) if engine else own
    optimizer = optim.Adam(own.parameters(), lr=1e-2)
    for images, labels in data.Loader(digits[0], 64, prefetch=0).epoch(0):
        value = t.train_step(images, labels)
        own.zero_grad()
        assert value == loss(run(*t.prepare(images)), labels)
        run.backward(loss.backward())
        optimizer.step()
    assert_same_state(t.model, own)


def test_outputs_that_only_training_has(digits):
    t = trainer(TwoHeads(only_in_training=True).initialize(seed=1), loss=Weighted())
    t.fit(digits[0], epochs=1, batch_size=64, validation=digits[1], progress=False)
    assert t.predict(digits[1].images).shape == (100, 10)


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("kind", [tuple, dict])
def test_a_loss_of_one_output_is_refused_before_training(digits, kind, engine):
    t = trainer(TwoHeads(kind), engine=engine)
    before = states(t.model)
    message = (
        f"CrossEntropyLoss: input must be one array, got a {kind.__name__} of 2: for several outputs write"
    )
    for call in (
        lambda: t.fit(digits[0], epochs=1, batch_size=64),
        lambda: t.evaluate(digits[0]),
        lambda: t.train_step(digits[0].images, digits[0].labels),
        lambda: lr_find(t, digits[0], batch_size=64),
    ):
        with pytest.raises(DTypeError, match=message):
            call()
    assert len(t.history) == 0
    assert {name: value for name, value in states(t.model).items() if "norm" not in name} == {
        name: value for name, value in before.items() if "norm" not in name
    }


def test_gradients_that_are_not_built_like_the_outputs(digits):
    class One(Weighted):
        def backward(self):
            return super().backward()[0]

    t = trainer(TwoHeads(), loss=One())
    with pytest.raises(ShapeError, match="TwoHeads: dy must have 2 arrays, as the output, got one ndarray"):
        t.train_step(digits[0].images, digits[0].labels)


def test_outputs_that_are_no_logits(digits):
    class Nothing(Hinted):
        def forward(self, image, hint):
            return None

    class Maps(Hinted):
        def forward(self, image, hint):
            return self.conv(image), super().forward(image, hint)

    with pytest.raises(
        DTypeError, match=r"fit: train does not fit the model: expected logits \(N, K\), got NoneType"
    ):
        trainer(Nothing(hints=5)).fit(digits[0], epochs=1, batch_size=64)
    with pytest.raises(ShapeError, match=r"expected logits \(N, K\), got \(1, 4, 14, 14\)"):
        trainer(Maps(hints=5), loss=Weighted()).fit(digits[0], epochs=1, batch_size=64)
    wide = data.Dataset(digits[0].images, digits[0].labels + 1)
    with pytest.raises(ArgumentError, match="fit: train has the label 10, but the model has 10 outputs"):
        trainer(Hinted(hints=5)).fit(wide, epochs=1, batch_size=64)
