import numpy as np
import pytest

from fastcnn.cli.images import read_images
from fastcnn.errors import DataError

GREY = (1, 28, 28)


def read(path, shape=GREY, invert="no", background=0.0):
    return read_images(str(path), shape, invert, background)[:2]


@pytest.fixture
def store(tmp_path):
    """Return a function that writes an array to a file and returns its path."""

    def write(array, name="image.npy"):
        np.save(tmp_path / name, array)
        return tmp_path / name

    return write


@pytest.fixture
def picture(tmp_path):
    """Return a function that writes a picture and returns its path."""
    image = pytest.importorskip("PIL.Image")

    def write(pixels, mode=None, name="image.png", **options):
        made = image.fromarray(np.asarray(pixels))
        (made if mode is None else made.convert(mode)).save(tmp_path / name, **options)
        return tmp_path / name

    return write


def ramp(height, width):
    return np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)


@pytest.mark.parametrize("shape", [(28, 28), (1, 28, 28), (28, 28, 1), (1, 1, 28, 28)])
def test_shapes_of_an_array(store, shape):
    images, notes = read(store(ramp(28, 28).reshape(shape)))
    np.testing.assert_allclose(images, ramp(28, 28)[None, None] / 255, rtol=1e-6)
    assert images.dtype == np.float32
    assert notes == (["channels last"] if shape == (28, 28, 1) else [])


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16])
def test_integers_are_from_0_to_255(store, dtype):
    images, _ = read(store(ramp(28, 28).astype(dtype)))
    np.testing.assert_allclose(images[0, 0], ramp(28, 28) / 255, rtol=1e-6)


def test_floats_are_from_0_to_1(store):
    images, _ = read(store(np.full((28, 28), 0.25)))
    assert (images == 0.25).all()
    images, _ = read(store(np.ones((28, 28), bool)))
    assert (images == 1).all()


def test_several_images(store):
    images, _ = read(store(np.zeros((5, 1, 28, 28), np.uint8)))
    assert images.shape == (5, 1, 28, 28)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros(28), r"must be \(H, W\), .* got \(28,\)"),
        (np.zeros((0, 1, 28, 28)), r"got \(0, 1, 28, 28\)"),
        (np.full((28, 28), 2.0), "numbers must be from 0 to 1, got 2 to 2"),
        (np.full((28, 28), np.nan), "numbers must be from 0 to 1, got nan"),
        (np.full((28, 28), -1), "integers must be from 0 to 255, got -1 to -1"),
        (np.full((28, 28), 300), "integers must be from 0 to 255"),
        (np.full((28, 28), "a"), "must hold numbers, got <U1"),
        (np.zeros((28, 28), complex), "must hold numbers, got complex128"),
        (np.zeros((2, 28, 28), np.uint8), "has 2 channels, but the network takes 1"),
    ],
)
def test_arrays_that_are_no_image(store, array, expected):
    path = store(array)
    with pytest.raises(DataError, match=expected) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))


def test_files_that_are_no_array(tmp_path, store):
    path = tmp_path / "image.npy"
    path.write_bytes(b"no array")
    with pytest.raises(DataError, match=r"not a \.npy file of numbers"):
        read(path)
    # An array of objects would have to be unpickled, which could run anything.
    with pytest.raises(DataError, match=r"not a \.npy file of numbers"):
        read(store(np.array([{}], dtype=object)))
    with pytest.raises(DataError, match="is a folder, not an image"):
        read(tmp_path)


def test_a_grey_picture_is_unchanged(picture):
    images, notes = read(picture(ramp(28, 28)))
    np.testing.assert_array_equal(images[0, 0], (ramp(28, 28) / np.float32(255)).astype(np.float32))
    assert notes == []


def test_colour_to_grey(picture):
    colours = np.zeros((28, 28, 3), np.uint8)
    colours[:] = (255, 0, 0)
    images, notes = read(picture(colours))
    np.testing.assert_allclose(images, 0.299, rtol=1e-5)
    assert notes == ["colour to grey"]


