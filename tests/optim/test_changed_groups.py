"""Schedules on an optimizer whose groups changed since: right, or refused before anything changes."""

import copy
import json

import numpy as np
import pytest

from fastcnn import optim
from fastcnn.errors import ArgumentError, DTypeError, StateError
from fastcnn.nn import Parameter
from fastcnn.optim import lr_scheduler

from .helpers import follow_groups, state_of

# Schedules that go on from the current rates, and the rates of a group that joins after two steps with 0.8,
# in the three steps that follow: worked out by hand, with PyTorch's arithmetic.
CHAINED = {
    "StepLR": ({"step_size": 3, "gamma": 0.5}, [0.4, 0.4, 0.4]),
    "MultiStepLR": ({"milestones": [3, 5], "gamma": 0.5}, [0.4, 0.4, 0.2]),
    "ExponentialLR": ({"gamma": 0.5}, [0.4, 0.2, 0.1]),
    "ConstantLR": ({"factor": 0.5, "total_iters": 4}, [0.8, 1.6, 1.6]),
    # Factors 0.25, 0.4375, 0.625, 0.8125, 1 in the first steps.
    "LinearLR": ({"start_factor": 0.25, "total_iters": 4}, [1.04, 1.28, 1.28]),
    # (1 + cos(pi t / 8)) / 2 is 0.853553 at step 2, then 0.691342, 0.5, 0.308658.
    "CosineAnnealingLR": ({"T_max": 8}, [0.647966, 0.468629, 0.2892925]),
}


def optimizer(groups=1, cls=optim.SGD, **options):
    return cls([{"params": Parameter(np.zeros(1))} for _ in range(groups)], lr=0.4, **options)


def add_group(o, **options):
    o.add_param_group({"params": Parameter(np.zeros(1)), "lr": 0.8, **options})


@pytest.mark.parametrize("name", CHAINED)
def test_an_added_group_goes_on_from_its_rate(name):
    arguments, expected = CHAINED[name]
    o, alone = optimizer(), optimizer()
    scheduler, other = (getattr(lr_scheduler, name)(each, **arguments) for each in (o, alone))
    for _ in range(2):
        scheduler.step()
        other.step()
    add_group(o)
    rates = follow_groups(o, scheduler, 3)
    np.testing.assert_allclose([row[1] for row in rates], expected, rtol=1e-6)
    # The first group notices nothing.
    assert [row[0] for row in rates] == [row[0] for row in follow_groups(alone, other, 3)]
    assert scheduler.get_last_lr() == rates[-1]


# Schedules that must know where a group started, and how to tell them.
FROM_THE_START = {
    "LambdaLR": (
        {"lr_lambda": lambda t: 0.5**t},
        "the optimizer has 2 groups but lr_lambdas has 1 values.*append the group's function to lr_lambdas",
        lambda s: (s.base_lrs.append(0.8), s.lr_lambdas.append(lambda t: 1.0)),
        0.8,
    ),
    "WarmupQuarterCosineLR": (
        {"total_steps": 9, "warmup_steps": 4},
        "the optimizer has 2 groups but base_lrs has 1 values: was a group added .*append the rate",
        lambda s: s.base_lrs.append(0.8),
        0.6,
    ),
    "OneCycleLR": (
        {
            "max_lr": 1.0,
            "total_steps": 10,
            "cycle_momentum": False,
            "anneal_strategy": "linear",
            "pct_start": 0.5,
        },
        "group 1 of the optimizer has no initial_lr, max_lr, min_lr: was it added",
        lambda s: s.optimizer.param_groups[1].update(initial_lr=0.0, max_lr=2.0, min_lr=0.0),
        1.5,
    ),
}


