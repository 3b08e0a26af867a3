"""Slow weights behind an optimizer."""

import json

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.data import Dataset
from fastcnn.errors import ArgumentError, DTypeError, ShapeError
from fastcnn.training import lr_find

from . import cases
from .helpers import position

INNER = {
    "SGD": lambda params: optim.SGD(params, lr=0.1),
    "momentum": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, weight_decay=0.1),
    "Adam": lambda params: optim.Adam(params, lr=0.1, amsgrad=True),
    "Lion": lambda params: optim.Lion(params, lr=0.1),
}


def parameters(dtype=np.float64, values=None):
    return [nn.Parameter(each.astype(dtype)) for each in (values or cases.start())]


def take(optimizer, params, steps):
    for step in steps:
        for param, grad in zip(params, cases.gradients(step), strict=True):
            param.grad = None if grad is None else grad.astype(param.dtype)
        optimizer.step()


def by_hand(make, steps, k, alpha):
    """Return the weights, with the slow ones kept here."""
    params = parameters()
    inner, slow = make(params), [param.data.copy() for param in params]
    for step in range(steps):
        take(inner, params, [step])
        if (step + 1) % k == 0:
            for param, kept in zip(params, slow, strict=True):
                kept += alpha * (param.data - kept)
                param.data[...] = kept
    return params


@pytest.mark.parametrize(("k", "alpha"), [(5, 0.5), (2, 0.8), (1, 0.3), (3, 1.0), (3, 0.0)])
@pytest.mark.parametrize("name", INNER)
def test_slow_weights_follow(name, k, alpha):
    params = parameters()
    take(optim.Lookahead(INNER[name](params), k, alpha), params, range(cases.STEPS))
    for found, want in zip(params, by_hand(INNER[name], cases.STEPS, k, alpha), strict=True):
        np.testing.assert_allclose(found.data, want.data, rtol=1e-12)


def test_the_slow_weights_of_the_paper():
    """Of one weight: 1, 2, 3 with a step of 1, then half way back to 0 and on from there."""
    param = nn.Parameter(np.zeros(1))
    optimizer = optim.Lookahead(optim.SGD([param], lr=1.0), k=3)
    found = []
    for _ in range(6):
        param.grad = -np.ones(1)
        optimizer.step()
        found.append(float(param.data[0]))
    assert found == [1, 2, 1.5, 2.5, 3.5, 3.0]


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
@pytest.mark.parametrize("name", INNER)
def test_resumed_it_ends_in_the_same_bits(name, stop):
    whole, half = parameters(), parameters()
    take(optim.Lookahead(INNER[name](whole), 3), whole, range(cases.STEPS))
    optimizer = optim.Lookahead(INNER[name](half), 3)
    take(optimizer, half, range(stop))
    state = optimizer.state_dict()
    resumed = parameters(values=[param.data for param in half])
    again = optim.Lookahead(INNER[name](resumed), 3)
    again.load_state_dict(state)
    take(again, resumed, range(stop, cases.STEPS))
    for one, other in zip(whole, resumed, strict=True):
        assert one.data.tobytes() == other.data.tobytes()


def test_its_state_is_that_of_the_optimizer_and_the_slow_weights():
    params = parameters()
    optimizer = optim.Lookahead(optim.Adam(params), 3)
    take(optimizer, params, [1])
    state = optimizer.state_dict()
    assert state["state"][0].keys() == {"step", "exp_avg", "exp_avg_sq", "slow_weights"}
    np.testing.assert_array_equal(state["state"][0]["slow_weights"], cases.start()[0])
    assert state["param_groups"][0]["lookahead_step"] == 1
    assert optimizer.param_groups is optimizer.optimizer.param_groups
    assert "Lookahead(Adam)" in repr(optimizer)


def test_schedules_and_groups():
    params = parameters()
    optimizer = optim.Lookahead(optim.SGD(params[:1], lr=0.5, momentum=0.9), 2)
    optimizer.add_param_group({"params": params[1:], "lr": 0.1})
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, [0.4, 0.2], total_steps=10)
    scheduler.step()
    assert position(optimizer) == position(optimizer.optimizer)
    take(optimizer, params, range(3))
    optimizer.zero_grad()
    assert all(param.grad is None for param in params)


