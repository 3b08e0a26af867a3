import math

import pytest

from fastcnn.errors import ArgumentError
from fastcnn.training import History, report


def history(epochs):
    made = History()
    for epoch in range(1, epochs + 1):
        made.epochs.append(
            {"epoch": epoch, "loss": 1 / epoch, "accuracy": 0.5, "val_loss": 2 / epoch, "val_accuracy": 0.25}
        )
    return made


def test_a_falling_line():
    chart = report.text_chart(
        {"": ([0, 1, 2, 3], [3, 2, 1, 0])}, "down", 20, 4, x_label="step", unicode=False
    )
    assert chart.split("\n") == [
        "   down",
        "3 +***",
        "  |   *****",
        "  |        ******",
        "0 +              ***",
        "  +-----------------",
        "   0     step      3",
    ]


def test_a_steep_line_has_no_gaps():
    lines = report.text_chart({"": ([0, 1, 1.001, 2], [0, 0, 9, 9])}, width=30, height=10).split("\n")
    rows = [line[3:] for line in lines[:10]]
    assert all("•" in row for row in rows)


def test_two_series_have_a_legend_and_points_that_are_not_finite_are_left_out():
    series = {"training": ([1, 2, 3], [1, math.nan, 3]), "validation": ([1, 2, 3], [2, 2, math.inf])}
    chart = report.text_chart(series, width=40)
    assert chart.split("\n")[-1].strip() == "• training  ○ validation"
    assert chart.split("\n")[0].strip().startswith("3 ┤")


@pytest.mark.parametrize("width", [40, 79, 100, 160])
@pytest.mark.parametrize("epochs", [1, 2, 300])
def test_curves_fit_the_width_and_stand_side_by_side_if_there_is_room(width, epochs):
    text = report.text_curves(history(epochs), width)
    lines = text.split("\n")
    assert max(map(len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)
    assert (len(lines) < 15) == (width >= 100)
    assert "accuracy (%)" in text
    assert "○ validation" in text


def test_ascii_alone():
    report.text_curves(history(3), unicode=False).encode("ascii")


def test_without_validation_and_with_nan():
    made = history(3)
    for row in made:
        del row["val_loss"], row["val_accuracy"]
        row["loss"] = math.nan
    text = report.text_curves(made)
    assert "loss" not in text
    assert "validation" not in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: report.text_curves(History()), "text_curves: the history has no epoch"),
        (lambda: report.text_curves(history(1), 30), "text_curves: width must be at least 40"),
        (lambda: report.text_chart({"": ([1], [math.nan])}), "text_chart: there is no finite point"),
        (lambda: report.text_chart({c: ([1], [1]) for c in "abcd"}), "at most 3 series, got 4"),
    ],
)
def test_invalid_arguments_are_named(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
