import pytest

from fastcnn import _html

from .pages import Page, pictures

HOSTILE = "<script>alert(1)</script>\"'&"


def test_a_table():
    made = _html.table(
        ["name", "n"], [["a", "1"], ["b", "2"]], best=1, shade=lambda row, column: "red" * column
    )
    assert made.count('<td class="number" style="background: red">') == 2
    assert made.count("<tr class=best>") == 1
    assert [word for word in Page(made).words if word.strip()] == ["name", "n", "a", "1", "b", "2"]
    assert 'class="number"' not in _html.table(["a", "b"], [["1", "2"]], [False, False])


def test_what_is_hostile_stays_text():
    made = _html.output(
        _html.paragraph(HOSTILE, ""), _html.table([HOSTILE], [[HOSTILE]]), _html.image(b"x", HOSTILE, 1)
    )
    page = Page(made)
    assert page.tags == ["div", "style", "p", "div", "table", "thead", "tr", "th", "tbody", "tr", "td", "img"]
    assert page.words.count(HOSTILE) == 3
    assert dict(page.attributes)["alt"] == HOSTILE
    assert pictures(page) == [b"x"]


@pytest.mark.parametrize(
    ("count", "most", "always", "expected"),
    [
        (0, 4, (), []),
        (4, 4, (), [0, 1, 2, 3]),
        (10, 4, (), [0, 1, None, 8, 9]),
        (10, 5, (), [0, 1, None, 7, 8, 9]),
        (10, 4, (5,), [0, 1, None, 5, None, 8, 9]),
        (10, 4, (2, 9), [0, 1, 2, None, 8, 9]),
    ],
)
def test_which_rows_a_table_has(count, most, always, expected):
    assert _html.few(count, most, always) == expected


def test_shortened():
    assert _html.shortened("abcdef", 6) == "abcdef"
    assert _html.shortened("abcdef", 5) == "ab\u2026ef"
