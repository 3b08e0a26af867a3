"""Profiles: each operation once, with its part and its time, of every kind of plan."""

import numpy as np
import pytest

from fastcnn import nn
from fastcnn.engine import Plan
from fastcnn.engine.nodes.loss import Loss
from fastcnn.engine.profile import profile
from fastcnn.errors import ArgumentError


def network():
    layers = nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 5)
    return nn.Sequential(*layers)


KINDS = {
    "inference": ({"training": False}, {"forward"}),
    "two parts": ({"training": True}, {"forward", "backward"}),
    "a step": ({"training": True, "loss": Loss()}, {"step"}),
}


@pytest.mark.parametrize("layout", ["images", "channels"])
@pytest.mark.parametrize("kind", KINDS)
def test_operations_of_every_kind_of_plan(kind, layout):
    options, parts = KINDS[kind]
    plan = Plan(network(), (2, 4, 4), batch_size=20, layout=layout, **options)
    found, ops = profile(plan, 20, 0.0), plan.executable.writer.ops
    assert [each.number for each in found.operations] == list(range(len(ops)))
    assert [each.kernel for each in found.operations] == [op.kernel for op in ops]
    assert {each.part for each in found.operations} == parts
    assert all(each.seconds > 0 for each in found.operations)
    assert found.flops == 20 * sum(op.flops for op in ops)
    times = list(found.by_kernel().values())
    assert sum(times) == pytest.approx(found.seconds)
    assert times == sorted(times, reverse=True)
    assert found.peak > 0
    assert 0 in found.bandwidth
    assert len(found.bandwidth) > 1
    assert all(each > 0 for each in found.bandwidth.values())
    assert plan.runner.seconds is None


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_a_run_under_the_clock_computes_the_same(layout):
    """Operations of bands and of several images too."""
    model = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6272, 40))
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 16, 14, 14)).astype(np.float32)
    target, outcomes = rng.integers(0, 40, 3), []
    options = {"batch_size": 3, "layout": layout, "bands": 2 if layout == "channels" else 1}
    for clock in (False, True):
        plan = Plan(model, (16, 14, 14), training=True, loss=Loss(), **options)
        plan.runner.seconds = np.zeros(len(plan.executable.writer.ops)) if clock else None
        results = plan.step(x, target, 1.0)
        outcomes.append([results, *(grad for _, grad in plan.parameter_grads)])
    for one, other in zip(*outcomes, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("layout", ["images", "channels"])
def test_bytes_are_those_of_the_arrays(layout):
    """20 samples of (2, 5, 5) come in, and are laid out; partial sums count for each slot."""
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Flatten(), nn.Linear(75, 5))
    plan = Plan(model, (2, 5, 5), batch_size=20, training=True, loss=Loss(), layout=layout)
    operations, ops = profile(plan, 20, 0.0).operations, plan.executable.writer.ops
    first = {op.kernel: i for i, op in reversed([*enumerate(ops)])}
    taken, summed = first["from_nchw"], first["conv_weight_sum"]
    groups = -(-20 // plan.layout.images)
    assert operations[taken].bytes == 4 * (20 * 2 * 25 + groups * ops[taken].arguments["x"].group_size)
    slots = 5  # one for 4 images
    sums = slots * ops[summed].arguments["sums"].group_size
    assert operations[summed].bytes == 4 * (sums + model[0].weight.size)


def test_batch_size():
    with pytest.raises(ArgumentError, match="profile: batch_size"):
        profile(Plan(network(), (2, 4, 4), training=False, batch_size=1), 0)
