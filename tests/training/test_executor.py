"""How a step is run: in one program, in two parts, or layer after layer, with the same outcome."""

import copy
import math

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim, zoo
from fastcnn.errors import ArgumentError
from fastcnn.training import Trainer
from fastcnn.training.executor import Compiled, Eager, count_correct

from ..zoo.networks import loss_and_targets, make, shape_of


def classifier():
    layers = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(64, 3)
    return nn.Sequential(*layers).double().initialize(seed=1).reseed(2)


def sgd(parameters):
    return optim.SGD(parameters, lr=0.05, momentum=0.9)


def both(model, loss=None, make=sgd):
    """Return what runs a model compiled, and what runs a copy eagerly."""
    models = model, copy.deepcopy(model)
    losses = loss or nn.CrossEntropyLoss(), copy.deepcopy(loss or nn.CrossEntropyLoss())
    kinds = zip((Compiled, Eager), models, losses, strict=True)
    return models, [kind(each, make(each.parameters()), loss) for kind, each, loss in kinds]


def batches(shape, classes, sizes):
    rng = np.random.default_rng(0)
    return [(rng.standard_normal((n, *shape)), rng.integers(0, classes, n)) for n in sizes]


def assert_same_steps(executors, steps):
    for x, y in steps:
        (loss, correct), (wanted_loss, wanted_correct) = (each.step(x, y) for each in executors)
        assert loss == pytest.approx(wanted_loss, rel=1e-9, nan_ok=True)
        assert correct == wanted_correct


