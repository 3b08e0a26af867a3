"""States as arrays and text, and back."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fastcnn.errors import CheckpointError, DTypeError
from fastcnn.training.packing import pack, unpack

numbers = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
kinds = st.one_of(
    *(st.just(np.dtype(each)) for each in ("f4", ">f8", "f2", "i8", "u1", "?", "<i2")),
)
tensors = kinds.flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
)
states = st.recursive(
    numbers | tensors,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
        | st.dictionaries(st.sampled_from(["$array", "a.b", "a", "$float"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def same(one, other):
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and one.shape == other.shape
            and one.dtype == other.dtype.newbyteorder("=") == one.dtype.newbyteorder("=")
            and one.tobytes() == other.astype(one.dtype).tobytes()
        ) or (one.shape == other.shape and np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(each, other[key]) for key, each in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return type(one) is type(other) and one == other


@given(states)
def test_everything_comes_back(state):
    found, text = pack(state)
    assert all(each.flags.c_contiguous and each.dtype.byteorder in "<|=" for each in found.values())
    assert same(state, unpack(found, text, "here"))


def test_names_of_arrays_tell_where_they_are():
    found, text = pack(
        {"model": {"0.weight": np.ones(2)}, "state": {0: {"m": np.zeros(1)}}, "x": [np.ones(())]}
    )
    assert list(found) == ["model.0.weight", "state.0.m", "x.0"]
    assert json.loads(text)["state"] == {"$items": [[0, {"m": {"$array": "state.0.m"}}]]}


def test_two_arrays_of_one_name():
    state = {"a.b": np.zeros(1), "a": {"b": np.ones(1)}}
    found, text = pack(state)
    assert list(found) == ["a.b", "a.b'"]
    assert same(state, unpack(found, text, "here"))


def test_numbers_of_numpy_are_numbers_and_tuples_are_lists():
    found, text = pack({"loss": np.float32(0.1), "n": np.int64(3), "betas": (0.9, 0.999)})
    assert unpack(found, text, "") == {"loss": float(np.float32(0.1)), "n": 3, "betas": [0.9, 0.999]}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({1, 2}, "set"),
        (np.array(["a"]), "array of <U1"),
        (np.ones(1, complex), "array of complex128"),
        (open, "builtin_function_or_method"),
    ],
)
def test_other_things_are_refused(value, kind):
    message = rf"checkpoint: callbacks\.1\.x is of the kind {kind}, which a file cannot hold"
    with pytest.raises(DTypeError, match=message):
        pack({"callbacks": [0, {"x": value}]}, "checkpoint: ")


def test_keys_that_are_no_names_are_refused():
    with pytest.raises(DTypeError, match=r"state: a: the key \(1, 2\) is neither text nor an integer"):
        pack({"a": {(1, 2): 0}}, "state: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"$array": "missing"}',
        '{"$array": []}',
        '{"$float": "one"}',
        '{"$float": {}}',
        '{"$items": [[[], 1]]}',
        '{"$items": 3}',
        '{"$items": [[1]]}',
        "[" * 100_000,
    ],
    ids=range(10),
)
def test_damaged_texts(text):
    with pytest.raises(CheckpointError, match=r"^here: its description is damaged"):
        unpack({}, text, "here")
