"""Test-time augmentation: by hand, against the mean of predictions, and what it refuses."""

import numpy as np
import pytest

from fastcnn import Trainer, nn, optim
from fastcnn.data import Dataset
from fastcnn.errors import FastcnnError
from fastcnn.nn import functional as F


def network():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 4 * 5, 3)).initialize(
        "default", 0
    )


def images(count=9):
    return np.random.default_rng(0).normal(size=(count, 1, 6, 7)).astype(np.float32)


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("batch_size", [4, 256])
def test_flip_is_the_mean_of_two(engine, batch_size):
    model, x = network(), images()
    expected = (model.predict(x, engine=engine) + model.predict(x[..., ::-1].copy(), engine=engine)) / 2
    result = model.predict(x, batch_size, engine=engine, tta="flip")
    np.testing.assert_allclose(result, expected, atol=1e-6)
    assert result.dtype == np.float32


class Corner(nn.Module):
    def forward(self, x):
        return x[:, :, 0, 0]


def test_shifts_by_hand():
    x = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    # In the corner stand the pixel itself, where the border is repeated too, and the next ones.
    assert Corner().predict(x, tta="shift").item() == pytest.approx((0 + 0 + 3 + 0 + 1) / 5)
    assert Corner().predict(x, tta="shift=9").item() == pytest.approx((0 + 0 + 6 + 0 + 2) / 5)
    assert Corner().predict(x, tta="flip, shift").item() == pytest.approx((4 + 2 + 2 + 5 + 2 + 1) / 10)


def test_trainer_takes_views_before_preprocess():
    data = Dataset(np.random.default_rng(1).integers(0, 256, (9, 1, 6, 7), np.uint8), np.arange(9) % 3)
    model = network()
    trainer = Trainer(
        model,
        optim.SGD(model.parameters(), 0.1),
        nn.CrossEntropyLoss(),
        preprocess=lambda x: x / np.float32(255) - np.linspace(0, 1, 7, dtype=np.float32),
    )
    expected = (trainer.predict(data.images) + trainer.predict(data.images[..., ::-1].copy())) / 2
    np.testing.assert_allclose(trainer.predict(data.images, 4, tta="flip"), expected, atol=1e-6)
    result = trainer.evaluate(data, tta="flip")
    assert result["correct"] == (expected.argmax(1) == data.labels).sum()


@pytest.mark.parametrize(
    ("tta", "message"),
    [
        ("turn", "predict: tta must be flip, shift=PIXELS, or both with a comma, got 'turn'"),
        ("flip,flip", "predict: tta must be flip"),
        ("shift=0", "predict: tta must be flip"),
        ("", "predict: tta must be flip"),
        (2, "predict: tta must be a str such as 'flip' or 'flip,shift=2', got 2"),
    ],
)
def test_refuses(tta, message):
    with pytest.raises(FastcnnError, match=message):
        network().predict(images(), tta=tta)


def test_needs_images():
    with pytest.raises(FastcnnError, match=r"predict: tta needs images \(N, C, H, W\), got \(5, 3\)"):
        nn.Linear(3, 2).predict(np.ones((5, 3), np.float32), tta="flip")


class Pixels(nn.Module):
    """A map of the image's size, which depends on each pixel alone."""

    def forward(self, x):
        return 2 * x + 1


@pytest.mark.parametrize("tta", ["flip", "shift", "shift=3", "shift=50", "flip,shift=2"])
@pytest.mark.parametrize("engine", [True, False])
def test_maps_lie_on_the_image_again(tta, engine):
    """What depends on the pixel alone is the same for every view that shows it."""
    x = images()
    np.testing.assert_allclose(Pixels().predict(x, engine=engine, tta=tta), 2 * x + 1, rtol=1e-6, atol=1e-6)


class Neighbours(nn.Module):
    """Each pixel's right neighbour, 0 behind the last; of all channels one, so that there are three axes."""

    def forward(self, x):
        return F.pad(x, (0, 1, 0, 0))[:, 0, :, 1:]


def test_maps_by_hand():
    x = np.arange(6, dtype=np.float32).reshape(1, 1, 2, 3)
    # In the mirror the right neighbour is the left one.
    np.testing.assert_allclose(Neighbours().predict(x, tta="flip")[0], [[0.5, 1, 0.5], [2, 4, 2]])
    # A view that does not show a pixel does not count: of each row one that is shifted up or down. To the
    # right the middle is at the end, with 0 behind it; to the left the last has itself beside it, the border.
    expected = [[(1 + 1 + 1) / 3, (2 + 2 + 0 + 2) / 4, (0 + 0 + 2) / 3]]
    expected += [[(4 + 4 + 4) / 3, (5 + 5 + 0 + 5) / 4, (0 + 0 + 5) / 3]]
    np.testing.assert_allclose(Neighbours().predict(x, tta="shift")[0], expected)


def test_maps_of_another_size_are_mirrored():
    model = nn.Sequential(nn.MaxPool2d(2))
    x = images()[..., :6]
    np.testing.assert_array_equal(model.predict(x, tta="flip"), model.predict(x))


def test_rows_of_numbers_are_no_map():
    """A batch of as many images as they have rows, with as many outputs as columns."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(42, 7)).initialize("default", 0)
    x = images(6)
    expected = (model.predict(x) + model.predict(x[..., ::-1].copy())) / 2
    np.testing.assert_allclose(model.predict(x, tta="flip"), expected, atol=1e-6)


def test_several_maps():
    class Both(nn.Module):
        def forward(self, x):
            return {"map": 2 * x, "mean": x.mean((2, 3))}

    x = images()
    made = Both().predict(x, tta="flip,shift=2")
    np.testing.assert_allclose(made["map"], 2 * x, rtol=1e-6)
    assert made["mean"].shape == (9, 1)


def test_a_segmentation_is_measured_on_the_pixels_that_it_is_of():
    """A model that is always right stays so."""
    masks = np.random.default_rng(2).integers(0, 2, (5, 6, 7))
    data = Dataset(masks[:, None].astype(np.float32), masks)
    model = nn.Sequential(nn.Conv2d(1, 2, 1))
    model[0].weight.data[:] = np.array([-1, 1]).reshape(2, 1, 1, 1)
    model[0].bias.data[:] = [0.5, -0.5]
    trainer = Trainer(model, optim.SGD(model.parameters(), 0.1), nn.CrossEntropyLoss())
    for tta in (None, "flip", "shift=2", "flip,shift"):
        assert trainer.evaluate(data, tta=tta)["pixel_accuracy"] == 1
