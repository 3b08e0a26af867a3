"""Folders of pictures with masks: where they are, and what belongs together."""

import logging

import numpy as np
import pytest

from fastcnn.data import load, load_parts
from fastcnn.errors import ArgumentError, DTypeError

from .masks import MASK, Image, error_of, levels, picture, put, save


def test_a_fifth_is_the_test_set(tmp_path):
    put(tmp_path / "images", tmp_path / "masks", 10)
    train, validation, test = load_parts(str(tmp_path))
    assert validation is None
    assert (len(train), len(test)) == (8, 2)
    assert sorted(levels(train) + levels(test)) == list(range(10))
    for part in (train, test):
        assert (part.task, part.classes, part.ignore_index) == ("segmentation", ("0", "1", "2"), 255)
        assert (part.value_range, part.images.dtype, part.labels.dtype) == ((0, 255), np.uint8, np.uint8)
        np.testing.assert_array_equal(part.labels, np.broadcast_to(MASK, part.labels.shape))
    assert (train.name, test.name) == (f"{tmp_path} train", f"{tmp_path} test")
    assert levels(load(str(tmp_path))[1]) == levels(test)


@pytest.mark.parametrize("inside", [False, True], ids=["a pair in each part", "parts in each of the pair"])
@pytest.mark.parametrize(
    ("train", "validation", "test"), [("train", "val", "test"), ("Training", "Valid", "TESTING")]
)
@pytest.mark.parametrize("packed", ["", "set-1.2"])
def test_three_parts(tmp_path, inside, train, validation, test, packed):
    root = tmp_path / packed
    for level, (part, count) in enumerate([(train, 3), (validation, 1), (test, 2)]):
        folders = ("images", "masks")
        put(
            *((root / each / part if inside else root / part / each) for each in folders),
            count,
            100 * level,
        )
    parts = load_parts(str(tmp_path))
    assert [levels(part) for part in parts] == [[0, 1, 2], [100], [200, 201]]
    assert parts[1].name == f"{tmp_path} validation"


def test_classes_are_those_of_all_parts(tmp_path):
    for part, highest in (("train", 1), ("test", 4)):
        put(tmp_path / part / "images", tmp_path / part / "masks", mask=np.full((2, 3), highest, np.uint8))
    assert [part.classes for part in load(str(tmp_path))] == [tuple("01234")] * 2


@pytest.mark.parametrize(
    ("pictures", "masks"),
    [("Images", "Masks"), ("imgs", "mask"), ("JPEGImages", "MASKS"), ("photos", "masks")],
)
def test_names_that_are_found(tmp_path, pictures, masks):
    put(tmp_path / pictures, tmp_path / masks)
    assert load(str(tmp_path))[0].task == "segmentation"


def test_other_names_are_said(tmp_path):
    put(tmp_path / "left", tmp_path / "SegmentationClass")
    assert load(str(tmp_path), masks="SegmentationClass")[0].classes == ("0", "1", "2")
    put(tmp_path / "JPEGImages", tmp_path / "SegmentationClass", level=50)
    put(tmp_path / "Annotations", tmp_path / "SegmentationObject")
    assert min(levels(load(str(tmp_path), masks="SegmentationClass")[0])) >= 50
    assert (
        error_of(tmp_path, masks="Masks")
        == "PATH: there is no folder Masks beside one with pictures (images)"
    )
    for name in ("", "a/b", 3):
        with pytest.raises(ArgumentError, match="load: masks must be the name of a folder, got"):
            load(str(tmp_path), masks=name)


def test_pictures_in_deeper_folders_and_of_several_kinds(tmp_path):
    put(tmp_path / "images" / "a", tmp_path / "masks" / "a", 3)
    put(tmp_path / "images" / "b" / "c", tmp_path / "masks" / "b" / "c", 3, 100, ending="bmp")
    (tmp_path / "images" / "note.txt").write_text("left alone")
    train, test = load(str(tmp_path))
    assert sorted(levels(train) + levels(test)) == [0, 1, 2, 100, 101, 102]


def test_a_mask_for_each_and_a_picture_for_each(tmp_path):
    put(tmp_path / "images", tmp_path / "masks")
    (tmp_path / "masks" / "3.png").rename(tmp_path / "masks" / "x.png")
    assert error_of(tmp_path) == (
        "PATH/images/3.png: has no mask: there is no 3.png in PATH/masks (1 of 5 pictures have none)"
    )
    save(Image.fromarray(MASK), tmp_path / "masks" / "3.png")
    assert error_of(tmp_path) == ("PATH/masks/x.png: is the mask of no picture: there is no x in PATH/images")
    (tmp_path / "masks" / "x.png").unlink()
    save(picture(9), tmp_path / "images" / "3.bmp")
    assert error_of(tmp_path) == (
        "PATH/images/3.png: has the name of PATH/images/3.bmp; a picture and its mask share one name"
    )


def test_files_that_do_not_keep_values(tmp_path):
    put(tmp_path / "images", tmp_path / "masks")
    (tmp_path / "masks" / "2.png").unlink()
    save(Image.fromarray(MASK), tmp_path / "masks" / "2.jpg")
    assert error_of(tmp_path) == (
        "PATH/masks/2.jpg: masks are not kept to the value in such a file; expected PNG"
    )


def test_a_mask_of_another_size(tmp_path):
    put(tmp_path / "images", tmp_path / "masks")
    save(Image.fromarray(MASK.T), tmp_path / "masks" / "4.png")
    for options in ({}, {"resize": 2}):
        assert error_of(tmp_path, **options) == (
            "PATH/masks/4.png: is 3x4, but its picture PATH/images/4.png is 4x3; a mask must have the "
            "size of its picture"
        )


