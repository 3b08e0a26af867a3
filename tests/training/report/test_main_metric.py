"""Curves of tasks that have no accuracy."""

import pytest

from fastcnn.training import History
from fastcnn.training.report import plot_curves, text_curves
from fastcnn.training.tasks import main_of

pytest.importorskip("matplotlib")


def history_of(name, values, steps=()):
    history = History()
    history.epochs = [
        {"epoch": i + 1, "loss": 1 / (i + 1), **({f"val_{name}": value} if name else {})}
        for i, value in enumerate(values)
    ]
    history.steps = list(steps)
    return history


@pytest.mark.parametrize(
    ("name", "label", "best"),
    [
        ("mae", "MAE", "0.25, epoch 2"),
        ("micro_f1", "micro F1", "0.5, epoch 1"),
        ("mean_iou", "mean IoU", "0.5"),
    ],
)
def test_the_main_metric_stands_beside_the_loss(name, label, best):
    steps = [{"step": 1, "epoch": 0.5, "loss": 1.0, name: 0.6}]
    history = history_of(name, [0.5, 0.25], steps)
    assert main_of(history.columns) == name
    loss, axes = plot_curves(history).axes
    assert (loss.get_ylabel(), axes.get_ylabel()) == ("loss", label)
    assert axes.get_title(loc="left").startswith(f"best validation {label} {best}")
    assert len(axes.lines) == 3  # validation, within epochs, and the circle around the best
    assert label in text_curves(history, 60)


def test_an_error_that_falls_tenfold_has_a_logarithmic_axis():
    axes = plot_curves(history_of("mae", [5, 0.1])).axes[1]
    assert axes.get_yscale() == "log"


def test_the_loss_alone():
    history = history_of("", [0, 0])
    assert main_of(history.columns) == ""
    assert [axes.get_ylabel() for axes in plot_curves(history).axes] == ["loss"]
    assert text_curves(history, 60).count("epoch") == 1


def test_what_was_sampled_of_another_task_is_left_out():
    steps = [{"step": 1, "epoch": 0.5, "loss": 1.0, "mean_iou": 0.6}]
    assert len(plot_curves(history_of("mae", [0.5, 0.25], steps)).axes[1].lines) == 2