def test_a_frozen_parameter_stays():
    params = parameters()
    optimizer = optim.Lookahead(optim.SGD(params, lr=0.1), 2)
    take(optimizer, params, [1])
    params[0].requires_grad_(False)
    before = params[0].data.copy()
    take(optimizer, params, [2])
    np.testing.assert_array_equal(params[0].data, before)


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adadelta])
def test_a_step_that_is_not_finite_is_taken_back(kind):
    """Also the count of steps, and whether a Trainer has to look or not."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).initialize(seed=0)
    optimizer = optim.Lookahead(kind(model.parameters(), lr=0.1), 2)
    trainer = fastcnn.Trainer(model, optimizer, nn.CrossEntropyLoss(), stop_on_nan=False)
    x, y = np.ones((3, 1, 2, 2), np.float32), np.array([0, 1, 1])
    trainer.train_step(x, y)
    state = repr(optimizer.state_dict())
    weights = model.state_dict()
    trainer.train_step(np.full_like(x, np.nan), y)
    assert repr(optimizer.state_dict()) == state
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, weights[name])


def test_a_search_for_a_rate_leaves_it_as_it_was():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).initialize(seed=0)
    optimizer = optim.Lookahead(optim.Adam(model.parameters()), 3)
    trainer = fastcnn.Trainer(model, optimizer, nn.CrossEntropyLoss())
    before = repr(optimizer.state_dict())
    images = np.random.default_rng(0).integers(0, 255, (8, 1, 2, 2), np.uint8)
    lr_find(trainer, Dataset(images, np.arange(8) % 2), batch_size=4, steps=8)
    assert repr(optimizer.state_dict()) == before


def test_the_state_of_an_optimizer_without_slow_weights_is_taken():
    params = parameters()
    plain = optim.Adam(params)
    take(plain, params, [1])
    optimizer = optim.Lookahead(optim.Adam(params), 3)
    take(optimizer, params, [2, 4])
    optimizer.load_state_dict(plain.state_dict())
    state = optimizer.state_dict()
    assert state["param_groups"][0]["lookahead_step"] == 0
    assert all("slow_weights" not in held for held in state["state"].values())


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda o: optim.Lookahead(3), DTypeError, "Lookahead: optimizer must be an Optimizer, got int"),
        (lambda o: optim.Lookahead(o, 0), ArgumentError, "Lookahead: k must be at least 1, got 0"),
        (lambda o: optim.Lookahead(o, 5, 1.5), ArgumentError, r"Lookahead: alpha must be in \[0, 1\]"),
        (lambda o: optim.Lookahead(o).load_state_dict(3), DTypeError, 'expected a dict with "state"'),
    ],
)
def test_what_it_refuses(make, error, message):
    with pytest.raises(error, match=message):
        make(optim.SGD(parameters()))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: s["state"][0].update(slow_weights=np.zeros(3)), ShapeError, "slow_weights has the shape"),
        (lambda s: s["state"].update({9: {"slow_weights": np.zeros(3)}}), ArgumentError, "the parameter 9"),
        (lambda s: s["param_groups"][0].update(lookahead_step=-1), ArgumentError, "lookahead_step must be"),
        (lambda s: s["param_groups"][0].update(lr=-1.0), ArgumentError, "lr"),
        (lambda s: s["state"][0].update(step="x"), DTypeError, "step must be a number"),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, error, message):
    params = parameters()
    optimizer = optim.Lookahead(optim.Adam(params), 3)
    take(optimizer, params, range(2))
    state = optimizer.state_dict()
    change(state)
    before = json.dumps(optimizer.state_dict(), default=np.ndarray.tolist)
    with pytest.raises(error, match=message):
        optimizer.load_state_dict(state)
    assert json.dumps(optimizer.state_dict(), default=np.ndarray.tolist) == before
