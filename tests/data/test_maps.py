"""Masks and other targets of pixels: moved with the images, by the same draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastcnn.data import Dataset, Loader, transforms
from fastcnn.data.maps import nearest_affine, nearest_rows
from fastcnn.errors import ArgumentError

IGNORED = 9
SIZE = (8, 6)
# Those that move whole pixels, so that a mask made of an image must stay that of the image.
EXACT = [
    transforms.RandomHorizontalFlip(),
    transforms.RandomVerticalFlip(),
    transforms.AlternatingFlip(),
    transforms.RandomCrop((7, 5), padding=2),
    transforms.RandomCrop((8, 6), padding=2, padding_mode="reflect"),
    transforms.RandomCrop((8, 6), padding=2, fill=3),
    transforms.RandomAffine(0, translate=(0.4, 0.4)),
    transforms.RandomRotation((180, 180)),
    transforms.RandomErasing(p=0.7),
    transforms.Cutout(3, holes=2),
    transforms.CutMix(),
]
MOVING = [
    *EXACT,
    transforms.RandomAffine(40, (0.2, 0.2), (0.5, 1.5)),
    transforms.RandomRotation(90),
    transforms.Resize((5, 9)),
    transforms.RandomResizedCrop((6, 6)),
    transforms.RandomResizedCrop((12, 9), interpolation="area"),
    transforms.RandAugment(magnitude=15),
    transforms.TrivialAugmentWide(),
]
COLOURS = [transforms.ColorJitter(0.5, 0.5), transforms.RandomGrayscale(0.5), transforms.Normalize(0.5, 0.5)]


def ids(augment):
    return type(augment).__name__


def pictures(count=12, seed=0):
    """Return images of four levels, and which level each pixel has."""
    masks = np.random.default_rng(seed).integers(0, 4, (count, *SIZE))
    return (10 + 60 * masks)[:, None].astype(np.uint8), masks


def batches(dataset, augment, epochs=2, seed=0):
    """Return all images and labels of some epochs."""
    loader = Loader(dataset, 5, augment=augment, seed=seed)
    found = [batch for epoch in range(epochs) for batch in loader.epoch(epoch)]
    return tuple(np.concatenate(each) for each in zip(*found, strict=True))


@pytest.mark.parametrize("augment", EXACT, ids=ids)
def test_masks_stay_those_of_the_images(augment):
    images, masks = pictures()
    moved, labels = batches(Dataset(images, masks, ignore_index=IGNORED), augment)
    assert labels.dtype == np.int64
    assert labels.shape == (24, *moved.shape[2:])
    inside = labels != IGNORED
    np.testing.assert_array_equal(moved[:, 0][inside], 10 + 60 * labels[inside])
    outside = moved[:, 0][~inside]
    assert set(np.unique(outside)) <= {0, 3}
    assert (labels[~np.isin(moved[:, 0], 10 + 60 * np.arange(4))] == IGNORED).all()


@pytest.mark.parametrize("augment", [*MOVING, *COLOURS], ids=ids)
def test_images_are_moved_as_without_masks(augment):
    """The draws are the same, so that labels of another kind change no image."""
    images, masks = pictures()
    moved, _ = batches(Dataset(images, masks), augment)
    expected, _ = batches(Dataset(images, masks[:, 0, 0]), augment)
    np.testing.assert_array_equal(moved, expected)


@pytest.mark.parametrize("augment", MOVING, ids=ids)
def test_masks_have_no_new_classes(augment):
    images, masks = pictures()
    masks = np.where(masks == 1, 3, masks)  # between 0 and 2 there is nothing
    _, labels = batches(Dataset(images, masks, ignore_index=255), augment)
    assert set(np.unique(labels)) <= {0, 2, 3, 255}


@pytest.mark.parametrize("augment", MOVING[:-2], ids=ids)
def test_smooth_masks_are_where_the_images_are(augment):
    """Left and right halves: away from the border between them, a mask says what the image shows.

    The last two change colours, too.
    """
    masks = np.zeros((12, 40, 40), int)
    masks[:, :, 20:] = 1
    images = (200 * masks + 40)[:, None].astype(np.uint8)
    moved, labels = batches(Dataset(images, masks, ignore_index=255), augment)
    light, dark = moved[:, 0] > 235, np.abs(moved[:, 0].astype(int) - 40) < 5
    inside = labels != 255
    assert (labels[light & inside] == 1).all()
    assert ((labels[dark & inside] == 0).mean() if (dark & inside).any() else 1) > 0.95


@pytest.mark.parametrize("augment", COLOURS, ids=ids)
def test_colours_leave_masks_alone(augment):
    images, masks = pictures()
    loader = Loader(Dataset(images, masks), 5, augment=augment, shuffle=False)
    np.testing.assert_array_equal(np.concatenate([batch[1] for batch in loader.epoch(0)]), masks)


@pytest.mark.parametrize(
    "augment",
    [each for each in MOVING if not getattr(each, "fill", (0,))[0] and ids(each) != "CutMix"],
    ids=ids,
)
@pytest.mark.parametrize("axes", [3, 4])
def test_real_targets_are_moved_as_images_are(augment, axes):
    """Targets that are the images themselves, as floats, come out as those; erased places keep theirs."""
    targets = np.random.default_rng(0).random((12, 1, *SIZE), np.float32)
    rows = targets if axes == 4 else targets[:, 0]
    erasing = isinstance(augment, transforms.RandomErasing | transforms.Cutout)
    bytes_only = isinstance(augment, transforms.RandAugment | transforms.TrivialAugmentWide)
    images = (255 * targets).astype(np.uint8) if bytes_only else targets
    moved, labels = batches(Dataset(images, rows, task="regression"), augment)
    assert labels.dtype == np.float32
    labels = labels.reshape(moved.shape)
    if bytes_only:
        assert labels.min() >= 0
    elif erasing:
        kept = moved != 0
        np.testing.assert_array_equal(labels[kept], moved[kept])
        assert (labels[~kept] != 0).mean() > 0.9
    else:
        np.testing.assert_array_equal(labels, moved)


def test_compositions_move_masks_step_by_step():
    augment = transforms.Compose(
        [
            transforms.RandomCrop((8, 6), padding=1),
            transforms.ColorJitter(0),
            transforms.RandomHorizontalFlip(),
        ]
    )
    images, masks = pictures()
    moved, labels = batches(Dataset(images, masks, ignore_index=IGNORED), augment)
    inside = labels != IGNORED
    np.testing.assert_array_equal(moved[:, 0][inside], 10 + 60 * labels[inside])
    assert (moved[:, 0][~inside] == 0).all()
    assert not inside.all()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 12))
def test_nearest_rows_are_those_of_pytorch(top, height, out):
    """``floor((i + 0.5) * height / out)``, which its "nearest-exact" computes."""
    rows, _ = nearest_rows(np.array([[top, 0, height, 3]]), (out, 2))
    assert rows[0].tolist() == [top + int((2 * i + 1) * height // (2 * out)) for i in range(out)]
    assert top <= rows.min() <= rows.max() < top + height


def test_nearest_affine_by_hand():
    maps = np.arange(6.0).reshape(1, 1, 2, 3)
    right = np.array([[1, 0, -1, 0, 1, 0.4]])  # one column to the right; 0.4 of a row rounds to none
    assert nearest_affine(maps, right, -7)[0, 0].tolist() == [[-7, 0, 1], [-7, 3, 4]]
    assert nearest_affine(maps[:0], right[:0], 0).shape == (0, 1, 2, 3)


@pytest.mark.parametrize("labels", [np.zeros((12, 3, 3), int), np.zeros((12, 1, 16, 12))])
def test_targets_of_another_size_cannot_be_moved(labels):
    images, _ = pictures()
    task = "segmentation" if labels.ndim == 3 else "regression"
    with pytest.raises(
        ArgumentError, match=r"RandomHorizontalFlip: targets of the size \(.*\) cannot be moved"
    ):
        batches(Dataset(images, labels, task=task), transforms.RandomHorizontalFlip())


def test_what_lies_outside_of_real_targets_is_zero():
    images, masks = pictures()
    with pytest.raises(ArgumentError, match="RandomAffine: fill is in the units of the images"):
        batches(Dataset(images, masks / 4), transforms.RandomAffine(10, fill=128))


def test_inputs_of_their_own_cannot_move_masks():
    images, masks = pictures()
    augment = transforms.PerInput([transforms.RandomHorizontalFlip(), None])
    with pytest.raises(ArgumentError, match="PerInput: RandomHorizontalFlip changes labels"):
        batches(Dataset((images, masks[:, :, 0]), masks), augment)


def test_a_transform_of_ones_own_moves_maps():
    class Roll(transforms.Moving):
        def paired(self, images, rng):
            steps = int(rng.integers(1, 4))
            return np.roll(images, steps, 3), lambda maps, fill, nearest: np.roll(maps, steps, 3)

    images, masks = pictures()
    moved, labels = batches(Dataset(images, masks), Roll())
    np.testing.assert_array_equal(moved[:, 0], 10 + 60 * labels)
    with pytest.raises(NotImplementedError, match="Moving must define paired"):
        transforms.Moving()(images, np.random.default_rng(0))
