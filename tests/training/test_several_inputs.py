"""Trainings of networks with several inputs, on MNIST's digits."""

import logging

import numpy as np
import pytest

import fastcnn
from fastcnn import data, nn, optim
from fastcnn.data.transforms import Normalize, PerInput, RandomCrop
from fastcnn.errors import DTypeError, ShapeError
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
    optimizer = optim.Adam(own.parameters(), lr=1e-2)
    loader = data.Loader(train, 64, seed=5, augment=CROP, prefetch=0)
    for epoch in range(2):
        for images, labels in loader.epoch(epoch):
            optimizer.zero_grad()
            image, hint = PREPARE(images)
            loss(own(image, hint.astype(np.float32)), labels)
            own.backward(loss.backward())
            optimizer.step()
    assert_same_state(t.model, own)
    image, hint = PREPARE(validation.images)
    wanted = own.predict((image, hint.astype(np.float32)))
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


def test_the_log_says_once_that_it_runs_eagerly(digits, caplog):
    with caplog.at_level(logging.WARNING):
        t = trainer(model())
        t.fit(digits[0], epochs=1, batch_size=64, validation=digits[1], progress=False)
        t.evaluate(digits[1])
    assert [record.getMessage() for record in caplog.records] == [
        "the model runs eagerly, without the compiled engine: 2 inputs, where a program has one"
    ]


@pytest.mark.parametrize("kind", [tuple, list])
def test_a_step(digits, kind):
    images, labels = data.Loader(digits[0], 16, prefetch=0).epoch(0).__next__()
    t, own, loss = trainer(model(), optimizer=None), model(), nn.CrossEntropyLoss()
    value = t.train_step(kind(images), labels)
    assert value == loss(own(images[0] / np.float32(255), images[1].astype(np.float32)), labels)
    own.backward(loss.backward())
    optim.Adam(own.parameters(), lr=1e-2).step()
    assert_same_state(t.model, own)


# How samples reach the model


def test_images_are_scaled_and_floats_get_the_models_precision():
    t = trainer(model(np.float64))
    given = (
        np.full((2, 1, 28, 28), 51, np.uint8),
        np.ones((2, 5), np.float32),
        np.array([7, 8]),
        np.ones(2, np.uint8),
    )
    image, row, index, flags = t.prepare(given)
    assert (image.dtype, image[0, 0, 0, 0]) == (np.float64, np.float32(0.2))
    assert (row.dtype, row[0, 0]) == (np.float64, 1.0)
    # Integers that are no images stay what they are.
    assert index is given[2]
    assert flags is given[3]
    assert t.prepare(list(given))[0].tobytes() == image.tobytes()
    twice = trainer(model(), preprocess=lambda inputs: [inputs[0], inputs[1] * 2.0]).prepare(given[:2])
    assert [each.dtype.name for each in twice] == ["float32", "float32"]
    assert twice[1][0, 0] == 2


