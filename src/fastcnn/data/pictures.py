"""Pictures in files, read with Pillow, and what their values mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._shapes import allocate
from ..errors import DataError, FastcnnError
from ._arguments import real
from .formats import check_bytes
from .resizing import Resize

_WHITE_16 = 65535.0
# A picture of 16 bits that nowhere reaches a quarter of white may hold the 10, 12 or 14 bits of a camera.
_QUARTER_16, _QUARTER_8 = 65535 // 4, 255 // 4
# The same for floats: pictures that somebody has divided once too often.
_FAINT = 0.1
# Orientations of cameras that turn a picture by a right angle.
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)
# The largest picture, and the bytes of a pixel while it is read.
_MOST_PIXELS, _PIXEL_BYTES = 2**26, 24


@dataclass(frozen=True)
class _Raw:
    """The values of a picture as its file has them.

    Attributes
    ----------
    values : float32 (C, H, W)
    white : float or None
        What stands for white in this kind of file; None: nobody knows.
    sure : bool
        Whether the values leave no doubt of that.
    deep : bool
        More than 8 bits a value: another `white` may be given.
    transparent : bool
    """

    values: np.ndarray
    white: float | None
    sure: bool
    deep: bool
    transparent: bool


def read_picture(path: str, white: float | None = None) -> tuple[np.ndarray, bool]:
    """Read a picture; transparency is laid on white, and the orientation that a camera notes is applied.

    Parameters
    ----------
    path : str
    white : float, optional
        The value of white in a picture with more than 8 bits, such as 4095 for 12 bits in a 16-bit file;
        black is 0. Default: 65535 for 16 bits, 1 for floats, if the values leave no doubt of it.

    Returns
    -------
    pixels : float32 (C, H, W)
        From 0 to 1; one channel for a grey picture, three for a coloured one.
    transparent : bool
        Whether the file has transparency.

    Raises
    ------
    DataError
        If the file is missing or holds no picture, or has more than 8 bits and does not tell which value is
        white: 16 bits that stay below a quarter of their range, other integers, floats beyond 0 to 1.
    ImportError
        If Pillow is not installed.
    """
    white = None if white is None else check_white(white, "read_picture: white")
    raw = _read(path)
    return _scaled(raw, white, path), raw.transparent


def check_white(value: object, what: str) -> float:
    """Return the value of white as a float above 0; `what` opens the error."""
    return real(value, what, float(np.finfo(np.float32).tiny))


def fitted(pixels: np.ndarray, resize: Resize, path: str) -> np.ndarray:
    """Return a picture (C, H, W) in another size, see `Resize.cropped`.

    Raises
    ------
    DataError
        If that takes too much on the way, as it does of a picture that is far longer than wide.
    """
    height, width = resize.output_size(*pixels.shape[1:])
    if height * width > _MOST_PIXELS:
        raise DataError(
            f"{path}: resize={resize.size} makes {width}x{height} pixels of it before the middle is cut out, "
            f"expected at most {_MOST_PIXELS:,}: cut it yourself, or give height and width"
        )
    return resize.cropped(pixels[None])[0]


def read_pictures(
    paths: Sequence[str],
    white: float | None,
    others: Sequence[str] = (),
    resize: Resize | None = None,
) -> np.ndarray:
    """Read pictures of one size; if any is coloured, all get three channels.

    Parameters
    ----------
    paths : sequence of str
        At least one.
    white : float or None
        See `read_picture`.
    others : sequence of str
        More pictures of the same data set: where one picture leaves a doubt, another may remove it.
    resize : Resize, optional
        Brings all pictures to one size.

    Returns
    -------
    uint8 (N, C, H, W)

    Raises
    ------
    DataError, ImportError
        As `read_picture`; and if they are not of one size.
    """
    images: Any = None
    for index, path in enumerate(paths):
        raw = _read(path)
        if white is None and raw.deep and not raw.sure:
            white = _common_white(raw, [*paths, *others])
        scaled = _scaled(raw, white, path)
        if resize is not None:
            scaled = fitted(scaled, resize, path)
        pixels = np.rint(scaled * 255).astype(np.uint8)
        if images is None:
            images = allocate((len(paths), *pixels.shape), np.uint8, "the images")
        if pixels.shape[1:] != images.shape[2:]:
            sizes = [f"{each.shape[-1]}x{each.shape[-2]}" for each in (pixels, images)]
            raise DataError(
                f"{path}: is {sizes[0]}, but {paths[0]} is {sizes[1]}; all pictures must have one size: "
                f"resize=... or --resize brings them to one"
            )
        if len(pixels) > images.shape[1]:
            coloured = allocate((len(paths), *pixels.shape), np.uint8, "the images")
            coloured[:index] = images[:index]
            images = coloured
        images[index] = pixels
    return images


def _common_white(raw: _Raw, paths: Sequence[str]) -> float | None:
    """Return the white of a doubtful picture if another one of the same kind leaves no doubt."""
    if raw.white is None:
        return None
    for path in paths:
        other = _read(path)
        if other.deep and other.sure and other.white == raw.white:
            return other.white
    return None


def check_pillow(path: str, instead: str = "") -> None:
    """Raise ImportError if there is no Pillow for a picture, and say what would do `instead`."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError as error:
        raise ImportError(f'{path}: pictures need pillow: pip install "fastcnn[images]"{instead}') from error