def assert_same_state(one, other):
    for (name, a), (_, b) in zip(one.state_dict().items(), other.state_dict().items(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("name", zoo.names())
def test_trainers_with_and_without_the_engine_agree_on_every_network(name):
    shape, trainers = shape_of(name), []
    for engine in (True, False):
        model = make(name, seed=0).double()
        optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
        loss, _ = loss_and_targets(name, np.random.default_rng(0), 1)
        trainers.append(Trainer(model, optimizer, loss, seed=3, engine=engine))
    rng = np.random.default_rng(7)
    for x, _ in batches(shape, 10, (3, 6, 2)):
        y = loss_and_targets(name, rng, len(x))[1]
        loss, wanted = (each.train_step(x, y) for each in trainers)
        assert loss == pytest.approx(wanted, rel=1e-9)
    assert_same_state(*(each.model for each in trainers))
    logits, wanted = (each.predict(x) for each in trainers)
    np.testing.assert_allclose(logits, wanted, rtol=1e-8, atol=1e-8)


class Own(nn.CrossEntropyLoss):
    """A loss that has no program, for all that the engine knows."""


LOSSES = {
    "mean": nn.CrossEntropyLoss(),
    "sum": nn.CrossEntropyLoss(reduction="sum"),
    "options": nn.CrossEntropyLoss(np.array([1.0, 0.5, 2.0]), 1, "mean", 0.1),
    "no program": Own(),
}


def adamw(parameters):
    """A bias before batch norm has a gradient of rounding errors, which a smaller eps would blow up."""
    return optim.AdamW(parameters, lr=0.01, eps=1e-6)


@pytest.mark.parametrize("make", [sgd, adamw])
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_optimizers(loss, make):
    models, executors = both(classifier(), LOSSES[loss], make)
    assert_same_steps(executors, batches((1, 6, 6), 3, (8, 5, 1, 33)))
    assert_same_state(*models)


def test_frozen_parameters_stay():
    model = classifier()
    model[0].weight.requires_grad = model[5].bias.requires_grad = False
    before = model[0].weight.data.copy()
    models, executors = both(model)
    assert_same_steps(executors, batches((1, 6, 6), 3, (8, 5)))
    assert_same_state(*models)
    np.testing.assert_array_equal(model[0].weight.data, before)


def test_a_loss_that_is_no_number_changes_no_weight():
    models, executors = both(classifier())
    x, y = batches((1, 6, 6), 3, (4,))[0]
    x[0, 0, 2, 2] = np.nan
    for model, executor in zip(models, executors, strict=True):
        before = [p.data.copy() for p in model.parameters()]
        assert math.isnan(executor.step(x, y)[0])
        for p, data in zip(model.parameters(), before, strict=True):
            np.testing.assert_array_equal(p.data, data)


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("limits", [{"norm": 0.3}, {"value": 0.02}, {"norm": 0.1, "value": 0.02}], ids=str)
def test_gradients_are_clipped_as_in_a_loop_of_ones_own(engine, limits):
    """Elements first, then the norm of what the optimizer trains; each limit here changes something."""
    model, free, loss = classifier(), classifier(), nn.CrossEntropyLoss()
    model[5].bias.requires_grad = False
    own = copy.deepcopy(model)
    optimizers = [sgd(each.parameters()) for each in (model, own, free)]
    options = {f"clip_grad_{key}": value for key, value in limits.items()}
    trainer = Trainer(model, optimizers[0], loss, engine=engine, seed=2, **options)
    unclipped = Trainer(free, optimizers[2], loss, engine=engine, seed=2)
    for x, y in batches((1, 6, 6), 3, (8, 5, 33)):
        trainer.train_step(x, y)
        unclipped.train_step(x, y)
        own.zero_grad()
        loss(own(x), y)
        own.backward(loss.backward())
        if "value" in limits:
            nn.utils.clip_grad_value_(own.parameters(), limits["value"])
        if "norm" in limits:
            nn.utils.clip_grad_norm_(own.parameters(), limits["norm"])
        optimizers[1].step()
    assert_same_state(model, own)
    assert not np.allclose(model[5].weight.data, free[5].weight.data, rtol=1e-3)


CHANGES = [
    lambda m: setattr(m[3], "p", 0.6),
    lambda m: setattr(m[1], "eps", 0.3),
    lambda m: setattr(m[1], "momentum", 0.7),
    lambda m: m[1].eval(),
    lambda m: m[1].train(),
    lambda m: setattr(m[0].weight, "data", m[0].weight.data * 0.5),
    lambda m: m[5].weight.data.__imul__(0.5),
    lambda m: setattr(m[0], "padding", (1, 0, 1, 0)) or setattr(m[0], "stride", 1),
    lambda m: setattr(m[0], "padding", 0),
    lambda m: m.append(nn.ReLU()),
    lambda m: m.reseed(5),
]


def test_the_model_may_change_between_steps():
    """The next step is that of the changed model, or fails as that would."""
    models, executors = both(classifier())
    for step, change in zip(batches((1, 6, 6), 3, (6,) * len(CHANGES)), CHANGES, strict=True):
        try:
            outcome = executors[1].step(*step)
        except fastcnn.errors.ShapeError as refused:
            with pytest.raises(type(refused), match="linear"):
                executors[0].step(*step)
        else:
            got = executors[0].step(*step)
            assert got == (pytest.approx(outcome[0], rel=1e-9), outcome[1])
        for each in models:
            change(each)
    assert_same_steps(executors, batches((1, 6, 6), 3, (6, 7)))
    assert_same_state(*models)


def test_the_number_of_threads_changes_no_bit():
    states, before = [], fastcnn.get_num_threads()
    try:
        for threads in (1, 2, 3, 4, 8):
            fastcnn.set_num_threads(threads)
            model = classifier().float()
            executor = Compiled(model, optim.Adam(model.parameters(), lr=0.01), nn.CrossEntropyLoss())
            steps = batches((1, 6, 6), 3, (1, 9, 130))
            losses = [executor.step(x.astype(np.float32), y)[0] for x, y in steps]
            states.append([np.array(losses), *model.state_dict().values()])
    finally:
        fastcnn.set_num_threads(before)
    for state in states[1:]:
        for one, other in zip(states[0], state, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_loss_that_is_an_array_is_named():
    """Also where it becomes one between two steps."""
    for kind in (Compiled, Eager):
        model, loss = classifier(), nn.CrossEntropyLoss()
        executor = kind(model, sgd(model.parameters()), loss)
        x, y = batches((1, 6, 6), 3, (4,))[0]
        executor.step(x, y)
        loss.reduction = "none"
        with pytest.raises(
            ArgumentError, match=r"must be one number, got an array of the shape \(4,\): take"
        ):
            executor.step(x, y)


def test_rows_that_are_right():
    logits = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]])
    assert count_correct(logits, np.array([1, 1, 0])) == 1 + 0 + 1
    assert count_correct(logits, np.array([[1.0], [0.0], [0.0]])) == 0
    assert count_correct(logits[0], np.array([1, 0])) == 0
