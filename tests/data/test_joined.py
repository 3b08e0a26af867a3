"""Transforms that are made of others, for several inputs."""

import numpy as np
import pytest

from fastcnn.data.transforms import Compose, Normalize, PerInput, RandomErasing, RandomHorizontalFlip
from fastcnn.errors import DTypeError, ShapeError

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 1, 4, 4), dtype=np.uint8)
ROWS = np.arange(10.0).reshape(5, 2)


def generator():
    return np.random.default_rng(3)


def test_each_input_has_its_transform():
    images, rows = PerInput([Normalize(0.5, 0.25), None])((IMAGES, ROWS))
    np.testing.assert_allclose(images, (IMAGES / 255 - 0.5) / 0.25, rtol=1e-5)
    assert rows is ROWS
    rows, images = PerInput([lambda x: -x, Normalize(0, 1)])([ROWS, IMAGES])
    np.testing.assert_array_equal(rows, -ROWS)


def test_random_numbers_are_drawn_one_after_the_other():
    flip, erase = RandomHorizontalFlip(), RandomErasing()
    one, other = PerInput([flip, erase])((IMAGES, IMAGES), generator())
    rng = generator()
    np.testing.assert_array_equal(one, flip(IMAGES, rng))
    np.testing.assert_array_equal(other, erase(IMAGES, rng))


def test_a_single_input():
    np.testing.assert_array_equal(PerInput([Normalize(0, 1)])(IMAGES), Normalize(0, 1)(IMAGES))


def test_within_compose():
    flip, scale = RandomHorizontalFlip(1), Normalize(0, 1)
    swap = lambda inputs, rng: inputs[::-1]  # noqa: E731 - as a user writes it
    rows, images = Compose([PerInput([flip, None]), PerInput([scale, None]), swap])(
        (IMAGES, ROWS), generator()
    )
    assert rows is ROWS
    np.testing.assert_array_equal(images, scale(IMAGES[..., ::-1]))
    copies = Compose([])((IMAGES, ROWS), generator())
    for copied, own in zip(copies, (IMAGES, ROWS), strict=True):
        np.testing.assert_array_equal(copied, own)
        assert not np.shares_memory(copied, own)


def test_repr():
    assert repr(PerInput([RandomHorizontalFlip(0.3), None])) == (
        "PerInput(transforms=[RandomHorizontalFlip(p=0.3), None])"
    )


@pytest.mark.parametrize("transforms", [None, 5, "ab", [5], [Normalize(0, 1), "a"]])
def test_what_are_no_transforms(transforms):
    with pytest.raises(
        DTypeError, match="PerInput: transforms must be a sequence of callables and None, got"
    ):
        PerInput(transforms)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (IMAGES, ShapeError, "PerInput: 2 transforms, but 1 input$"),
        ((IMAGES, ROWS, ROWS), ShapeError, "PerInput: 2 transforms, but 3 inputs"),
        ((IMAGES, ROWS[:2]), ShapeError, r"PerInput: images\[1\] has 2 rows, but the first array has 5"),
        ("a", DTypeError, "PerInput: images must be an array with a batch axis, got str"),
    ],
)
def test_what_are_not_its_inputs(images, error, message):
    with pytest.raises(error, match=message):
        PerInput([None, None])(images)


@pytest.mark.parametrize(("made", "got"), [(None, "NoneType"), (ROWS[:3], r"\(3, 2\)"), (5, "int")])
def test_a_transform_must_return_its_rows(made, got):
    with pytest.raises(
        ShapeError, match=rf"PerInput: transforms\[1\] must return an array of 5 rows, got {got}"
    ):
        PerInput([None, lambda x: made])((IMAGES, ROWS))
