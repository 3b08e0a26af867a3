"""Metrics against scikit-learn's answers, which make_sklearn.py has stored."""

import json

import numpy as np
import pytest

from fastcnn.training import metrics

from .make_sklearn import PATH, SEEDS, label_case, pixel_case, real_case

ANSWERS = json.loads(PATH.read_text(encoding="utf-8"))


def close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("weighted", [0, 1])
def test_real_numbers(seed, weighted):
    targets, predictions, weights = real_case(seed)
    given = weights if weighted else None
    functions = metrics.mean_absolute_error, metrics.mean_squared_error, metrics.r2_score
    close([each(targets, predictions, given) for each in functions], ANSWERS["real"][seed][weighted])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("weighted", [0, 1])
def test_several_labels(seed, weighted):
    targets, scores, weights = label_case(seed)
    given = weights if weighted else None
    subset, *expected = ANSWERS["labels"][seed][weighted]
    close(metrics.subset_accuracy(targets, scores > 0, given), subset)
    for i, average in enumerate(("macro", "micro", "none")):
        close(metrics.multilabel_f1(targets, scores > 0, average, given), expected[2 * i])
        close(metrics.average_precision(targets, scores, average, given), expected[2 * i + 1])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("weighted", [0, 1])
def test_pixels(seed, weighted):
    masks, predictions, weights = pixel_case(seed)
    confusion = metrics.pixel_confusion(masks, predictions, 4, sample_weight=weights if weighted else None)
    assert confusion.dtype == (np.float64 if weighted else np.int64)
    each, mean, dice, mean_dice, accuracy, expected = ANSWERS["pixels"][seed][weighted]
    close(confusion, expected)
    close(metrics.iou(confusion), each)
    close(metrics.mean_iou(confusion), mean)
    close(metrics.dice(confusion), dice)
    close(metrics.mean_dice(confusion), mean_dice)
    close(metrics.accuracy(confusion), accuracy)
