"""Test-time augmentation: by hand, against the mean of predictions, and what it refuses."""

import numpy as np
import pytest

from fastcnn import Trainer, nn, optim
from fastcnn.data import Dataset
from fastcnn.errors import FastcnnError


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
