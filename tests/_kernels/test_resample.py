"""Sums of rows crossed with sums of columns."""

import numpy as np
import pytest

from fastcnn._kernels import resample as kernels

from . import reference
from .helpers import assert_sums, normal, on_any_threads, poisoned


def drawn_lines(lines, size, most, dtype, seed, weighted=True):
    """Return lists of up to `most` entries for each line, with weights or without."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, most + 1, lines)
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    at = rng.integers(0, size, first[-1])
    return first, at, rng.standard_normal(first[-1]).astype(dtype) if weighted else None


def run(x, rows, columns):
    """Run the kernel on a poisoned output."""
    y = poisoned((len(x), len(rows[0]) - 1, len(columns[0]) - 1), x.dtype)
    kernels.resample(y, x, *rows, *columns)
    return y


def check(x, rows, columns):
    y = on_any_threads(lambda: run(x, rows, columns))
    both = list(zip((rows, columns), x.shape[1:], strict=True))
    matrices = [reference.lines_matrix(*lists, size) for lists, size in both]
    largest = [
        reference.lines_matrix(first, at, None if w is None else np.abs(w), size)
        for (first, at, w), size in both
    ]
    terms = sum(int(np.diff(first).max(initial=0)) for first, *_ in (rows, columns))
    magnitude = reference.resample(np.abs(x), *largest)
    assert_sums(y, reference.resample(x, *matrices), magnitude, terms + 2, x.shape)


def test_by_hand(isa, dtype):
    """The first row of y is one of x, the second half of one and half of another, the third nothing."""
    x = np.array([[[1, 2, 3], [5, 6, 7]]], dtype)
    rows = np.array([0, 1, 3, 3]), np.array([1, 0, 1]), np.array([1, 0.5, 0.5], dtype)
    columns = np.array([0, 1, 3]), np.array([2, 0, 0]), None
    np.testing.assert_array_equal(run(x, rows, columns), [[[7, 10], [5, 6], [0, 0]]])


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("in_hw", [(1, 1), (3, 7), (8, 33)])
@pytest.mark.parametrize("out_hw", [(1, 1), (5, 2), (4, 40)])
@pytest.mark.parametrize("planes", [0, 1, 3])
def test_any_lists(isa, dtype, planes, in_hw, out_hw, weighted):
    x = normal((planes, *in_hw), dtype, 1)
    rows, columns = (
        drawn_lines(lines, size, 5, dtype, seed, weighted)
        for seed, (lines, size) in enumerate(zip(out_hw, in_hw, strict=True))
    )
    check(x, rows, columns)


def test_large_enough_for_threads(isa, dtype):
    check(
        normal((5, 70, 61), dtype, 1),
        drawn_lines(131, 70, 4, dtype, 2),
        drawn_lines(90, 61, 2, dtype, 3),
    )


def test_what_counts_once_moves_as_it_is(isa, dtype):
    x = np.array([[[np.nan, np.inf, -0.0]]], dtype)
    move = np.array([0, 1, 2, 3]), np.array([2, 0, 1]), None
    np.testing.assert_array_equal(run(x, (np.array([0, 1]), np.array([0]), None), move), x[:, :, [2, 0, 1]])
