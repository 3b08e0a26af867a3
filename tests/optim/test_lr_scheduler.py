import json
import math

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.errors import ArgumentError, DTypeError
from fastcnn.optim import lr_scheduler

from . import cases
from .helpers import optimizer_of, position


def make(optimizer, chain):
    return [getattr(lr_scheduler, name)(optimizer, **options) for name, options in chain]


def follow(optimizer, schedulers, steps):
    positions = [position(optimizer)]
    for _ in range(steps):
        for scheduler in schedulers:
            scheduler.step()
        positions.append(position(optimizer))
    return positions


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("key", cases.SCHEDULES)
def test_schedules_are_those_of_pytorch(key):
    name, arguments, steps, chain = cases.SCHEDULES[key]
    optimizer = optimizer_of(name, arguments)
    schedulers = make(optimizer, chain)
    close(follow(optimizer, schedulers, steps), cases.answers()["schedules"][key])
    assert schedulers[-1].get_last_lr() == [lr for lr, _ in position(optimizer)]


@pytest.mark.parametrize("key", cases.SEQUENCES)
def test_sequences_are_those_of_pytorch(key):
    lr, chain, milestones, steps = cases.SEQUENCES[key]
    optimizer = optimizer_of("SGD", {"lr": lr})
    sequence = lr_scheduler.SequentialLR(optimizer, make(optimizer, chain), milestones)
    close(follow(optimizer, [sequence], steps), cases.answers()["sequences"][key])
    assert sequence.get_last_lr() == [lr for lr, _ in position(optimizer)]


@pytest.mark.parametrize("key", cases.CHAINS)
def test_chains_are_those_of_pytorch(key):
    optimizer = optimizer_of("SGD", {"lr": 0.3})
    chain = lr_scheduler.ChainedScheduler(make(optimizer, cases.CHAINS[key]))
    close(follow(optimizer, [chain], 12), cases.answers()["chains"][key])
    assert chain.get_last_lr() == [lr for lr, _ in position(optimizer)]


def scheduler_of(name, optimizer, options):
    return getattr(optim.swa_utils if name == "SWALR" else lr_scheduler, name)(optimizer, **options)


@pytest.mark.parametrize("key", cases.CONTINUED)
def test_a_schedule_made_in_the_middle_is_that_of_pytorch(key):
    name, options = cases.CONTINUED[key]
    optimizer = optimizer_of("SGD", {"lr": 0.3})
    for group in optimizer.param_groups:
        group["initial_lr"], group["lr"] = group["lr"], group["lr"] / 3
    scheduler = scheduler_of(name, optimizer, {**options, "last_epoch": cases.LAST_EPOCH})
    assert scheduler.last_epoch == cases.LAST_EPOCH + 1
    close(follow(optimizer, [scheduler], cases.LATER_STEPS), cases.answers()["continued"][key])


@pytest.mark.parametrize("key", cases.SWA)
def test_swa_rates_are_those_of_pytorch(key):
    optimizer = optimizer_of("SGD", {"lr": 0.3})
    scheduler = optim.swa_utils.SWALR(optimizer, **cases.SWA[key])
    close(follow(optimizer, [scheduler], cases.SWA_STEPS), cases.answers()["swa"][key])


@pytest.mark.parametrize("key", cases.FRACTIONAL)
def test_warm_restarts_take_parts_of_epochs(key):
    optimizer = optimizer_of("SGD", {"lr": 0.3})
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, **cases.FRACTIONAL[key])
    positions = []
    for epoch in cases.FRACTIONS:
        scheduler.step(epoch)
        positions.append(position(optimizer))
    close(positions, cases.answers()["fractional"][key])
    assert scheduler.last_epoch == int(cases.FRACTIONS[-1])


@pytest.mark.parametrize("mode", ["cycle", "iterations"])
def test_cycles_by_a_function(mode):
    optimizer = optimizer_of("SGD", {"lr": 1.0, "momentum": 0.5})
    scheduler = lr_scheduler.CyclicLR(
        optimizer, 0.0, 1.0, 2, scale_fn=lambda x: 1 / (1 + x), scale_mode=mode, base_momentum=0.5
    )
    # A rise of x / 2 in steps 1 and 2, then down; cycles begin at 4.
    heights = [0, 0.5, 1, 0.5, 0, 0.5, 1]
    scales = [1 / 2] * 4 + [1 / 3] * 3 if mode == "cycle" else [1 / (1 + t) for t in range(7)]
    expected = [[[h * s, 0.9 - 0.4 * h * s]] * 2 for h, s in zip(heights, scales, strict=True)]
    close(follow(optimizer, [scheduler], 6), expected)
    assert "_scale_fn" not in scheduler.state_dict()


