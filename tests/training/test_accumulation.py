"""Several batches to a step: the step of one large batch."""

import numpy as np
import pytest

import fastcnn
from fastcnn import nn, optim
from fastcnn.data import Dataset
from fastcnn.errors import ArgumentError, DTypeError
from fastcnn.training import LambdaCallback

ENGINES = pytest.mark.parametrize("engine", [False, True], ids=["eager", "compiled"])


def network(seed=0, dtype=np.float64):
    layers = nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 36, 4)
    return nn.Sequential(*layers).initialize(seed=seed).astype(dtype)


def images(count, classes=4):
    rng = np.random.default_rng(7)
    return Dataset(rng.standard_normal((count, 1, 8, 8), np.float32), rng.integers(0, classes, count))


def trained(batch_size, several, *, loss=None, count=24, epochs=2, engine=True, **options):
    model = network()
    scheduler = options.pop("scheduler", None)
    optimizer = options.pop("optimizer", lambda p: optim.SGD(p, lr=0.1, momentum=0.9))(model.parameters())
    trainer = fastcnn.Trainer(
        model,
        optimizer,
        loss or nn.CrossEntropyLoss(),
        scheduler=scheduler(optimizer) if scheduler else None,
        engine=engine,
        accumulate_grad_batches=several,
        **{"preprocess": lambda x: x, **options},
    )
    trainer.fit(images(count), epochs=epochs, batch_size=batch_size, shuffle=False, progress=False)
    return trainer


def weights(trainer):
    return np.concatenate([each.data.ravel() for each in trainer.model.parameters()])


LOSSES = {
    "mean": lambda: nn.CrossEntropyLoss(),
    "smoothed": lambda: nn.CrossEntropyLoss(label_smoothing=0.1),
    "sum": lambda: nn.CrossEntropyLoss(reduction="sum"),
    "weights of classes": lambda: nn.CrossEntropyLoss(np.array([0.1, 2.0, 5.0, 0.5])),
    "ignored targets": lambda: nn.CrossEntropyLoss(ignore_index=2),
}


@ENGINES
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize(("batch_size", "several"), [(4, 3), (5, 2), (7, 2)])
def test_the_step_of_one_large_batch(loss, batch_size, several, engine):
    """Also at the end of an epoch, where batches are fewer, and the last one is smaller."""
    lr = 1e-3 if loss().reduction == "sum" else 0.1
    make = lambda p: optim.SGD(p, lr=lr, momentum=0.9)  # noqa: E731
    small = trained(batch_size, several, loss=loss(), engine=engine, optimizer=make)
    large = trained(batch_size * several, 1, loss=loss(), engine=engine, optimizer=make)
    np.testing.assert_allclose(weights(small), weights(large), rtol=1e-10, atol=1e-12)
    assert not np.allclose(weights(small), weights(trained(batch_size, 1, loss=loss(), optimizer=make)))


@ENGINES
def test_the_step_of_a_squared_error(engine):
    class ToOneHot(nn.MSELoss):
        def forward(self, input, target):
            return super().forward(input, np.eye(4)[target])

    small, large = (trained(*sizes, loss=ToOneHot(), engine=engine) for sizes in ((5, 3), (15, 1)))
    np.testing.assert_allclose(weights(small), weights(large), rtol=1e-10, atol=1e-12)


def test_gradients_are_clipped_when_the_step_is_taken():
    for limit in ({"clip_grad_norm": 0.01}, {"clip_grad_value": 0.001}):
        small, large = trained(4, 3, **limit), trained(12, 1, **limit)
        np.testing.assert_allclose(weights(small), weights(large), rtol=1e-9, atol=1e-12)


def test_factored_gradients_add_up():
    """A program leaves the gradients of a large linear layer as factors."""

    def run(several, batch_size):
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 4))
        model.initialize(seed=1)
        trainer = fastcnn.Trainer(
            model,
            optim.SGD(model.parameters(), lr=0.01),
            nn.CrossEntropyLoss(),
            accumulate_grad_batches=several,
        )
        rng = np.random.default_rng(0)
        data = Dataset(rng.integers(0, 255, (8, 1, 28, 28), np.uint8), rng.integers(0, 4, 8))
        trainer.fit(data, epochs=2, batch_size=batch_size, shuffle=False, progress=False)
        return weights(trainer)

    np.testing.assert_allclose(run(4, 1), run(1, 4), rtol=1e-4, atol=1e-6)


def test_schedules_and_callbacks_see_steps():
    rates, logs = [], []

    def note(trainer, batch, told):
        rates.append(trainer.optimizer.param_groups[0]["lr"])
        logs.append((told["updated"], told["stepped"]))

    trained(
        4,
        4,
        epochs=1,
        scheduler=lambda o: optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=2),
        callbacks=[LambdaCallback(on_batch_end=note)],
    )
    assert logs == [(True, False)] * 3 + [(True, True), (True, False), (True, True)]
    assert rates[:4] == [rates[0]] * 4  # the rate moves after the step
    assert rates[4] == rates[5] != rates[0]


