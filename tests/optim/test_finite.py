"""Steps that would make weights infinite are not taken, and what cannot is known without a look."""

import math

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.nn.factored import FactoredGradient
from fastcnn.optim.finite import FiniteSteps, largest
from fastcnn.optim.gradients import largest_gradient

KINDS = [
    optim.SGD,
    optim.Adam,
    optim.AdamW,
    optim.RMSprop,
    optim.Adagrad,
    optim.Adadelta,
    optim.NAdam,
    optim.RAdam,
    optim.Adamax,
    optim.Lion,
]


def parameter(value, grad, dtype=np.float32):
    made = nn.Parameter(np.full(3, value, dtype))
    made.grad = np.full(3, grad, dtype)
    return made


def test_largest():
    assert largest([]) == 0
    assert largest([np.zeros(0, np.float32)]) == 0
    arrays = [np.float32([1, -3]), np.array([[2.0], [-5.0]]), np.int64([4]), np.arange(9.0)[::-2]]
    assert largest(arrays[:1]) == 3
    assert largest(arrays[:2]) == 5
    assert largest(arrays) == 8
    assert largest([np.float32([1e-45])]) == pytest.approx(1e-45, rel=0.5)
    assert largest([np.array([1.0, -7.0], ">f4")]) == 7
    for value in (math.nan, -math.nan, math.inf, -math.inf):
        for dtype in (np.float32, np.float64):
            assert largest([*arrays, np.array([0, value, 1], dtype)]) == math.inf


@pytest.mark.parametrize("size", [1, 15, 16383, 16384, 16385, 100_003])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_element_is_looked_at(size, dtype):
    array = np.zeros(size, dtype)
    for place in {0, size // 2, size - 1}:
        array[place] = -2
        assert largest([array]) == 2
        array[place] = np.nan
        assert largest([array]) == math.inf
        array[place] = 0


def test_the_largest_gradient():
    one, other, frozen = parameter(0, -4.0), parameter(0, 3.0, np.float64), parameter(0, 9.0)
    optimizer = optim.SGD([one, other, frozen, nn.Parameter(np.zeros(2))])
    frozen.requires_grad_(False)
    assert largest_gradient(optimizer.gathered()) == 4
    other.grad = np.array([0, math.nan, 0])
    assert largest_gradient(optimizer.gathered()) == math.inf


@pytest.mark.parametrize(
    ("dy", "x", "expected"),
    [
        (2.0, 3.0, 12.0),  # a bound: two images of 6 each
        (1e15, 1e15, 2e30),  # the product itself, which is below a bound that would be looked at
        (1e30, 1e30, math.inf),
        (math.nan, 0.0, math.inf),
        (0.0, math.inf, math.inf),
    ],
)
def test_gradients_that_are_products(dy, x, expected):
    weight = nn.Parameter(np.zeros((4, 5), np.float32))
    weight._grad = FactoredGradient(np.full((2, 4), dy, np.float32), np.full((2, 5), x, np.float32), (4, 5))
    assert largest_gradient(optim.SGD([weight]).gathered()) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("make", "grad"),
    [
        (lambda p: optim.SGD(p, lr=1e39), 0.0),
        (lambda p: optim.SGD(p, lr=1e30), 1e20),
        (lambda p: optim.SGD(p, lr=1e30, momentum=0.9, weight_decay=1e20), 1.0),
        (lambda p: optim.Adam(p, eps=0), 0.0),
        (lambda p: optim.AdamW(p, lr=1e30, weight_decay=1e30), 1.0),
        (lambda p: optim.RMSprop(p, eps=0), 0.0),
        (lambda p: optim.Adagrad(p, lr=1e39), 1.0),
        (lambda p: optim.Adadelta(p, lr=1e39), 1.0),
        (lambda p: optim.NAdam(p, lr=1e39), 1.0),
        (lambda p: optim.RAdam(p, lr=1e39), 1.0),
        (lambda p: optim.Adamax(p, eps=0), 0.0),
        (lambda p: optim.Lion(p, lr=1e39), 1.0),
        (lambda p: optim.Muon(p[:1], lr=1e39, flatten=True), 1.0),
        (lambda p: optim.Lookahead(optim.SGD(p, lr=1e39)), 1.0),
    ],
)
def test_a_step_that_is_not_finite_is_taken_back(make, grad):
    weight, other = parameter(1e10, grad), parameter(2.0, 1.0)
    weight.data, weight.grad = weight.data.reshape(1, 3), weight.grad.reshape(1, 3)
    optimizer = make([weight, other])
    assert not optimizer.stays_finite(optimizer.param_groups[0], max(1.0, grad))
    state = repr(optimizer.state_dict())
    with np.errstate(all="ignore"):
        assert not FiniteSteps(optimizer).take(optimizer.gathered(), max(1.0, grad))
    assert (weight.data == np.float32(1e10)).all()
    assert (other.data == 2).all()
    assert repr(optimizer.state_dict()) == state


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lr", [0.1, 1e19])
def test_a_step_that_is_finite_is_taken(kind, lr):
    """As step takes it, to the bit, whether a copy had to be made or not."""
    (one, other), optimizers = [parameter(1.0, 0.5) for _ in range(2)], []
    for each in (one, other):
        optimizers.append(kind([each], lr=lr, **({"momentum": 0.9} if kind is optim.SGD else {})))
    for _ in range(2):
        assert FiniteSteps(optimizers[0]).take(optimizers[0].gathered(), 0.5)
        optimizers[1].step()
    assert one.data.tobytes() == other.data.tobytes()
    assert (one.data != 1).all()


