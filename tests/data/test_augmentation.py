"""Crops, flips, rotations, resizing, colours and policies: by hand, by formula, and what is drawn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn import Trainer, data, nn, optim
from fastcnn._kernels import cpu
from fastcnn.data import Dataset, Loader
from fastcnn.data.policies import OPERATIONS
from fastcnn.data.transforms import (
    AlternatingFlip,
    ColorJitter,
    Compose,
    CutMix,
    Cutout,
    MixUp,
    PerInput,
    RandAugment,
    RandomCrop,
    RandomGrayscale,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
    TrivialAugmentWide,
)
from fastcnn.errors import ArgumentError, DTypeError, FastcnnError, ShapeError

from .colours import adjusted

few = settings(max_examples=25, deadline=None)


def batch(shape=(6, 3, 8, 9), dtype=np.uint8, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, shape)
    return values.astype(dtype) / dtype(255) if dtype == np.float32 else values.astype(dtype)


def rng(seed=0):
    return np.random.default_rng(seed)


# --- crops, flips, rotations ---


@pytest.mark.parametrize(
    ("mode", "numpy"),
    [
        ("constant", "constant"),
        ("edge", "edge"),
        ("replicate", "edge"),
        ("reflect", "reflect"),
        ("symmetric", "symmetric"),
        ("circular", "wrap"),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_padding_modes_are_those_of_numpy(mode, numpy, dtype):
    images = batch((5, 2, 4, 6), dtype)
    whole = RandomCrop((9, 12), (3, 3, 2, 3), padding_mode=mode)(images, rng())
    expected = np.pad(images, ((0, 0), (0, 0), (2, 3), (3, 3)), mode=numpy)
    np.testing.assert_array_equal(whole, expected)


@few
@given(st.tuples(*[st.integers(1, 9)] * 2), st.integers(0, 99))
def test_a_crop_of_the_whole_is_the_image(size, seed):
    images = batch((3, 1, *size), seed=seed)
    np.testing.assert_array_equal(RandomCrop(size)(images, rng(seed)), images)
    np.testing.assert_array_equal(RandomRotation((0, 0))(images, rng(seed)), images)
    twice = RandomVerticalFlip(1)(RandomVerticalFlip(1)(images, rng()), rng())
    np.testing.assert_array_equal(twice, images)
    np.testing.assert_array_equal(RandomVerticalFlip(1)(images, rng()), images[:, :, ::-1])
    for interpolation in ("bilinear", "area"):
        np.testing.assert_array_equal(Resize(size, interpolation)(images), images)


def test_rotation_is_anticlockwise():
    images = np.arange(9, dtype=np.uint8).reshape(1, 1, 3, 3)
    np.testing.assert_array_equal(RandomRotation((90, 90))(images, rng()), np.rot90(images, axes=(2, 3)))
    assert RandomRotation(20).degrees == (-20.0, 20.0)


def test_alternating_flip_shows_both_sides_in_two_epochs():
    images, indices = batch((400, 1, 2, 3)), np.arange(400)
    flip = AlternatingFlip()
    first, second, third = (flip.flip(images, indices, epoch, 5) for epoch in range(3))
    turned = (first == images[..., ::-1]).all((1, 2, 3)) & (first != images).any((1, 2, 3))
    assert 150 < turned.sum() < 250
    np.testing.assert_array_equal(second, first[..., ::-1])
    np.testing.assert_array_equal(third, first)
    assert (flip.flip(images, indices, 0, 6) != first).any()
    # An image is turned or not whatever batch it is in.
    np.testing.assert_array_equal(flip.flip(images[7:9], [7, 8], 0, 5), first[7:9])


def test_alternating_flip_in_a_loader():
    dataset = Dataset(batch((50, 1, 2, 5)), np.zeros(50, int))
    loader = Loader(dataset, 8, seed=3, augment=Compose([AlternatingFlip()]))
    seen = []
    for epoch in range(2):
        images = np.concatenate([images for images, _ in loader.epoch(epoch)])
        seen.append(images[np.argsort(loader.order(epoch))])
    np.testing.assert_array_equal(seen[1], seen[0][..., ::-1])


def test_cutout_by_hand():
    squares = Cutout(4).rectangles(2000, 10, 12, rng())[:, 0]
    inside = (squares[:, 0] > 0) & (squares[:, 0] + squares[:, 2] < 10)
    assert (squares[inside, 2] == 4).all()
    assert squares[:, 2].min() == 2
    assert squares[:, 3].max() == 4
    images = np.ones((50, 1, 6, 6), np.uint8)
    assert Cutout(2, p=0)(images, rng()).all()
    assert not Cutout(12)(images, rng()).any()
    some = Cutout(2, holes=3, p=0.5, value=9)(images, rng())
    assert 10 < (some == 9).any((1, 2, 3)).sum() < 40


# --- resizing ---


def test_resize_by_hand():
    image = np.array([[0, 100]], np.uint8).reshape(1, 1, 1, 2)
    assert Resize((1, 4))(image).ravel().tolist() == [0, 25, 75, 100]
    assert Resize((1, 1))(image).ravel().tolist() == [50]
    line = np.array([0, 0, 0, 200], np.uint8).reshape(1, 1, 1, 4)
    assert Resize((1, 2), "area")(line).ravel().tolist() == [0, 100]
    assert Resize((1, 2))(line).ravel().tolist() == [0, 86]  # 3 / 7, for the weights are 1, 3, 3
    assert Resize(4)(batch((1, 3, 8, 12))).shape == (1, 3, 4, 6)
    assert Resize([4])(batch((1, 3, 12, 8))).shape == (1, 3, 6, 4)
    assert Resize((4, 4))(batch((0, 3, 8, 12))).shape == (0, 3, 4, 4)


def test_resize_without_antialias_skips_pixels():
    spike = np.zeros((1, 1, 1, 9), np.float32)
    spike[..., 0] = 1
    assert Resize((1, 3), antialias=False)(spike).sum() == 0
    assert Resize((1, 3))(spike).sum() > 0


def test_random_resized_crop_boxes():
    boxes = RandomResizedCrop(8).boxes(3000, 40, 60, rng())
    area, ratio = boxes[:, 2] * boxes[:, 3] / 2400, boxes[:, 3] / boxes[:, 2]
    assert 0.07 < area.min() < 0.1
    assert area.max() > 0.8
    assert 0.7 < ratio.min() < 0.8
    assert 1.25 < ratio.max() < 1.4
    assert (boxes[:, :2] >= 0).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= [40, 60]).all()
    # Nothing of that ratio has the whole area: the largest in the middle.
    assert RandomResizedCrop(8, (1, 1), (1, 1)).boxes(1, 40, 60, rng()).tolist() == [[0, 10, 40, 40]]


# --- colours ---


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_color_jitter_is_the_formula(name):
    factor = 0.2 if name == "hue" else 1.4
    images = batch()
    result = ColorJitter(**{name: (factor, factor)})(images, rng())
    exact = np.stack([adjusted(image, name, factor) for image in images.astype(float)])
    assert np.abs(result - exact).max() <= 0.501


def test_color_jitter_draws_in_its_range():
    images = np.full((4000, 1, 1, 1), 100, np.uint8)
    result = ColorJitter(0.5)(images, rng()).ravel()
    assert 50 <= result.min() <= 51
    assert 149 <= result.max() <= 150
    assert 98 < result.mean() < 102
    np.testing.assert_array_equal(ColorJitter()(images, rng()), images)
    assert ColorJitter(2).brightness == (0.0, 3.0)


def test_color_jitter_orders_differ():
    images = np.tile(batch((1, 3, 4, 4)), (200, 1, 1, 1))
    result = ColorJitter((1.6, 1.6), (0.3, 0.3))(images, rng())
    assert len({each.tobytes() for each in result}) == 2


def test_grayscale():
    images = batch((1000, 3, 2, 2))
    result = RandomGrayscale(0.3)(images, rng())
    grey = (result == result[:, :1]).all((1, 2, 3))
    assert 250 < grey.sum() < 350
    np.testing.assert_array_equal(result[~grey], images[~grey])
    np.testing.assert_array_equal(RandomGrayscale(1)(images[:, :1], rng()), images[:, :1])


# --- policies ---


@pytest.mark.parametrize(
    "policy", [RandAugment(), RandAugment(3, 30), TrivialAugmentWide(), TrivialAugmentWide(2, 9)]
)
@pytest.mark.parametrize("channels", [1, 3])
def test_policies_are_seeded_for_any_threads(policy, channels):
    images, before, results = batch((120, channels, 40, 41)), cpu.get_num_threads(), []
    for count in (1, 2, 3, 8):
        cpu.set_num_threads(count)
        results.append(policy(images, rng(4)))
    cpu.set_num_threads(before)
    for each in results[1:]:
        np.testing.assert_array_equal(each, results[0])
    assert (policy(images, rng(5)) != results[0]).any()
    assert policy(images[:0], rng()).shape == (0, channels, 40, 41)


def test_the_weakest_and_no_operation():
    images = batch((80, 3, 16, 16))
    np.testing.assert_array_equal(RandAugment(0)(images, rng()), images)
    policy, bins = RandAugment(magnitude=0), np.zeros(80, int)
    for name in OPERATIONS:
        if name in ("AutoContrast", "Equalize", "Solarize"):
            continue
        numbers = np.full(80, OPERATIONS.index(name))
        np.testing.assert_array_equal(policy._step(images.copy(), numbers, bins, bins > 0), images)


def test_moves_of_a_policy_by_hand():
    policy = TrivialAugmentWide()
    images = batch((1, 1, 40, 40))

    def strongest(name, negative):
        number, last = np.array([OPERATIONS.index(name)]), np.array([30])
        return policy._step(images.copy(), number, last, np.array([negative]))

    np.testing.assert_array_equal(strongest("TranslateX", False)[..., 32:], images[..., :8])
    np.testing.assert_array_equal(strongest("TranslateY", True)[:, :, :8], images[:, :, 32:])
    assert (strongest("TranslateX", False)[..., :32] == 0).all()
    # Row i of a shear shows the image 0.99 (i + 1 / 2) further to the right.
    row = strongest("ShearX", False)[0, 0, 10].astype(int)
    place = np.arange(20) + 0.99 * 10.5
    left = np.floor(place).astype(int)
    exact = (1 - place % 1) * images[0, 0, 10, left] + place % 1 * images[0, 0, 10, left + 1]
    assert np.abs(row[:20] - exact).max() <= 0.51


def test_policies_draw_every_operation():
    assert len(OPERATIONS) == 14
    images = np.tile(batch((1, 3, 20, 20)), (3000, 1, 1, 1))
    same = (TrivialAugmentWide()(images, rng()) == images).all((1, 2, 3)).mean()
    assert 1 / 14 < same < 0.35


# --- mixing ---


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_mixup_by_hand(dtype):
    images, labels = batch((5, 1, 2, 2), dtype), np.array([0, 1, 2, 1, 0])
    mixed, targets = MixUp(num_classes=3).mix(images, labels, rng(1))
    draws = rng(1)
    draws.random()
    share = draws.beta(1, 1)
    exact = share * images + (1 - share) * np.roll(images, 1, 0).astype(float)
    assert np.abs(mixed - exact).max() <= (0.501 if dtype == np.uint8 else 1e-6)
    assert (mixed.dtype, targets.dtype) == (dtype, np.float32)
    one_hot = np.eye(3)[labels]
    np.testing.assert_allclose(targets, share * one_hot + (1 - share) * np.roll(one_hot, 1, 0), atol=1e-6)


@few
@given(st.sampled_from([MixUp, CutMix]), st.floats(0.05, 5), st.integers(1, 9), st.integers(0, 99))
def test_targets_are_probabilities(cls, alpha, count, seed):
    images, labels = batch((count, 1, 4, 5), seed=seed), np.arange(count) % 3
    mixed, targets = cls(alpha, num_classes=3).mix(images, labels, rng(seed))
    assert mixed.shape == images.shape
    np.testing.assert_allclose(targets.sum(1), 1, atol=1e-6)
    assert targets.min() >= 0
    _, more = cls(alpha).mix(mixed, targets, rng(seed + 1))
    np.testing.assert_allclose(more.sum(1), 1, atol=1e-6)


def test_cutmix_mixes_by_area():
    images = np.arange(4, dtype=np.uint8)[:, None, None, None] * np.ones((4, 1, 8, 8), np.uint8)
    for seed in range(30):
        mixed, targets = CutMix(num_classes=4).mix(images, np.arange(4), rng(seed))
        own = (mixed == images).mean((1, 2, 3))
        np.testing.assert_allclose(targets[np.arange(4), np.arange(4)], own, atol=1e-6)


def test_mixing_of_no_batch_gives_probabilities():
    images, labels = batch((4, 1, 3, 3)), np.arange(4)
    mixed, targets = MixUp(p=0, num_classes=4).mix(images, labels, rng())
    np.testing.assert_array_equal(mixed, images)
    np.testing.assert_array_equal(targets, np.eye(4))


@pytest.mark.parametrize("prefetch", [0, 2])
def test_the_rest_of_a_mixed_epoch(prefetch):
    augment = Compose([RandAugment(), AlternatingFlip(), MixUp(p=0.5), CutMix(p=0.5)])
    dataset = Dataset(batch((33, 3, 12, 12)), np.arange(33) % 3)
    loader = Loader(dataset, 5, seed=4, augment=augment, prefetch=prefetch)
    whole, rest = list(loader.epoch(1)), list(loader.epoch(1, 4))
    for one, other in zip(whole[4:], rest, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    assert whole[0][1].shape == (5, 3)


def test_per_input_keeps_labels():
    images = batch((20, 1, 2, 5))
    dataset = Dataset((images, np.zeros((20, 2), np.float32)), np.zeros(20, int))
    flipped = Loader(dataset, 20, shuffle=False, augment=PerInput([AlternatingFlip(), None]))
    (got, _), _ = next(flipped.epoch(0))
    np.testing.assert_array_equal(got, AlternatingFlip().flip(images, np.arange(20), 0, 0))
    mixing = Loader(dataset, 5, augment=PerInput([MixUp(), None]))
    with pytest.raises(ArgumentError, match="PerInput: MixUp changes labels, which belong to all inputs"):
        next(mixing.epoch(0))


# --- what they refuse ---

FLOATS = batch(dtype=np.float32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: RandomCrop(3, padding_mode="wrap"),
            "RandomCrop: padding_mode must be one of constant, edge,",
        ),
        (lambda: RandomCrop(3, 9, padding_mode="reflect")(batch(), rng()), "more than images of 8x9 have"),
        (lambda: RandomRotation("5"), "RandomRotation: degrees must be a number, got '5'"),
        (lambda: RandomVerticalFlip(2), r"RandomVerticalFlip: p must be in \[0, 1\], got 2"),
        (lambda: Cutout(0), "Cutout: size must be at least 1, got 0"),
        (lambda: Resize(0), "Resize: size must be at least 1, got 0"),
        (lambda: Resize(3, "cubic"), "Resize: interpolation must be one of bilinear, area, got 'cubic'"),
        (lambda: Resize(3, antialias=1), "Resize: antialias must be True or False, got 1"),
        (lambda: RandomResizedCrop(3, (0, 2)), r"RandomResizedCrop: scale must be in \[0, 1\], got 2"),
        (lambda: ColorJitter(-1), r"ColorJitter: brightness must be in \[0, inf\], got -1"),
        (lambda: ColorJitter(hue=0.6), r"ColorJitter: hue must be in \[0, 0.5\], got 0.6"),
        (
            lambda: ColorJitter(1)(255 * FLOATS, rng()),
            "ColorJitter: float32 images must lie from 0 to 1, got 0 to",
        ),
        (lambda: ColorJitter(1)(batch((2, 4, 3, 3)), rng()), r"images must have 1 channel \(grey\) or 3"),
        (lambda: RandomGrayscale(math.nan), "RandomGrayscale: p must be in"),
        (lambda: RandAugment(magnitude=31), "magnitude must be below num_magnitude_bins=31, got 31"),
        (lambda: RandAugment(num_ops=-1), "RandAugment: num_ops must be at least 0, got -1"),
        (lambda: RandAugment(fill=(1, 2))(batch(), rng()), "RandAugment: fill has 2 values"),
        (lambda: TrivialAugmentWide(1), "TrivialAugmentWide: num_magnitude_bins must be at least 2, got 1"),
        (
            lambda: TrivialAugmentWide()(FLOATS, rng()),
            "TrivialAugmentWide: images must be uint8, got float32",
        ),
        (lambda: MixUp(0), "MixUp: alpha must be in"),
        (lambda: MixUp()(batch(), rng()), "MixUp: mixes labels, too: give it to fit or Loader as augment"),
        (
            lambda: MixUp().mix(batch(), np.zeros(6, int), rng()),
            r"mix needs num_classes, as in MixUp\(num_cla",
        ),
        (lambda: CutMix(num_classes=2).mix(batch(), [0, 1], rng()), "CutMix: 6 images but 2 labels"),
        (
            lambda: CutMix(num_classes=2).mix(batch(), [2] * 6, rng()),
            "label 2 is out of range for num_classes=2",
        ),
        (
            lambda: MixUp(num_classes=2).mix(batch(), np.zeros(6), rng()),
            "labels must be classes, or probabil",
        ),
        (lambda: AlternatingFlip()(batch(), rng()), "AlternatingFlip: needs the epoch and the indices"),
        (lambda: AlternatingFlip().flip(batch(), [1], 0), "AlternatingFlip: 6 images but 1 indices"),
        (lambda: AlternatingFlip().flip(batch(), range(6), -1), "AlternatingFlip: epoch must be at least 0"),
    ],
)
def test_refuses(call, message):
    with pytest.raises(FastcnnError, match=message):
        call()


def test_on_batch_must_return_a_batch():
    class Wrong:
        def __call__(self, images, rng):
            return images

        def on_batch(self, batch, rng):
            return batch.images

    dataset = Dataset(batch(), np.zeros(6, int))
    with pytest.raises(DTypeError, match="Loader: on_batch of augment must return a Batch, got ndarray"):
        next(Loader(dataset, 2, augment=Wrong(), prefetch=0).epoch(0))
    Wrong.on_batch = lambda self, batch, rng: data.batch.Batch(batch.images, None, None, 1)
    with pytest.raises(ShapeError, match="must return a label for each of 2 images, got"):
        next(Loader(dataset, 2, augment=Wrong(), prefetch=0).epoch(0))


@pytest.mark.parametrize("engine", [True, False])
def test_training_on_mixed_labels(engine):
    """Eager and compiled, and the same weights for any number of threads."""
    images = np.random.default_rng(0).integers(0, 256, (48, 3, 8, 8), np.uint8)
    dataset = Dataset(images, np.arange(48) % 4)
    augment = Compose([RandomCrop(8, 2, padding_mode="reflect"), RandAugment(), MixUp(p=0.5), CutMix(p=0.5)])
    before, states = cpu.get_num_threads(), []
    for count in (1, 3):
        cpu.set_num_threads(count)
        model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4))
        model.initialize("default", 0)
        optimizer = optim.SGD(model.parameters(), 0.05)
        trainer = Trainer(model, optimizer, nn.CrossEntropyLoss(label_smoothing=0.1), engine=engine)
        history = trainer.fit(dataset, epochs=2, batch_size=16, augment=augment, progress=False)
        assert 0 < history.epochs[-1]["accuracy"] < 1
        assert np.isfinite(history.epochs[-1]["loss"])
        states.append(model.state_dict())
    cpu.set_num_threads(before)
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name])
