"""Trainings of networks with several inputs, on MNIST's digits."""

import logging

import numpy as np
import pytest

import fastcnn
from fastcnn import data, nn, optim
from fastcnn.data.transforms import Normalize, PerInput, RandomCrop
from fastcnn.training import (
    BestWeights,
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    SampledAccuracy,
    load_weights,
    lr_find,
)

from ..nn.forwards import Hinted, Pair
from .networks import assert_same_state, hinted, states, trainer

PREPARE = PerInput([Normalize(0.1307, 0.3081), None])
CROP = PerInput([RandomCrop(28, 2), None])


def pairs(digits, seed=0):
    """Pairs of images, and whether the left digit is the smaller one."""
    order = np.random.default_rng(seed).permutation(len(digits))
    return data.Dataset(
        (digits.images, digits.images[order]), (digits.labels < digits.labels[order]).astype(int)
    )


def model(dtype=np.float32):
    return Hinted(hints=5).astype(dtype).initialize(seed=1)


@pytest.fixture(scope="module")
def digits(small):
    return tuple(map(hinted, small))


def test_a_network_learns_from_both_inputs(mnist):
    train, validation = map(hinted, mnist)
    t = trainer(model(), lr=3e-3, preprocess=PREPARE, callbacks=[BestWeights()])
    history = t.fit(train, epochs=4, batch_size=32, validation=validation, augment=CROP, progress=False)
    assert len(history) == 4
    found = t.evaluate(validation)
    assert found["accuracy"] > 0.93
    assert found["accuracy"] == max(history["val_accuracy"])
    assert found["confusion"].shape == (10, 10)
    # What the row says is used, and so is the image.
    images, hints = validation.images
    misled = t.evaluate(hinted(mnist[1], (mnist[1].labels // 2 + 1) % 5))["accuracy"]
    unseen = t.evaluate(data.Dataset((np.zeros_like(images), hints), validation.labels))["accuracy"]
    assert max(misled, unseen) < found["accuracy"] - 0.2


def test_which_of_two_digits_is_the_smaller(mnist):
    train, validation = pairs(mnist[0]), pairs(mnist[1])
    t = trainer(Pair(classes=2).initialize(seed=0), lr=3e-3)
    history = t.fit(train, epochs=5, batch_size=32, validation=validation, progress=False)
    assert history["val_accuracy"][-1] > 0.75


@pytest.mark.parametrize("engine", [True, False])
def test_fit_is_a_loop_of_ones_own_to_the_bit(digits, engine):
    train, validation = digits
    t = trainer(model(), engine=engine, preprocess=PREPARE, seed=5)
    t.fit(train, epochs=2, batch_size=64, augment=CROP, progress=False)
    own, loss = model(), nn.CrossEntropyLoss()
    fast, optimizer = fastcnn.compile(own), optim.Adam(own.parameters(), lr=1e-2)
    loader = data.Loader(train, 64, seed=5, augment=CROP, prefetch=0)
    for epoch in range(2):
        for images, labels in loader.epoch(epoch):
            optimizer.zero_grad()
            image, hint = PREPARE(images)
            inputs = image, hint.astype(np.float32)
            if engine:
                assert fast.gradients(inputs, labels, loss) is not None
            else:
                loss(own(*inputs), labels)
                own.backward(loss.backward())
            optimizer.step()
    assert_same_state(t.model, own)
    image, hint = PREPARE(validation.images)
    wanted = own.predict((image, hint.astype(np.float32)), engine=engine)
    np.testing.assert_array_equal(t.predict(validation.images), wanted)
    np.testing.assert_array_equal(t.predict(list(validation.images)), wanted)
    found = t.evaluate(validation)
    assert found["accuracy"] == (wanted.argmax(1) == validation.labels).mean()
    assert found["loss"] == loss(wanted, validation.labels)


def test_the_number_of_threads_changes_no_bit(digits):
    train, validation = digits
    found, before = [], fastcnn.get_num_threads()
    try:
        for threads in (1, 2, 3, 8):
            fastcnn.set_num_threads(threads)
            t = trainer(model(), preprocess=PREPARE, seed=2)
            t.fit(train, epochs=1, batch_size=48, augment=CROP, progress=False)
            found.append((states(t.model), t.predict(validation.images).tobytes()))
    finally:
        fastcnn.set_num_threads(before)
    assert all(each == found[0] for each in found)


def test_training_goes_on_where_it_stopped(digits):
    whole, parts = (trainer(model(), seed=3) for _ in range(2))
    whole.fit(digits[0], epochs=2, batch_size=64, progress=False)
    for _ in range(2):
        parts.fit(digits[0], epochs=1, batch_size=64, progress=False)
    assert_same_state(whole.model, parts.model)


def test_it_runs_compiled(digits, caplog):
    with caplog.at_level(logging.WARNING):
        t = trainer(model())
        t.fit(digits[0], epochs=1, batch_size=64, validation=digits[1], progress=False)
        t.evaluate(digits[1])
    assert not caplog.records


@pytest.mark.parametrize("kind", [tuple, list])
def test_a_step(digits, kind):
    images, labels = data.Loader(digits[0], 16, prefetch=0).epoch(0).__next__()
    t, own, loss = trainer(model(), optimizer=None, engine=False), model(), nn.CrossEntropyLoss()
    value = t.train_step(kind(images), labels)
    assert value == loss(own(images[0] / np.float32(255), images[1].astype(np.float32)), labels)
    own.backward(loss.backward())
    optim.Adam(own.parameters(), lr=1e-2).step()
    assert_same_state(t.model, own)


# What happens beside training


def test_callbacks(digits, tmp_path):
    sampled = SampledAccuracy(digits[0], every=2, samples=50)
    callbacks = [
        sampled,
        ModelCheckpoint(tmp_path / "best.safetensors"),
        EarlyStopping(patience=3),
        CSVLogger(tmp_path / "history.csv"),
    ]
    t = trainer(model(), callbacks=callbacks)
    history = t.fit(digits[0], epochs=2, batch_size=64, validation=digits[1], progress=False)
    assert [point["step"] for point in history.steps] == [2, 4, 6, 8, 10]
    assert len(sampled.sample) == 50
    assert 0 < history.steps[-1]["accuracy"] <= 1
    assert len((tmp_path / "history.csv").read_text().splitlines()) == 3
    best = model()
    load_weights(best, tmp_path / "best.safetensors")
    t.model = best
    assert t.evaluate(digits[1])["accuracy"] == max(history["val_accuracy"])


def test_the_search_for_a_learning_rate_undoes_all(digits):
    t = trainer(model(), preprocess=PREPARE)
    before = states(t.model)
    found = lr_find(t, digits[0], batch_size=32, steps=30, augment=CROP)
    assert len(found.losses) > 10
    assert found.losses[0] == pytest.approx(np.log(10), rel=0.2)
    assert states(t.model) == before


@pytest.mark.parametrize("engine", [True, False])
def test_a_module_with_a_backward_of_its_own(digits, engine):
    """By itself, and as a layer of a network, it gives the steps of one whose backward is derived.

    Those of a program differ in their last digits, and Adam makes much of it where a gradient is 0.
    """

    class Own(Hinted):
        def backward(self, dy, *, input_gradient=True):
            return super().backward(dy, input_gradient=input_gradient)

    class Around(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, image, hint):
            return self.inner(image, hint)

    found = []
    for make in (lambda: Hinted(hints=5), lambda: Own(hints=5), lambda: Around(Own(hints=5))):
        t = trainer(make().initialize(seed=1), engine=engine)
        t.fit(digits[0], epochs=1, batch_size=64, progress=False)
        found.append(list(t.model.state_dict().values()))
    for derived, own, inner in zip(*found, strict=True):
        np.testing.assert_array_equal(own, inner)
        if not engine:
            np.testing.assert_array_equal(own, derived)