def test_one_image_can_be_made_two_inputs(small):
    """A preprocess that returns a tuple."""

    def cut(images):
        return images[:, :, :, :14] / np.float32(255), images[:, :, :, 14:].mean((2, 3)) / 255

    class Cut(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(392, 10), nn.Linear(1, 10)

        def forward(self, left, right):
            return self.left(left.flatten(1)) + self.right(right)

    t = trainer(Cut().initialize(seed=0), preprocess=cut)
    assert t.fit(small[0], epochs=2, batch_size=32, progress=False)["accuracy"][-1] > 0.3


@pytest.mark.parametrize(
    ("preprocess", "error", "message"),
    [
        (lambda inputs: {"a": inputs}, DTypeError, "Trainer: preprocess must return an array, got dict"),
        (
            lambda inputs: (inputs[0], 5),
            DTypeError,
            r"Trainer: what preprocess returned\[1\] must be an array",
        ),
        (
            lambda inputs: (inputs[0], inputs[1][:1]),
            ShapeError,
            r"Trainer: what preprocess returned\[1\] has 1 rows, but the first array has 3",
        ),
        (
            Normalize(0, 1),
            DTypeError,
            "Normalize: images must be a NumPy array, got a tuple of 2: .*PerInput",
        ),
        (PerInput([None]), ShapeError, "PerInput: 1 transforms, but 2 inputs"),
        (lambda inputs: {}, DTypeError, "Trainer: preprocess must return an array, got dict$"),
        (lambda inputs: inputs[0] / 255, DTypeError, r"Hinted: forward takes \(image, hint\), got 1 array"),
    ],
)
def test_a_preprocess_that_does_not_fit(digits, preprocess, error, message):
    t = trainer(model(), preprocess=preprocess)
    with pytest.raises(error, match=message):
        t.predict([each[:3] for each in digits[0].images])
    with pytest.raises(error):
        t.fit(digits[0], epochs=1, batch_size=8)


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize(
    ("x", "y", "error", "message"),
    [
        (
            (np.zeros((3, 1, 28, 28)), np.zeros((2, 5))),
            [0] * 3,
            ShapeError,
            r"x\[1\] has 2 rows, but the first",
        ),
        (
            (np.zeros((3, 1, 28, 28)), "a"),
            [0] * 3,
            DTypeError,
            r"x\[1\] must be an array with a batch axis, got str",
        ),
        ((np.zeros((3, 1, 28, 28)), np.zeros((3, 5))), [0] * 2, ShapeError, "3 images but 2 labels"),
    ],
)
def test_what_a_step_cannot_take(x, y, error, message, engine):
    with pytest.raises(error, match=f"train_step: {message}"):
        trainer(model(), engine=engine).train_step(x, y)


@pytest.mark.parametrize("engine", [True, False])
def test_another_number_of_inputs(digits, small, engine):
    t = trainer(model(), engine=engine)
    message = r"Hinted: forward takes \(image, hint\), got 1 array: missing a required argument: 'hint'"
    for call in (
        lambda: t.fit(small[0], epochs=1, batch_size=8),
        lambda: t.train_step(small[0].images[:8], small[0].labels[:8]),
        lambda: t.evaluate(small[0]),
        lambda: t.predict(small[0].images),
        lambda: lr_find(t, small[0], batch_size=8),
    ):
        with pytest.raises(DTypeError, match=message):
            call()
    with pytest.raises(
        DTypeError, match=r"Sequential: forward takes \(x\), got 2 arrays: too many positional"
    ):
        trainer(engine=engine).fit(digits[0], epochs=1, batch_size=8)


def test_shapes_and_types_that_do_not_fit_are_named_before_training(digits):
    images, hints = digits[0].images
    wide = data.Dataset((images, np.tile(hints, 2)), digits[0].labels)
    with pytest.raises(
        ShapeError,
        match=r"fit: train does not fit the model: a sample is \(1, 28, 28\) and \(10,\): linear: x must",
    ):
        trainer(model()).fit(wide, epochs=1, batch_size=8)
    whole = data.Dataset((images, hints.astype(np.int64)), digits[0].labels)
    with pytest.raises(
        DTypeError,
        match=r"fit: train does not fit the model: linear: x must be float32 or float64, got int64 "
        r"\(images\[1\] reached it as integers, which stay what they are if they are no images: for numbers "
        r"use astype\(np.float32\)\)",
    ):
        trainer(model()).fit(whole, epochs=1, batch_size=8)
    pixels = data.Dataset((np.zeros((9, 1, 2, 2), np.uint8), hints[:9]), digits[0].labels[:9])
    with pytest.raises(ShapeError, match=r"layer 'norm' .* cannot be trained on a batch of one image"):
        trainer(Hinted(size=2, hints=5)).fit(pixels, epochs=1, batch_size=8)


def test_images_that_reach_the_model_unscaled(digits, caplog):
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.image, self.hint = nn.Linear(784, 10), nn.Linear(5, 10)

        def forward(self, image, hint):
            return self.image(image.flatten(1)) + self.hint(hint)

    images, hints = digits[0].images
    for given, expected in (((images.astype(np.float32), hints), 1), ((images, hints * 300), 0)):
        t = trainer(Plain().initialize(seed=0), lr=1e-6)
        t.fit(data.Dataset(given, digits[0].labels), epochs=1, batch_size=64, progress=False)
        assert sum("images reach the model unscaled" in hint for hint in t.hints) == expected


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
