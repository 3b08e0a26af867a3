"""Data sets by path: .npz files and folders of pictures."""

import re

import numpy as np
import pytest

from fastcnn.data import load
from fastcnn.errors import ArgumentError, DataError

Image = pytest.importorskip("PIL.Image")
rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (30, 3, 4, 5), dtype=np.uint8)
LABELS = np.arange(30) % 3


def error_of(path):
    with pytest.raises(DataError) as caught:
        load(str(path))
    return str(caught.value)


# --- npz ---


def test_npz_of_two_parts(tmp_path):
    path = tmp_path / "own.npz"
    arrays = {
        "train_images": IMAGES,
        "train_labels": LABELS,
        "test_images": IMAGES[:5],
        "test_labels": LABELS[:5],
    }
    np.savez(path, **arrays, classes=["ant", "bee", "cat", "none"])
    train, test = load(str(path))
    np.testing.assert_array_equal(train.images, IMAGES)
    np.testing.assert_array_equal(test.labels, LABELS[:5])
    assert train.classes == test.classes == ("ant", "bee", "cat", "none")
    assert (train.name, test.name) == (f"{path} train", f"{path} test")


def test_npz_without_class_names(tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, train_images=IMAGES[:2], train_labels=[0, 1], test_images=IMAGES[:2], test_labels=[2, 0])
    train, test = load(str(path))
    assert train.classes == test.classes == ("0", "1", "2")


def test_npz_of_one_part_is_divided(tmp_path):
    path = tmp_path / "own.npz"
    np.savez_compressed(path, images=IMAGES.astype(np.float32) / 255, labels=LABELS)
    (train, test), again = load(str(path)), load(str(path))
    assert (len(train), len(test)) == (24, 6)
    np.testing.assert_array_equal(test.class_counts(), [2, 2, 2])
    np.testing.assert_array_equal(test.images, again[1].images)
    both = np.concatenate([train.images, test.images]).reshape(30, -1)
    assert len(np.unique(both, axis=0)) == 30


@pytest.mark.parametrize(
    ("scale", "shift", "warns"),
    [(1, 0, False), (0.5, 0, False), (255, 0, True), (2, -1, True), (1 / 255, 0, True)],
)
def test_npz_of_parts_in_different_scales(tmp_path, caplog, scale, shift, warns):
    path = tmp_path / "own.npz"
    unit = np.linspace(0, 1, 60, dtype=np.float32).reshape(3, 1, 4, 5)
    other = (unit * np.float32(scale) + np.float32(shift)).astype(np.float32)
    np.savez(path, train_images=unit, train_labels=[0, 1, 2], test_images=other, test_labels=[0, 1, 2])
    load(str(path))
    expected = (
        f"{path}: train_images have values from 0 to 1, but test_images from {shift} to {scale + shift:g}: "
        "are both of one scale?"
    )
    assert [each.getMessage() for each in caplog.records] == [expected] * warns


def test_npz_of_a_part_outside_the_range_that_was_given(tmp_path):
    path = tmp_path / "own.npz"
    unit = np.linspace(0, 1, 60, dtype=np.float32).reshape(3, 1, 4, 5)
    np.savez(path, train_images=unit, train_labels=[0, 1, 2], test_images=255 * unit, test_labels=[0, 1, 2])
    with pytest.raises(DataError) as caught:
        load(str(path), value_range=(0, 1))
    assert str(caught.value).startswith(
        f"{path}: test: Dataset: value_range says black is 0 and white 1, but the values of the images are "
        "float32 from 0 to 255"
    )


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES}, "there is no array 'labels' in it, only images.npy"),
        ({"train_images": IMAGES, "train_labels": LABELS}, "there is no array 'test_images' in it"),
        ({"images": IMAGES, "labels": LABELS - 1}, "Dataset: label -1 is out of range for 2 classes"),
        (
            {"images": IMAGES, "labels": LABELS, "classes": ["a"]},
            "Dataset: label 2 is out of range for 1 classes",
        ),
        ({"images": IMAGES, "labels": LABELS, "classes": [1]}, r"classes.npy, int64 \(1,\), must hold text"),
        (
            {"images": IMAGES, "labels": LABELS, "classes": [["a"]]},
            r"classes must have one dimension, got .* \(1, 1\)",
        ),
        (
            {"images": IMAGES[:1], "labels": LABELS[:1]},
            "cannot be divided into training and test images: split: ",
        ),
        (
            {
                "train_images": IMAGES,
                "train_labels": LABELS,
                "test_images": IMAGES[:, :1],
                "test_labels": LABELS,
            },
            r"train_images are uint8 \(3, 4, 5\), test_images uint8 \(1, 4, 5\)",
        ),
        ({"images": np.array([None]), "labels": LABELS}, r"images.npy, object \(1,\), must hold numbers"),
    ],
)
def test_npz_refuses(tmp_path, arrays, message):
    path = tmp_path / "own.npz"
    np.savez(path, **arrays)
    assert re.match(f"{path}: {message}", error_of(path)), error_of(path)


