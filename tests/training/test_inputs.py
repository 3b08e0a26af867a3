"""How the samples of several inputs reach the model, and what is said of those that do not fit it."""

import numpy as np
import pytest

from fastcnn import data, nn
from fastcnn.data.transforms import Normalize, PerInput
from fastcnn.errors import DTypeError, ShapeError
from fastcnn.training import lr_find

from ..nn.forwards import Hinted
from .networks import hinted, trainer


def model(dtype=np.float32):
    return Hinted(hints=5).astype(dtype).initialize(seed=1)


@pytest.fixture(scope="module")
def digits(small):
    return tuple(map(hinted, small))


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
    # A tuple of one is that array, which gets the model's precision whatever it is.
    assert trainer(model(), preprocess=lambda inputs: (inputs[2],)).prepare(given).dtype == np.float32


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
