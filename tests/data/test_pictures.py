"""Pictures of every mode that Pillow has, and of more than 8 bits."""

import struct
import zlib

import numpy as np
import pytest

from fastcnn.data import load, read_picture
from fastcnn.errors import ArgumentError, DataError, DTypeError

Image = pytest.importorskip("PIL.Image")
RAMP = np.linspace(0, 255, 20).reshape(4, 5).astype(np.uint8)
COLOURS = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    made = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    made.save(path, **options)
    return str(path)


def error_of(path, white=None):
    with pytest.raises(DataError) as caught:
        read_picture(path, white)
    return str(caught.value)


def png16(path, pixels):
    """Write a PNG with 16 bits a channel, which Pillow itself cannot for colours."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[channels]

    def chunk(kind, content):
        crc = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + crc

    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return str(path)


# --- 8 bits and fewer ---


@pytest.mark.parametrize(
    ("mode", "name", "channels"),
    [
        ("1", "x.png", 1),
        ("L", "x.png", 1),
        ("LA", "x.png", 1),
        ("P", "x.png", 3),
        ("PA", "x.tif", 3),
        ("RGB", "x.png", 3),
        ("RGBA", "x.png", 3),
        ("CMYK", "x.tif", 3),
        ("YCbCr", "x.tif", 3),
        ("LAB", "x.tif", 3),
    ],
)
def test_modes(tmp_path, mode, name, channels):
    made = Image.new("LAB", (5, 4), (255, 128, 128)) if mode == "LAB" else None
    if made is None:
        base = Image.fromarray(COLOURS).convert("P" if mode == "PA" else "RGB")
        made = base.convert(mode)
    path = save(tmp_path / name, made)
    if mode == "YCbCr":
        with Image.open(path) as written:
            try:
                written.load()
            except OSError as error:  # Pillow 12.3 does not read what it wrote
                pytest.skip(f"Pillow: {error}")
    pixels, transparent = read_picture(path)
    assert pixels.shape == (channels, 4, 5)
    assert (pixels.dtype, transparent) == (np.float32, mode in ("LA", "PA", "RGBA"))
    if mode in ("RGB", "RGBA", "CMYK"):
        np.testing.assert_allclose(pixels * 255, COLOURS.transpose(2, 0, 1), atol=0.01)
    elif mode == "L":
        np.testing.assert_allclose(pixels[0] * 255, np.asarray(made), atol=0.01)
    elif mode == "1":
        np.testing.assert_array_equal(pixels[0], np.asarray(made))
    elif mode == "LAB":
        np.testing.assert_allclose(pixels, 1, atol=0.02)


def test_transparency_of_a_palette_and_of_a_grey_level(tmp_path):
    made = Image.new("P", (5, 4))
    made.putpalette([0, 0, 0, 255, 0, 0])
    made.putpixel((0, 0), 1)
    pixels, transparent = read_picture(save(tmp_path / "p.png", made, transparency=0))
    assert transparent
    assert pixels[:, 0, 0].tolist() == [1, 0, 0]
    assert (pixels[:, 1:] == 1).all()
    pixels, transparent = read_picture(save(tmp_path / "l.png", np.zeros((4, 5), np.uint8), transparency=0))
    assert (transparent, pixels.shape, pixels.min()) == (True, (1, 4, 5), 1)


# --- more than 8 bits ---

TWELVE = np.linspace(0, 4000, 20).reshape(4, 5).astype(np.uint16)


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_twelve_bits_in_sixteen(tmp_path, name):
    path = save(tmp_path / name, TWELVE)
    assert error_of(path) == (
        f"{path}: holds 16-bit integers from 0 to 4000, which do not tell the value of white; say it with "
        f"white=... or --white, such as 4095 for 12 bits"
    )
    pixels, _ = read_picture(path, 4095)
    np.testing.assert_allclose(pixels[0], TWELVE / 4095, rtol=1e-6)
    assert error_of(path, 255) == f"{path}: has values from 0 to 4000, but black is 0 and white 255"


@pytest.mark.parametrize(
    ("pixels", "name"),
    [
        (np.linspace(0, 60000, 20).reshape(4, 5).astype(np.uint16), "x.png"),
        (np.linspace(0, 60000, 20).reshape(4, 5).astype(np.uint16), "x.tif"),
        (np.linspace(0, 60000, 20).reshape(4, 5).astype(">u2"), "big.tif"),
        (np.zeros((4, 5), np.uint16), "black.png"),
    ],
)
def test_sixteen_bits(tmp_path, pixels, name):
    made = Image.frombytes("I;16B", (5, 4), pixels.tobytes()) if name == "big.tif" else pixels
    found, _ = read_picture(save(tmp_path / name, made))
    np.testing.assert_allclose(found[0], pixels / 65535.0, rtol=1e-5)


def test_thirty_two_bits_never_tell(tmp_path):
    pixels = np.linspace(0, 60000, 20).reshape(4, 5).astype(np.int32)
    path = save(tmp_path / "x.tif", pixels)
    assert f"{path}: holds 32-bit integers from 0 to 60000, which do not tell" in error_of(path)
    np.testing.assert_allclose(read_picture(path, 60000)[0][0], pixels / 60000, rtol=1e-6)
    assert "has values from -5 to 59995, but black is 0" in error_of(
        save(tmp_path / "y.tif", pixels - 5), 6e4
    )
    assert (read_picture(save(tmp_path / "z.tif", 0 * pixels))[0] == 0).all()


def test_floats(tmp_path):
    pixels = np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5)
    np.testing.assert_array_equal(read_picture(save(tmp_path / "x.tif", pixels))[0][0], pixels)
    for factor in (200, 0.001):
        path = save(tmp_path / "y.tif", pixels * np.float32(factor))
        assert f"{path}: holds floats from 0 to {factor}, which do not tell" in error_of(path)
        np.testing.assert_allclose(read_picture(path, factor)[0][0], pixels, rtol=1e-6)
    assert "has values from" in error_of(save(tmp_path / "z.tif", pixels - 0.5))
    assert "has values from" in error_of(save(tmp_path / "n.tif", pixels * np.float32(np.nan)), 1)


def test_a_format_that_tells_its_white(tmp_path):
    path = tmp_path / "x.pgm"
    path.write_bytes(b"P5 5 4 4095\n" + TWELVE.astype(">u2").tobytes())
    np.testing.assert_allclose(read_picture(str(path))[0][0], TWELVE / 4095, atol=1e-4)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_coloured_pictures_of_sixteen_bits(tmp_path, channels):
    """Pillow keeps the upper byte alone."""
    pixels = np.linspace(0, 60000, 20 * channels).reshape(4, 5, channels)
    if channels in (2, 4):
        pixels[..., -1] = 65535
    path = png16(tmp_path / "x.png", pixels)
    found, _ = read_picture(path)
    np.testing.assert_allclose(found[0], pixels[..., 0] / 65535, atol=1 / 200)
    colour = pixels // 16
    if channels in (2, 4):
        colour[..., -1] = 65535
    assert "has 16 bits a channel but nowhere reaches a quarter of white" in error_of(
        png16(tmp_path / "y.png", colour)
    )


def test_white_must_be_a_number(tmp_path):
    path = save(tmp_path / "x.png", TWELVE)
    with pytest.raises(ArgumentError, match="read_picture: white must be in"):
        read_picture(path, 0)
    with pytest.raises(DTypeError, match="read_picture: white must be a number, got 'a'"):
        read_picture(path, "a")


# --- folders ---


def test_a_dark_picture_beside_a_light_one(tmp_path):
    """Where one picture leaves a doubt, another of the data set removes it."""
    for number in range(5):
        save(tmp_path / "train" / "a" / f"{number}.png", TWELVE)
        save(tmp_path / "test" / "a" / f"{number}.png", TWELVE)
    with pytest.raises(DataError, match=r"train/a/0\.png: holds 16-bit integers from 0 to 4000"):
        load(str(tmp_path))
    train, test = load(str(tmp_path), white=4095)
    expected = np.rint(TWELVE / 4095 * 255)
    np.testing.assert_array_equal(train.images[0, 0], expected)
    np.testing.assert_array_equal(test.images[0, 0], expected)
    save(tmp_path / "test" / "a" / "9.png", 15 * TWELVE)
    train, test = load(str(tmp_path))
    np.testing.assert_array_equal(train.images[0, 0], np.rint(TWELVE / 65535 * 255))
    assert train.value_range == (0, 255)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1"])
def test_a_dark_picture_of_sixteen_pixels_has_no_sixteen_bits(tmp_path, mode):
    """The size of a picture stands beside its bits where Pillow tells both."""
    image = Image.new(mode, (16, 116), 0)
    if mode in ("LA", "RGBA"):
        image.putalpha(255)
    image.save(tmp_path / "x.png")
    pixels, _ = read_picture(str(tmp_path / "x.png"))
    assert pixels.shape[1:] == (116, 16)
    np.testing.assert_array_equal(pixels, 0)
    if mode in ("L", "RGB"):
        Image.new(mode, (16, 16), 40 if mode == "L" else (40, 0, 3)).save(tmp_path / "y.png")
        assert read_picture(str(tmp_path / "y.png"))[0].max() == np.float32(40) / np.float32(255)
