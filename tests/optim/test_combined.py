"""Several optimizers as one."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.errors import ArgumentError, DTypeError, StateError
from fastcnn.optim.finite import FiniteSteps

from . import cases


def parameters(values=None):
    return [nn.Parameter(each.copy()) for each in (values or cases.start())]


def combined(params, lookahead=False):
    first = optim.Muon([params[0], params[2]], lr=0.1, flatten=True)
    second = optim.AdamW(params[1:2], lr=0.05)
    return optim.Combined([optim.Lookahead(first, 2) if lookahead else first, second])


def take(optimizers, params, steps):
    for step in steps:
        for param, grad in zip(params, cases.gradients(step), strict=True):
            param.grad = grad
        for optimizer in optimizers:
            optimizer.step()


@pytest.mark.parametrize("lookahead", [False, True])
def test_it_takes_the_steps_of_each(lookahead):
    together, apart = parameters(), parameters()
    take([combined(together, lookahead)], together, range(cases.STEPS))
    take(combined(apart, lookahead).optimizers, apart, range(cases.STEPS))
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_array_equal(one.data, other.data)


@pytest.mark.parametrize("lookahead", [False, True])
def test_resumed_it_ends_in_the_same_bits(lookahead):
    whole, half = parameters(), parameters()
    take([combined(whole, lookahead)], whole, range(cases.STEPS))
    optimizer = combined(half, lookahead)
    take([optimizer], half, range(3))
    state = optimizer.state_dict()
    assert sorted(state["state"]) == [0, 1, 2]
    resumed = parameters([param.data for param in half])
    again = combined(resumed, lookahead)
    again.load_state_dict(state)
    take([again], resumed, range(3, cases.STEPS))
    for one, other in zip(whole, resumed, strict=True):
        assert one.data.tobytes() == other.data.tobytes()


def test_schedules_move_all_groups():
    optimizer = combined(parameters())
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    scheduler.step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.025]
    assert [each.param_groups[0]["lr"] for each in optimizer.optimizers] == [0.05, 0.025]
    optim.lr_scheduler.CyclicLR(optimizer, 0.1, 0.2, base_momentum=0.5, max_momentum=0.7)
    assert optimizer.param_groups[0]["momentum"] == 0.7
    assert optimizer.param_groups[1]["betas"] == (0.7, 0.999)
    assert "Combined(Muon, AdamW)" in repr(optimizer)


@pytest.mark.parametrize("engine", [False, True])
def test_in_a_trainer(engine):
    """Of one image the program leaves the gradient of a large layer as factors, which Muon takes."""
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(4 * 26 * 26, 3)).initialize(seed=0)
    weights, others = optim.parameter_groups(model, [{"parameters": "weights"}])
    optimizer = optim.Combined(
        [optim.Muon(weights["params"], flatten=True), optim.SGD(others["params"], lr=0.1)]
    )
    trainer = fastcnn.Trainer(model, optimizer, nn.CrossEntropyLoss(), engine=engine)
    x = np.random.default_rng(0).standard_normal((1, 1, 28, 28)).astype(np.float32)
    losses = [trainer.train_step(x, np.array([1])) for _ in range(8)]
    assert losses[-1] < 0.9 * losses[0]
    before = model.state_dict()
    state = repr(optimizer.state_dict())
    trainer.train_step(x * np.float32(np.inf), np.array([1]))
    assert repr(optimizer.state_dict()) == state
    for name, values in model.state_dict().items():
        np.testing.assert_array_equal(values, before[name])


def test_a_step_is_taken_back_as_a_whole():
    params = parameters()
    optimizer = optim.Combined(
        [optim.SGD(params[:1], lr=0.1, momentum=0.9), optim.Adadelta(params[1:], lr=1e308, eps=1e10)]
    )
    for param in params:
        param.grad = np.full(param.shape, 1e3)
    state = repr(optimizer.state_dict())
    with np.errstate(all="ignore"):
        assert not FiniteSteps(optimizer).take(optimizer.gathered(), 1e3)
    assert repr(optimizer.state_dict()) == state
    np.testing.assert_array_equal(params[0].data, cases.start()[0])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda p: optim.Combined(3), DTypeError, "optimizers must be an iterable of Optimizer, got int"),
        (lambda p: optim.Combined(optim.SGD(p)), DTypeError, "an iterable of Optimizer, got SGD"),
        (lambda p: optim.Combined([]), ArgumentError, "Combined: optimizers is empty"),
        (lambda p: optim.Combined([3]), DTypeError, r"optimizers\[0\] must be an Optimizer, got int"),
        (
            lambda p: optim.Combined([optim.SGD(p), optim.Adam(p[:1])]),
            ArgumentError,
            r"optimizers\[1\] holds a parameter \(shape \(3, 4\)\) of optimizers\[0\]",
        ),
        (
            lambda p: combined(p).add_param_group({"params": p[0]}),
            StateError,
            "add the group to one of its optimizers",
        ),
        (lambda p: combined(p).load_state_dict([]), DTypeError, 'expected a dict with "state"'),
        (
            lambda p: combined(p).load_state_dict({"state": {}, "param_groups": []}),
            ArgumentError,
            "0 groups were saved, these are 2",
        ),
    ],
)
def test_what_it_refuses(make, error, message):
    with pytest.raises(error, match=message):
        make(parameters())


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["param_groups"][1].update(lr=-1.0),
        lambda s: s["state"][1].update(exp_avg=np.zeros(2)),
        lambda s: s["state"].update({7: {}}),
        lambda s: s["param_groups"].__setitem__(1, 3),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change):
    params = parameters()
    optimizer = combined(params)
    take([optimizer], params, range(2))
    before, state = repr(optimizer.state_dict()), optimizer.state_dict()
    state["param_groups"][0]["lr"] = 7.0
    change(state)
    with pytest.raises((ArgumentError, DTypeError)):
        optimizer.load_state_dict(state)
    assert repr(optimizer.state_dict()) == before
    take([optimizer], params, [3])
