"""What a run has to show: pictures, and one page with all of it that can be sent to someone."""

from __future__ import annotations

import contextlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .. import _samples, nn
from .._files import write_atomic
from .._html import paragraph
from .._html import table as html_table
from ..data import Dataset
from ..data.targets import CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION
from ..errors import ArgumentError
from ..nn.summary import summarize
from ..nn.summary_table import table
from ..training import Trainer, metrics, report
from ..training.report.inline import epochs_table
from ..training.tasks import TASKS, figure_of, threshold_of, words_of
from . import page
from .classifier import WEIGHTS
from .files import CONFIG, to_toml
from .results import Results

REPORT = "report.html"
CURVES, CONFUSION, MISTAKES = "curves.png", "confusion.png", "mistakes.png"
PREDICTIONS, FILTERS, FEATURE_MAPS = "predictions.png", "filters.png", "feature_maps.png"
PICTURES = (CURVES, CONFUSION, MISTAKES, PREDICTIONS, FILTERS, FEATURE_MAPS)


def can_draw() -> bool:
    """Return whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def write_report(results: Results, folder: Path) -> None:
    """Draw all pictures into the folder, if matplotlib is installed, and write ``report.html``.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    if can_draw():
        _draw(results, folder)
    write_atomic(folder / REPORT, _html(results, folder).encode())


def _draw(results: Results, folder: Path) -> None:
    """Draw what there is."""
    trainer, test, measured = results.trainer, results.test, results.metrics.get("test")
    if len(results.history):
        report.plot_curves(results.history, folder / CURVES)
    if measured is not None and "confusion" in measured:
        report.plot_confusion(measured["confusion"], test.classes, folder / CONFUSION)
    if WEIGHTS in results.missing:
        return
    # Before its end, a training has not read the test set, and nobody has seen how well it does there.
    if measured is not None:
        _draw_predictions(trainer, test, folder)
    # A network without a convolution has neither filters nor maps.
    with contextlib.suppress(ArgumentError):
        report.plot_filters(trainer.model, folder / FILTERS)
        image = _samples.take(test.images, slice(1))
        x = _samples.take(trainer.prepare(image), 0)
        report.plot_feature_maps(trainer.model, _samples.take(image, 0), x, folder / FEATURE_MAPS)


def _draw_predictions(trainer: Trainer, test: Dataset, folder: Path) -> None:
    """Draw what the network makes of the test images."""
    if test.task == SEGMENTATION:
        few = test[:_FEW]
        logits = trainer.predict(few.images)
        report.plot_masks(
            few.images, few.labels, logits, test.classes, folder / PREDICTIONS, test.ignore_index
        )
        return
    if test.labels.ndim > 2:  # targets as large as images
        test = test[:_FEW]
    outputs = trainer.predict(test.images)
    if _makes_images(test):
        report.plot_outputs(test.images, test.labels, outputs, folder / PREDICTIONS)
    elif test.task == REGRESSION:
        report.plot_regression(test.labels, outputs, folder / PREDICTIONS)
    elif test.task == MULTILABEL:
        threshold = threshold_of(trainer.loss)
        report.plot_labels(test.labels, outputs, test.classes, folder / PREDICTIONS, threshold)
    else:
        for plot, name in ((report.plot_mistakes, MISTAKES), (report.plot_predictions, PREDICTIONS)):
            plot(test.images, test.labels, outputs, test.classes, folder / name)


def _makes_images(test: Dataset) -> bool:
    """Tell whether targets are images, and not other numbers."""
    places = _samples.images(test.images)
    if test.task != REGRESSION or not places:
        return False
    size = _samples.arrays(test.images)[places[0]].shape[2:]
    return test.labels.ndim == 4 or test.labels.shape[1:] == size


def _html(results: Results, folder: Path) -> str:
    recipe, found, test = results.recipe, results.metrics, results.test
    name = f"{recipe.name} on {recipe.data.dataset}"
    shown = {picture: _picture(folder / picture, *words) for picture, words in _worded(test).items()}
    curves, confusion = shown[CURVES], shown[CONFUSION]
    notes = [paragraph(f"{file} is missing: {why}.") for file, why in results.missing.items()]
    if not curves and len(results.history):
        notes.append(
            paragraph(
                'The pictures are missing: matplotlib was not installed. pip install "fastcnn[plots]", then '
                "fastcnn report with this folder draws them."
            )
        )
    counted = found.get("test", {})
    classes = ""
    if "confusion" in counted:
        classes = _classes(counted["confusion"], list(test.classes), test.task)
    elif "f1" in counted:
        classes = _labels(counted["f1"], test)
    epochs = page.folded("All epochs", _epochs(results)) if len(results.history) else ""
    machine = page.facts(found["machine"]) if found["machine"] else ""
    parts = [
        page.tiles(_tiles(results)),
        *notes,
        page.section("Training", curves, epochs),
        page.section("Test set", confusion, classes),
        page.section("Most confident mistakes", shown[MISTAKES]),
        page.section("Predictions", shown[PREDICTIONS]),
        page.section("What the network has learned", shown[FILTERS], shown[FEATURE_MAPS]),
        page.section("Network", _network(results.trainer.model, test.image_shape)),
        page.section("Recipe", page.preformatted(to_toml(recipe))),
        page.section("Machine and versions", machine),
    ]
    when = f"{found['finished']}, " if "finished" in found else ""
    lead = (
        f"{found['epochs']} of {recipe.training.epochs} epochs, batch size {recipe.training.batch_size}, "
        f"{recipe.optimizer.type}, seed {recipe.seed}"
    )
    if results.history.stop_reason:
        lead += f". Stopped: {results.history.stop_reason}"
    foot = f"{when}fastcnn {found['machine'].get('fastcnn', '')}. Repeat it with: fastcnn train {CONFIG}"
    return page.page(name, lead, parts, foot)


