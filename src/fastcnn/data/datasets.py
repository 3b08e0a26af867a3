"""Data sets by name or path.

MNIST is part of the package, so it needs no network. The files of others are looked for in the folder that
the caller names, or else in the cache, and are downloaded if they are not there.
"""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, DTypeError
from . import own
from .catalog import SOURCES, names
from .dataset import Dataset
from .layout import LINES, check_layout
from .named import read_named
from .own_masks import check_masks
from .pictures import check_white
from .resizing import check_resize
from .targets import REGRESSION
from .values import check_range, to_unit

__all__ = ["load", "load_parts", "names"]

TARGETS = ("images",)


def load(
    name: str,
    *,
    root: str | os.PathLike | None = None,
    layout: str | None = None,
    value_range: Sequence[float] | None = None,
    white: float | None = None,
    resize: int | Sequence[int] | None = None,
    targets: str | None = None,
    masks: str | None = None,
    classes: Sequence[str] | None = None,
    ignore_index: int | None = None,
) -> tuple[Dataset, Dataset]:
    """Load a data set; validation images of its own are left out, see `load_parts`.

    Parameters
    ----------
    name : str
        "mnist", "fashion-mnist": 60,000 training and 10,000 test images, uint8 (N, 1, 28, 28).
        "cifar10": 50,000 and 10,000 images, uint8 (N, 3, 32, 32).
        "mnist-scenes": 10,000 and 2,000 scenes of two to four digits, uint8 (N, 1, 64, 64), with masks of 11
        classes: `compose_scenes` of MNIST's parts, with the seeds 0 and 1.
        Or the path of an ``.npz`` file with the arrays `train_images`, `train_labels`, `test_images`,
        `test_labels` and, optionally, `val_images`, `val_labels` and `classes` (text); or of a folder of
        ``.npy`` files with these names, whose images are not read but mapped into memory; or of one with a
        subfolder of pictures for each class, in ``train``, ``test`` and, optionally, ``val``. Where there are
        only `images` and `labels`, or only the classes, or validation but no test images, a fifth of every
        class, always the same, is the test set. Or of a folder with pictures in ``images`` and masks of the
        same names in ``masks``, both in each of the parts, or parts in both.
    root : path, optional
        Folder with the official files of a data set with a name, packed or not. Default: MNIST is in the
        package; others are in the cache (see `cache_folder`) or are downloaded into it (see `fetch`).
    layout, value_range : optional
        Of images in ``.npz`` and ``.npy`` files: the order of their axes, and their values of black and
        white. See `Dataset`.
    white : float, optional
        The value of white in pictures with more than 8 bits, see `read_picture`.
    resize : int or (height, width), optional
        Of a folder of pictures, which may then have many sizes. An integer is what the shorter side becomes,
        the ratio of the sides as it was; then the square in the middle is cut out, as by torchvision's
        Resize(64) and CenterCrop(64). Height and width are taken as they are, whatever the ratio was. In
        either case as `transforms.Resize` does it, before values are rounded to bytes.
    targets : {"images"}, optional
        What a network is to make of an image, in the place of the labels that are read: "images" are the
        images themselves, from 0 (black) to 1 (white), float32 (N, C, H, W), as an autoencoder needs them.
    masks : str, optional
        The name of the folder of masks: grey or palette PNG files, or others that keep values, which are the
        classes of pixels. Default: "masks", if there is one beside "images". With `resize` pictures are
        interpolated, and of masks the nearest pixel is taken.
    classes : sequence of str, optional
        The names of the classes in masks. Default: the lines of ``classes.txt`` in the folder, or numbers up
        to the largest value; "background" and "object" where the values are 0 and 255 alone.
    ignore_index : int, optional
        The value of pixels in masks that do not count. Default: 255 where it stands beside smaller numbers of
        classes, as in Pascal VOC.

    Returns
    -------
    train, test : Dataset
        The arrays of a data set with a name are read-only: the last one loaded is kept in memory and given
        out again.

    Raises
    ------
    ArgumentError
        If there is no data set of that name, or an argument is not for that kind of data set.
    DataError
        If a file is missing, damaged or not what it should be; the message starts with its path. SHA-256
        decides for MNIST and for what is in the cache; of other files in `root`, layout, sizes and labels are
        checked.
    ImportError
        If it is a folder of pictures and Pillow is not installed.
    """
    train, _, test = load_parts(
        name,
        root=root,
        layout=layout,
        value_range=value_range,
        white=white,
        resize=resize,
        targets=targets,
        masks=masks,
        classes=classes,
        ignore_index=ignore_index,
    )
    return train, test


def load_parts(
    name: str,
    *,
    root: str | os.PathLike | None = None,
    layout: str | None = None,
    value_range: Sequence[float] | None = None,
    white: float | None = None,
    resize: int | Sequence[int] | None = None,
    targets: str | None = None,
    masks: str | None = None,
    classes: Sequence[str] | None = None,
    ignore_index: int | None = None,
) -> tuple[Dataset, Dataset | None, Dataset]:
    """Load a data set with the validation images that it has of its own.

    Parameters
    ----------
    name, root, layout, value_range, white, resize, targets, masks, classes, ignore_index
        As for `load`.

    Returns
    -------
    train, validation, test : Dataset
        `validation` is None if the data set has none; `split` then takes it from the training images.

    Raises
    ------
    ArgumentError, DataError, ImportError
        As for `load`.
    """
    if not isinstance(name, str):
        raise DTypeError(f"load: name must be a str, got {name!r}")
    if not isinstance(root, str | os.PathLike | None):
        raise DTypeError(f"load: root must be a path, got {root!r}")
    check_layout(layout, "load")
    black_white = None if value_range is None else check_range(value_range, "load: value_range")
    if white is not None:
        white = check_white(white, "load: white")
    to = None if resize is None else check_resize(resize, "load: resize")
    said = check_masks(masks, classes, ignore_index, "load")
    if targets is not None and targets not in TARGETS:
        raise ArgumentError(f"load: targets must be None or one of {', '.join(TARGETS)}, got {targets!r}")
    if name not in SOURCES and own.is_path(name):
        if root is not None:
            raise ArgumentError(f"load: root is for data sets with a name, but {name!r} is a path")
        parts = own.read(name, layout, black_white, white, to, said)
    else:
        given: dict[str, Any] = {"layout": layout, "value_range": value_range, "white": white, "resize": to}
        given |= {"masks": masks, "classes": classes, "ignore_index": ignore_index}
        parts = read_named(name, root, given)
    if targets is None:
        return parts
    train, validation, test = parts
    return of_images(train), None if validation is None else of_images(validation), of_images(test)


def of_images(dataset: Dataset) -> Dataset:
    """Return a data set whose targets are its images, from 0 (black) to 1 (white).

    Raises
    ------
    ArgumentError
        If the images do not tell their values of black and white, or there are several inputs.
    """
    if not isinstance(dataset.images, np.ndarray):
        raise ArgumentError(f"load: targets 'images' need one input, got {len(dataset.images)}")
    black_white = dataset.value_range
    if black_white is None:
        raise ArgumentError("load: targets 'images' need the values of black and white: give value_range")
    return Dataset(
        dataset.images,
        to_unit(dataset.images, black_white),
        name=dataset.name,
        layout=LINES if dataset.images.ndim == 3 else "NCHW",
        value_range=dataset.given_range,
        task=REGRESSION,
        weights=dataset.weights,
    )