def test_paths_that_are_not_there(tmp_path):
    assert error_of(tmp_path / "none") == f"{tmp_path / 'none'}: there is no such file or folder"
    assert error_of("none.npz") == "none.npz: there is no such file or folder"
    (tmp_path / "text").write_text("text")
    assert error_of(tmp_path / "text") == f"{tmp_path / 'text'}: File is not a zip file"


def test_root_is_not_for_paths(tmp_path):
    with pytest.raises(ArgumentError, match=r"load: root is for .* but 'a\.npz' is a path"):
        load("a.npz", root=tmp_path)


# --- folders of pictures ---


def picture(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with five coloured pictures of each of two classes."""
    for label, name in enumerate(["cat", "ant"]):
        for number in range(5):
            picture(tmp_path / name / f"{number}.png", IMAGES[5 * label + number].transpose(1, 2, 0))
    return tmp_path


def test_folder_is_divided(folder):
    (folder / ".hidden").mkdir()
    (folder / "cat" / "notes.txt").write_text("no picture")
    (folder / "list.csv").write_text("no class")
    train, test = load(str(folder))
    assert train.classes == test.classes == ("ant", "cat")
    assert (len(train), len(test)) == (8, 2)
    np.testing.assert_array_equal(test.class_counts(), [1, 1])
    for part in (train, test):
        for image, label in part:
            where = np.flatnonzero((image == IMAGES).all(axis=(1, 2, 3)))
            assert len(where) == 1
            assert (where[0] < 5) == (label == 1)


def test_folder_of_two_parts(tmp_path):
    for part, images in (("train", IMAGES[:4]), ("test", IMAGES[4:6])):
        for number, image in enumerate(images):
            picture(tmp_path / part / "ab"[number % 2] / f"{number}.bmp", image.transpose(1, 2, 0))
    train, test = load(str(tmp_path))
    np.testing.assert_array_equal(train.images, IMAGES[[0, 2, 1, 3]])
    np.testing.assert_array_equal(train.labels, [0, 0, 1, 1])
    np.testing.assert_array_equal(test.images, IMAGES[4:6])
    (tmp_path / "test" / "b").rename(tmp_path / "test" / "c")
    assert error_of(tmp_path) == f"{tmp_path}: the class 'b' is only in one of train and test"


def test_grey_pictures_have_one_channel_unless_one_is_coloured(tmp_path):
    for number in range(10):
        picture(tmp_path / "ab"[number % 2] / f"{number}.png", IMAGES[number, 0])
    train, _ = load(str(tmp_path))
    assert train.image_shape == (1, 4, 5)
    picture(tmp_path / "b" / "x.png", IMAGES[20].transpose(1, 2, 0))
    train, test = load(str(tmp_path))
    both = np.concatenate([train.images, test.images])
    assert both.shape == (11, 3, 4, 5)
    assert sum((image == IMAGES[20]).all() for image in both) == 1
    assert sum((image == IMAGES[0, :1]).all() for image in both) == 1


def test_folder_refuses(folder):
    picture(folder / "ant" / "9.png", np.zeros((7, 8, 3), np.uint8))
    assert error_of(folder) == (
        f"{folder}/ant/9.png: is 8x7, but {folder}/ant/0.png is 5x4; all pictures must have one size: "
        "resize=... or --resize brings them to one"
    )
    (folder / "ant" / "9.png").write_bytes(b"no picture")
    assert error_of(folder).startswith(f"{folder}/ant/9.png: not a picture that can be read: ")
    (folder / "bee").mkdir()
    assert error_of(folder).startswith(f"{folder}/bee: has no picture (.bmp, ")
    assert error_of(folder / "bee").startswith(f"{folder}/bee: has no subfolders")