def test_multiplicative_rates():
    optimizer = optimizer_of("SGD", {"lr": 0.5})
    scheduler = lr_scheduler.MultiplicativeLR(optimizer, [lambda t: 1 / (1 + t), lambda t: t])
    rates = follow(optimizer, [scheduler], 3)
    close([[lr for lr, _ in each] for each in rates], [[0.5, 1], [0.25, 1], [0.25 / 3, 2], [0.25 / 12, 6]])


@pytest.mark.parametrize("key", cases.PLATEAUS)
def test_plateaus_are_those_of_pytorch(key):
    optimizer = optimizer_of("SGD", {"lr": 0.1})
    scheduler, positions = lr_scheduler.ReduceLROnPlateau(optimizer, **cases.PLATEAUS[key]), []
    for metric in cases.METRICS:
        scheduler.step(metric)
        positions.append(position(optimizer))
    close(positions, cases.answers()["plateaus"][key])
    assert scheduler.get_last_lr() == [lr for lr, _ in positions[-1]]


def test_lambda_takes_one_function_or_one_a_group():
    optimizer = optimizer_of("SGD", {"lr": 0.5})
    scheduler = lr_scheduler.LambdaLR(optimizer, [lambda t: 1 / (1 + t), lambda t: t])
    assert follow(optimizer, [scheduler], 2) == [
        [[0.5, 0], [0, 0]],
        [[0.25, 0], [1, 0]],
        [[0.5 / 3, 0], [2, 0]],
    ]
    assert "lr_lambdas" not in scheduler.state_dict()


def test_warm_up_then_a_quarter_of_a_cosine():
    # The nine rates that a published system lists for its nine epochs.
    published = [1e-5, 3.4e-4, 6.7e-4, 1e-3, 9.516e-4, 8.109e-4, 5.919e-4, 3.159e-4, 1e-5]
    optimizer = optim.SGD([nn.Parameter(np.zeros(1))], lr=1e-3)
    warm_up = lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=3)
    falling = lr_scheduler.LambdaLR(optimizer, lambda t: 0.01 + 0.99 * math.cos(math.pi / 2 * t / 5))
    sequence = lr_scheduler.SequentialLR(optimizer, [warm_up, falling], [3])
    rates = [row[0][0] for row in follow(optimizer, [sequence], 8)]
    np.testing.assert_allclose(rates, published, rtol=1e-3)


def test_sequences_nest():
    def rates(nested):
        optimizer = optim.SGD([nn.Parameter(np.zeros(1))], lr=1.0)
        inner = [
            lr_scheduler.LinearLR(optimizer, 0.5, total_iters=2),
            lr_scheduler.ExponentialLR(optimizer, 0.5),
            lr_scheduler.ConstantLR(optimizer, 0.1, 100),
        ]
        if nested:
            tail = lr_scheduler.SequentialLR(optimizer, inner[1:], [3])
            sequence = lr_scheduler.SequentialLR(optimizer, [inner[0], tail], [2])
        else:
            sequence = lr_scheduler.SequentialLR(optimizer, inner, [2, 5])
        return [row[0][0] for row in follow(optimizer, [sequence], 7)]

    assert rates(nested=True) == rates(nested=False) == [0.5, 0.75, 1, 0.5, 0.25, 0.1, 0.1, 0.1]


ALL = {
    **{key: value[2:] for key, value in cases.SCHEDULES.items() if len(value[3]) == 1},
    "lambda": (6, [("LambdaLR", {"lr_lambda": lambda t: 0.9**t})]),
    "multiplicative": (6, [("MultiplicativeLR", {"lr_lambda": lambda t: 0.9**t})]),
}


@pytest.mark.parametrize("key", ALL)
def test_a_schedule_can_be_saved_and_resumed(key):
    steps, chain = ALL[key]
    first = optimizer_of("SGD", {"lr": 0.3, "momentum": 0.9})
    whole = follow(first, make(first, chain), steps)
    saved = optimizer_of("SGD", {"lr": 0.3, "momentum": 0.9})
    scheduler = make(saved, chain)[0]
    follow(saved, [scheduler], 2)
    state = json.loads(json.dumps(scheduler.state_dict()))
    resumed = optimizer_of("SGD", {"lr": 0.3, "momentum": 0.9})
    scheduler = make(resumed, chain)[0]
    scheduler.load_state_dict(state)
    resumed.load_state_dict(saved.state_dict())
    assert follow(resumed, [scheduler], steps - 2) == whole[2:]