@pytest.mark.parametrize("name", FROM_THE_START)
def test_a_schedule_that_must_know_more_changes_nothing(name):
    arguments, message, cure, expected = FROM_THE_START[name]
    o = optimizer(momentum=0.9)
    scheduler = getattr(lr_scheduler, name)(o, **arguments)
    for _ in range(2):
        scheduler.step()
    add_group(o)
    before = state_of(o, scheduler)
    for _ in range(2):
        with pytest.raises(StateError, match=f"{name}: {message}"):
            scheduler.step()
        assert state_of(o, scheduler) == before
    cure(scheduler)
    scheduler.step()
    assert o.param_groups[1]["lr"] == pytest.approx(expected)


def test_a_cosine_asks_at_its_turn_only():
    o = optimizer()
    scheduler = lr_scheduler.CosineAnnealingLR(o, 2)
    add_group(o)
    follow_groups(o, scheduler, 2)
    before = state_of(o, scheduler)
    with pytest.raises(StateError, match="CosineAnnealingLR: the optimizer has 2 groups but base_lrs has 1"):
        scheduler.step()
    assert state_of(o, scheduler) == before
    scheduler.base_lrs.append(0.8)
    np.testing.assert_allclose(follow_groups(o, scheduler, 2), [[0.2, 0.4], [0.4, 0.8]], atol=1e-12)


@pytest.mark.parametrize("cls", [optim.SGD, optim.Adam])
def test_one_cycle_sets_no_momentum_before_it_has_checked(cls):
    o = optimizer(cls=cls, **({"momentum": 0.9} if cls is optim.SGD else {}))
    scheduler = lr_scheduler.OneCycleLR(o, 1.0, total_steps=10)
    add_group(o)
    before = state_of(o, scheduler)
    with pytest.raises(StateError, match="has no initial_lr, max_lr, min_lr, base_momentum, max_momentum"):
        scheduler.step()
    assert state_of(o, scheduler) == before


def test_one_cycle_checks_all_arguments_first():
    o = optimizer(2, momentum=0.9)
    before = copy.deepcopy([{**group, "params": 0} for group in o.param_groups])
    for wrong in ({"max_momentum": [0.9]}, {"base_momentum": -1}, {"cycle_momentum": 1}):
        with pytest.raises((ArgumentError, DTypeError)):
            lr_scheduler.OneCycleLR(o, 1.0, total_steps=10, **wrong)
        assert [{**group, "params": 0} for group in o.param_groups] == before


def test_a_plateau_with_one_smallest_rate_takes_added_groups():
    o = optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=0, min_lr=0.3)
    scheduler.step(1.0)
    add_group(o)
    scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.3, 0.4]
    scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.3, 0.3]


def test_a_plateau_with_a_rate_a_group_refuses():
    o = optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=1, min_lr=[0.3], cooldown=2)
    scheduler.step(1.0)
    add_group(o)
    scheduler.step(1.0)  # nothing is to be lowered yet
    before = state_of(o, scheduler)
    for _ in range(2):
        with pytest.raises(
            StateError, match=r"the optimizer has 2 groups but min_lrs has 1.*append the smallest"
        ):
            scheduler.step(1.0)
        assert state_of(o, scheduler) == before
    scheduler.min_lrs.append(0.5)
    scheduler.step(1.0)
    assert scheduler.get_last_lr() == [0.3, 0.5]
    assert (scheduler.last_epoch, scheduler.cooldown_counter, scheduler.num_bad_epochs) == (3, 2, 0)


def test_a_sequence_refuses_at_the_milestone():
    o = optimizer()
    parts = [lr_scheduler.ConstantLR(o, 1.0), lr_scheduler.ExponentialLR(o, 0.5)]
    scheduler = lr_scheduler.SequentialLR(o, parts, [2])
    add_group(o)
    scheduler.step()
    before = state_of(o, scheduler)
    for _ in range(2):
        with pytest.raises(StateError, match="ExponentialLR: the optimizer has 2 groups but base_lrs has 1"):
            scheduler.step()
        assert state_of(o, scheduler) == before
    parts[1].base_lrs.append(0.8)
    assert follow_groups(o, scheduler, 2) == [[0.4, 0.8], [0.2, 0.4]]


