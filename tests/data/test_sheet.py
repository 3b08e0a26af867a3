"""What notebooks show of a data set."""

import io
import re

import numpy as np
import pytest

from fastcnn import data

from ..pages import pictures, shown


def decoded(page):
    image = pytest.importorskip("PIL.Image")
    return [np.asarray(image.open(io.BytesIO(png))) for png in pictures(page)]


def captions(dataset):
    return re.findall("<figcaption>(.*?)</figcaption>", dataset._repr_html_())


def test_images_and_their_classes():
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 8, 6), dtype=np.uint8)
    made = data.Dataset(images, [1, 0, 1], classes=("cat", "dog"), name="pets")
    page = shown(made)
    assert repr(made) in page.words
    assert captions(made) == ["dog", "cat", "dog"]
    np.testing.assert_array_equal(decoded(page), images[:, 0])
    assert [value for name, value in page.attributes if name == "width"] == ["54"] * 3
    assert dict(page.attributes)["alt"] == "image 2"


def test_of_many_some_from_first_to_last():
    images = np.arange(1000, dtype=np.float32).reshape(-1, 1, 1, 1).repeat(2, 2).repeat(2, 3)
    made = data.Dataset(images, np.arange(1000) // 10)
    labels = [int(each) for each in captions(made)]
    assert len(labels) == 36
    assert (labels[0], labels[-1]) == (0, 99)
    assert labels == sorted(set(labels))
    assert "36 of 1,000 images, from first to last" in shown(made).words
    # All are drawn on one scale.
    levels = [int(each[0, 0]) for each in decoded(shown(made))]
    assert (levels[0], levels[-1]) == (0, 255)
    assert levels == sorted(levels)


@pytest.mark.parametrize("shape", [(3, 900, 600), (1, 2000, 40), (3, 5, 500)])
def test_large_pictures_become_small(shape):
    images = np.random.default_rng(0).random((40, *shape), dtype=np.float32)
    made = data.Dataset(images, np.zeros(40, int))
    assert max(max(each.shape[:2]) for each in decoded(shown(made))) == 96
    assert len(made._repr_html_()) < 36 * 96 * 96 * 4


def test_hostile_names():
    made = data.Dataset(
        np.zeros((2, 1, 2, 2), np.uint8), [0, 1], classes=("<script>x</script>", "b" * 500), name="</p>"
    )
    page = shown(made)
    assert "<script>x</script>" in page.words
    assert max(map(len, captions(made))) <= 40 + len("&lt;&gt;" * 2)


def test_values_that_are_not_finite():
    images = np.full((2, 1, 2, 2), 0.5, np.float32)
    images[0, 0, 0] = np.nan, np.inf
    images[1, 0, 0] = -np.inf, 2
    first, second = decoded(shown(data.Dataset(images, [0, 1])))
    assert first.tolist() == [[0, 255], [0, 0]]
    assert second.tolist() == [[0, 255], [0, 0]]


def test_masks_stand_beside_in_the_colours_of_the_legend():
    images = np.zeros((2, 3, 4, 4), np.uint8)
    masks = np.zeros((2, 4, 4), int)
    masks[0, 0, 0], masks[0, 0, 1] = 1, 255
    made = data.Dataset(images, masks, classes=("sky", "<sea>"), ignore_index=255)
    text = made._repr_html_()
    drawn = decoded(shown(made))
    assert len(drawn) == 4
    mask = drawn[1]
    assert mask[0, 1].tolist() == [255, 255, 255]
    assert f'rgb({", ".join(map(str, mask[0, 0].tolist()))})">\u25a0</span> &lt;sea&gt;' in text
    assert f'rgb({", ".join(map(str, mask[1, 1].tolist()))})">\u25a0</span> sky' in text


@pytest.mark.parametrize("axes", [3, 4])
def test_targets_that_are_images_stand_beside(axes):
    images = np.random.default_rng(0).integers(0, 256, (2, 1, 4, 4), dtype=np.uint8)
    targets = (images / 255).astype(np.float32)
    made = data.Dataset(images, targets if axes == 4 else targets[:, 0])
    first, target, *_ = decoded(shown(made))
    assert target.shape == first.shape == (4, 4)
    assert captions(made) == ["", ""]


def test_other_targets():
    images = np.zeros((2, 1, 2, 2), np.uint8)
    assert captions(data.Dataset(images, [0.5, 1.25])) == ["0.5", "1.25"]
    assert captions(data.Dataset(images, [[0.5, 1], [1.25, 2]])) == ["0.5, 1", "1.25, 2"]
    assert captions(data.Dataset(images, np.ones((2, 9)) / 3)) == ["", ""]
    several = data.Dataset(images, np.array([[True, True], [False, False]]), classes=("a", "b"))
    assert captions(several) == ["a, b", "none"]


def test_several_inputs_and_none_that_is_an_image():
    rows, images = np.zeros((2, 3), np.float32), np.zeros((2, 1, 2, 2), np.float32)
    made = data.Dataset((rows, images), [0, 1], value_range=(None, (0, 2)))
    assert len(decoded(shown(made))) == 2
    lines = data.Dataset(np.zeros((2, 3, 5), np.float32), [0, 1], layout="NCL")
    assert shown(lines).words[-1] == repr(lines)
    assert shown(made[:0]).words[-1] == repr(made[:0])
