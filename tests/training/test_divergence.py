"""Losses that have blown up are told, and nothing else is taken for one."""

import copy
import math

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.training import StopOnNaN

from .networks import linear, network, trainer


class Squares(nn.MSELoss):
    """Regression of the classes' numbers, scaled."""

    def __init__(self, scale=1.0, reduction="mean"):
        super().__init__(reduction)
        self.scale = scale

    def compute(self, input, target):
        wanted = np.zeros_like(input)
        wanted[np.arange(len(target)), target] = self.scale
        return super().compute(input, wanted)


class Watched:
    """A Trainer's own watcher, shown epochs of losses that a test makes up."""

    def __init__(self, loss=None, batches=20):
        self.trainer, self.watcher, self.batches = trainer(linear(), loss=loss), StopOnNaN(), batches
        self.trainer.batches_per_epoch, self.trainer.outputs = batches, 10
        self.watcher.on_train_begin(self.trainer)

    def epoch(self, losses, count=32):
        """Return whether the history says after the epoch that training has diverged."""
        assert len(losses) == self.batches
        for number, loss in enumerate(losses, 1):
            self.watcher.on_batch_end(self.trainer, number, {"loss": loss, "correct": 0, "count": count})
        row = {"epoch": len(self.trainer.history) + 1, "lr": 100.0}
        self.trainer.history.epochs.append(row)
        self.watcher.on_epoch_end(self.trainer, row["epoch"], row)
        return self.trainer.history.diverged


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("engine", [True, False])
def test_a_rate_that_is_too_high(small, caplog, reduction, engine):
    """The loss is finite and in the hundreds: all epochs are trained, and the log says what to do, once."""
    model = linear()
    loss = nn.CrossEntropyLoss(reduction=reduction)
    lr = 1000 if reduction == "mean" else 20
    t = trainer(model, optimizer=optim.SGD(model.parameters(), lr=lr), loss=loss, engine=engine)
    history = t.fit(small[0], epochs=2, batch_size=50, progress=False)
    assert math.isfinite(history[-1]["loss"])
    assert history.diverged
    assert len(history) == 2
    assert history.stop_reason is None
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.name == "fastcnn.training.divergence"
    assert record.message.startswith("the loss has blown up: at the end of epoch 1 it is about ")
    assert record.message.endswith(f"lower the learning rate (now {lr:.3g}) and begin with new weights")
    # Going on from there, it is still far above the first loss of all.
    assert t.fit(small[0], epochs=1, batch_size=50, progress=False).diverged
    # New weights are another start.
    t.model = linear()
    t.optimizer = optim.SGD(t.model.parameters(), lr=1e-4)
    assert not t.fit(small[0], epochs=1, batch_size=50, progress=False).diverged


@pytest.mark.parametrize("lr", [1e-3, 0.1, 1.0])
@pytest.mark.parametrize("make", [linear, network])
@pytest.mark.parametrize("batch_size", [1, 50, 300])
def test_rates_that_are_not(small, caplog, lr, make, batch_size):
    """Not even those with which nothing is learned."""
    model = make()
    t = trainer(model, optimizer=optim.SGD(model.parameters(), lr=lr))
    images = small[0] if batch_size > 1 else small[0].subset(range(60))
    assert not t.fit(images, epochs=2, batch_size=batch_size, progress=False).diverged
    assert not caplog.records


def test_it_can_be_turned_off(small, caplog):
    model = linear()
    t = trainer(model, optimizer=optim.SGD(model.parameters(), lr=1000), stop_on_nan=False)
    assert not t.fit(small[0], epochs=1, batch_size=50, progress=False).diverged
    assert not caplog.records


def test_a_spike_that_comes_back(caplog):
    watched = Watched()
    assert not watched.epoch([2.3] * 12 + [5000.0] * 2 + [2.5] * 6)
    assert not watched.epoch([2.0] * 18 + [5000.0] * 2)
    assert not watched.epoch([5000.0] * 10 + [20.0] * 10)
    assert not caplog.records


def test_it_may_come_back_later(caplog):
    watched = Watched()
    assert watched.epoch([2.3] + [5000.0] * 19)
    assert watched.epoch([4000.0] * 20)
    assert not watched.epoch([3000.0] * 5 + [15.0] * 15)
    assert watched.epoch([300.0] * 20)
    assert len(caplog.records) == 1
    assert "it is about 5000, in the first batch it was 2.3; lower" in caplog.text


@pytest.mark.parametrize(
    ("start", "end", "diverged"),
    [
        (2.3, 22.9, False),
        (2.3, 23.1, True),  # ten times log 10
        (0.01, 22.9, False),  # a trained network that forgets everything
        (0.01, 23.1, True),
        (60.0, 590.0, False),  # weights that were drawn too large
        (60.0, 610.0, True),
    ],
)
def test_the_limit_is_ten_times_the_start_and_guessing(start, end, diverged):
    assert Watched().epoch([start] + [end] * 19) == diverged


def test_guessing_follows_the_options_of_the_loss():
    """Weights of the classes leave the mean at log K, and multiply the sum."""
    weight = np.full(10, 3.0)
    assert Watched(nn.CrossEntropyLoss(weight)).epoch([0.1] + [23.1] * 19)
    summed = nn.CrossEntropyLoss(weight, reduction="sum")
    assert not Watched(summed).epoch([0.1] + [32 * 69.0] * 19)
    assert Watched(summed).epoch([0.1] + [32 * 69.2] * 19)
    assert Watched(nn.NLLLoss()).epoch([0.1] + [23.1] * 19)
    assert not Watched(nn.NLLLoss()).epoch([0.1] + [22.9] * 19)


def test_few_batches_in_an_epoch():
    """At least eight steps are looked at, so that one epoch alone is no spike and no blow-up."""
    watched = Watched(batches=1)
    outcomes = [watched.epoch([loss]) for loss in [2.3, 2.2, 9999.0, 2.1, 2.0, 2.0, 9999.0, 2.0, 2.0, 2.0]]
    assert not any(outcomes[3:])
    watched = Watched(batches=1)
    assert watched.epoch([2.3]) is False
    assert [watched.epoch([5000.0]) for _ in range(4)][-1]


def test_other_losses():
    """What guessing costs is not known: a thousand times the first batch's loss, if that was no accident."""
    for scale in (1e-6, 1.0, 1e6):
        assert not Watched(Squares()).epoch([scale] + [900 * scale] * 19)
        assert Watched(Squares()).epoch([scale] + [1100 * scale] * 19)
    assert not Watched(Squares()).epoch([1e-9] + [1.0] * 19, count=1)
    assert not Watched(Squares()).epoch([0.0] + [1.0] * 19)
    assert not Watched(Squares()).epoch([-5.0] + [1.0] * 19)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_regression_that_learns(small, caplog, scale):
    model = linear()
    loss = Squares(scale)
    t = trainer(model, optimizer=optim.Adam(model.parameters(), lr=1e-3 * scale), loss=loss)
    history = t.fit(small[0], epochs=3, batch_size=50, progress=False)
    assert history[-1]["loss"] < history[0]["loss"]
    assert not history.diverged
    assert not caplog.records


def test_another_loss_is_another_start():
    watched = Watched()
    assert not watched.epoch([2.3] * 20)
    watched.trainer.loss = Squares(1e3)
    assert not watched.epoch([1e6] * 20)
    watched.trainer.loss = copy.deepcopy(watched.trainer.loss)
    assert not watched.epoch([1e12] * 20)
