"""Metrics as people write them."""

import pytest

from fastcnn.training import tasks
from fastcnn.training.tasks import figure_of, words_of


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("val_accuracy", 0.98765, "98.77%"),
        ("pixel_accuracy", 0.0, "0.00%"),
        ("mae", 12.34567, "12.3457"),
        ("mae", 0.001, "0.0010"),
        ("mae", 0.00099996, "0.001"),
        ("val_mse", 3.4567e-05, "3.46e-05"),
        ("r2", -0.00012345, "-0.000123"),
        ("loss", 0.0, "0.0000"),
        ("loss", float("nan"), "nan"),
        ("loss", float("inf"), "inf"),
    ],
)
def test_figures(name, value, expected):
    assert figure_of(name, value) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mean_iou", "mean IoU"), ("val_micro_f1", "validation micro F1"), ("mae", "MAE"), ("loss", "loss")],
)
def test_words(name, expected):
    assert words_of(name) == expected


def test_the_line_of_a_test_set():
    told = tasks.test_line("regression", {"mae": 0.5, "mse": 0.25, "r2": 0.9, "loss": 2.5e-5, "count": 1200})
    assert told == "MAE 0.5000, MSE 0.2500, R2 0.9000, loss 2.5e-05, 1,200 images"
