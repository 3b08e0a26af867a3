"""Which kernel rows each output row reads, and the segments of output pixels that read the same."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastcnn.engine.nodes.product import kernel_rows, segments

sizes = st.integers(1, 7)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=9), sizes, sizes, st.integers(0, 5), st.booleans())
def test_kernel_rows_are_those_in_the_image(top, step, height, count, falls):
    taps = np.arange(count)[:: -1 if falls else 1] * step - 2
    found = kernel_rows(np.array(top), taps, height)
    assert found.shape == (len(top), 2)
    for row, (first, last) in zip(top, found.tolist(), strict=True):
        inside = [u for u, tap in enumerate(taps) if 0 <= row + tap < height]
        assert list(range(first, last)) == inside
        assert inside or (first, last) == (0, 0)


@given(
    st.lists(st.sampled_from([(0, 0), (0, 2), (1, 2), (1, 3)]), min_size=1, max_size=9),
    sizes,
    st.integers(0, 3),
)
def test_neighbours_that_read_the_same_are_one_segment(ranges, width, runs_of_row):
    found = segments(np.array(ranges), width, runs_of_row)
    read = [(first * runs_of_row, last * runs_of_row) for first, last in ranges for _ in range(width)]
    assert [runs for start, end, *runs in found for _ in range(start, end)] == [list(each) for each in read]
    assert [start for start, *_ in found[1:]] == [end for _, end, *_ in found[:-1]]
    for before, after in pairwise(found):
        assert before[2:] != after[2:]


def test_segments_by_hand():
    """A window of 3 rows over 4 rows with padding: its first row has no row above, its last none below."""
    rows = kernel_rows(np.arange(4) - 1, np.arange(3), 4)
    assert rows.tolist() == [[1, 3], [0, 3], [0, 3], [0, 2]]
    assert segments(rows, 5, 3) == [(0, 5, 3, 9), (5, 15, 0, 9), (15, 20, 0, 6)]