# So many of the test images stand for the others where targets are as large as they are.
_FEW = 64
# What a confusion matrix counts.
_COUNTED = {CLASSIFICATION: "images", SEGMENTATION: "pixels"}
# Task -> what stands for its predictions.
_TASK_WORDS = {
    SEGMENTATION: ("The first test images, their masks and what was predicted.", "Images and masks", 1000),
    REGRESSION: ("Predicted values against true ones, and residuals.", "Predictions of real targets", 1000),
    MULTILABEL: ("Precision over recall, and F1 of each label.", "Precision, recall and F1", 1000),
}
_IMAGE_WORDS = (
    "The first test images, their targets and what was made of them.",
    "Images made of images",
    1000,
)
# Picture -> its caption, what it shows for those who do not see it, and its width in pixels at the most.
_WORDS = {
    CONFUSION: ("Row: true class; column: what the network took it for.", "Confusion matrix", 660),
    MISTAKES: ("Test images, the surest mistake first.", "Images with a wrong class", 1000),
    PREDICTIONS: ("The first test images.", "Images with true and predicted class", 1000),
    FILTERS: ("Filters of the first convolution.", "Filters", 1000),
    FEATURE_MAPS: ("What the layers make of the first test image.", "Feature maps", 1000),
}


def _worded(test: Dataset) -> dict[str, tuple[str, str, int]]:
    """Return what stands for the pictures of a task, as in `_WORDS`."""
    measured = f"Loss and {words_of(TASKS[test.task].main)}"
    found = {**_WORDS, CURVES: (f"{measured} over the epochs; a circle marks the best.", measured, 1000)}
    if test.task in _TASK_WORDS:
        found[PREDICTIONS] = _IMAGE_WORDS if _makes_images(test) else _TASK_WORDS[test.task]
    return found


def _picture(path: Path, caption: str, alt: str, width: int) -> str:
    return page.picture(path.read_bytes(), caption, alt, width) if path.exists() else ""


def duration(seconds: float) -> str:
    """Return a time as a person writes it."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.1f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _tiles(results: Results) -> list[tuple[str, str]]:
    found = results.metrics
    tiles = []
    if "test" in found:
        test = found["test"]
        if results.test.task == CLASSIFICATION:
            wrong = f"{test['count'] - test['correct']:,} of {test['count']:,} wrong"
            tiles += [
                (f"{test['accuracy']:.2%}", f"test accuracy: {wrong}"),
                (f"{test['macro_f1']:.4f}", "macro F1 on the test set"),
            ]
        else:
            task = TASKS[results.test.task]
            columns = sorted(task.columns, key=lambda name: name != task.main)  # that one first
            tiles += [(figure_of(name, test[name]), f"{words_of(name)} on the test set") for name in columns]
        tiles.append((figure_of("loss", test["loss"]), "loss on the test set"))
    if "best" in found:
        best, monitor = found["best"], found["monitor"]
        figure = f"best epoch: {words_of(monitor)} {figure_of(monitor, best[monitor])}"
        tiles.append((f"{best['epoch']} of {found['epochs']}", figure))
    tiles.append((f"{results.trainer.model.num_parameters():,}", "parameters"))
    if "seconds" in found:
        each = f"training, {found['seconds'] / max(found['epochs'], 1):.1f} s an epoch"
        tiles += [
            (duration(found["seconds"]), each),
            (f"{found['images_per_second']:,.0f}", "images/s in training"),
        ]
    if "total_seconds" in found:
        tiles.append((duration(found["total_seconds"]), "in all, with validation and test"))
    return tiles


def _epochs(results: Results) -> str:
    """Return the table of all epochs; the best one stands out."""
    return epochs_table(results.history, results.metrics.get("best", {}).get("epoch"))


def _labels(scores: list[float], test: Dataset) -> str:
    """Return the table of several labels: how many images have each, and how well it is found."""
    rows = [
        [name, f"{count:,}", f"{score:.4f}"]
        for name, count, score in zip(test.classes, test.class_counts(), scores, strict=True)
    ]
    return html_table(["label", "images", "F1"], rows)


def _classes(confusion: np.ndarray, names: list[str], task: str) -> str:
    """Return the table of the classes: how many, how well, and what they are taken for."""
    wrong = confusion * (1 - np.eye(len(confusion), dtype=np.int64))
    measures = {"precision": metrics.precision, "recall": metrics.recall, "F1": metrics.f1}
    if task == SEGMENTATION:
        measures = {"IoU": metrics.iou, **measures}
    columns = [measure(confusion) for measure in measures.values()]
    rows = []
    for i, name in enumerate(names[: len(confusion)]):
        other = int(wrong[i].argmax())
        taken = f"{names[other]} ({wrong[i, other]:,})" if wrong[i, other] else "-"
        scores = [f"{column[i]:.4f}" for column in columns]
        rows.append([name, f"{confusion[i].sum():,}", *scores, taken])
    return html_table(["class", _COUNTED[task], *measures, "most often taken for"], rows)


def _network(model: nn.Module, image_shape: tuple[int, int, int]) -> str:
    summary = summarize(model, image_shape)
    columns = ("name", "type", "output", "parameters", "macs", "receptive_field", "jump_out")
    head, rows, right = table(summary, columns)
    total = (
        f"Input {'x'.join(map(str, summary.input_shape))}; {summary.parameters:,} parameters, "
        f"{summary.trainable:,} of them trainable; {summary.macs:,} multiply-accumulates an image."
    )
    return paragraph(total) + html_table(head, rows, right)