def test_parts_that_differ(tmp_path):
    put(tmp_path / "train" / "images", tmp_path / "train" / "masks")
    put(tmp_path / "test" / "images", tmp_path / "test" / "other")
    assert (
        error_of(tmp_path) == "PATH/test: has no pictures with masks in two folders, as others: images, masks"
    )
    inside = tmp_path / "inside"
    put(inside / "images" / "train", inside / "masks" / "train")
    put(inside / "images" / "test", inside / "masks" / "tests")
    assert error_of(inside) == "PATH/masks: there is no part test, as in PATH/images"


def test_empty_folders(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    assert error_of(tmp_path) == "PATH/images: has no picture"


def test_names_of_classes(tmp_path):
    put(tmp_path / "images", tmp_path / "masks")
    path = tmp_path / "classes.txt"
    path.write_bytes("\ufeffsky\r\n the sea \nsand\n\n".encode())
    assert load(str(tmp_path))[0].classes == ("sky", "the sea", "sand")
    assert load(str(tmp_path), classes=["a", "b", "c", "d"])[0].classes == ("a", "b", "c", "d")
    for wrong in (b"a\n\nb\n", b"", b"\n"):
        path.write_bytes(wrong)
        assert error_of(tmp_path) == "PATH/classes.txt: expected the name of a class on each line"
    path.write_bytes(b"\xff\xfe")
    assert "PATH/classes.txt: not a text file (UTF-8)" in error_of(tmp_path)
    path.write_bytes(b"a\n" * 600_000)
    assert "expected the name of a class on each line" in error_of(tmp_path)
    path.write_text("sky\nsea\n")
    assert error_of(tmp_path) == (
        "PATH/masks/0.png: has the value 2, but there are 2 classes (0 to 1); pixels that do not count are "
        "named by ignore_index"
    )
    for wrong in ("sky", [], [1], 3):
        with pytest.raises(DTypeError, match="load: classes must be a sequence of str, got"):
            load(str(tmp_path), classes=wrong)


def test_a_file_of_classes_above_the_folder_is_not_its_own(tmp_path):
    put(tmp_path / "set" / "images", tmp_path / "set" / "masks")
    (tmp_path / "classes.txt").write_text("one\n")
    assert load(str(tmp_path / "set"))[0].classes == ("0", "1", "2")


def test_many_sizes(tmp_path):
    for number, shape in enumerate([(20, 30), (31, 12), (9, 9), (40, 16), (8, 25)]):
        save(picture(number, shape), tmp_path / "images" / f"{number}.png")
        save(Image.fromarray(np.full(shape, number, np.uint8)), tmp_path / "masks" / f"{number}.png")
    train, test = load(str(tmp_path), resize=8)
    for part in (train, test):
        np.testing.assert_array_equal(part.labels, part.images[:, 0])
        assert part.labels.shape[1:] == (8, 8)
    assert "all pictures must have one size" in error_of(tmp_path)


def test_a_picture_that_its_camera_has_turned(tmp_path):
    put(tmp_path / "images", tmp_path / "masks", ending="jpg")
    for number in range(5):
        exif = Image.Exif()
        exif[0x0112] = 6
        turned = picture(40, (4, 3))
        turned.save(tmp_path / "images" / f"{number}.jpg", exif=exif)
    train, _ = load(str(tmp_path))
    assert train.images.shape[1:] == (1, 3, 4)
    np.testing.assert_array_equal(train.labels[0], MASK)


def test_what_has_no_masks(tmp_path):
    npz = tmp_path / "x.npz"
    np.savez(npz, images=np.zeros((10, 1, 4, 4), np.uint8), labels=np.arange(10) % 2)
    assert error_of(npz, masks="masks") == (
        "PATH: masks is for folders of pictures with masks, but it is a file"
    )
    for name in ("ant", "bee"):
        for number in range(5):
            save(picture(number), tmp_path / "set" / name / f"{number}.png")
    assert error_of(tmp_path / "set", ignore_index=255) == (
        "PATH: ignore_index is for pictures with masks, but there is no folder of masks (masks) beside one "
        "of pictures (images)"
    )
    with pytest.raises(
        ArgumentError, match="load: classes is for files of your own, but 'mnist' is a data set"
    ):
        load("mnist", classes=["a"])


def test_classes_in_a_part_may_have_the_names_of_parts(tmp_path):
    """It is not looked at as if it were the whole."""
    for name in ("train", "test", "other"):
        for number in range(5):
            save(picture(number), tmp_path / "train" / name / f"{number}.png")
    assert load(str(tmp_path))[0].classes == ("other", "test", "train")


@pytest.mark.parametrize("parts", [[""], ["train", "test"]])
def test_pictures_without_masks_are_told(tmp_path, caplog, parts):
    for part in parts:
        for number in range(5):
            save(picture(number), tmp_path / part / "images" / f"{number}.png")
    with caplog.at_level(logging.WARNING):
        assert load(str(tmp_path))[0].classes == ("images",)
    expected = "there is no folder masks beside images: its pictures are taken for those of one class"
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / part}: {expected}" for part in sorted(parts, reverse=True)
    ]


def test_images_and_masks_alone_are_no_classes(tmp_path):
    """Without the pair it is a folder of classes, as it was."""
    for name in ("images", "maskers"):
        for number in range(5):
            save(picture(number), tmp_path / name / f"{number}.png")
    assert load(str(tmp_path))[0].classes == ("images", "maskers")
