import pytest

from fastcnn import optim
from fastcnn.errors import ArgumentError, DTypeError
from fastcnn.optim import lr_scheduler
from fastcnn.training import LambdaCallback

from .networks import linear, trainer


def sgd(lr=1.0):
    model = linear()
    return model, optim.SGD(model.parameters(), lr=lr, momentum=0.9)


def test_one_cycle_is_stepped_per_batch(small):
    model, optimizer = sgd()
    scheduler = lr_scheduler.OneCycleLR(optimizer, 0.1, epochs=2, steps_per_epoch=3)
    rates = []
    watch = LambdaCallback(on_batch_end=lambda t, b, logs: rates.append(t.optimizer.param_groups[0]["lr"]))
    t = trainer(model, optimizer=optimizer, scheduler=scheduler, callbacks=[watch])
    t.fit(small[0], epochs=2, batch_size=100, progress=False)
    reference = lr_scheduler.OneCycleLR(other := sgd()[1], 0.1, total_steps=6)
    expected = []
    for _ in range(6):
        expected.append(other.param_groups[0]["lr"])
        reference.step()
    assert rates == expected
    assert t.history["lr"] == [expected[2], expected[5]]


def test_one_cycle_that_is_too_short_is_found_before_training(small):
    model, optimizer = sgd()
    scheduler = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=6)
    t = trainer(model, optimizer=optimizer, scheduler=scheduler)
    t.fit(small[0], epochs=1, batch_size=100, progress=False)
    with pytest.raises(
        ArgumentError, match=r"fit: 6 batches to come, but OneCycleLR has 3 of total_steps=6 left"
    ):
        t.fit(small[0], epochs=2, batch_size=100, progress=False)


@pytest.mark.parametrize(("when", "last"), [(None, 0.125), ("epoch", 0.125), ("batch", 0.5**9)])
def test_other_schedules_are_stepped_per_epoch_unless_told_otherwise(small, when, last):
    model, optimizer = sgd()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    t = trainer(model, optimizer=optimizer, scheduler=scheduler, scheduler_step=when)
    t.fit(small[0], epochs=3, batch_size=100, progress=False)
    assert optimizer.param_groups[0]["lr"] == last
    if when != "batch":
        assert t.history["lr"] == [1.0, 0.5, 0.25]


def plateau(mode, monitor=None, values=None):
    model, optimizer = sgd()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, mode, patience=0)
    callbacks = []
    if values is not None:
        callbacks = [LambdaCallback(on_epoch_end=lambda t, epoch, row: row.update(mine=values[epoch - 1]))]
    return scheduler, trainer(
        model, optimizer=optimizer, scheduler=scheduler, monitor=monitor, callbacks=callbacks
    )


@pytest.mark.parametrize(
    ("mode", "with_validation", "column"),
    [
        ("min", True, "val_loss"),
        ("max", True, "val_accuracy"),
        ("min", False, "loss"),
        ("max", False, "accuracy"),
    ],
)
def test_a_plateau_watches_what_suits_its_mode(small, mode, with_validation, column):
    scheduler, t = plateau(mode)
    validation = small[1] if with_validation else None
    t.fit(small[0], epochs=2, batch_size=100, validation=validation, progress=False)
    assert scheduler.best == (min if mode == "min" else max)(t.history[column])


def test_a_plateau_watches_what_it_is_told_to(small):
    scheduler, t = plateau("max", monitor="mine", values=[5, 9, 9, 9, 10])
    t.fit(small[0], epochs=5, batch_size=100, progress=False)
    assert scheduler.best == 10
    assert t.history["lr"] == pytest.approx([1, 1, 1, 0.1, 0.01])


@pytest.mark.parametrize(
    ("monitor", "message"),
    [
        ("val_loss", "Trainer: monitor 'val_loss' needs validation data"),
        ("speed", "Trainer: no metric 'speed' .there are: epoch, lr, loss"),
    ],
)
def test_a_metric_that_is_not_there_is_named(small, monitor, message):
    _, t = plateau("min", monitor=monitor)
    with pytest.raises(ArgumentError, match=message):
        t.fit(small[0], epochs=1, batch_size=100, progress=False)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (lambda o: {"scheduler": "cosine"}, DTypeError, "scheduler must be one of .* got str"),
        (
            lambda o: {"scheduler": lr_scheduler.StepLR(sgd()[1], 2)},
            ArgumentError,
            "the scheduler belongs to another optimizer",
        ),
        (lambda o: {"scheduler_step": "week"}, ArgumentError, "must be 'batch' or 'epoch', got 'week'"),
        (
            lambda o: {"scheduler": lr_scheduler.ReduceLROnPlateau(o), "scheduler_step": "batch"},
            ArgumentError,
            "ReduceLROnPlateau is stepped after each epoch",
        ),
        (
            lambda o: {"scheduler": lr_scheduler.StepLR(o, 2), "monitor": "loss"},
            ArgumentError,
            "monitor is for ReduceLROnPlateau",
        ),
    ],
)
def test_invalid_arguments_are_named(options, error, message):
    model, optimizer = sgd()
    with pytest.raises(error, match=message):
        trainer(model, optimizer=optimizer, **options(optimizer))