def test_sequences_and_plateaus_can_be_saved_and_resumed():
    def sequence():
        optimizer = optimizer_of("SGD", {"lr": 0.2})
        inner = make(optimizer, cases.SEQUENCES["three"][1])
        return optimizer, lr_scheduler.SequentialLR(optimizer, inner, [2, 6])

    optimizer, scheduler = sequence()
    follow(optimizer, [scheduler], 4)
    other, resumed = sequence()
    resumed.load_state_dict(json.loads(json.dumps(scheduler.state_dict())))
    other.load_state_dict(optimizer.state_dict())
    assert follow(other, [resumed], 6) == follow(optimizer, [scheduler], 6)

    def chain():
        optimizer = optimizer_of("SGD", {"lr": 0.2})
        return optimizer, lr_scheduler.ChainedScheduler(make(optimizer, cases.CHAINS["three"]), optimizer)

    one, chained = chain()
    follow(one, [chained], 4)
    other, resumed = chain()
    resumed.load_state_dict(json.loads(json.dumps(chained.state_dict())))
    other.load_state_dict(one.state_dict())
    assert follow(other, [resumed], 6) == follow(one, [chained], 6)

    plateau = lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    for metric in (1.0, 2.0):
        plateau.step(metric)
    again = lr_scheduler.ReduceLROnPlateau(optimizer, patience=7)
    again.load_state_dict(plateau.state_dict())
    before = position(optimizer)
    again.step(2.0)
    assert position(optimizer)[0][0] == pytest.approx(before[0][0] / 10)


def test_one_cycle_ends_with_an_error():
    optimizer = optimizer_of("SGD", {"lr": 1.0, "momentum": 0.9})
    scheduler = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=3)
    follow(optimizer, [scheduler], 3)
    with pytest.raises(ArgumentError, match="OneCycleLR: step 4 is beyond total_steps=3"):
        scheduler.step()