def _read(path: str) -> _Raw:
    check_pillow(path, " (or .npy)")
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            check_pixels(path, *file.size)
            # Pillow forgets it once the pixels are there.
            tiles = repr(file.tile)
            picture: Any = ImageOps.exif_transpose(file)
            mode = picture.mode
            transparent = mode.endswith(("A", "a")) or "transparency" in picture.info
            if mode.startswith(("I", "F")):
                return _deep(np.asarray(picture, np.float32)[None], mode, tiles)
            pixels = on_white(picture)
            # Of 16 bits a channel, pillow drops the lower 8: what is left of 12 bits is almost black.
            if ";16" in tiles and 0 < np.asarray(picture).max(axis=(0, 1))[:3].max() < _QUARTER_8:
                raise DataError(
                    f"{path}: has 16 bits a channel but nowhere reaches a quarter of white, as if it held "
                    f"10, 12 or 14 bits; coloured pictures must use their whole range: store it with 8 bits"
                )
    except FastcnnError:
        raise
    except Exception as error:  # a damaged file meets whatever stumbles over it
        raise DataError(f"{path}: not a picture that can be read: {error}") from error
    return _Raw(pixels.astype(np.float32), 255.0, True, False, transparent)


def on_white(picture: Any) -> np.ndarray:
    """Return the pixels of a picture of Pillow's with 8 bits a value, laid on white: uint8 (1 or 3, H, W)."""
    from PIL import Image

    flat = Image.new("RGBA", picture.size, "white")
    flat.alpha_composite(picture.convert("RGBA"))
    # A grey picture stays one: converting it back must not change it.
    channels = 1 if picture.mode in ("1", "L", "LA") else 3
    return np.moveaxis(np.asarray(flat)[..., :channels], 2, 0)


def check_pixels(path: str, width: int, height: int) -> None:
    """Refuse a picture that is too large before any of it is unpacked."""
    if width * height > _MOST_PIXELS:
        raise DataError(
            f"{path}: has {width}x{height} pixels, expected at most {_MOST_PIXELS:,}: make it smaller"
        )
    check_bytes(path, (height, width), _PIXEL_BYTES)


def _deep(values: np.ndarray, mode: str, tiles: str) -> _Raw:
    """Return a picture of 16 or 32 bits, or of floats, which pillow would cut off instead of scaling."""
    high = float(values.max(initial=0))
    if mode == "F":
        return _Raw(values, 1.0, high == 0 or _FAINT <= high <= 1, True, False)
    if "'ppm'" in tiles:
        # Pillow has brought the values to 16 bits, for that format says which one is white.
        return _Raw(values, _WHITE_16, True, False, False)
    if mode.startswith("I;16") or "I;16" in tiles:
        return _Raw(values, _WHITE_16, high == 0 or high >= _QUARTER_16, True, False)
    return _Raw(values, None, high == 0, True, False)


def picture_size(path: str) -> tuple[int, int]:
    """Return height and width of a picture, turned as its camera notes, without reading its pixels.

    Raises
    ------
    DataError
        If it is none.
    """
    from PIL import Image

    try:
        with Image.open(path) as file:
            width, height = file.size
            turned = file.getexif().get(_ORIENTATION) in _TURNED
    except Exception as error:  # a damaged file meets whatever stumbles over it
        raise DataError(f"{path}: not a picture that can be read: {error}") from error
    return (width, height) if turned else (height, width)


def _scaled(raw: _Raw, white: float | None, path: str) -> np.ndarray:
    """Return the values from 0 to 1."""
    low, high = float(raw.values.min(initial=0)), float(raw.values.max(initial=0))
    if not raw.deep:
        white = raw.white
    elif white is None:
        if not raw.sure:
            kind = {_WHITE_16: "16-bit integers", 1.0: "floats", None: "32-bit integers"}[raw.white]
            raise DataError(
                f"{path}: holds {kind} from {low:g} to {high:g}, which do not tell the value of white; say "
                f"it with white=... or --white, such as 4095 for 12 bits"
            )
        white = raw.white
    white = float(np.float32(white or 1.0))
    if not (low >= 0 and high <= white):  # NaN is refused too
        raise DataError(f"{path}: has values from {low:g} to {high:g}, but black is 0 and white {white:g}")
    return np.ascontiguousarray(raw.values / np.float32(white), np.float32)
