import math

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.errors import ArgumentError, DTypeError
from fastcnn.nn import init
from fastcnn.training import LambdaCallback, LRFindResult, lr_find

from .networks import linear, network, trainer


def everything(t):
    """Return all that a step changes, in a form that can be compared."""
    state = t.optimizer.state_dict()
    arrays = {
        **t.model.state_dict(),
        **{f"{i}.{key}": value for i, held in state["state"].items() for key, value in held.items()},
        **{f"{name}.grad": p.grad for name, p in t.model.named_parameters()},
    }
    streams = [module.generator for module in t.model.modules() if "generator" in module.__dict__]
    places = [each.bit_generator.state for each in (*streams, init.default_generator())]
    modes = [module.training for module in t.model.modules()]
    return {name: np.array(value).tobytes() for name, value in arrays.items()}, (
        state["param_groups"],
        places,
        modes,
        list(t.history),
    )


@pytest.mark.parametrize("engine", [True, False])
@pytest.mark.parametrize("steps_before", [0, 2])
def test_everything_is_as_before_to_the_bit(small, engine, steps_before):
    t = trainer(network(dropout=0.2), engine=engine)
    for _ in range(steps_before):
        t.train_step(small[0].images[:50], small[0].labels[:50])
    t.model[3].training = False
    before = everything(t)
    found = lr_find(t, small[0], batch_size=50, steps=20)
    assert everything(t) == before
    assert len(found.losses) > 5


def test_training_after_it_is_training_without_it(small):
    one, other = trainer(network(dropout=0.2)), trainer(network(dropout=0.2))
    lr_find(one, small[0], batch_size=64, steps=30)
    for t in (one, other):
        t.fit(small[0], epochs=1, batch_size=64, progress=False)
    assert everything(one)[0] == everything(other)[0]


def test_rates_rise_exponentially_and_the_suggestion_is_where_the_loss_falls(small):
    seen = []
    t = trainer(linear(), optimizer=None)
    step = t.optimizer.step
    t.optimizer.step = lambda *a: (seen.append(t.optimizer.param_groups[0]["lr"]), step(*a))[1]
    found = lr_find(t, small[0], batch_size=50, start_lr=1e-6, end_lr=1.0, steps=60)
    np.testing.assert_allclose(found.lrs, np.geomspace(1e-6, 1.0, 60)[: len(found.lrs)])
    np.testing.assert_allclose(seen[: len(found.lrs)], found.lrs)
    place = int(np.flatnonzero(found.lrs == found.suggestion)[0])
    lowest = found.smoothed.argmin()
    assert 4 <= place < lowest
    slopes = np.gradient(found.smoothed[: lowest + 1], np.log10(found.lrs[: lowest + 1]))
    assert slopes[place] == slopes[4:].min() < 0
    # A rate of that size is a good one.
    t = trainer(linear(), lr=found.suggestion)
    t.fit(small[0], epochs=3, batch_size=50, progress=False)
    assert t.history[-1]["accuracy"] > 0.7


def test_it_stops_when_the_loss_has_exploded(small):
    model = linear()
    t = trainer(model, optimizer=optim.SGD(model.parameters(), lr=1))
    found = lr_find(t, small[0], batch_size=50, start_lr=1e-4, end_lr=1e4, steps=80)
    assert len(found.lrs) < 80
    assert found.stop_reason.startswith("stopped at ")
    assert found.smoothed[-1] > 4 * found.smoothed.min()
    assert (found.smoothed[:-1] <= 4 * np.minimum.accumulate(found.smoothed[:-1])).all()


def test_a_loss_that_is_not_finite_ends_it(small):
    model = linear()
    t = trainer(model, optimizer=optim.SGD(model.parameters(), lr=1))
    before = everything(t)
    found = lr_find(t, small[0], batch_size=50, start_lr=1e30, end_lr=1e38, steps=50, stop_factor=math.inf)
    assert found.stop_reason.startswith(("the loss was nan", "the loss was inf"))
    assert np.isfinite(found.losses).all()
    assert found.suggestion is None
    assert everything(t) == before


def test_groups_keep_their_ratio_and_callbacks_are_not_called(small):
    model = network()
    parameters = list(model.parameters())
    groups = [{"params": parameters[:2], "lr": 0.1}, {"params": parameters[2:], "lr": 0.3}]
    t = trainer(
        model,
        optimizer=optim.SGD(groups),
        callbacks=[LambdaCallback(on_batch_end=lambda *_: pytest.fail("called"))],
    )
    rates = []
    step = t.optimizer.step
    t.optimizer.step = lambda: (rates.append([g["lr"] for g in t.optimizer.param_groups]), step())[1]
    lr_find(t, small[0], batch_size=100, steps=4, start_lr=1e-3, end_lr=1e-2)
    np.testing.assert_allclose([second / first for first, second in rates], 3)


def test_a_loss_that_is_a_sum_is_taken_per_image(small):
    results = []
    for reduction, scale in (("mean", 1), ("sum", 50)):
        model = linear()
        t = trainer(
            model, optimizer=optim.SGD(model.parameters()), loss=nn.CrossEntropyLoss(reduction=reduction)
        )
        rates = {"start_lr": 1e-4 / scale, "end_lr": 1e-2 / scale}
        results.append(lr_find(t, small[0], batch_size=50, steps=10, **rates).losses)
    np.testing.assert_allclose(*results, rtol=1e-4)


def test_the_search_as_a_picture_and_as_text(small, tmp_path):
    found = lr_find(trainer(linear()), small[0], batch_size=50, steps=40)
    figure = found.plot(tmp_path / "lr.png")
    assert (tmp_path / "lr.png").read_bytes().startswith(b"\x89PNG")
    assert figure.axes[0].get_xscale() == "log"
    assert f"{found.suggestion:.2g}" in figure.axes[0].get_title(loc="left")
    lines = found.text(70, unicode=False).split("\n")
    assert max(map(len, lines)) <= 70
    assert "learning rate" in lines[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start_lr": 0.0}, "lr_find: expected 0 < start_lr < end_lr, got 0.0 and 10.0"),
        ({"end_lr": math.inf}, "lr_find: expected 0 < start_lr < end_lr"),
        ({"start_lr": math.nan}, "lr_find: expected 0 < start_lr < end_lr"),
        ({"steps": 1}, "lr_find: steps must be at least 2"),
        ({"stop_factor": 1}, "lr_find: stop_factor must be above 1, got 1"),
    ],
)
def test_invalid_arguments_are_named(small, options, message):
    with pytest.raises(ArgumentError, match=message):
        lr_find(trainer(linear()), small[0], batch_size=50, **options)


def test_it_takes_a_trainer(small):
    with pytest.raises(DTypeError, match="lr_find: trainer must be a Trainer, got Sequential"):
        lr_find(linear(), small[0], batch_size=50)


def test_repr_is_short(small):
    found = lr_find(trainer(linear()), small[0], batch_size=50, start_lr=1e-5, end_lr=1.0, steps=60)
    span = f"1e-05 to {found.lrs[-1]:.3g}, {len(found.lrs)} steps: {found.stop_reason}"
    assert repr(found) == f"LRFindResult(suggestion={found.suggestion:.3g}, {span})"
    nothing = LRFindResult(np.empty(0), np.empty(0), np.empty(0), None, "the loss was nan at 0.1")
    assert str(nothing) == "LRFindResult(suggestion=None, 0 steps: the loss was nan at 0.1)"
