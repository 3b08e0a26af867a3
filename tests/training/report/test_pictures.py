import builtins
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest

from fastcnn.errors import ArgumentError, ShapeError
from fastcnn.training import History, report


def history(epochs, validation=True):
    made = History()
    for epoch in range(1, epochs + 1):
        row = {"epoch": epoch, "loss": 2.0 / epoch**2, "accuracy": 1 - 0.5 / epoch**2}
        if validation:
            row |= {"val_loss": 0.5 + abs(epoch - 3), "val_accuracy": 0.9 - 0.01 * abs(epoch - 2)}
        made.epochs.append(row)
    return made


def size_of_png(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def test_curves_show_every_epoch_and_the_best_one(tmp_path):
    figure = history(6).plot(tmp_path / "curves.png")
    assert size_of_png(tmp_path / "curves.png") == (1500, 600)
    loss, accuracy = figure.axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    assert list(loss.lines[0].get_ydata()) == [2.0 / epoch**2 for epoch in range(1, 7)]
    assert loss.get_yscale() == "log"
    assert loss.get_title(loc="left") == "best validation loss 0.5, epoch 3"
    assert accuracy.get_title(loc="left") == "best validation accuracy 90.00%, epoch 2"
    assert "95" in [label.get_text() for label in accuracy.get_yticklabels()]


def test_notebooks_show_a_figure_once_and_pyplot_knows_nothing_of_it():
    from matplotlib import pyplot

    figure = history(2).plot()
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert pyplot.get_fignums() == []
    assert report.new_figure(1, 1)._repr_png_().startswith(b"\x89PNG")
    assert repr(figure) == "<Figure size 1000x400 with 2 Axes>"
    assert len(pickle.loads(pickle.dumps(figure)).axes) == 2


def test_curves_of_one_epoch_of_no_validation_and_of_nan():
    loss, _ = report.plot_curves(history(1, validation=False)).axes
    assert len(loss.get_legend().get_texts()) == 1
    assert loss.get_title(loc="left") == "best training loss 2, epoch 1"
    made = history(2)
    for row in made:
        row["val_loss"] = math.nan
    assert report.plot_curves(made).axes[0].get_title(loc="left") == ""


def test_the_confusion_matrix_has_its_numbers(tmp_path):
    confusion = np.array([[50, 2, 0], [1, 40, 0], [0, 0, 0]])
    figure = report.plot_confusion(confusion, ["cat", "d$g$", "eel"], tmp_path / "confusion.png")
    size_of_png(tmp_path / "confusion.png")
    (axes,) = figure.axes
    assert sorted(text.get_text() for text in axes.texts) == ["1", "2", "40", "50"]
    assert axes.get_title() == "90 of 93 right (96.77%), 3 wrong"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "d$g$", "eel"]
    assert not report.plot_confusion(np.eye(60)).axes[0].texts


def mistakes(path=None, **options):
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1) * np.ones((1, 1, 4, 4), np.uint8)
    labels = np.array([0, 1, 0, 1, 0, 1])
    # Right, wrong (sure), wrong (surer), right, wrong (hardly), right.
    logits = np.array([[9, 0], [4, 0], [0, 8], [0, 1], [0, 0.1], [0, 5]], float)
    return report.plot_mistakes(images, labels, logits, ["no", "yes"], path, **options)


def test_mistakes_are_ordered_by_confidence(tmp_path):
    figure = mistakes(tmp_path / "mistakes.png", columns=2)
    size_of_png(tmp_path / "mistakes.png")
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_title() for axes in shown] == ["no", "yes", "no"]
    assert [axes.texts[0].get_text() for axes in shown] == ["yes  99.97%", "no  98%", "yes  52%"]
    assert [axes.images[0].get_array()[0, 0] for axes in shown] == [2 / 255, 1 / 255, 4 / 255]
    assert figure.get_suptitle().startswith("3 of 6 images are wrong\n")
    assert "3 of 6 images are wrong; the 1 that the model was most sure of" in (
        mistakes(rows=1, columns=1).get_suptitle()
    )


