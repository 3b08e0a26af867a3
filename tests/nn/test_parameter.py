"""Trainable arrays: their gradients, and whether they are trained."""

import copy
import pickle

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.errors import DTypeError, ShapeError
from fastcnn.nn import changes


def test_parameter():
    parameter = nn.Parameter(np.arange(6).reshape(2, 3).T)
    assert parameter.dtype == np.float32
    assert parameter.shape == (3, 2)
    assert parameter.size == 6
    assert parameter.data.flags.c_contiguous
    parameter.accumulate(np.ones((3, 2)))
    parameter.accumulate(np.full((3, 2), 2.0))
    np.testing.assert_array_equal(parameter.grad, np.full((3, 2), 3))
    assert parameter.grad.dtype == np.float32
    parameter.zero_grad()
    assert parameter.grad is None
    with pytest.raises(ShapeError, match=r"Parameter: grad must have the shape \(3, 2\), got \(6,\)"):
        parameter.accumulate(np.zeros(6))
    with pytest.raises(DTypeError, match="Parameter: data must be numbers"):
        nn.Parameter(np.array(["a"]))
    frozen = nn.Parameter(np.zeros(2), requires_grad=False)
    frozen.accumulate(np.ones(2))
    assert frozen.grad is None


def test_the_first_gradient_is_a_copy():
    """What a layer returns may be used elsewhere: adding to it would change that."""
    parameter = nn.Parameter(np.zeros(2))
    grad = np.ones(2)
    parameter.accumulate(grad)
    parameter.accumulate(grad)
    np.testing.assert_array_equal(grad, 1)


# Whether it is trained


def test_requires_grad_notes_its_changes():
    """Compiled plans leave out what a frozen parameter needs not: they must hear of it."""
    parameter = nn.Parameter(np.zeros(2))
    before = changes.latest()
    parameter.requires_grad = True
    assert changes.latest() == before  # nothing has changed
    parameter.requires_grad = False
    assert changes.latest() > before
    before = changes.latest()
    assert parameter.requires_grad_() is parameter
    assert changes.latest() > before
    assert parameter.requires_grad is True
    assert parameter.requires_grad_(False).requires_grad is False
    assert repr(parameter) == "Parameter(shape=(2,), dtype=float64, requires_grad=False)"


def test_requires_grad_keeps_the_gradient():
    """As in PyTorch, freezing stops what comes, and forgets nothing."""
    parameter = nn.Parameter(np.zeros(2))
    parameter.accumulate(np.ones(2))
    parameter.requires_grad = np.bool_(False)
    parameter.accumulate(np.ones(2))
    np.testing.assert_array_equal(parameter.grad, [1, 1])
    assert parameter.requires_grad is False


@pytest.mark.parametrize("value", [0, None, "no", np.ones(1, bool)])
def test_requires_grad_is_a_bool(value):
    """An integer may be a mistake for another argument."""
    parameter = nn.Parameter(np.zeros(2))
    for change in (
        lambda: nn.Parameter(np.zeros(2), value),
        lambda: setattr(parameter, "requires_grad", value),
        lambda: parameter.requires_grad_(value),
    ):
        with pytest.raises(DTypeError, match="Parameter: requires_grad must be a bool, got "):
            change()
    assert parameter.requires_grad is True


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_are_frozen_too(copied):
    """The flag belongs to the parameter."""
    assert copied(nn.Parameter(np.zeros(2), requires_grad=False)).requires_grad is False
