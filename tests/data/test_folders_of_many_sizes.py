"""Folders with pictures of many sizes, PNG and JPEG, which `resize` brings to one."""

import numpy as np
import pytest

from fastcnn import data
from fastcnn.data import load, load_parts, transforms
from fastcnn.errors import ArgumentError, DataError, DTypeError

Image = pytest.importorskip("PIL.Image")
SIZES = [(12, 20), (31, 17), (9, 9), (40, 15), (16, 64)]  # height, width
rng = np.random.default_rng(0)


def smooth(height, width, channels=3):
    """Return a picture without edges, which JPEG keeps to a few levels."""
    rows, columns = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)[None]
    planes = [120 + 90 * rows, 60 + 120 * columns, 100 + 70 * rows * columns][:channels]
    return np.stack([np.broadcast_to(each, (height, width)) for each in planes], 2).astype(np.uint8)


def put(folder, sizes=SIZES, parts=("train", "test")):
    """Put pictures of all sizes into the classes of each part: half of them PNG, half JPEG."""
    for part in parts:
        for name in ("ant", "bee"):
            (folder / part / name).mkdir(parents=True)
            for number, (height, width) in enumerate(sizes):
                ending = ("png", "jpg")[number % 2]
                kept = {"quality": 95} if number % 2 else {}
                Image.fromarray(smooth(height, width)).save(
                    folder / part / name / f"{number}.{ending}", **kept
                )


@pytest.mark.parametrize(
    ("resize", "shape"), [(8, (8, 8)), ((6, 10), (6, 10)), ([24, 24], (24, 24)), ([7], (7, 7))]
)
def test_all_pictures_get_one_size(tmp_path, resize, shape):
    put(tmp_path)
    train, test = load(str(tmp_path), resize=resize)
    for part in (train, test):
        assert part.images.shape == (10, 3, *shape)
        assert part.images.dtype == np.uint8
        assert part.value_range == (0, 255)
    assert load_parts(str(tmp_path), resize=resize)[2].images.shape == test.images.shape


def test_values_are_those_of_the_transform(tmp_path):
    """A 12x20 picture: 8 is 8x13, of which columns 2 to 9 stay; (13 - 8) / 2 is 2.5, which rounds to 2."""
    put(tmp_path, SIZES[:1])
    picture = smooth(12, 20).transpose(2, 0, 1)[None]
    unit = picture.astype(np.float32) / 255
    cut, _ = load(str(tmp_path), resize=8)
    wanted = np.rint(255 * transforms.Resize(8)(unit))
    assert wanted.shape == (1, 3, 8, 13)
    np.testing.assert_array_equal(cut.images[:1], wanted[:, :, :, 2:10])
    plain, _ = load(str(tmp_path), resize=(5, 30))
    np.testing.assert_array_equal(plain.images[:1], np.rint(255 * transforms.Resize((5, 30))(unit)))
    # A picture of that size is left as it is.
    same, _ = load(str(tmp_path), resize=(12, 20))
    np.testing.assert_array_equal(same.images[:1], picture)


def test_the_middle_is_cut_out(tmp_path):
    """A tall picture, black but for a white square in the middle."""
    pixels = np.zeros((30, 10), np.uint8)
    pixels[10:20] = 255
    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        for number in range(5):
            Image.fromarray(pixels if number else pixels.T).save(tmp_path / name / f"{number}.png")
    for part in load(str(tmp_path), resize=10):
        np.testing.assert_array_equal(part.images, 255)


def test_jpeg_and_png_of_one_picture_are_alike(tmp_path):
    put(tmp_path, [(40, 30), (40, 30)])
    train, _ = load(str(tmp_path), resize=16)
    np.testing.assert_allclose(train.images[0].astype(int), train.images[1].astype(int), atol=4)


def test_grey_and_coloured_pictures_of_many_sizes(tmp_path):
    put(tmp_path)
    Image.fromarray(smooth(5, 8, 1)[..., 0]).save(tmp_path / "train" / "ant" / "00.png")
    train, test = load(str(tmp_path), resize=8)
    assert (train.image_shape, len(train), test.image_shape) == ((3, 8, 8), 11, (3, 8, 8))
    grey = next(each for each in train.images if (each == each[:1]).all())
    assert grey.shape == (3, 8, 8)


def error_of(*args, **options):
    with pytest.raises(DataError) as caught:
        load(*map(str, args), **options)
    return str(caught.value)


def test_without_it_the_error_names_it(tmp_path):
    put(tmp_path)
    assert error_of(tmp_path) == (
        f"{tmp_path}/train/ant/1.jpg: is 17x31, but {tmp_path}/train/ant/0.png is 20x12; all pictures "
        "must have one size: resize=... or --resize brings them to one"
    )
    other = tmp_path / "other"
    put(other, [(8, 8)], ["train"])
    put(other, [(8, 9)], ["test"])
    assert error_of(other).endswith("in test (3, 8, 9): resize=... or --resize brings them to one size")


@pytest.mark.parametrize(
    ("resize", "kind", "message"),
    [
        (0, ArgumentError, "load: resize must be at least 1, got 0"),
        ((8, 0), ArgumentError, "load: resize must be at least 1, got 0"),
        ((8, 8, 8), ArgumentError, "load: resize must be an integer or 1 or 2 integers"),
        ("8", DTypeError, "load: resize must be an integer"),
        (8.5, DTypeError, "load: resize must be an integer"),
    ],
)
def test_sizes_that_are_none(tmp_path, resize, kind, message):
    put(tmp_path)
    with pytest.raises(kind, match=message):
        load(str(tmp_path), resize=resize)


def test_what_has_no_pictures(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, images=np.zeros((10, 1, 4, 4), np.uint8), labels=np.arange(10) % 2)
    assert error_of(path, resize=8) == f"{path}: resize is for folders of pictures, but it is a file"
    with pytest.raises(
        ArgumentError, match="load: resize is for files of your own, but 'mnist' is a data set"
    ):
        load("mnist", resize=8)


def test_a_picture_that_is_too_long(tmp_path):
    put(tmp_path, [(1, 30_000), (4, 4)])
    assert error_of(tmp_path, resize=64) == (
        f"{tmp_path}/train/ant/0.png: resize=64 makes 1920000x64 pixels of it before the middle is cut out, "
        "expected at most 67,108,864: cut it yourself, or give height and width"
    )
    assert load(str(tmp_path), resize=(8, 8))[0].images.shape == (4, 3, 8, 8)


def test_a_training_on_them(tmp_path):
    put(tmp_path)
    train, _ = load(str(tmp_path), resize=8)
    assert isinstance(train, data.Dataset)
    assert next(iter(data.Loader(train, batch_size=4).epoch(0)))[0].shape == (4, 3, 8, 8)
