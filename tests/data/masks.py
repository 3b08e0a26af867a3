"""Folders of small pictures with masks, for tests."""

import numpy as np
import pytest

from fastcnn.data import load
from fastcnn.errors import DataError

Image = pytest.importorskip("PIL.Image")
# Three classes, and pixels that do not count.
MASK = np.array([[0, 0, 1, 1], [0, 2, 2, 255], [1, 1, 0, 0]], np.uint8)


def picture(number, shape=(3, 4), mode="L"):
    return Image.new(mode, shape[::-1], number if mode == "L" else (number, 0, 9))


def save(image, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def put(pictures, masks, count=5, level=0, mask=MASK, ending="png"):
    """Put pictures, each with a level of its own, and their masks into two folders."""
    for number in range(count):
        save(picture(level + number, mask.shape), pictures / f"{number}.{ending}")
        save(Image.fromarray(mask), masks / f"{number}.png")


def levels(dataset):
    return dataset.images[:, 0, 0, 0].tolist()


def error_of(path, **options):
    with pytest.raises(DataError) as caught:
        load(str(path), **options)
    return str(caught.value).replace(str(path), "PATH")
