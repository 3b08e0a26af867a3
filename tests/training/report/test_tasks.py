"""Pictures of real targets, several labels and masks."""

import re

import numpy as np
import pytest

from fastcnn._pixels import colours_of
from fastcnn.errors import ArgumentError, ShapeError
from fastcnn.training import metrics, report

pytest.importorskip("matplotlib")
rng = np.random.default_rng(0)


def test_predictions_against_targets(tmp_path):
    targets = rng.normal(size=200)
    predictions = (targets + 0.1 * rng.normal(size=200))[:, None]
    figure = report.plot_regression(targets, predictions, tmp_path / "regression.png")
    assert (tmp_path / "regression.png").read_bytes().startswith(b"\x89PNG")
    left, right = figure.axes
    points = left.collections[0].get_offsets()
    np.testing.assert_allclose(points[:, 0], targets)
    np.testing.assert_allclose(points[:, 1], predictions[:, 0])
    diagonal = left.lines[0]
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    assert left.get_title(loc="left") == f"R2 {metrics.r2_score(targets, predictions[:, 0]):.4f}"
    assert sum(patch.get_height() for patch in right.patches) == 200


def test_many_values_are_thinned():
    images = rng.random((30, 1, 32, 32))
    figure = report.plot_regression(images, images)
    assert 2500 < len(figure.axes[0].collections[0].get_offsets()) <= 5000


def test_values_that_are_not_finite_are_left_out():
    figure = report.plot_regression(np.array([0.0, 1, 2]), np.array([0.0, np.nan, 2]))
    assert sum(patch.get_height() for patch in figure.axes[1].patches) == 2


def test_labels(tmp_path):
    targets = rng.random((50, 3)) < 0.4
    scores = targets + rng.normal(size=(50, 3))
    figure = report.plot_labels(
        targets, scores, ("cat", "$dog$", "bird"), tmp_path / "labels.png", threshold=0.5
    )
    left, right = figure.axes
    assert [bar.get_width() for bar in right.patches] == list(
        metrics.multilabel_f1(targets, scores > 0.5, "none")
    )
    areas = metrics.average_precision(targets, scores, "none")
    order = np.argsort(areas)
    names = [text.get_text() for text in left.get_legend().get_texts()]
    assert names == [f"{('cat', '$dog$', 'bird')[k]} ({areas[k]:.3f})" for k in order]
    assert len(report.plot_labels(np.eye(20, dtype=bool), np.eye(20)).axes[0].lines) == 10


def test_masks_beside_images(tmp_path):
    images = rng.integers(0, 256, (5, 1, 6, 7), dtype=np.uint8)
    masks = rng.integers(0, 3, (5, 6, 7))
    masks[0, 0] = 255
    predictions = rng.integers(0, 3, (5, 6, 7))
    names = ("sky", "road", "car")
    figure = report.plot_masks(
        images, masks, predictions, names, tmp_path / "masks.png", 255, rows=2, columns=2
    )
    drawn = [axes for axes in figure.axes if axes.images]
    assert len(drawn) == 12
    assert [axes.get_title() for axes in drawn[:3]] == ["image", "true", "predicted"]
    colours = colours_of(3)
    np.testing.assert_array_equal(drawn[2].images[0].get_array(), colours[predictions[0]])
    true = drawn[1].images[0].get_array()
    assert (true[0] == 1).all()
    np.testing.assert_array_equal(true[1:], colours[masks[0, 1:]])
    counted = masks[:4] != 255
    share = (masks == predictions)[:4][counted].mean()
    assert figure.get_suptitle() == f"4 images, {share:.2%} of their pixels right"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [*names, "does not count"]


def test_logits_are_predictions():
    images, masks = rng.random((2, 3, 4, 4)), rng.integers(0, 3, (2, 4, 4))
    logits = np.moveaxis(np.eye(3)[masks], 3, 1)
    assert "100.00% of their pixels right" in report.plot_masks(images, masks, logits).get_suptitle()


@pytest.mark.parametrize("count", [0, 1, 2, 21, 200])
def test_colours_differ(count):
    colours = colours_of(count)
    assert colours.shape == (count, 3)
    assert ((colours >= 0) & (colours <= 1)).all()
    assert len(np.unique(colours.round(4), axis=0)) == count


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: report.plot_regression(np.zeros(3), np.zeros(4)),
            ShapeError,
            "of as many values, got (3,) and",
        ),
        (lambda: report.plot_regression(np.zeros(0), np.zeros(0)), ShapeError, "plot_regression: expected"),
        (
            lambda: report.plot_labels(np.zeros((0, 2)), np.zeros((0, 2))),
            ShapeError,
            "there is nothing to draw",
        ),
        (
            lambda: report.plot_labels(np.eye(2), np.eye(2), ("a",)),
            ArgumentError,
            "classes has 1 names for 2",
        ),
        (
            lambda: report.plot_masks(
                np.zeros((1, 1, 2, 2)), np.zeros((1, 2, 3), int), np.zeros((1, 2, 2), int)
            ),
            ShapeError,
            "plot_masks: expected images (N, C, H, W), masks (N, H, W)",
        ),
        (
            lambda: report.plot_masks(
                np.zeros((1, 1, 2, 2)), np.zeros((1, 2, 2), int), np.zeros((1, 2, 2), int), rows=0
            ),
            ArgumentError,
            "plot_masks: rows must be at least 1",
        ),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
