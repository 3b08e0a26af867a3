"""Folders of pictures: their parts, their classes, and what is left out."""

import numpy as np
import pytest

from fastcnn.data import load, load_parts
from fastcnn.errors import DataError

Image = pytest.importorskip("PIL.Image")
CLASSES = ("ant", "bee")


def put(folder, count=2, classes=CLASSES, level=0, mode="L"):
    """Put pictures into a folder, each with a level of its own."""
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            made = Image.new(mode, (5, 4), level + 10 * label + number)
            made.save(folder / name / f"{number}.png")


def levels(dataset):
    return dataset.images[:, 0, 0, 0].tolist()


def error_of(path):
    with pytest.raises(DataError) as caught:
        load(str(path))
    return str(caught.value)


@pytest.mark.parametrize(
    ("train", "validation", "test"),
    [
        ("train", "val", "test"),
        ("Train", "Valid", "Test"),
        ("TRAINING", "validation", "Testing"),
    ],
)
def test_three_parts_by_any_of_their_names(tmp_path, train, validation, test):
    put(tmp_path / train, 3)
    put(tmp_path / validation, 1, level=100)
    put(tmp_path / test, 2, level=200)
    parts = load_parts(str(tmp_path))
    assert [levels(part) for part in parts] == [[0, 1, 2, 10, 11, 12], [100, 110], [200, 201, 210, 211]]
    assert [part.classes for part in parts] == [CLASSES] * 3
    assert parts[1].name == f"{tmp_path} validation"
    assert parts[2].labels.tolist() == [0, 0, 1, 1]
    assert [levels(part) for part in load(str(tmp_path))] == [levels(parts[0]), levels(parts[2])]


def test_without_a_test_part_a_fifth_is_taken(tmp_path):
    put(tmp_path / "train", 5)
    put(tmp_path / "val", 1, level=100)
    train, validation, test = load_parts(str(tmp_path))
    assert (len(train), levels(validation), len(test)) == (8, [100, 110], 2)
    assert sorted(levels(train) + levels(test)) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]


def test_classes_for_validation_may_be_fewer(tmp_path):
    put(tmp_path / "train", classes=("ant", "bee", "cat"))
    put(tmp_path / "test", classes=("ant", "bee", "cat"))
    put(tmp_path / "val", classes=("cat",))
    assert load_parts(str(tmp_path))[1].labels.tolist() == [2, 2]
    put(tmp_path / "val", classes=("dog",))
    assert error_of(tmp_path) == f"{tmp_path}: the class 'dog' is only in one of train and validation"


def test_parts_that_are_not_clear(tmp_path):
    for name in ("train", "test", "extra"):
        put(tmp_path / name)
    expected = f"{tmp_path}: has test and train, but also extra, which is no part (train, validation, test)"
    assert error_of(tmp_path).startswith(expected)
    (tmp_path / "extra").rename(tmp_path / "Testing")
    assert error_of(tmp_path) == f"{tmp_path}: both Testing and test would be the test part"


def test_a_class_may_be_called_train(tmp_path):
    put(tmp_path, 5, classes=("bus", "train"))
    train, validation, test = load_parts(str(tmp_path))
    assert (train.classes, len(train), validation, len(test)) == (("bus", "train"), 8, None, 2)


def test_a_grey_part_beside_a_coloured_one(tmp_path):
    put(tmp_path / "train", mode="RGB")
    put(tmp_path / "test")
    train, test = load(str(tmp_path))
    assert train.image_shape == test.image_shape == (3, 4, 5)
    assert (test.images[0] == test.images[0, :1]).all()


def test_deeper_pictures_are_of_the_class(tmp_path):
    put(tmp_path, 4)
    deep = tmp_path / "ant" / "shoot 2" / "camera"
    put(deep, 1, classes=(".",), level=77)
    (tmp_path / "ant" / "shoot 2" / "back").symlink_to(tmp_path / "ant")  # a way round in circles
    train, test = load(str(tmp_path))
    both = sorted(levels(train) + levels(test))
    assert both == [0, 1, 2, 3, 10, 11, 12, 13, 77]
    assert train.class_counts().sum() + test.class_counts().sum() == 9
    # A class may have pictures in deeper folders alone.
    put(tmp_path / "cat" / "a", 1, classes=("x", "y"))
    assert load(str(tmp_path))[0].classes == ("ant", "bee", "cat")