def test_a_sequence_is_not_made_of_schedules_of_fewer_groups():
    o = optimizer()
    parts = [lr_scheduler.ConstantLR(o, 0.5), lr_scheduler.ExponentialLR(o, 0.5)]
    add_group(o)
    with pytest.raises(StateError, match="ConstantLR: the optimizer has 2 groups but base_lrs has 1"):
        lr_scheduler.SequentialLR(o, parts, [2])
    assert [group["lr"] for group in o.param_groups] == [0.2, 0.8]


def test_a_schedule_of_ones_own_must_return_a_rate_a_group():
    class Own(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [0.1]

    o = optimizer()
    scheduler = Own(o)
    add_group(o)
    with pytest.raises(
        StateError, match="Own: the optimizer has 2 groups but the list that get_lr returned has 1"
    ):
        scheduler.step()
    assert (scheduler.last_epoch, [group["lr"] for group in o.param_groups]) == (0, [0.1, 0.8])


SAVED = {
    "StepLR": {"step_size": 2},
    "CosineAnnealingLR": {"T_max": 4},
    "OneCycleLR": {"max_lr": 1.0, "total_steps": 9, "cycle_momentum": False},
    "ReduceLROnPlateau": {},
}


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize(("saved", "own"), [(1, 2), (3, 2)])
def test_a_state_of_other_groups_is_refused(name, saved, own):
    state = getattr(lr_scheduler, name)(optimizer(saved), **SAVED[name]).state_dict()
    o = optimizer(own)
    scheduler = getattr(lr_scheduler, name)(o, **SAVED[name])
    before = state_of(o, scheduler)
    message = (
        f"{name}.load_state_dict: the state is of an optimizer with {saved} groups, this one has 2: give it"
    )
    with pytest.raises(ArgumentError, match=message):
        scheduler.load_state_dict(state)
    assert state_of(o, scheduler) == before


def sequence(o, second=lr_scheduler.ExponentialLR):
    return lr_scheduler.SequentialLR(o, [lr_scheduler.StepLR(o, 1), second(o, 0.5)], [2])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: 3, DTypeError, "SequentialLR.load_state_dict: state_dict must be a dict, got int"),
        (lambda s: {**s, "last_epoch": "2"}, DTypeError, "last_epoch must be like 0, got '2'"),
        (lambda s: {**s, "milestones": 2}, DTypeError, r"milestones must be like \[2\], got 2"),
        (lambda s: {**s, "_last_lr": [0.1, None]}, DTypeError, "_last_lr must be like"),
        (lambda s: {**s, "_schedulers": s["_schedulers"][:1]}, ArgumentError, "expected 2 schedules, got 1"),
        (
            lambda s: {**s, "_schedulers": [s["_schedulers"][0], 4]},
            DTypeError,
            "ExponentialLR.load_state_dict",
        ),
        (
            lambda s: {**s, "_schedulers": s["_schedulers"][::-1]},
            ArgumentError,
            "StepLR.load_state_dict: expected the keys .*is it the state of another kind of schedule",
        ),
    ],
)
def test_a_state_with_a_wrong_part_changes_nothing(change, error, message):
    o = optimizer(2)
    scheduler = sequence(o)
    scheduler.step()
    state = scheduler.state_dict()
    fresh = optimizer(2)
    other = sequence(fresh)
    before = state_of(fresh, other)
    with pytest.raises(error, match=message):
        other.load_state_dict(change(state))
    assert state_of(fresh, other) == before
    other.load_state_dict(json.loads(json.dumps(state)))
    assert other.last_epoch == 1


def test_a_loaded_state_shares_no_lists():
    o = optimizer()
    scheduler = lr_scheduler.StepLR(o, 2)
    state = scheduler.state_dict()
    scheduler.load_state_dict(state)
    scheduler.base_lrs.append(0.8)
    assert state["base_lrs"] == [0.4]
