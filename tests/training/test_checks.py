"""Batches that a layer cannot be trained on are found before training starts."""

import numpy as np
import pytest

from fastcnn import data, nn
from fastcnn.errors import ShapeError
from fastcnn.training import LambdaCallback, lr_find

from .networks import trainer


def images(count):
    rng = np.random.default_rng(0)
    return data.Dataset(rng.integers(0, 256, (count, 1, 8, 8), np.uint8), rng.integers(0, 3, count))


def network(size=8):
    """Batch norm of maps of (9 - size) pixels squared, in a block."""
    block = nn.Sequential(nn.Conv2d(1, 4, size), nn.BatchNorm2d(4), nn.ReLU())
    return nn.Sequential(block, nn.Flatten(), nn.Linear(4 * (9 - size) ** 2, 3))


@pytest.fixture(params=[True, False], ids=["compiled", "eager"])
def engine(request):
    return request.param


FAILING = [
    (
        33,
        16,
        "batch_size=16 leaves 1 of 33 images for the last one: pass drop_last=True, or another batch_size",
    ),
    (3, 2, "batch_size=2 leaves 1 of 3 images for the last one: pass drop_last=True, or another batch_size"),
    (4, 1, "batch_size=1 of 4 images makes batches of 1: take a larger batch_size"),
    (1, 16, "batch_size=16 of 1 images makes batches of 1: take more images"),
]


@pytest.mark.parametrize(("count", "batch_size", "message"), FAILING)
def test_a_batch_of_one_image_without_variance(engine, count, batch_size, message):
    """It would fail in the last step of the first epoch: fit says so and changes nothing."""
    begun = []
    t = trainer(network(), engine=engine, callbacks=[LambdaCallback(on_train_begin=begun.append)])
    before = t.model.state_dict()
    with pytest.raises(ShapeError) as refused:
        t.fit(images(count), epochs=1, batch_size=batch_size, progress=False)
    assert str(refused.value) == (
        "fit: layer '0.1' (BatchNorm2d) cannot be trained on a batch of one image, of which it gets "
        f"(4, 1, 1), but {message}"
    )
    assert not begun
    assert not t.history.epochs
    for name, value in t.model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize(
    ("count", "batch_size", "options"),
    [(33, 16, {"drop_last": True}), (32, 16, {}), (34, 16, {}), (2, 16, {})],
)
def test_batches_that_can_be_trained_on(engine, count, batch_size, options):
    t = trainer(network(), engine=engine)
    assert len(t.fit(images(count), epochs=1, batch_size=batch_size, progress=False, **options)) == 1


def test_maps_of_several_pixels(engine):
    t = trainer(network(size=7), engine=engine)
    t.fit(images(5), epochs=1, batch_size=4, progress=False)
    t.fit(images(5), epochs=1, batch_size=1, progress=False)


def test_augmentation_decides_the_size():
    """Images of 9x9 that are cropped to 8x8 leave one pixel to the batch norm."""
    large = data.Dataset(np.zeros((33, 1, 9, 9), np.uint8), images(33).labels)
    crop = {"augment": lambda images, rng: images[:, :, :8, :8]}
    with pytest.raises(ShapeError, match="cannot be trained on a batch of one image"):
        trainer(network()).fit(large, epochs=1, batch_size=16, progress=False, **crop)
    trainer(network()).fit(large, epochs=1, batch_size=11, progress=False, **crop)


def test_a_frozen_layer_does_not_count():
    """In evaluation mode batch norm takes the running statistics."""
    t = trainer(network(), engine=False)
    t.model[0][1].eval()
    t.fit(images(33), epochs=1, batch_size=16, progress=False)
    assert t.model[0][1].num_batches_tracked == 0
    t.model.eval()  # fit trains all of a model that is in evaluation mode
    with pytest.raises(ShapeError, match="cannot be trained on a batch of one image"):
        t.fit(images(33), epochs=1, batch_size=16, progress=False)


class Pairs(nn.Flatten):
    """A layer of somebody's own that needs several images."""

    def needs_batch(self, input_shape):
        return True


def test_a_layer_of_ones_own():
    t = trainer(nn.Sequential(Pairs(), nn.Linear(64, 3)))
    with pytest.raises(ShapeError, match=r"layer '0' \(Pairs\) cannot be trained on a batch of one image"):
        t.fit(images(3), epochs=1, batch_size=2, progress=False)


def test_the_search_for_a_rate(engine):
    """It fails only if it comes to the last batch of an epoch."""
    t = trainer(network(), engine=engine)
    with pytest.raises(
        ShapeError, match=r"lr_find: layer '0.1' .* leaves 1 of 33 images for the last one: pass"
    ):
        lr_find(t, images(33), batch_size=16, steps=3)
    assert len(lr_find(t, images(33), batch_size=16, steps=2).lrs) == 2
    assert len(lr_find(t, images(33), batch_size=16, steps=7, drop_last=True).lrs) == 7
