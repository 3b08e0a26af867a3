"""Gradients of operators that are not finite; docs/numbers.md has the operations themselves."""

import operator

import numpy as np

from .models import passes

NAN, INF = np.nan, np.inf


def test_sums_over_what_was_broadcast_do_not_warn():
    """Infinities of both signs add up to NaN, large numbers to infinity."""
    x, scale = np.full((2, 2, 3), INF), np.array([[1.0], [2.0]])
    x[0, :, 0] = -INF
    _, (dx, dscale) = passes(operator.mul, x, scale)
    np.testing.assert_array_equal(np.isnan(dscale), True)
    assert np.isfinite(dx).all()
    _, (_, dscale) = passes(operator.mul, np.full((2, 2, 3), 1e308), scale)
    np.testing.assert_array_equal(dscale, INF)


def test_the_gradient_of_an_exponent_is_not_finite_where_that_of_the_output_is_not():
    """Also where the base is 0, and 0 times it would be left out."""
    _, (_, db) = passes(operator.pow, np.zeros(4), np.ones(4), dy=np.array([NAN, INF, -INF, 3.0]))
    np.testing.assert_array_equal(db, [NAN, NAN, NAN, 0])


def test_powers_are_those_of_c():
    _, dx = passes(lambda x: x**0.5, np.array([-INF, -0.0, INF, -1.0]))
    np.testing.assert_array_equal(dx, [0, INF, 0, NAN])
