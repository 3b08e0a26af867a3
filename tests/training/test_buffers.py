"""Buffers are what they were before a step, whatever forward does with them."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.training.buffers import Buffers


def odd():
    """A module with buffers of every kind."""
    module = nn.Module()
    for name, value in {
        "single": np.arange(3, dtype=np.float32),
        "wide": np.arange(2.0),
        "half": np.ones(3, np.float16),
        "mask": np.array([0, -np.inf], np.float32),
        "count": np.zeros((), np.int64),
        "stepped": np.ones((4, 4), np.float32)[:, ::2],
        "fixed": np.broadcast_to(np.float32(2), (4,)),
        "empty": np.zeros((0, 3), np.float32),
    }.items():
        module.register_buffer(name, value)
    return nn.Sequential(module)


def contents(model):
    return {name: (value.dtype, value.shape, value.tobytes()) for name, value in model.named_buffers()}


def change(module):
    """Write into some buffers, and assign others."""
    module.single[1] = np.nan
    module.wide += 1
    module.count += 1
    module.stepped[...] = np.inf
    module.half[0] = 7


def test_what_was_written_is_put_back():
    model = odd()
    before, buffers = contents(model), Buffers(model)
    for _ in range(2):
        buffers.keep()
        assert buffers.not_finite() is None
        change(model[0])
        assert buffers.not_finite()
        assert contents(model) != before
        buffers.put_back()
        assert contents(model) == before


@pytest.mark.parametrize(
    "value", [np.zeros(7, np.float32), np.zeros(3), np.float32([1, 2, 3]), np.zeros(0, np.int8)]
)
def test_what_was_assigned_is_put_back(value):
    model = odd()
    before, buffers = contents(model), Buffers(model)
    buffers.keep()
    model[0].single = value
    buffers.put_back()
    assert contents(model) == before
    model[0].single = value
    buffers.keep()  # of what there is now
    model[0].single = np.full(3, 9.0)
    buffers.put_back()
    assert np.array_equal(model[0].single, value)


@pytest.mark.parametrize("name", ["single", "wide", "half", "stepped"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_found(name, value):
    model = odd()
    buffers = Buffers(model)
    buffers.keep()
    getattr(model[0], name)[..., -1] = value
    assert buffers.not_finite()
    buffers.keep()  # where it was so before, it is no news
    assert buffers.not_finite() is None


def test_layers_that_come_and_go():
    model = nn.Sequential(nn.BatchNorm2d(2))
    buffers = Buffers(model)
    buffers.keep()
    model.append(nn.BatchNorm2d(3))
    buffers.keep()
    before = contents(model)
    model[1].running_mean[...] = 5
    buffers.put_back()
    assert contents(model) == before
    del model[0]
    buffers.keep()
    assert len(contents(model)) == 3
