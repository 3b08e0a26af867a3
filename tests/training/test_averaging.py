"""An average of the weights beside a training."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.data import Dataset
from fastcnn.errors import ArgumentError, DTypeError
from fastcnn.training import EMA, BestWeights, LambdaCallback


def images(count, seed=7):
    rng = np.random.default_rng(seed)
    return Dataset(rng.integers(0, 255, (count, 1, 8, 8), np.uint8), rng.integers(0, 3, count))


def trainer_of(callbacks, engine=True, **options):
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 3))
    model.initialize(seed=0)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    return fastcnn.Trainer(
        model, optimizer, nn.CrossEntropyLoss(), callbacks=callbacks, engine=engine, **options
    )


def fit(trainer, epochs=2, **options):
    given = {"batch_size": 5, "validation": images(9, 1), "progress": False}
    trainer.fit(images(20), epochs=epochs, **given, **options)
    return trainer


def bits(state):
    return {name: values.tobytes() for name, values in state.items()}


def seen_by_hand(decay, epochs=2, several=1):
    """Return the average, and the weights, of a training that has none."""
    averages, weights = [], []

    def start(trainer):
        averages.append({n: v.astype(np.float64) for n, v in trainer.model.state_dict().items()})

    def after(trainer, batch, told):
        if told["stepped"]:
            new = trainer.model.state_dict()
            averages.append({n: decay * v + (1 - decay) * new[n] for n, v in averages[-1].items()})
            weights.append(new)

    watch = LambdaCallback(on_train_begin=start, on_batch_end=after)
    fit(trainer_of([watch], accumulate_grad_batches=several), epochs)
    return averages[-1], weights[-1], len(averages) - 1


@pytest.mark.parametrize(("several", "steps"), [(1, 8), (3, 4)])
def test_it_averages_after_each_step_and_leaves_the_average(several, steps):
    want, weights, taken = seen_by_hand(0.8, several=several)
    ema = EMA(0.8)
    trainer = fit(trainer_of([ema], accumulate_grad_batches=several))
    found = trainer.model.state_dict()
    assert taken == steps
    assert ema.averaged.n_averaged == steps + 1  # what it began with among them
    for name, values in found.items():
        if values.dtype.kind == "f":
            np.testing.assert_allclose(values, want[name], rtol=1e-4, atol=1e-6)
    assert not np.array_equal(found["4.weight"], weights["4.weight"])
    assert bits(ema._weights) == bits(weights)  # training was not touched by it


def test_validation_and_the_best_epoch_are_those_of_the_average():
    ema, best, seen = EMA(0.5), BestWeights("val_loss"), []
    watch = LambdaCallback(on_epoch_end=lambda t, epoch, row: seen.append(t.model.state_dict()))
    trainer = trainer_of([ema, watch, best])
    fit(trainer, 3)
    row = trainer.history[best.best_epoch - 1]
    assert bits(trainer.model.state_dict()) == bits(seen[best.best_epoch - 1])
    assert trainer.evaluate(images(9, 1))["loss"] == pytest.approx(row["val_loss"], rel=1e-6)


def test_a_second_fit_goes_on_with_the_weights():
    ema = EMA(0.8)
    whole, twice = fit(trainer_of([EMA(0.8)]), 3), fit(trainer_of([ema]), 2)
    fit(twice, 1)
    assert bits(twice.model.state_dict()) == bits(whole.model.state_dict())
    assert ema.averaged.n_averaged == 13


def test_a_model_with_other_weights_begins_anew():
    ema = EMA(0.8)
    trainer = fit(trainer_of([ema]), 2)
    trainer.model.initialize(seed=5)
    fit(trainer, 1)
    assert ema.averaged.n_averaged == 5
    other = trainer_of([ema])
    fit(other, 1)
    assert ema.averaged.n_averaged == 5


class StopError(Exception):
    pass


@pytest.mark.parametrize("engine", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("stop", [1, 3, 4, 5, 8])
def test_resumed_it_ends_in_the_same_bits(stop, engine, tmp_path):
    def run(fail, **options):
        seen = []

        def maybe(trainer, *told):
            seen.append(told)
            if fail and len(seen) == stop:
                raise StopError

        ema = EMA(0.7)
        trainer = trainer_of([ema, LambdaCallback(on_batch_end=maybe), BestWeights("val_loss")], engine)
        fit(trainer, 2, **options)
        return bits(trainer.model.state_dict()), bits(ema.averaged.state_dict()), bits(ema._weights)

    whole = run(False)
    with pytest.raises(StopError):
        run(True, checkpoint=tmp_path, checkpoint_every=1)
    assert run(False, checkpoint=tmp_path, resume=True) == whole


def test_resumed_after_an_epoch_it_has_the_weights_again(tmp_path):
    """The checkpoint between two epochs has the average in the model's place."""

    def run(*events, **options):
        ema = EMA(0.7)
        trainer = trainer_of([ema, *events])
        fit(trainer, 3, **options)
        return bits(trainer.model.state_dict()), bits(ema.averaged.state_dict())

    def maybe(trainer, epoch):
        if epoch == 3:
            raise StopError

    with pytest.raises(StopError):
        run(LambdaCallback(on_epoch_begin=maybe), checkpoint=tmp_path)
    assert run(checkpoint=tmp_path, resume=True) == run()
    with pytest.raises(StopError):
        run(LambdaCallback(on_validation_begin=maybe), checkpoint=tmp_path)
    assert run(checkpoint=tmp_path, resume=True) == run()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: EMA(1.5), ArgumentError, r"EMA: decay must be in \[0, 1\]"),
        (lambda: EMA("x"), DTypeError, "EMA: decay must be a number"),
        (lambda: EMA(use_buffers=1), DTypeError, "EMA: use_buffers must be True or False"),
    ],
)
def test_what_it_refuses(make, error, message):
    with pytest.raises(error, match=message):
        make()