def test_grey_to_colour(picture):
    images, notes = read(picture(ramp(32, 32)), (3, 32, 32))
    assert images.shape == (1, 3, 32, 32)
    np.testing.assert_array_equal(images[0, 0], images[0, 2])
    assert notes == ["grey to 3 channels"]


def test_transparency_is_white(picture):
    pixels = np.zeros((28, 28, 4), np.uint8)
    pixels[10:18, 10:18, 3] = 255  # black and opaque in the middle
    images, notes = read(picture(pixels))
    assert images[0, 0, 0, 0] == pytest.approx(1)
    assert images[0, 0, 14, 14] == 0
    assert notes == ["on white", "colour to grey"]


def test_transparency_in_an_array(store):
    pixels = np.zeros((4, 28, 28), np.uint8)
    pixels[3] = 51
    images, notes = read(store(pixels))
    np.testing.assert_allclose(images, 0.8, rtol=1e-5)
    assert notes == ["on white", "colour to grey"]


def test_sixteen_bits(picture):
    images, _ = read(picture(np.full((28, 28), 65535 // 4, np.uint16)))
    np.testing.assert_allclose(images, 0.25, atol=1e-4)


def test_palette_and_one_bit(picture):
    assert read(picture(ramp(28, 28), "P"))[0].shape == (1, 1, 28, 28)
    images, _ = read(picture(255 * (ramp(28, 28) > 100).astype(np.uint8), "1"))
    assert set(np.unique(images)) == {0, 1}


def test_a_turned_photo_is_put_upright(picture):
    pixels = ramp(28, 28)
    exif = pytest.importorskip("PIL.Image").Exif()
    exif[0x0112] = 3  # upside down
    upright, _ = read(picture(pixels, name="upright.jpg", quality=95))
    turned, _ = read(picture(pixels[::-1, ::-1].copy(), name="turned.jpg", quality=95, exif=exif))
    np.testing.assert_allclose(turned, upright, atol=0.05)


def test_shrinking_averages(store):
    image = np.zeros((56, 56), np.uint8)
    image[::2] = 255  # stripes that a nearest neighbour would lose
    images, notes = read(store(image))
    assert images.shape == (1, 1, 28, 28)
    np.testing.assert_allclose(images[0, 0, 2:-2], 0.5, atol=0.01)
    assert notes == ["56x56 scaled to 28x28"]


def test_growing_interpolates(store):
    images, _ = read(store(np.array([[0, 255]] * 2, np.uint8)))
    row = images[0, 0, 14]
    assert (np.diff(row) >= 0).all()
    assert (row[0], row[-1]) == (0, 1)
    assert 0.4 < row[13] < row[14] < 0.6


def test_proportions_are_kept(store):
    image = np.full((50, 100), 255, np.uint8)
    image[20:30, 40:60] = 0  # the border is white
    images, notes = read(store(image))
    assert notes == ["100x50 scaled to 28x14", "margins to 28x28"]
    assert (images[0, 0, :7] == 1).all()
    dark = np.argwhere(images[0, 0] < 0.5)
    assert dark.min(0).tolist() == [13, 11]
    assert dark.max(0).tolist() == [14, 16]


def test_a_sliver(store):
    images, _ = read(store(np.zeros((1, 1000), np.uint8)))
    assert images.shape == (1, 1, 28, 28)


@pytest.mark.parametrize(
    ("invert", "background", "inverted"),
    [("auto", 0.0, True), ("auto", 1.0, False), ("auto", 0.6, False), ("yes", 1.0, True), ("no", 0.0, False)],
)
def test_inversion(store, invert, background, inverted):
    image = np.full((28, 28), 255, np.uint8)
    image[10:18, 10:18] = 0
    images, notes = read(store(image), invert=invert, background=background)
    assert images[0, 0, 0, 0] == (0 if inverted else 1)
    assert ("inverted" in notes) == inverted