def test_what_is_known_to_stay_finite():
    weights = [parameter(1.0, 1.0)]
    for options in ({}, {"momentum": 0.9, "nesterov": True}, {"lr": 10.0, "weight_decay": 0.1}):
        optimizer = optim.SGD(weights, **options)
        assert optimizer.stays_finite(optimizer.param_groups[0], 1e6)
    for options in (
        {"momentum": 1.0},
        {"lr": 1.0, "weight_decay": 2.0},
        {"momentum": 0.9, "dampening": -1e19},
    ):
        optimizer = optim.SGD(weights, **options)
        assert not optimizer.stays_finite(optimizer.param_groups[0], 1e-6)
    for kind in KINDS:
        optimizer = kind(weights)
        calm = kind not in (optim.Adadelta, optim.Adagrad)  # of 1e6 a great many squares would add up
        assert optimizer.stays_finite(optimizer.param_groups[0], 1e6) == calm
        assert optimizer.stays_finite(optimizer.param_groups[0], 1.0) == (kind is not optim.Adadelta)
        assert not optimizer.stays_finite(optimizer.param_groups[0], 1e20)
    for options in ({"alpha": 1.5}, {"momentum": 1.0}):
        optimizer = optim.RMSprop(weights, **options)
        assert not optimizer.stays_finite(optimizer.param_groups[0], 1e-6)
    for options, calm in (({}, True), ({"ns_coefficients": (9, 0, 0)}, False), ({"momentum": 1.5}, False)):
        optimizer = optim.Muon([nn.Parameter(np.zeros((2, 2)))], **options)
        assert optimizer.stays_finite(optimizer.param_groups[0], 1.0) == calm


def test_of_an_update_of_a_users_nothing_is_known():
    class Signs(optim.SGD):
        def _update(self, pairs, dtype, group):
            for each, grad in pairs:
                each.data[...] -= group["lr"] * np.sign(grad)

    class Sure(Signs):
        def stays_finite(self, group, largest):
            return True

    weights = [parameter(1.0, 1.0)]
    assert not Signs(weights).stays_finite({}, 1.0)
    assert Sure(weights).stays_finite({}, 1.0)
    optimizer = Signs(weights, lr=0.5)
    assert FiniteSteps(optimizer).take(optimizer.gathered(), 1.0)
    assert (weights[0].data == 0.5).all()
    assert not FiniteSteps(Sure(weights)).take([], math.inf)


def test_a_step_of_a_users_own_is_called():
    class Counts(optim.SGD):
        calls = 0

        def step(self, closure=None):
            self.calls += 1
            return super().step(closure)

    weights = [parameter(1.0, 1.0)]
    optimizer = Counts(weights, lr=0.5)
    assert FiniteSteps(optimizer).take(optimizer.gathered(), 1.0)
    assert optimizer.calls == 1
    assert (weights[0].data == 0.5).all()


def test_what_is_kept_from_before_is_looked_at():
    """A momentum that is large goes on with small gradients."""
    weight = parameter(0.0, 2.5e38)
    optimizer = optim.SGD([weight], lr=1.0, momentum=0.9)
    steps = FiniteSteps(optimizer)
    assert steps.take(optimizer.gathered(), 2.5e38)
    before = weight.data.copy()
    weight.grad = np.full(3, 1e-3, np.float32)
    assert not steps.take(optimizer.gathered(), 1e-3)
    assert weight.data.tobytes() == before.tobytes()


def test_what_an_optimizer_keeps_must_be_finite_too():
    """A squared gradient overflows before the gradient does."""
    weight = parameter(0.0, 1e22)
    optimizer = optim.Adam([weight])
    assert not FiniteSteps(optimizer).take(optimizer.gathered(), 1e22)
    assert optimizer.state == {}
    assert (weight.data == 0).all()


def test_any_state_of_a_users_optimizer_is_put_back():
    class Odd(optim.Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": 1.0})
            self.state["calls"] = 0

        def _check(self, group):
            pass

        def _update(self, pairs, dtype, group):
            self.state["calls"] += 1
            for each, grad in pairs:
                held = self.state.setdefault(each, {"row": np.zeros(1), "names": []})
                held["row"] += 1
                held["names"].append("step")
                each.data[...] = grad * np.float32(1e30)

    weight = parameter(1.0, 1.0)
    optimizer = Odd([weight])
    steps = FiniteSteps(optimizer)
    assert steps.take(optimizer.gathered(), 1.0)
    weight.grad = np.full(3, 1e20, np.float32)
    with np.errstate(over="ignore"):
        assert not steps.take(optimizer.gathered(), 1e20)
    assert optimizer.state["calls"] == 1
    assert optimizer.state[weight] == {"row": np.ones(1), "names": ["step"]}
    assert (weight.data == np.float32(1e30)).all()
