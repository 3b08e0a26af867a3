"""The order of the axes: channels that come last are recognised, or said."""

import re

import numpy as np
import pytest

from fastcnn.data import Dataset, load
from fastcnn.data.datasets import TARGETS
from fastcnn.data.layout import LAYOUTS, looks_channels_last, to_nchw
from fastcnn.data.npz import read_npz
from fastcnn.errors import ArgumentError, DataError, DTypeError, ShapeError

LAST = np.arange(10 * 8 * 6 * 3, dtype=np.uint8).reshape(10, 8, 6, 3)
FIRST = LAST.transpose(0, 3, 1, 2)
LABELS = np.arange(10) % 2


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((9, 32, 32, 3), True),
        ((9, 28, 28, 1), True),
        ((9, 28, 20, 4), True),
        ((9, 3, 32, 32), False),
        ((9, 1, 28, 28), False),
        ((9, 3, 28, 1), False),  # strips of one pixel
        ((9, 4, 4, 4), False),
        ((9, 2, 32, 3), False),
        ((9, 32, 32, 2), False),
        ((9, 28, 28), False),
    ],
)
def test_what_looks_as_if_channels_came_last(shape, expected):
    assert looks_channels_last(shape) == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_data_set_of_any_layout(dtype):
    last = LAST.astype(dtype)
    made = Dataset(last, LABELS, layout="NHWC")
    np.testing.assert_array_equal(made.images, FIRST.astype(dtype))
    assert made.images.flags.c_contiguous
    assert made.image_shape == (3, 8, 6)
    grey = Dataset(last[..., 0], LABELS, layout="NHW")
    assert grey.image_shape == (1, 8, 6)
    assert grey.images.base is not None  # no copy
    as_it_is = Dataset(last, LABELS, layout="NCHW")
    assert as_it_is.images is last
    assert as_it_is.subset([1]).image_shape == (8, 6, 3)


def test_channels_last_are_refused_with_the_cure():
    expected = (
        "Dataset: images have the shape (10, 8, 6, 3), which looks like (N, H, W, C), but must be "
        '(N, C, H, W): give layout="NHWC" (--layout NHWC) or turn them with '
        "images.transpose(0, 3, 1, 2); if they do have 8 channels, give "
        'layout="NCHW"'
    )
    with pytest.raises(ShapeError) as caught:
        Dataset(LAST, LABELS)
    assert str(caught.value) == expected
    with pytest.raises(
        ShapeError, match=r'got \(10, 8, 6\); for grey images .* layout="NHW" .* or images\[:, N'
    ):
        Dataset(LAST[..., 0], LABELS)


def test_layouts_that_are_wrong():
    with pytest.raises(ArgumentError, match="Dataset: layout must be one of NCHW, NHWC, NHW, NCL, got 'HWC'"):
        Dataset(LAST, LABELS, layout="HWC")
    with pytest.raises(DTypeError, match="Dataset: layout must be a str, got 3"):
        Dataset(LAST, LABELS, layout=3)
    with pytest.raises(ShapeError, match=r"images must have the shape \(N, H, W\), got \(10, 8, 6, 3\)"):
        Dataset(LAST, LABELS, layout="NHW")
    with pytest.raises(ShapeError, match=r"x must have the shape \(N, H, W, C\), got \(8, 6, 3\)"):
        to_nchw(LAST[0], "NHWC", "x")


def test_files(tmp_path):
    path = tmp_path / "own.npz"
    np.savez(path, images=LAST, labels=LABELS)
    message = rf'{path}: images have the shape \(10, 8, 6, 3\), which looks like .* give layout="NHWC"'
    for read in (read_npz, lambda path: load(str(path))):
        with pytest.raises(DataError, match=message):
            read(path)
    images, _ = read_npz(path, layout="NHWC")
    np.testing.assert_array_equal(images, FIRST)
    train, test = load(str(path), layout="NHWC")
    assert train.image_shape == test.image_shape == (3, 8, 6)
    np.savez(path, images=LAST[..., 0], labels=LABELS)
    with pytest.raises(DataError, match=r'got uint8 \(10, 8, 6\); for grey images .* layout="NHW"'):
        load(str(path))
    assert load(str(path), layout="NHW")[0].image_shape == (1, 8, 6)


def test_it_is_for_files_of_ones_own(tmp_path):
    for key, value in (("layout", "NHWC"), ("value_range", (0, 1)), ("white", 4095)):
        with pytest.raises(ArgumentError, match=f"load: {key} is for files of your own, but 'mnist'"):
            load("mnist", **{key: value})
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match=r"layout and value_range are for \.npz and \.npy files"):
        load(str(tmp_path), layout="NHWC")
    np.savez(tmp_path / "a.npz", images=LAST, labels=LABELS)
    with pytest.raises(DataError, match=re.escape("a.npz: white is for folders of pictures")):
        load(str(tmp_path / "a.npz"), white=255)
    with pytest.raises(ArgumentError, match="load: layout must be one of"):
        load(str(tmp_path / "a.npz"), layout="CHWN")


def test_the_command_line_knows_the_same(capsys):
    from fastcnn.cli.options import _LAYOUTS, _TARGETS

    assert _LAYOUTS == LAYOUTS
    assert _TARGETS == TARGETS
