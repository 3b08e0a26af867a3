"""Masks in files: what their values mean, and how they are resized."""

import logging

import numpy as np
import pytest

from fastcnn.data import load, transforms
from fastcnn.errors import DTypeError

from .masks import MASK, Image, error_of, picture, put, save


def of_values(folder, *values):
    """Put masks with these values into a folder."""
    mask = np.resize(np.array(values, np.uint8), (3, 4))
    put(folder / "images", folder / "masks", mask=mask)
    return str(folder), mask


def test_what_does_not_count(tmp_path):
    path, _ = of_values(tmp_path, 0, 1, 7)
    assert load(path)[0].ignore_index == -100
    part, _ = load(path, ignore_index=7)
    assert (part.classes, part.ignore_index) == (("0", "1"), 7)
    assert load(path, ignore_index=0)[0].num_classes == 8
    path, _ = of_values(tmp_path, 0, 1, 255)
    assert (load(path)[0].ignore_index, load(path)[0].classes) == (255, ("0", "1"))
    assert error_of(path, ignore_index=-100, classes=["a", "b"]).startswith(
        "PATH/masks/0.png: has the value 255"
    )
    assert load(path, ignore_index=-100)[0].num_classes == 256
    path, _ = of_values(tmp_path, 0, 254, 255)
    assert (load(path)[0].ignore_index, load(path)[0].num_classes) == (-100, 256)
    path, _ = of_values(tmp_path, 3)
    assert error_of(path, ignore_index=3) == "PATH: no pixel of the masks counts: all are 3"
    with pytest.raises(DTypeError, match="load: ignore_index must be an integer, got"):
        load(path, ignore_index=0.5)


def test_black_and_white_are_two_classes(tmp_path):
    path, mask = of_values(tmp_path, 0, 255, 255)
    for part in load(path):
        assert (part.classes, part.ignore_index) == (("background", "object"), -100)
        np.testing.assert_array_equal(part.labels[0], mask == 255)
    assert load(path, classes=["no", "yes"])[0].classes == ("no", "yes")
    assert load(path, classes=["no", "yes"], ignore_index=-100)[0].labels.max() == 1
    assert load(path, ignore_index=255)[0].classes == ("0",)
    assert load(path, classes=["a", "b", "c"])[0].ignore_index == 255
    path, mask = of_values(tmp_path, 255)
    assert load(path)[0].labels.min() == 1


def test_numbers_far_apart_are_told(tmp_path, caplog):
    path, _ = of_values(tmp_path, 0, 100, 200)
    with caplog.at_level(logging.WARNING):
        assert load(path)[0].num_classes == 201
    assert "the masks have 3 values alone, but the largest is 200, which makes 201 classes" in caplog.text


def test_what_pictures_hold_besides_classes(tmp_path):
    """Colours, opacity, floats, and values that are too large."""
    put(tmp_path / "images", tmp_path / "masks")
    path = tmp_path / "masks" / "1.png"
    reason = (
        "PATH/masks/1.png: is no mask: its pixels are colours or have opacity ({}), not numbers of classes{}"
    )
    expected = "; expected grey or palette PNG"
    save(Image.fromarray(MASK).convert("RGB"), path)
    grey = ", all of them grey: store it with one channel"
    assert error_of(tmp_path) == reason.format("RGB", grey) + expected
    save(picture(7, mode="RGB"), path)
    assert error_of(tmp_path) == reason.format("RGB", "") + expected
    save(Image.fromarray(MASK).convert("LA"), path)
    assert error_of(tmp_path) == reason.format("LA", "") + expected
    path.write_bytes(b"no picture")
    assert "PATH/masks/1.png: not a picture that can be read" in error_of(tmp_path)
    path.unlink()
    path = tmp_path / "masks" / "1.tif"
    save(Image.fromarray(np.ones((3, 4), np.float32)), path)
    assert error_of(tmp_path) == f"PATH/masks/1.tif: is no mask: its values are floats{expected}"
    save(Image.fromarray(np.full((3, 4), 70_000, np.int32)), path)
    assert error_of(tmp_path) == (
        "PATH/masks/1.tif: has values from 70000 to 70000; classes of pixels are 0 to 65535"
    )


def test_palettes_and_one_bit(tmp_path):
    put(tmp_path / "images", tmp_path / "masks")
    for number in range(5):
        colourful = Image.fromarray(MASK).convert("P")
        colourful.frombytes(MASK.tobytes())
        colourful.putpalette([200, 10, 30] * 256)
        save(colourful, tmp_path / "masks" / f"{number}.png")
    np.testing.assert_array_equal(load(str(tmp_path))[1].labels[0], MASK)
    for number in range(5):
        save(Image.fromarray(MASK > 0), tmp_path / "masks" / f"{number}.png")
    test = load(str(tmp_path))[1]
    assert (test.classes, test.labels[0].tolist()) == (("0", "1"), (MASK > 0).astype(int).tolist())


def test_more_than_256_classes(tmp_path):
    put(tmp_path / "images", tmp_path / "masks")
    deep = np.where(MASK == 2, 300, MASK.astype(np.uint16))
    save(Image.fromarray(deep), tmp_path / "masks" / "4.png")
    train, test = load(str(tmp_path), ignore_index=-100)
    assert train.num_classes == 301
    assert {part.labels.dtype.name for part in (train, test)} == {"uint16"}
    assert 300 in np.concatenate([train.labels, test.labels])
    save(Image.fromarray(np.full((3, 4), 1000, np.uint16)), tmp_path / "masks" / "4.png")
    assert error_of(tmp_path) == (
        "PATH/masks/4.png: has the value 1000: if that is a class, name the classes"
    )


def test_resized_by_hand(tmp_path):
    """Of four rows the second and the fourth, whose centres are nearest."""
    mask = np.arange(16, dtype=np.uint8).reshape(4, 4)
    put(tmp_path / "images", tmp_path / "masks", mask=mask)
    part, _ = load(str(tmp_path), resize=(2, 2))
    assert part.labels[0].tolist() == [[5, 7], [13, 15]]
    part, _ = load(str(tmp_path), resize=(2, 8))
    assert part.labels[0].tolist() == [[4, 4, 5, 5, 6, 6, 7, 7], [12, 12, 13, 13, 14, 14, 15, 15]]


@pytest.mark.parametrize("resize", [8, 5, (12, 7), (40, 40)])
def test_pictures_and_masks_are_resized_alike(tmp_path, resize):
    """Far from edges a picture that shows its classes in grey does so afterwards; no class is new."""
    rows, columns = np.indices((20, 30))
    mask = ((rows > 9) + 2 * (columns > 17)).astype(np.uint8)
    for number in range(5):
        save(Image.fromarray(60 * mask), tmp_path / "images" / f"{number}.png")
        save(Image.fromarray(mask), tmp_path / "masks" / f"{number}.png")
    part, _ = load(str(tmp_path), resize=resize)
    image, found = part.images[0, 0].astype(int), part.labels[0]
    assert found.shape == image.shape
    assert set(found.ravel()) == {0, 1, 2, 3}
    nearest = np.abs(image - 60 * found.astype(int))
    inner = np.ones_like(found, bool)
    for axis in (0, 1):
        for step in (1, -1):
            inner &= found == np.roll(found, step, axis)
    assert (nearest <= 30).mean() > 0.6
    assert nearest[inner].max() <= 30
    unit = (60 * mask[None, None]).astype(np.float32) / 255
    if not isinstance(resize, int):
        np.testing.assert_array_equal(image, np.rint(255 * transforms.Resize(resize)(unit))[0, 0])
