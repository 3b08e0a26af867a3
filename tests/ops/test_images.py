"""Sums over images, in the order that csrc/common/slots.h states."""

import itertools

import numpy as np
import pytest

from fastcnn._kernels import program as kernels
from fastcnn.ops._images import sum_over_images


def _sum(values):
    """Add the images of each slot one after the other, then the slots."""
    starts = [*kernels.slot_starts(len(values)), len(values)]
    total = np.zeros_like(values[0])
    for first, last in itertools.pairwise(starts):
        slot = values[first].copy()
        for each in values[first + 1 : last]:
            slot += each
        total += slot
    return total


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 2, 5)])
@pytest.mark.parametrize("images", [1, 2, 8, 9, 33, 300])
def test_images_are_added_in_order_and_slots_in_order(images, shape, dtype):
    values = np.random.default_rng(images).standard_normal((images, *shape)).astype(dtype)
    total = sum_over_images(values)
    assert total.dtype == dtype
    np.testing.assert_array_equal(total, _sum(values))


def test_the_order_shows():
    """(1 - 1e8) + 1e8 of the first slot loses the 1 in float32, in another order it would not."""
    values = np.zeros(16, np.float32)
    values[:3] = 1, -1e8, 1e8
    assert kernels.slot_starts(16) == list(range(0, 16, 4))
    assert sum_over_images(values) == 0
    assert sum_over_images(values[[1, 0, 2]]) == 0
    assert sum_over_images(np.array([-1e8, 1e8, 1], np.float32)) == 1


def test_without_images_the_sum_is_zero():
    np.testing.assert_array_equal(sum_over_images(np.empty((0, 2, 3))), np.zeros((2, 3)))


def test_the_layout_of_memory_does_not_matter():
    values = np.random.default_rng(0).standard_normal((5, 4, 20))
    np.testing.assert_array_equal(sum_over_images(values.transpose(2, 0, 1)), _sum(values.transpose(2, 0, 1)))


def test_room_for_other_sums_is_refused():
    with pytest.raises(ValueError, match="2 columns, but room for 3 and 3 sums"):
        kernels.add_slots(np.ones((4, 2)), np.empty(3), np.empty(3))
