"""The picture of images beside their targets and what was made of them."""

import re

import numpy as np
import pytest

from fastcnn.errors import ArgumentError, ShapeError
from fastcnn.training import report

pytest.importorskip("matplotlib")
rng = np.random.default_rng(0)


def drawn(figure):
    """Return titles and pictures of the places that have one."""
    places = [axes for axes in figure.axes if axes.images]
    return [axes.get_title() for axes in places], [np.asarray(axes.images[0].get_array()) for axes in places]


def test_targets_and_outputs_have_one_scale(tmp_path):
    """From -2 to 2 by hand; what lies beyond is black or white."""
    images = np.array([[[[0, 255]]], [[[51, 102]]]], np.uint8)
    targets = np.array([[[[-2.0, 1.0]]], [[[0.0, 2.0]]]])
    outputs = np.array([[[[-3.0, 0.0]]], [[[1.0, 5.0]]]])
    figure = report.plot_outputs(images, targets, outputs, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    titles, pictures = drawn(figure)
    assert titles == ["image", "target", "output"] * 2
    expected = [[0, 1], [0, 0.75], [0, 0.5], [0.2, 0.4], [0.5, 1], [0.75, 1]]
    for picture, row in zip(pictures, expected, strict=True):
        np.testing.assert_allclose(picture, [row])
    assert figure.get_suptitle() == "2 images, mean absolute error 1.5; black is -2, white 2"


def test_no_more_than_there_is_room_for():
    images = rng.random((20, 1, 4, 4))
    titles, pictures = drawn(report.plot_outputs(images, images, images, rows=3, columns=2))
    assert len(pictures) == 18
    assert titles[:6] == ["image", "target", "output"] * 2
    assert set(titles[6:]) == {""}
    single = report.plot_outputs(images[:1], images[:1], images[:1])
    assert len(single.axes) == 3
    assert "1 images, mean absolute error 0; " in single.get_suptitle()


@pytest.mark.parametrize(
    ("shape", "picture"),
    [((3, 6, 8), (6, 8, 3)), ((2, 6, 8), (6, 8)), ((6, 8), (6, 8)), ((1, 12, 16), (12, 16))],
)
def test_colours_planes_and_other_sizes(shape, picture):
    targets = rng.random((4, *shape))
    _, pictures = drawn(report.plot_outputs(rng.random((4, 1, 6, 8)), targets, targets))
    assert [each.shape for each in pictures[:3]] == [(6, 8), picture, picture]
    first = targets[0] if len(shape) == 2 else targets[0, 0]
    low, high = targets.min(), targets.max()
    found = pictures[1][..., 0] if len(picture) == 3 else pictures[1]
    np.testing.assert_allclose(found, (first - low) / (high - low))


def test_a_target_of_one_value():
    images = rng.random((2, 1, 4, 4))
    _, pictures = drawn(report.plot_outputs(images, np.full((2, 4, 4), 7.0), np.full((2, 4, 4), 8.0)))
    assert (pictures[1] == 0).all()
    assert (pictures[2] == 1).all()


def test_of_several_inputs_the_first_images():
    inputs = (rng.random((2, 5)), rng.random((2, 1, 4, 4)))
    figure = report.plot_outputs(inputs, inputs[1], inputs[1])
    assert figure.get_suptitle().startswith("2 images (input 2 of 2), ")


@pytest.mark.parametrize("size", [(4, 4), (4, 40), (40, 4)])
def test_the_figure_has_the_ratio_of_the_images(size):
    images = rng.random((6, 1, *size))
    figure = report.plot_outputs(images, images, images, rows=2, columns=3)
    width, height = figure.get_size_inches()
    assert width == pytest.approx(9 * 1.3)
    assert height == pytest.approx(2 * 1.3 * min(max(size[0] / size[1], 0.5), 2) + 0.6)


@pytest.mark.parametrize(
    ("shapes", "options", "error", "message"),
    [
        (((2, 1, 4, 4), (2, 1, 4, 4), (2, 1, 4, 5)), {}, ShapeError, "expected images (N, C, H, W), targets"),
        (((2, 1, 4, 4), (2, 5), (2, 5)), {}, ShapeError, "got (2, 1, 4, 4), (2, 5) and (2, 5)"),
        (((2, 4, 4), (2, 4, 4), (2, 4, 4)), {}, ShapeError, "expected images (N, C, H, W)"),
        (((3, 1, 4, 4), (2, 4, 4), (2, 4, 4)), {}, ShapeError, "got (3, 1, 4, 4), (2, 4, 4)"),
        (((0, 1, 4, 4), (0, 4, 4), (0, 4, 4)), {}, ShapeError, "got (0, 1, 4, 4)"),
        (((1, 1, 4, 4), (1, 4, 4), (1, 4, 4)), {"rows": 0}, ArgumentError, "rows must be at least 1, got 0"),
        (((1, 1, 4, 4), (1, 4, 4), (1, 4, 4)), {"columns": 0}, ArgumentError, "columns must be at least 1"),
    ],
)
def test_refuses(shapes, options, error, message):
    with pytest.raises(error, match=f"^plot_outputs: .*{re.escape(message)}"):
        report.plot_outputs(*(np.zeros(shape) for shape in shapes), **options)