def test_what_is_no_ones_own_is_left_out(tmp_path, caplog):
    put(tmp_path / "train", 3)
    put(tmp_path / "test", 1)
    for name in ("__MACOSX", ".git", "train/.thumbs", "train/__MACOSX", "train/ant/__MACOSX", "test/ant/.x"):
        put(tmp_path / name, 1, level=50)
    (tmp_path / "train" / "ant" / "._0.png").write_bytes(b"no picture")
    (tmp_path / "train" / "Thumbs.db").write_bytes(b"no picture")
    train, test = load(str(tmp_path))
    assert (levels(train), levels(test)) == ([0, 1, 2, 10, 11, 12], [0, 10])
    assert not caplog.records


def test_pictures_of_no_class_are_counted(tmp_path, caplog):
    put(tmp_path, 5)
    for name in ("b.png", "a.jpg"):
        Image.new("L", (5, 4)).save(tmp_path / name)
    load(str(tmp_path))
    assert caplog.messages == [
        f"{tmp_path}: 2 pictures are not in the folder of a class and left out, such as a.jpg"
    ]


@pytest.mark.parametrize("prefix", ["val_", "valid_", "validation_"])
def test_validation_images_in_an_npz_file(tmp_path, prefix):
    images = np.arange(12, dtype=np.uint8).reshape(12, 1, 1, 1) * np.ones((1, 1, 2, 2), np.uint8)
    arrays = {}
    for name, start in (("train_", 0), (prefix, 4), ("test_", 8)):
        arrays |= {f"{name}images": images[start : start + 4], f"{name}labels": [0, 1, 0, 1]}
    path = tmp_path / "own.npz"
    np.savez(path, **arrays)
    parts = load_parts(str(path))
    assert [levels(part) for part in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert len(load(str(path))) == 2
    arrays[f"{prefix}images"] = images[4:8, :, :1]
    np.savez(path, **arrays)
    assert error_of(path) == (f"{path}: train_images are uint8 (1, 2, 2), {prefix}images uint8 (1, 1, 2)")
    del arrays["test_images"], arrays["test_labels"], arrays[f"{prefix}images"]
    np.savez(path, **arrays)
    assert f"there is no array '{prefix}images' in it" in error_of(path)
    arrays |= {f"{prefix}images": images[4:8], "train_images": images[:10], "train_labels": [0, 1] * 5}
    np.savez(path, **arrays)
    assert [len(part) for part in load_parts(str(path))] == [8, 4, 2]


@pytest.mark.parametrize("wrapping", ["inner", "a/b", "Digits"])
def test_parts_that_are_wrapped_in_one_more_folder(tmp_path, wrapping, caplog):
    put(tmp_path / wrapping / "train", 3)
    put(tmp_path / wrapping / "test", 2, level=200)
    put(tmp_path / "__MACOSX", 1)
    (tmp_path / "readme.txt").write_text("no picture")
    train, test = load(str(tmp_path))
    assert (levels(train), levels(test)) == ([0, 1, 2, 10, 11, 12], [200, 201, 210, 211])
    assert train.classes == test.classes == CLASSES
    assert train.name == f"{tmp_path} train"
    assert not caplog.records


def test_a_class_with_folders_that_are_called_like_parts(tmp_path):
    """There are no classes in them, so they are where some pictures of the class are."""
    put(tmp_path / "ant", 3, ("train", "test"))
    train, test = load(str(tmp_path))
    assert train.classes == ("ant",)
    assert len(train) + len(test) == 6


def test_classes_that_are_wrapped_in_one_more_folder_are_told(tmp_path, caplog):
    put(tmp_path / "inner", 5)
    assert load(str(tmp_path))[0].classes == ("inner",)
    inner = tmp_path / "inner"
    assert caplog.messages == [
        f"{tmp_path}: has one class, inner; if the folders in it are the classes, give {inner}"
    ]
    assert load(str(inner))[0].classes == CLASSES


def test_a_link_that_leads_back_is_no_wrapping(tmp_path):
    (tmp_path / "inner").symlink_to(tmp_path)
    assert error_of(tmp_path).startswith(f"{tmp_path / 'inner'}: has no picture (")
