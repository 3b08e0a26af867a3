"""A confusion matrix as text, as a table in notebooks, and as a picture."""

import re

import numpy as np
import pytest

from fastcnn.errors import ArgumentError, ShapeError
from fastcnn.training.report import ConfusionMatrix

from ...pages import shown

COUNTS = np.array([[8, 2, 0], [0, 1000, 0], [1, 0, 9]])


def test_text():
    matrix = ConfusionMatrix(COUNTS, ["cat", "dog", "emu"])
    assert repr(matrix) == "ConfusionMatrix(3 classes, 1,017 of 1,020 right (99.71%), 3 wrong)"
    assert str(matrix).splitlines() == [
        "1,017 of 1,020 right (99.71%), 3 wrong",
        "true / predicted  cat    dog  emu",
        "cat                 8      2",
        "dog                    1,000",
        "emu                 1           9",
    ]
    assert ConfusionMatrix(COUNTS.tolist()).classes == ["0", "1", "2"]


def test_colours():
    text = ConfusionMatrix(COUNTS)._repr_html_()
    cells = re.findall(r'style="background: rgba\((\d+), .*?, ([\d.]+)\)">(.*?)<', text)
    # Green by the share of the class; red with the most frequent mistake, 20% of a class, in full.
    assert cells == [
        ("35", "0.48", "8"),
        ("203", "0.60", "2"),
        ("35", "0.60", "1,000"),
        ("203", "0.30", "1"),
        ("35", "0.54", "9"),
    ]


def test_names_are_text_and_not_longer_than_there_is_room():
    page = shown(ConfusionMatrix(COUNTS, ["<script>x</script>", "a" * 50, "</table>"]))
    assert page.words.count("<script>x</script>") == 2
    assert page.words.count("</table>") == 2
    assert max(len(word) for word in page.words[1:]) < 45


def test_of_many_classes_the_mistakes_are_listed():
    counts = np.diag(np.full(100, 50))
    counts[3, 4], counts[7, 1] = 25, 50
    matrix = ConfusionMatrix(counts)
    assert str(matrix).splitlines()[1:] == [
        "true  taken for  number  of the class",
        "7     1              50         50.0%",
        "3     4              25         33.3%",
    ]
    page = shown(matrix)
    assert page.tags.count("tr") == 3
    many = ConfusionMatrix(np.ones((300, 300), int))
    assert shown(many).tags.count("tr") == 21
    assert len(many._repr_html_()) < 5_000


@pytest.mark.parametrize("counts", [np.zeros((0, 0), int), np.zeros((2, 2), int), [[0.5, 0.25], [0, 2]]])
def test_nothing_and_weights(counts):
    matrix = ConfusionMatrix(counts)
    assert str(matrix)
    assert shown(matrix)
    if len(matrix.classes) and matrix.confusion.any():
        assert "0.5" in str(matrix).split()


def test_its_picture():
    pytest.importorskip("matplotlib")
    figure = ConfusionMatrix(COUNTS, ["cat", "dog", "emu"]).plot()
    assert figure.axes[0].get_title() == "1,017 of 1,020 right (99.71%), 3 wrong"


def test_what_is_no_matrix_of_these_classes():
    with pytest.raises(ShapeError, match=r"confusion must have the shape \(K, K\), got \(2, 3\)"):
        ConfusionMatrix(np.zeros((2, 3)))
    with pytest.raises(ArgumentError, match="classes has 2 names for 3 classes"):
        ConfusionMatrix(COUNTS, ["a", "b"])
