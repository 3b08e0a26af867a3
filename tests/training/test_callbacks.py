import math

import numpy as np
import pytest

from fastcnn.errors import ArgumentError, CheckpointError, DTypeError
from fastcnn.training import (
    BestWeights,
    Callback,
    CSVLogger,
    EarlyStopping,
    JSONLines,
    LambdaCallback,
    ModelCheckpoint,
    load_weights,
    read_metadata,
)

from .networks import linear, trainer


class Script(Callback):
    """Give each epoch a value, and remember the weights that it ended with."""

    def __init__(self, values, name="mine"):
        self.values, self.name, self.states = values, name, {}

    def on_epoch_end(self, trainer, epoch, row):
        row[self.name] = self.values[epoch - 1]
        self.states[epoch] = trainer.model.state_dict()


def run(small, callbacks, epochs, validation=False, model=None):
    t = trainer(linear() if model is None else model, callbacks=callbacks)
    t.fit(
        small[0],
        epochs=epochs,
        batch_size=100,
        validation=small[1] if validation else None,
        progress=False,
    )
    return t


def equal(state, other):
    return all(np.array_equal(state[key], other[key]) for key in state)


VALUES = [0.2, 0.9, math.nan, 0.1, 0.9, 0.3]


@pytest.mark.parametrize(
    ("make", "mode", "best"),
    [
        (lambda mode: BestWeights("mine", mode), "max", 2),
        (lambda mode: BestWeights("mine", mode), "min", 4),
        (lambda mode: EarlyStopping("mine", 10, mode=mode), "max", 2),
        (lambda mode: EarlyStopping("mine", 10, mode=mode), "min", 4),
        # The threshold of what counts as an improvement has no say in what is best.
        (lambda mode: EarlyStopping("mine", 10, 0.8, mode), "max", 2),
        (lambda mode: EarlyStopping("mine", 10, 0.8, mode), "min", 4),
    ],
)
def test_the_restored_epoch_is_the_best_one(small, make, mode, best):
    script, callback = Script(VALUES), make(mode)
    t = run(small, [script, callback], len(VALUES))
    assert best - 1 == (np.nanargmax if mode == "max" else np.nanargmin)(VALUES)
    assert callback.best_epoch == t.history.restored_epoch == best
    assert callback.best_value == VALUES[best - 1]
    assert t.history.best("mine", mode)["epoch"] == best
    assert equal(t.model.state_dict(), script.states[best])
    assert not equal(t.model.state_dict(), script.states[6])


