"""The rule for sums over images: how a batch is cut into slots, see csrc/common/slots.h."""

import pytest

from fastcnn._kernels import program as kernels


@pytest.mark.parametrize(
    ("images", "slots"),
    [
        *((0, 0), (1, 1), (2, 2), (4, 4), (5, 4), (19, 4), (20, 5), (27, 6), (31, 7), (32, 8)),
        *((64, 8), (127, 8), (128, 8), (143, 8)),
        *((144, 9), (159, 9), (160, 10), (256, 16), (512, 32), (1000, 62), (1008, 63), (1023, 63)),
        *((1024, 64), (1025, 64), (2000, 64), (10**9, 64)),
    ],
)
def test_the_number_of_slots(images, slots):
    """One for every 4 images, from 4 to 8; one for every 16 images, from 9 to 64; never more than images."""
    assert kernels.slots(images) == slots


def test_slots_cut_every_batch_into_parts_that_are_as_equal_as_they_can_be():
    for images in range(1, 2001):
        starts = kernels.slot_starts(images)
        assert len(starts) == kernels.slots(images) <= kernels.MOST_SLOTS == 64
        assert len(starts) >= min(images, 4)
        sizes = [b - a for a, b in zip(starts, [*starts[1:], images], strict=True)]
        assert starts[0] == 0
        assert sum(sizes) == images
        assert 1 <= min(sizes) <= max(sizes) <= min(sizes) + 1
    assert kernels.slot_starts(0) == []


def test_where_slots_start():
    """Slot s has the images i with i * slots / images, rounded down, equal to s."""
    assert kernels.slot_starts(4) == [0, 1, 2, 3]
    assert kernels.slot_starts(5) == [0, 2, 3, 4]
    assert kernels.slot_starts(20) == [0, 4, 8, 12, 16]
    assert kernels.slot_starts(30) == [0, 5, 9, 13, 18, 22, 26]
    assert kernels.slot_starts(70) == [0, 9, 18, 27, 35, 44, 53, 62]
    assert kernels.slot_starts(144) == list(range(0, 144, 16))
    for images in (9, 20, 150, 1100):
        starts = kernels.slot_starts(images)
        of_images = [sum(start <= i for start in starts) - 1 for i in range(images)]
        assert of_images == [i * len(starts) // images for i in range(images)]


@pytest.mark.parametrize(
    ("size", "most"),
    [
        *((0, 64), (1, 64), (2**19, 64), (2**19 + 1, 63), (2**20, 32), (2**22, 8), (2**24, 2)),
        *((2**24 + 1, 1), (2**25, 1), (2**25 + 1, 1), (2**40, 1)),
    ],
)
def test_large_partial_sums_have_few_slots(size, most):
    """They take 32 MiB at most, or one copy."""
    assert kernels.most_slots(size) == most