def test_predictions_are_the_first_images_right_or_wrong(tmp_path):
    images, labels = np.zeros((40, 1, 4, 4), np.uint8), np.arange(40) % 2
    logits = np.tile([[3.0, 0.0]], (40, 1))
    figure = report.plot_predictions(images, labels, logits, ["no", "yes"], tmp_path / "predictions.png")
    size_of_png(tmp_path / "predictions.png")
    shown = [axes for axes in figure.axes if axes.images]
    assert len(shown) == 32
    assert [axes.get_title() for axes in shown[:3]] == ["no", "yes", "no"]
    assert {axes.texts[0].get_text() for axes in shown} == {"no  95%"}
    assert shown[0].texts[0].get_color() != shown[1].texts[0].get_color()
    assert figure.get_suptitle().startswith("32 images, 16 of them right\n")


def test_no_mistakes_and_colour_images():
    images, labels = np.random.default_rng(0).random((3, 3, 4, 4), np.float32), np.array([0, 1, 1])
    right = report.plot_mistakes(images, labels, np.eye(2)[labels])
    assert [text.get_text() for text in right.texts] == ["no mistakes in 3 images"]
    wrong = report.plot_mistakes(images, labels, np.eye(2)[1 - labels])
    drawn = wrong.axes[0].images[0].get_array()
    assert drawn.shape == (4, 4, 3)
    assert (drawn.min(), drawn.max()) == (0, 1)


def test_probabilities_of_logits_log_probabilities_and_probabilities():
    logits = np.array([[1.0, 2.0, 3.0], [500.0, 0.0, -500.0]])
    shares = report.probabilities(logits)
    np.testing.assert_allclose(shares[0], np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum())
    np.testing.assert_allclose(shares[1], [1, 0, 0], atol=1e-200)
    np.testing.assert_allclose(report.probabilities(np.log(shares[:1])), shares[:1])
    assert report.probabilities(shares) is shares


def test_matplotlib_that_is_missing_is_named_with_its_extra(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pictures need matplotlib: pip install "fastcnn\[plots\]"'):
        report.plot_curves(history(2))


def test_training_imports_neither_matplotlib_nor_pyplot():
    code = (
        "import sys, numpy, fastcnn.training as t; assert 'matplotlib' not in sys.modules; "
        "t.report.plot_confusion(numpy.eye(3)); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: report.plot_curves(History()), ArgumentError, "the history has no epoch"),
        (
            lambda: report.plot_confusion(np.eye(3), ["a"]),
            ArgumentError,
            "classes has 1 names for 3 classes",
        ),
        (
            lambda: report.plot_confusion(np.zeros((2, 3))),
            ShapeError,
            r"confusion must have the shape \(K, K\)",
        ),
        (
            lambda: report.plot_predictions(np.zeros((2, 1, 4)), np.zeros(2, int), np.zeros((2, 5))),
            ShapeError,
            r"plot_predictions: expected images \(N, C, H, W\)",
        ),
        (
            lambda: report.plot_mistakes(np.zeros((2, 1, 4, 4)), np.zeros(3, int), np.zeros((2, 5))),
            ShapeError,
            r"expected images \(N, C, H, W\), labels \(N,\) and logits \(N, K\), got \(2, 1, 4, 4\), \(3,\)",
        ),
        (lambda: mistakes(rows=0), ArgumentError, "plot_mistakes: rows must be at least 1"),
    ],
)
def test_invalid_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_of_several_inputs_the_first_that_are_images_are_drawn():
    images, rows = np.zeros((4, 1, 4, 4), np.uint8), np.zeros((4, 3))
    images[:, 0, 0, 0] = np.arange(4)
    labels, logits = np.array([0, 1, 0, 1]), np.tile([[3.0, 0.0]], (4, 1))
    figure = report.plot_predictions((rows, images, images), labels, logits)
    assert figure.get_suptitle().startswith("4 images (input 2 of 3), 2 of them right\n")
    drawn = [axes.images[0].get_array()[0, 0] for axes in figure.axes if axes.images]
    assert drawn == [0, 1 / 255, 2 / 255, 3 / 255]
    figure = report.plot_mistakes((rows, images), labels, logits)
    assert figure.get_suptitle().startswith("2 of 4 images (input 2 of 2) are wrong\n")
    for plot in (report.plot_predictions, report.plot_mistakes):
        message = (
            rf"{plot.__name__}: expected images \(N, C, H, W\) among the inputs, got \(4, 3\) and \(4, 3\)"
        )
        with pytest.raises(ShapeError, match=message):
            plot((rows, rows), labels, logits)