@pytest.mark.parametrize(
    ("name", "mode", "better"),
    [
        ("val_loss", "auto", min),
        ("my_loss", "auto", min),
        ("sample_accuracy", "auto", max),
        ("f1", "auto", max),
        ("speed", "max", max),
        ("val_accuracy", "min", min),
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_the_kept_epoch_is_the_first_extreme_of_any_column(small, tmp_path, name, mode, better, seed):
    rng = np.random.default_rng(seed)
    # Few values, so that there are ties; NaN and the infinite among them.
    values = rng.choice([math.nan, -math.inf, math.inf, 0.0, 0.25, 0.5], 8).tolist()
    values[rng.integers(8)] = 0.5
    numbers = [value for value in values if not math.isnan(value)]
    expected = values.index(better(numbers)) + 1
    script, best = Script(values, name), BestWeights(name, mode)
    checkpoint = ModelCheckpoint(tmp_path / "best.safetensors", name, mode)
    t = run(small, [script, best, checkpoint], len(values), validation=True)
    assert best.best_epoch == t.history.restored_epoch == expected
    assert t.history.best(name, mode)["epoch"] == expected
    assert equal(t.model.state_dict(), script.states[expected])
    assert read_metadata(tmp_path / "best.safetensors")["epoch"] == str(expected)


def test_a_metric_that_is_always_nan_leaves_the_last_weights(small):
    script, best = Script([math.nan] * 3), BestWeights("mine", "max")
    t = run(small, [script, best], 3)
    assert best.best_epoch is t.history.restored_epoch is None
    assert equal(t.model.state_dict(), script.states[3])


@pytest.mark.parametrize("monitor", ["val_accuracy", "val_loss", "val_macro_f1"])
def test_real_metrics_are_followed_the_right_way_round(small, monitor):
    best = BestWeights(monitor)
    # A rate at which the figures go up and down.
    t = trainer(linear(), lr=0.3, callbacks=[best])
    t.fit(small[0], epochs=6, batch_size=20, validation=small[1], progress=False)
    column = t.history[monitor]
    extreme = min(column) if monitor == "val_loss" else max(column)
    assert len(set(column)) > 2
    assert best.best_epoch == column.index(extreme) + 1
    assert t.evaluate(small[1])[monitor.removeprefix("val_")] == extreme


def test_early_stopping_counts_epochs_without_improvement(small):
    stopping = EarlyStopping("mine", patience=2, mode="max")
    t = run(small, [Script([1, 3, 2, 4, 4, 3, 9]), stopping], 7)
    assert len(t.history) == 6
    assert t.history.stop_reason == "mine has not improved for 2 epochs (best 4 in epoch 4)"
    assert not t.history.interrupted
    assert not t.history.diverged
    assert t.history.restored_epoch == 4


def test_early_stopping_with_min_delta_counts_from_the_last_real_improvement(small):
    stopping = EarlyStopping("mine", patience=2, min_delta=0.5, mode="max")
    # 1.4 and 1.8 are no improvement on 1 alone, but 1.8 is one by then.
    assert len(run(small, [Script([1, 1.4, 1.8, 2.0, 2.2, 9]), stopping], 6).history) == 5


def test_early_stopping_may_leave_the_last_weights(small):
    script, stopping = Script([5, 1, 1]), EarlyStopping("mine", patience=1, mode="max", restore_best=False)
    t = run(small, [script, stopping], 3)
    assert stopping.best_epoch == 1
    assert t.history.restored_epoch is None
    assert equal(t.model.state_dict(), script.states[2])


def test_nan_is_no_improvement(small):
    stopping = EarlyStopping("mine", patience=2, mode="min")
    assert len(run(small, [Script([1, math.nan, math.nan, 0]), stopping], 4).history) == 3


def test_the_best_of_all_calls_of_fit_counts(small):
    script, best = Script([1, 7, 3, 2]), BestWeights("mine", "max")
    t = run(small, [script, best], 2)
    t.fit(small[0], epochs=2, batch_size=100, progress=False)
    assert t.history.restored_epoch == 2
    assert equal(t.model.state_dict(), script.states[2])
    # In another training it starts anew.
    other = run(small, [Script([5, 4]), best], 2)
    assert other.history.restored_epoch == 1


def test_the_checkpoint_is_the_best_epoch_so_far(small, tmp_path):
    path, seen = tmp_path / "best.safetensors", []
    script = Script([2, 5, 4, 5, 6, 1])
    checkpoint = ModelCheckpoint(path, "mine", "max", {"network": "linear"})
    watch = LambdaCallback(on_epoch_end=lambda t, epoch, row: seen.append(read_metadata(path)["epoch"]))
    run(small, [script, checkpoint, watch], 6)
    assert seen == ["1", "2", "2", "2", "5", "5"]
    assert read_metadata(path) == {"network": "linear", "epoch": "5", "mine": "6.0"}
    model = linear(seed=9)
    load_weights(model, path)
    assert equal(model.state_dict(), script.states[5])


def test_a_checkpoint_that_cannot_be_written_is_an_error(small, tmp_path):
    with pytest.raises(CheckpointError, match="cannot be written"):
        run(small, [ModelCheckpoint(tmp_path / "no" / "w", "accuracy")], 1)


def test_folders_are_looked_for_before_the_first_epoch(small, tmp_path):
    seen, path = [], tmp_path / "no" / "log"
    watch = LambdaCallback(on_epoch_begin=lambda t, epoch: seen.append(epoch))
    with pytest.raises(CheckpointError, match="no/log: cannot be written: there is no folder for it"):
        run(small, [ModelCheckpoint(path, "accuracy"), watch], 1)
    for kind in (CSVLogger, JSONLines):
        with pytest.raises(FileNotFoundError, match=f"{kind.__name__}: path: there is no folder for it"):
            run(small, [kind(path), watch], 1)
    assert seen == []


def test_the_log_is_there_after_every_epoch(small, tmp_path):
    path, lines = tmp_path / "history.csv", []
    watch = LambdaCallback(on_epoch_end=lambda t, epoch, row: lines.append(path.read_text().count("\n")))
    t = run(small, [CSVLogger(path), watch], 3, validation=True)
    assert lines == [2, 3, 4]
    assert path.read_text().splitlines()[0].split(",") == [
        "epoch", "lr", "loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "seconds",
        "images_per_second",
    ]  # fmt: skip
    CSVLogger(path, {"epoch": "Epoch", "val_macro_f1": "F1 Score"}).on_epoch_end(t, 3, {})
    assert path.read_text().splitlines()[0] == "Epoch,F1 Score"


def test_the_order_of_events(small):
    class Log(Callback):
        def __init__(self):
            self.events = []

        def on_train_begin(self, trainer):
            self.events.append("begin")

        def on_epoch_begin(self, trainer, epoch):
            self.events.append(f"epoch {epoch}")

        def on_batch_begin(self, trainer, batch, images, labels):
            assert images.shape == (len(labels), 1, 28, 28)
            assert images.dtype == np.uint8
            self.events.append(f"batch {batch}")

        def on_batch_end(self, trainer, batch, logs):
            assert logs.keys() == {"loss", "correct", "count", "updated", "stepped"}
            assert logs["updated"]
            self.events.append(f"end of batch {batch}")

        def on_epoch_end(self, trainer, epoch, row):
            assert row is trainer.history[-1]
            self.events.append(f"end {epoch}")

        def on_train_end(self, trainer, history):
            self.events.append("finish")

    log = Log()
    t = run(small, [log], 2)
    batches = [f"{place} {number}" for number in (1, 2, 3) for place in ("batch", "end of batch")]
    assert log.events == ["begin", "epoch 1", *batches, "end 1", "epoch 2", *batches, "end 2", "finish"]
    log.events.clear()
    t.fit(small[0], epochs=0, batch_size=100, progress=False)
    assert log.events == ["begin", "finish"]


def test_a_callback_can_stop_in_the_middle_of_an_epoch(small):
    stop = LambdaCallback(on_batch_end=lambda t, batch, logs: t.stop("enough") if batch == 2 else None)
    t = run(small, [stop], 3)
    assert t.history.stop_reason == "enough"
    assert len(t.history) == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s: EarlyStopping(patience=0), ArgumentError, "EarlyStopping: patience must be at least 1"),
        (lambda s: EarlyStopping(min_delta=-1), ArgumentError, "min_delta must be at least 0, got -1"),
        (lambda s: BestWeights("speed"), ArgumentError, "say mode='min' or mode='max' for 'speed'"),
        (lambda s: BestWeights(mode="most"), ArgumentError, "mode must be 'auto', 'min' or 'max'"),
        (
            lambda s: LambdaCallback(on_fire=print),
            ArgumentError,
            "unknown event 'on_fire' .known: on_train_begin",
        ),
        (lambda s: LambdaCallback(on_train_end=3), DTypeError, "on_train_end must be callable, got 3"),
        (
            lambda s: run(s, [BestWeights()], 1),
            ArgumentError,
            "BestWeights: 'val_accuracy' needs validation data",
        ),
        (
            lambda s: run(s, [BestWeights("top5", "max")], 1),
            ArgumentError,
            "BestWeights: no metric 'top5' .there are: epoch, lr, loss, accuracy",
        ),
    ],
)
def test_invalid_arguments_are_named(small, call, error, message):
    with pytest.raises(error, match=message):
        call(small)
