"""What notebooks show of a training."""

import math
import re

import pytest

from fastcnn.training import History
from fastcnn.training.report.charts import charts_of
from fastcnn.training.report.inline import svg_chart

from ...pages import shown


def history(epochs, **columns):
    made = History()
    for epoch in range(1, epochs + 1):
        made.epochs.append(
            {"epoch": epoch, "loss": 2 / epoch, **{name: f(epoch) for name, f in columns.items()}}
        )
    return made


def points(svg):
    return [
        [tuple(map(float, point.split(","))) for point in line.split()]
        for line in re.findall(r'points="(.*?)"', svg)
    ]


def test_curves_and_a_table_in_which_the_best_epoch_stands_out():
    made = history(
        3, accuracy=lambda e: 0.3 * e, val_loss=lambda e: e, val_accuracy=lambda e: 1 - abs(e - 2) / 2
    )
    text = made._repr_html_()
    page = shown(made)
    assert page.tags.count("svg") == 2
    assert page.tags.count("polyline") == 4
    assert {"loss", "accuracy (%)", "epoch", "\u2014 training", "\u2014 validation"} <= set(page.words)
    assert "3 epochs" in page.words
    assert page.tags.count("tr") == 4
    (best,) = re.findall("<tr class=best>.*?</tr>", text)
    assert best.startswith("<tr class=best><td>2</td>")


def test_the_place_of_each_point():
    svg = svg_chart(charts_of(history(3))[0])
    (line,) = points(svg)
    # Losses 2, 1 and 2/3 over 316 by 138 pixels, from the corner at (48, 166).
    assert line == [(48, 28), (206, pytest.approx(166 - 138 / 4, abs=0.06)), (364, 166)]
    assert svg.count("<circle") == 3


def test_a_loss_that_falls_tenfold_has_a_logarithmic_axis():
    svg = svg_chart(charts_of(history(100))[0])
    (line,) = points(svg)
    assert line[9][1] == pytest.approx((28 + 166) / 2)
    assert ">0.02<" in svg
    assert "<title>loss (logarithmic)</title>" in svg


def test_one_epoch_and_none():
    assert points(history(1)._repr_html_()) == [[(206, 97)]]
    assert shown(history(1)).words.count("2") == 2  # at the axis, in the table
    assert shown(history(1)).words.count("1 epoch") == 1
    assert "0 epochs" in shown(History()).words


def test_what_is_not_finite_is_left_out():
    made = history(4, val_loss=lambda e: [math.nan, 1.0, math.inf, 2.0][e - 1])
    assert [len(line) for line in points(made._repr_html_())] == [4, 2]
    made = history(2, val_accuracy=lambda e: math.nan)
    made.epochs[0]["loss"] = made.epochs[1]["loss"] = math.nan
    assert shown(made).tags.count("svg") == 0


def test_a_long_training_is_thinned_and_keeps_what_stands_out():
    made = history(10_000, val_accuracy=lambda e: 0.9 if e == 5_000 else 0.5)
    made.epochs[7_000]["loss"] = 3.0
    text = made._repr_html_()
    assert len(text) < 30_000
    loss, accuracy = points(text)
    assert len(loss) <= 300
    assert min(y for _, y in accuracy) == 28
    assert sorted(loss, key=lambda point: point[1])[0][0] == pytest.approx(48 + 316 * 0.7, abs=0.1)
    first = re.findall(r"<tr(?: class=best)?><td>(.*?)</td>", text)
    shown_rows = [*map(str, range(1, 11)), "\u2026", "5000", "\u2026", *map(str, range(9_991, 10_001))]
    assert first == shown_rows
    assert "<tr class=best><td>5000</td>" in text


def test_why_it_ended_and_names_of_columns_are_text():
    made = history(1, **{"<script>": lambda e: 1.0})
    made.stop_reason = "<img src=x onerror=alert(1)>"
    page = shown(made)
    assert "1 epoch; <img src=x onerror=alert(1)>" in page.words
    assert "<script>" in page.words
