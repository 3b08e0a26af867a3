"""MixUp and CutMix of other targets than classes, and of samples with weights."""

from dataclasses import replace

import numpy as np
import pytest

from fastcnn.data import Dataset, Loader
from fastcnn.data.batch import whole_batch
from fastcnn.data.transforms import CutMix, MixUp
from fastcnn.errors import ArgumentError

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 1, 6, 8), dtype=np.uint8)
MASKS = np.random.default_rng(1).integers(0, 3, (4, 6, 8))


def mixed(augment, labels, seed=3, **options):
    """Return a mixed batch, and the share that each sample kept."""
    dataset = Dataset(IMAGES, labels, **options)
    (images, targets, *weights), *_ = Loader(dataset, 4, shuffle=False, augment=augment, seed=seed).epoch(0)
    # MixUp of black and white images says what the share was.
    white = np.zeros((4, 1, 6, 8), np.float32)
    white[0] = 1
    (shown, *_), *_ = Loader(Dataset(white, [0] * 4), 4, shuffle=False, augment=augment, seed=seed).epoch(0)
    return images, targets, weights, float(shown[0].mean())


@pytest.mark.parametrize(
    "labels", [np.array([0.5, 1, 2, 5]), np.array([[1, 1], [0, 0], [0, 1], [1, 0]], bool)]
)
def test_mixup_is_linear_in_targets_that_are_no_classes(labels):
    _, targets, _, share = mixed(MixUp(), labels)
    rows = labels.astype(float)
    np.testing.assert_allclose(targets, share * rows + (1 - share) * np.roll(rows, 1, axis=0), atol=1e-5)
    assert 0.01 < share < 0.99


def test_cutmix_mixes_several_labels_by_the_area():
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1]], bool)
    _, targets, _, share = mixed(CutMix(), labels)
    rows = labels.astype(float)
    np.testing.assert_allclose(targets, share * rows + (1 - share) * np.roll(rows, 1, axis=0), atol=1e-5)


@pytest.mark.parametrize(
    "labels", [MASKS, MASKS.astype(np.uint8), MASKS[:, None] / 4, np.stack([MASKS / 4, MASKS / 8], 1)]
)
def test_cutmix_cuts_maps_where_it_cuts_images(labels):
    dataset = Dataset(
        np.arange(4, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 6, 8), np.uint8), labels
    )
    for seed in range(5):
        (images, targets), *_ = Loader(dataset, 4, shuffle=False, augment=CutMix(), seed=seed).epoch(0)
        for i in range(4):
            cut = images[i, 0] != i
            expected = np.where(cut, labels[i - 1], labels[i])
            np.testing.assert_array_equal(targets[i], expected)
    assert targets.dtype == (np.int64 if np.ndim(labels) == 3 else labels.dtype)


def test_weights_are_mixed():
    _, targets, (weights,), share = mixed(MixUp(), [0, 1, 2, 0], weights=[1, 0, 2, 3])
    own = np.array([1.0, 0, 2, 3])
    before = np.roll(own, 1)
    np.testing.assert_allclose(weights, share * own + (1 - share) * before, atol=1e-5)
    one_hot = np.eye(3)[[0, 1, 2, 0]]
    expected = (share * own)[:, None] * one_hot + ((1 - share) * before)[:, None] * np.roll(
        one_hot, 1, axis=0
    )
    np.testing.assert_allclose(weights[:, None] * targets, expected, atol=1e-5)
    # The second sample counts for nothing, and so does its class.
    assert targets[:, 1].tolist() == [0, 0, 0, 0]


def test_samples_without_weight_keep_their_targets():
    _, targets, (weights,), _ = mixed(MixUp(), [0, 1, 2, 0], weights=[0, 0, 0, 1])
    assert weights[1] == weights[2] == 0
    np.testing.assert_allclose(targets.sum(1), 1)


@pytest.mark.parametrize(
    ("augment", "labels", "message"),
    [
        (MixUp(), MASKS, "MixUp: classes of pixels cannot be mixed: take CutMix"),
        (CutMix(), MASKS[:, :3], r"CutMix: masks are \(3, 8\), which is not the size of the images"),
        (
            CutMix(),
            np.array([0.5, 1, 2, 3]),
            "CutMix: a rectangle of an image says nothing of its real target",
        ),
    ],
)
def test_refuses(augment, labels, message):
    with pytest.raises(ArgumentError, match=message):
        mixed(augment, labels)


def test_a_batch_that_is_not_mixed_is_copied():
    dataset = Dataset(IMAGES, MASKS)
    batch = whole_batch(dataset, IMAGES, MASKS, np.arange(4))
    made = CutMix(p=0).on_batch(replace(batch), np.random.default_rng(0))
    np.testing.assert_array_equal(made.labels, MASKS)
    assert not np.shares_memory(made.labels, MASKS)