def test_a_schedule_that_is_too_short_is_refused():
    with pytest.raises(ArgumentError, match="fit: 4 batches to come, but OneCycleLR has 3"):
        trained(4, 4, scheduler=lambda o: optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=3))


class StopError(Exception):
    pass


@ENGINES
@pytest.mark.parametrize("stop", [1, 2, 3, 5, 6, 8, 11])
def test_resumed_within_a_step_it_ends_in_the_same_bits(stop, engine, tmp_path):
    def run(fail, resume):
        model = network(dtype=np.float32)
        seen = []

        def maybe(trainer, batch, told):
            seen.append(batch)
            if fail and len(seen) == stop:
                raise StopError

        trainer = fastcnn.Trainer(
            model,
            optim.Adam(model.parameters(), lr=0.01),
            nn.CrossEntropyLoss(),
            engine=engine,
            accumulate_grad_batches=3,
            callbacks=[LambdaCallback(on_batch_end=maybe)],
        )
        given = {"epochs": 2, "batch_size": 4, "progress": False}
        path = {} if resume is None else {"checkpoint": tmp_path, "resume": resume, "checkpoint_every": 1}
        trainer.fit(images(22), **given, **path)
        return weights(trainer).tobytes()

    whole = run(False, None)
    with pytest.raises(StopError):
        run(True, False)
    assert run(False, True) == whole


def test_resumed_before_its_validation_an_epoch_has_no_steps_left(tmp_path):
    """A schedule that ends with the last step is not refused."""

    def run(fail, **options):
        def maybe(trainer, epoch):
            if fail:
                raise StopError

        model = network(dtype=np.float32)
        optimizer = optim.SGD(model.parameters())
        trainer = fastcnn.Trainer(
            model,
            optimizer,
            nn.CrossEntropyLoss(),
            scheduler=optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=4, cycle_momentum=False),
            accumulate_grad_batches=4,
            callbacks=[LambdaCallback(on_validation_begin=maybe)],
        )
        trainer.fit(images(22), epochs=2, batch_size=4, progress=False, checkpoint=tmp_path, **options)
        return trainer.scheduler.last_epoch

    with pytest.raises(StopError):
        run(True)
    assert run(False, resume=True) == 4


def test_a_checkpoint_of_another_number_is_refused(tmp_path):
    trainer = trained(4, 3, epochs=1)
    trainer.fit(images(24), epochs=1, batch_size=4, progress=False, checkpoint=tmp_path)
    trainer.accumulate_grad_batches = 2
    with pytest.raises(ArgumentError, match="accumulate_grad_batches is 2, but 3 in the training"):
        trainer.fit(images(24), epochs=1, batch_size=4, progress=False, checkpoint=tmp_path, resume=True)


def test_a_state_between_steps():
    model = network()
    trainer = fastcnn.Trainer(
        model, optim.SGD(model.parameters()), nn.CrossEntropyLoss(), accumulate_grad_batches=5
    )
    assert trainer.state_dict()["accumulated"] is None
    states = []
    watch = LambdaCallback(on_batch_end=lambda t, batch, told: states.append(t.state_dict()["accumulated"]))
    trainer.callbacks.append(watch)
    trainer.fit(images(24), epochs=1, batch_size=4, progress=False)
    assert [state and state["weight"] for state in states] == [4, 8, 12, 16, None, None]
    assert states[0]["gradients"][0].shape == (3, 1, 3, 3)
    broken = {**trainer.state_dict(), "accumulated": {"weight": 1.0, "gradients": {0: np.zeros(3)}}}
    with pytest.raises(ArgumentError, match="an accumulated gradient has the shape"):
        trainer.load_state_dict(broken)


@ENGINES
def test_a_batch_that_is_not_finite_is_left_out(engine):
    """The others make the step, as if there had been no such batch."""

    def run(spoiled):
        model = network()
        trainer = fastcnn.Trainer(
            model,
            optim.SGD(model.parameters(), lr=0.1),
            nn.CrossEntropyLoss(),
            stop_on_nan=False,
            engine=engine,
            accumulate_grad_batches=3,
            preprocess=lambda x: x,
        )
        data = images(12)
        pixels = np.array(data.images)
        if spoiled:
            pixels[4:8] = np.nan
        kept = np.arange(12) if spoiled else np.r_[0:4, 8:12]
        clean = Dataset(pixels[kept], data.labels[kept])
        trainer.fit(clean, epochs=1, batch_size=4, shuffle=False, progress=False)
        return weights(trainer)

    np.testing.assert_allclose(run(True), run(False), rtol=1e-12)


def test_train_step_takes_a_step_for_each_batch():
    model = network()
    trainer = fastcnn.Trainer(
        model, optim.SGD(model.parameters()), nn.CrossEntropyLoss(), accumulate_grad_batches=5
    )
    before = weights(trainer)
    trainer.train_step(np.ones((2, 1, 8, 8)), np.array([0, 1]))
    assert not np.array_equal(weights(trainer), before)


@pytest.mark.parametrize(("value", "error"), [(0, ArgumentError), (1.5, DTypeError), (True, DTypeError)])
def test_what_it_refuses(value, error):
    with pytest.raises(error, match="Trainer: accumulate_grad_batches"):
        trained(4, value)
