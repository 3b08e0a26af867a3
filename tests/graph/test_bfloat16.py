"""Rounding to bfloat16."""

import numpy as np
import pytest

from fastcnn.graph.bfloat16 import rounded


def bits(*values):
    """Return float32 numbers by their bits."""
    return np.array(values, np.uint32).view(np.float32)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0x3F800000, 0x3F800000),  # 1
        (0x3F807FFF, 0x3F800000),  # below the middle of two
        (0x3F808000, 0x3F800000),  # the middle: to the even one
        (0x3F808001, 0x3F810000),
        (0x3F818000, 0x3F820000),
        (0xBF818000, 0xBF820000),
        (0x3FFFFFFF, 0x40000000),  # into the next power of two
        (0x7F7FFFFF, 0x7F800000),  # the largest number: infinity is nearer
        (0x7F800000, 0x7F800000),
        (0xFF800000, 0xFF800000),
        (0x00000000, 0x00000000),
        (0x80000000, 0x80000000),
        (0x00800000, 0x00800000),  # 2^-126
        (0x007FFFFF, 0x00000000),  # denormal
        (0x80000001, 0x80000000),
    ],
)
def test_rounding(given, expected):
    assert rounded(bits(given)).view(np.uint32)[0] == expected


def test_not_a_number_stays_one():
    for each in (0x7F800001, 0x7FC00000, 0xFFFFFFFF, 0xFF80FFFF):
        made = rounded(bits(each))
        assert np.isnan(made[0])
        assert made.view(np.uint32)[0] & 0xFFFF == 0


def test_the_nearest_of_all_that_there_are():
    """Against a search among the bfloat16 around each number."""
    x = np.random.default_rng(0).standard_normal(2000).astype(np.float32)
    lower = (x.view(np.uint32) & 0xFFFF0000).astype(np.uint32)
    around = np.stack([lower, lower + 0x10000]).view(np.float32).astype(np.float64)
    distance = np.abs(around - x)
    nearest = np.where(distance[0] <= distance[1], *around)
    assert (distance[0] != distance[1]).all()
    np.testing.assert_array_equal(rounded(x), nearest.astype(np.float32))


def test_of_any_shape_and_order():
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 4) * 1.001
    for each in (x, x.T, x[:, ::2], np.asfortranarray(x), x[0, 0, 0].reshape(())):
        np.testing.assert_array_equal(rounded(each), rounded(each.ravel()).reshape(each.shape))


def test_what_is_no_float32_stays_as_it_is():
    for each in (np.array([1.001]), np.array([1]), 1.001, None, "a"):
        assert rounded(each) is each
