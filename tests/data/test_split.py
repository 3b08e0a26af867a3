"""Divisions of a data set: disjoint, complete, in proportion, and a function of the seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.data import Dataset, split, stratified_subset
from fastcnn.errors import ArgumentError, DTypeError


def numbered(labels, classes=None):
    """A data set whose image i has the value i."""
    values = np.arange(len(labels), dtype=np.float32).reshape(-1, 1, 1, 1)
    return Dataset(values, np.array(labels, dtype=np.int64), classes)


def members(part):
    return part.images.ravel().astype(int).tolist()


@settings(max_examples=40, deadline=None)
@given(
    labels=st.lists(st.integers(0, 5), min_size=2, max_size=80),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**63 - 1),
    stratified=st.booleans(),
)
def test_parts_are_disjoint_complete_and_in_order(labels, share, seed, stratified):
    data = numbered(labels)
    count = min(max(1, int(share * len(labels))), len(labels) - 1)
    train, held_out = split(data, count, seed=seed, stratified=stratified)
    assert len(held_out) == count
    assert sorted(members(train) + members(held_out)) == list(range(len(labels)))
    for part in (train, held_out):
        assert members(part) == sorted(members(part))
        np.testing.assert_array_equal(part.labels, data.labels[members(part)])
        assert part.classes == data.classes
    if stratified:
        exact = data.class_counts() * count / len(labels)
        assert np.all(np.abs(held_out.class_counts() - exact) < 1)
    again = split(data, count, seed=seed, stratified=stratified)
    assert members(again[1]) == members(held_out)


def test_largest_remainder_by_hand():
    # 3 of (4, 3, 3): quotas 1.2, 0.9, 0.9; the floor gives 1, 0, 0 and the larger remainders one each.
    data = numbered([0] * 4 + [1] * 3 + [2] * 3)
    _, held_out = split(data, 0.3, seed=5)
    np.testing.assert_array_equal(held_out.class_counts(), [1, 1, 1])
    # 1 of (2, 2): equal remainders, so the first class.
    _, held_out = split(numbered([1, 0, 1, 0]), 1, seed=0)
    np.testing.assert_array_equal(held_out.labels, [0])


def test_seed_decides():
    data = numbered([0, 1] * 50)
    chosen = {tuple(members(split(data, 20, seed=seed)[1])) for seed in range(5)}
    assert len(chosen) == 5


@pytest.mark.parametrize("validation", [0, 10, 11, 0.0, 1.0, 1.5, -0.1, float("nan"), 0.01, 0.99])
def test_split_refuses_a_part_without_images(validation):
    with pytest.raises(ArgumentError, match="split: "):
        split(numbered([0, 1] * 5), validation, seed=0)


def test_split_refuses():
    data = numbered([0, 1])
    with pytest.raises(ArgumentError, match=r"validation=0.01 of 2 images leaves 2 for training and 0"):
        split(data, 0.01, seed=0)
    for many in (2, 3):
        with pytest.raises(ArgumentError) as caught:
            split(data, many, seed=0)
        assert str(caught.value) == (
            f"split: validation={many} leaves none of the 2 images for training; possible is 1 to 1"
        )
    with pytest.raises(ArgumentError, match="validation=2, but one image cannot be divided"):
        split(numbered([0]), 2, seed=0)
    with pytest.raises(ArgumentError, match=r"in \(0, 1\), got 1000.0; a number of images is an integer"):
        split(data, 1e3, seed=0)
    with pytest.raises(DTypeError, match="split: validation must be an integer, got '1'"):
        split(data, "1", seed=0)
    with pytest.raises(DTypeError, match="split: seed must be an integer, got None"):
        split(data, 1, seed=None)
    with pytest.raises(ArgumentError, match="split: seed must be at least 0"):
        split(data, 1, seed=-1)
    with pytest.raises(DTypeError, match="split: dataset must be a Dataset, got list"):
        split([1, 2], 1, seed=0)
    with pytest.raises(ArgumentError, match="split: the data set is empty"):
        split(numbered([]), 1, seed=0)


def test_subset_is_balanced_and_repeatable():
    data = numbered([0] * 50 + [1] * 9 + [2] * 30)
    part = stratified_subset(data, 24, seed=1)
    np.testing.assert_array_equal(part.class_counts(), [8, 8, 8])
    assert members(part) == sorted(set(members(part)))
    assert members(stratified_subset(data, 24, seed=1)) == members(part)
    assert members(stratified_subset(data, 24, seed=2)) != members(part)
    uneven = stratified_subset(data, 25, seed=1).class_counts()
    assert sorted(uneven) == [8, 8, 9]


def test_subset_refuses():
    data = numbered([0] * 5 + [1] * 2, ["many", "few"])
    with pytest.raises(ArgumentError, match="n=6 needs 3 images of class 'few', but there are 2"):
        stratified_subset(data, 6, seed=0)
    with pytest.raises(ArgumentError, match="stratified_subset: n must be at least 1"):
        stratified_subset(data, 0, seed=0)
    with pytest.raises(ArgumentError, match="stratified_subset: the data set is empty"):
        stratified_subset(numbered([]), 1, seed=0)
    with pytest.raises(ArgumentError, match="needs 1 images of class 'none', but there are 0"):
        stratified_subset(numbered([0, 1], ["a", "b", "none"]), 3, seed=0)


def test_a_balanced_validation_part():
    labels = np.repeat([0, 1, 2], [100, 50, 30])
    dataset = Dataset(np.arange(180, dtype=np.uint8).reshape(-1, 1, 1, 1), labels)
    train, validation = split(dataset, 60, seed=3, balanced=True)
    assert validation.class_counts().tolist() == [20, 20, 20]
    assert sorted([*train.images.ravel(), *validation.images.ravel()]) == list(range(180))
    with pytest.raises(ArgumentError, match="split: validation=96 needs 32 images of class '2'"):
        split(dataset, 96, seed=3, balanced=True)
