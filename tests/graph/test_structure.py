"""Tensors in tuples, lists and dicts."""

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

from fastcnn.errors import ShapeError
from fastcnn.graph import filled, leaves, paired, replaced

Point = namedtuple("Point", "x y")
NESTED = (1, [2, {"a": 3, "b": (4,)}], Point(5, [6]), (), None)


def test_a_dict_keeps_its_class():
    given = OrderedDict(b=1, a=[2, 3])
    made = replaced(given, lambda each: 2 * each)
    assert type(made) is OrderedDict
    assert list(made.items()) == [("b", 2), ("a", [4, 6])]
    assert list(given.items()) == [("b", 1), ("a", [2, 3])]


def test_leaves_come_in_order():
    assert list(leaves(NESTED)) == [1, 2, 3, 4, 5, 6, None]
    assert list(leaves(7)) == [7]
    assert list(leaves("ab")) == ["ab"]
    assert list(leaves([])) == []


def test_an_array_is_one_thing():
    x = np.ones((2, 2))
    assert [each is x for each in leaves([x])] == [True]


def test_replaced_things_keep_their_places_and_kinds():
    new = replaced(NESTED, lambda each: None if each is None else each * 10)
    assert new == (10, [20, {"a": 30, "b": (40,)}], Point(50, [60]), (), None)
    assert type(new[2]) is Point
    assert NESTED[1][1] == {"a": 3, "b": (4,)}
    assert replaced(3, str) == "3"


def test_filled_takes_what_comes_next():
    assert filled(NESTED, iter("abcdefg")) == (
        "a",
        ["b", {"a": "c", "b": ("d",)}],
        Point("e", ["f"]),
        (),
        "g",
    )


def test_pairs_go_by_place_and_by_key():
    like = (1, [2, {"a": 3, "b": 4}])
    assert list(paired(like, [10, (20, {"b": 40, "a": 30})], "dy")) == [(1, 10), (2, 20), (3, 30), (4, 40)]
    assert list(paired(like, (10, None), "dy")) == [(1, 10), (2, None), (3, None), (4, None)]
    assert list(paired(1, [2], "dy")) == [(1, [2])]
    assert list(paired((), (), "dy")) == []


@pytest.mark.parametrize(
    ("like", "given", "message"),
    [
        ((1, 2), (1,), "dy must have 2 arrays, as the output, got 1"),
        ((1, 2), [1, 2, 3], "dy must have 2 arrays, as the output, got 3"),
        ((1, 2), np.ones(2), "dy must have 2 arrays, as the output, got one ndarray"),
        ([1], {"a": 1}, r"dy must have 1 arrays, as the output, got a dict of \['a'\]"),
        ({"a": 1}, {"b": 1}, r"dy must be a dict of \['a'\], as the output, got a dict of \['b'\]"),
        ({"a": 1}, (1,), r"dy must be a dict of \['a'\], as the output, got 1"),
        ((1, (2, 3)), (1, (2,)), "dy must have 2 arrays, as the output, got 1"),
    ],
    ids=str,
)
def test_pairs_of_what_is_built_differently(like, given, message):
    with pytest.raises(ShapeError, match=message):
        list(paired(like, given, "dy"))