def test_one_cycle_takes_a_rate_a_group():
    optimizer = optimizer_of("SGD", {"lr": 1.0, "momentum": 0.9})
    lr_scheduler.OneCycleLR(optimizer, [0.1, 0.5], total_steps=10)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.1 / 25, 0.5 / 25])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda lib, o: lib.StepLR(None, 3),
            DTypeError,
            "StepLR: optimizer must be an Optimizer, got NoneType",
        ),
        (lambda lib, o: lib.OneCycleLR(3, 0.1, 5), DTypeError, "OneCycleLR: optimizer must be an Optimizer"),
        (lambda lib, o: lib.StepLR(o, 0), ArgumentError, "StepLR: step_size must be at least 1, got 0"),
        (lambda lib, o: lib.StepLR(o, 2.5), DTypeError, "StepLR: step_size must be an integer"),
        (lambda lib, o: lib.MultiStepLR(o, 3), DTypeError, "MultiStepLR: milestones"),
        (lambda lib, o: lib.ExponentialLR(o, "x"), DTypeError, "ExponentialLR: gamma must be a number"),
        (lambda lib, o: lib.ConstantLR(o, 0.0), ArgumentError, r"ConstantLR: factor must be in \(0, 1\]"),
        (lambda lib, o: lib.LinearLR(o, 2.0), ArgumentError, r"LinearLR: start_factor must be in \(0, 1\]"),
        (lambda lib, o: lib.CosineAnnealingLR(o, 0), ArgumentError, "CosineAnnealingLR: T_max"),
        (lambda lib, o: lib.LambdaLR(o, [abs]), ArgumentError, r"LambdaLR: lr_lambda .* 2 \(one a group\)"),
        (lambda lib, o: lib.OneCycleLR(o, 0.1), ArgumentError, "give total_steps, or epochs"),
        (lambda lib, o: lib.OneCycleLR(o, [0.1], 5), ArgumentError, "max_lr has 1 numbers for 2 groups"),
        (lambda lib, o: lib.OneCycleLR(o, 0.1, 0), ArgumentError, "total_steps must be at least 1"),
        (
            lambda lib, o: lib.OneCycleLR(o, 0.1, 5, pct_start=2),
            ArgumentError,
            r"pct_start must be in \[0, 1\]",
        ),
        (lambda lib, o: lib.OneCycleLR(o, 0.1, 5, anneal_strategy="x"), ArgumentError, "anneal_strategy"),
        (lambda lib, o: lib.ReduceLROnPlateau(o, "best"), ArgumentError, "mode must be one of"),
        (lambda lib, o: lib.ReduceLROnPlateau(o, factor=1.0), ArgumentError, r"factor must be in \(0, 1\)"),
        (lambda lib, o: lib.ReduceLROnPlateau(o, min_lr=[1]), ArgumentError, "1 numbers for 2 groups"),
        (lambda lib, o: lib.SequentialLR(o, [], []), ArgumentError, "schedulers is empty"),
        (
            lambda lib, o: lib.SequentialLR(o, [lib.ReduceLROnPlateau(o)], []),
            DTypeError,
            r"schedulers\[0\] must follow the step alone, which ReduceLROnPlateau does not",
        ),
        (
            lambda lib, o: lib.SequentialLR(o, [lib.StepLR(o, 2), lib.StepLR(o, 2)], []),
            ArgumentError,
            "2 schedulers need 1 milestones, got 0",
        ),
        (
            lambda lib, o: lib.SequentialLR(o, [lib.StepLR(o, 2)] * 3, [3, 3]),
            ArgumentError,
            r"milestones must increase, got \[3, 3\]",
        ),
        (
            lambda lib, o: lib.SequentialLR(optimizer_of("SGD", {"lr": 1}), [lib.StepLR(o, 2)], []),
            ArgumentError,
            r"schedulers\[0\] has another optimizer",
        ),
        (
            lambda lib, o: lib.StepLR(o, 2, last_epoch=-2),
            ArgumentError,
            "StepLR: last_epoch must be at least",
        ),
        (
            lambda lib, o: lib.StepLR(o, 2, last_epoch=3),
            ArgumentError,
            "StepLR: last_epoch=3 goes on with a schedule, but group 0 of the optimizer has no initial_lr",
        ),
        (
            lambda lib, o: lib.PolynomialLR(o, 0),
            ArgumentError,
            "total_iters must be at least 1",
        ),
        (lambda lib, o: lib.MultiplicativeLR(o, 3), ArgumentError, "MultiplicativeLR: lr_lambda must be a"),
        (lambda lib, o: lib.CosineAnnealingWarmRestarts(o, 0), ArgumentError, "T_0 must be at least 1"),
        (lambda lib, o: lib.CosineAnnealingWarmRestarts(o, 2, 0), ArgumentError, "T_mult must be at least 1"),
        (
            lambda lib, o: lib.CosineAnnealingWarmRestarts(o, 2).step(-0.5),
            ArgumentError,
            "CosineAnnealingWarmRestarts: epoch must be a finite number of at least 0",
        ),
        (lambda lib, o: lib.CyclicLR(None, 0.1, 1), DTypeError, "CyclicLR: optimizer must be an Optimizer"),
        (lambda lib, o: lib.CyclicLR(o, [0.1], 1), ArgumentError, "base_lr has 1 numbers for 2 groups"),
        (lambda lib, o: lib.CyclicLR(o, 0.1, 1, 0), ArgumentError, "step_size_up must be at least 1"),
        (lambda lib, o: lib.CyclicLR(o, 0.1, 1, mode="x"), ArgumentError, "mode must be one of triangular"),
        (lambda lib, o: lib.CyclicLR(o, 0.1, 1, scale_fn=3), DTypeError, "scale_fn must be callable"),
        (lambda lib, o: lib.CyclicLR(o, 0.1, 1, scale_mode="x"), ArgumentError, "scale_mode must be"),
        (
            lambda lib, o: lib.CyclicLR(optim.Adagrad([nn.Parameter(np.zeros(1))]), 0.1, 1),
            ArgumentError,
            "CyclicLR: cycle_momentum needs an optimizer with momentum or betas",
        ),
        (lambda lib, o: lib.ChainedScheduler([]), ArgumentError, "ChainedScheduler: schedulers is empty"),
        (lambda lib, o: lib.ChainedScheduler(3), DTypeError, "ChainedScheduler: schedulers must be a list"),
        (
            lambda lib, o: lib.ChainedScheduler([lib.ReduceLROnPlateau(o)]),
            DTypeError,
            r"ChainedScheduler: schedulers\[0\] must follow the step alone",
        ),
        (
            lambda lib, o: lib.ChainedScheduler([lib.StepLR(o, 2)], optimizer_of("SGD", {"lr": 1})),
            ArgumentError,
            r"ChainedScheduler: schedulers\[0\] has another optimizer",
        ),
        (lambda lib, o: optim.swa_utils.SWALR(o, 0.1, -1), ArgumentError, "SWALR: anneal_epochs must be"),
        (lambda lib, o: optim.swa_utils.SWALR(o, 0.1, 1, "x"), ArgumentError, "anneal_strategy must be"),
        (lambda lib, o: optim.swa_utils.SWALR(o, [0.1]), ArgumentError, "swa_lr has 1 numbers for 2 groups"),
        (
            lambda lib, o: lib.StepLR(o, 2).load_state_dict({"gamma": 1}),
            ArgumentError,
            "StepLR.load_state_dict: expected the keys",
        ),
    ],
)
def test_invalid_arguments_are_named(make, error, message):
    with pytest.raises(error, match=message):
        make(lr_scheduler, optimizer_of("SGD", {"lr": 0.1, "momentum": 0.9}))
