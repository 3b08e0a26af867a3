"""Scenes of single objects, and the data set that is made of MNIST's digits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn import data
from fastcnn.data import Dataset, compose_scenes
from fastcnn.data.named import _read
from fastcnn.errors import ArgumentError, DTypeError, FastcnnError, ShapeError


def objects(levels=(200, 100), size=(2, 2), channels=1):
    """Return an object of each class, with one level all over."""
    images = (
        np.ones((len(levels), channels, *size), np.uint8) * np.array(levels, np.uint8)[:, None, None, None]
    )
    return Dataset(images, np.arange(len(levels)), [f"level {each}" for each in levels], "levels")


def test_an_object_as_large_as_the_canvas():
    """What is below the threshold shows, and is background."""
    images = np.array([[[[200, 100], [128, 0]]], [[[127, 128], [255, 1]]]], np.uint8)
    made = compose_scenes(Dataset(images, [0, 1], ("a", "b")), 20, size=2, per_scene=1)
    assert made.classes == ("background", "a", "b")
    assert (made.task, made.value_range, made.name) == ("segmentation", (0.0, 255.0), "scenes")
    masks = {0: [[1, 0], [1, 0]], 1: [[0, 2], [2, 0]]}
    seen = set()
    for image, mask in zip(made.images, made.labels, strict=True):
        which = 0 if image[0, 0, 0] == 200 else 1
        np.testing.assert_array_equal(image, images[which])
        np.testing.assert_array_equal(mask, masks[which])
        seen.add(which)
    assert seen == {0, 1}


def test_the_lightest_object_is_in_front():
    """With two on a canvas of their size there are three pairs."""
    made = compose_scenes(objects(), 40, size=2, per_scene=2)
    lightest = made.images[:, 0, 0, 0]
    assert set(lightest) == {100, 200}
    for image, mask, level in zip(made.images, made.labels, lightest, strict=True):
        np.testing.assert_array_equal(image, level)
        np.testing.assert_array_equal(mask, 1 if level == 200 else 0)


def test_the_first_of_two_that_are_equally_light():
    equal = objects((200, 200), channels=3)
    one, two = (compose_scenes(equal, 40, size=2, per_scene=number) for number in (1, 2))
    assert one.image_shape == (3, 2, 2)
    assert {1, 2} == set(two.labels.ravel().tolist())
    assert all(len(set(mask.ravel().tolist())) == 1 for mask in two.labels)


def test_the_colours_of_an_object_stay_together():
    """It is as light as its lightest channel."""
    images = np.array([[10, 200, 30], [150, 150, 150]], np.uint8)[:, :, None, None]
    made = compose_scenes(Dataset(images, [0, 1], layout="NCHW"), 30, size=1, per_scene=(1, 2))
    for image, mask in zip(made.images[..., 0, 0], made.labels[:, 0, 0], strict=True):
        np.testing.assert_array_equal(image, images[mask - 1, :, 0, 0])


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    st.integers(1, 3),
    st.integers(0, 2),
    st.integers(0, 2**32),
)
def test_objects_lie_on_the_canvas_as_a_whole(size, more, least, further, seed):
    canvas = size[0] + more[0], size[1] + more[1]
    kinds = objects((250, 200, 150), size)
    per_scene = (least, least + further)
    made = compose_scenes(kinds, 5, size=canvas, per_scene=per_scene, seed=seed)
    again = compose_scenes(kinds, 5, size=canvas, per_scene=per_scene, seed=seed)
    np.testing.assert_array_equal(made.images, again.images)
    np.testing.assert_array_equal(made.labels, again.labels)
    # The lightest is covered by nothing: a whole number of its boxes, unless they cover each other.
    levels = np.array([0, 250, 200, 150])
    np.testing.assert_array_equal(made.images[:, 0], levels[made.labels])
    area = size[0] * size[1]
    for image in made.images[:, 0]:
        assert area <= np.count_nonzero(image) <= per_scene[1] * area
        top = int(image.max())
        rows, columns = np.nonzero(image == top)
        assert np.ptp(rows) + 1 >= size[0]
        assert np.ptp(columns) + 1 >= size[1]


def test_objects_keep_away_from_each_other():
    """Of ten places the farthest: two pixels on a line of 100 are far more than a third apart on average."""
    made = compose_scenes(objects((200,), (1, 1)), 500, size=(1, 100), per_scene=2)
    distance = [np.ptp(np.flatnonzero(image)) for image in made.images[:, 0, 0]]
    assert np.mean(distance) > 60
    single = compose_scenes(objects((200,), (1, 1)), 2000, size=(1, 100), per_scene=1)
    assert np.mean(np.nonzero(single.labels[:, 0])[1]) == pytest.approx(49.5, abs=3)


def test_as_many_as_were_asked_for():
    made = compose_scenes(objects((200,), (1, 1)), 600, size=20, per_scene=(2, 4))
    counts = np.bincount(made.labels.reshape(600, -1).sum(1).astype(np.int64))
    assert counts[:2].sum() == 0
    assert (counts[2:] > 150).all()
    assert len(counts) == 5
    assert len(compose_scenes(objects(), 0)) == 0
    assert not np.array_equal(
        compose_scenes(objects(), 9, seed=1).images, compose_scenes(objects(), 9).images
    )


def test_many_classes():
    kinds = Dataset(np.full((300, 1, 1, 1), 255, np.uint8), np.arange(300))
    made = compose_scenes(kinds, 200, size=1, per_scene=1)
    assert made.labels.dtype == np.uint16
    assert made.labels.max() > 256


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"objects": 3}, DTypeError, "objects must be a Dataset, got int"),
        (
            {"objects": Dataset(np.ones((2, 1, 2, 2), np.float32), [0, 1])},
            DTypeError,
            "objects must be uint8 images .N, C, H, W., got float32",
        ),
        (
            {"objects": Dataset((np.ones((2, 1, 2, 2), np.uint8), np.ones((2, 3))), [0, 1])},
            DTypeError,
            "objects must be uint8 images .N, C, H, W., got 2 inputs",
        ),
        (
            {"objects": Dataset(np.ones((2, 1, 2, 2), np.uint8), [0.5, 1.5])},
            ArgumentError,
            "objects must have a class each, but the targets are for regression",
        ),
        (
            {"objects": Dataset(np.ones((0, 1, 2, 2), np.uint8), np.zeros(0, int))},
            ArgumentError,
            "objects must be at least one, got none",
        ),
        ({"size": (9, 1)}, ShapeError, "objects of 2x2 do not fit on a canvas 9x1"),
        ({"size": 0}, ArgumentError, "size must be at least 1, got 0"),
        ({"size": (1, 2, 3)}, ArgumentError, "size must be an integer or 1 or 2 integers"),
        ({"per_scene": 0}, ArgumentError, "per_scene must be at least 1, got 0"),
        ({"per_scene": (3, 2)}, ArgumentError, r"per_scene must be \(least, most\), got \(3, 2\)"),
        ({"threshold": 256}, ArgumentError, "threshold must be from 1 to 255, got 256"),
        ({"threshold": 0}, ArgumentError, "threshold must be at least 1, got 0"),
        ({"count": -1}, ArgumentError, "count must be at least 0, got -1"),
        ({"seed": 0.5}, DTypeError, "seed must be an integer, got 0.5"),
    ],
)
def test_what_is_refused(change, error, message):
    given = {"objects": objects(), "count": 2, "size": 8, **change}
    with pytest.raises(error, match=f"^compose_scenes: {message}") as caught:
        compose_scenes(given.pop("objects"), given.pop("count"), **given)
    assert isinstance(caught.value, FastcnnError)


def test_the_data_set_of_scenes():
    train, test = data.load("mnist-scenes")
    assert [(len(each), each.name) for each in (train, test)] == [
        (10_000, "mnist-scenes train"),
        (2_000, "mnist-scenes test"),
    ]
    digits = data.load("mnist")
    for part, own, seed in zip((train, test), digits, (0, 1), strict=True):
        assert (part.task, part.image_shape, part.labels.dtype) == ("segmentation", (1, 64, 64), np.uint8)
        assert part.classes == ("background", *"0123456789")
        made = compose_scenes(own, len(part), seed=seed)
        np.testing.assert_array_equal(part.images, made.images)
        np.testing.assert_array_equal(part.labels, made.labels)
        with pytest.raises(ValueError, match="read-only"):
            part.labels[0] = 1
    # Nothing that large is to stay in memory for the other tests.
    _read.cache_clear()


def test_scenes_of_files_in_a_folder(tmp_path):
    assert data.fetch("mnist-scenes") == ()
    assert data.verify("mnist-scenes") == {}
    with pytest.raises(FastcnnError, match="train-images-idx3-ubyte: there is no such file"):
        data.load("mnist-scenes", root=tmp_path)
