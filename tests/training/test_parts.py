"""The parts of a Trainer: each that is set takes effect everywhere, or says why not."""

import math

import numpy as np
import pytest

from fastcnn import nn, optim
from fastcnn.errors import ArgumentError, DTypeError
from fastcnn.optim import lr_scheduler
from fastcnn.training import BestWeights, Callback, LambdaCallback, StopOnNaN

from .networks import linear, network, trainer


def batch(small, count=20):
    return small[0].images[:count], small[0].labels[:count]


def weights(model):
    return {name: value.copy() for name, value in model.state_dict().items()}


def assert_equal(model, state):
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, state[name], err_msg=name)


def one_step(model, optimizer, loss, x, y, engine=True):
    """Return the weights after one step of a new Trainer."""
    t = trainer(model, optimizer=optimizer, loss=loss, engine=engine)
    return t.train_step(x, y), weights(model)


def sgd(model, lr=0.1):
    return optim.SGD(model.parameters(), lr=lr)


@pytest.fixture(params=[True, False], ids=["compiled", "eager"])
def engine(request):
    return request.param


def test_another_model(small, engine):
    x, y = batch(small)
    old, new = network(seed=1, dropout=0.3), network(seed=2, dropout=0.3)
    t = trainer(old, engine=engine)
    t.train_step(x, y)
    before = weights(old)
    t.model = new
    t.optimizer = sgd(new)
    assert t.model is new
    loss = t.train_step(x, y)
    reference = network(seed=2, dropout=0.3)
    expected_loss, expected = one_step(reference, sgd(reference), nn.CrossEntropyLoss(), x, y, engine)
    assert loss == expected_loss
    assert_equal(new, expected)
    assert_equal(old, before)
    np.testing.assert_array_equal(t.predict(x), trainer(reference, engine=engine).predict(x))
    assert t.evaluate(small[1])["loss"] == trainer(reference, engine=engine).evaluate(small[1])["loss"]


def test_a_model_of_another_precision(small, engine):
    """The images become what the new model takes."""
    x, y = batch(small)
    t = trainer(linear(), engine=engine)
    t.predict(x)
    t.model = linear().double()
    assert t.predict(x).dtype == np.float64
    t.optimizer = sgd(t.model)
    assert math.isfinite(t.train_step(x, y))


def test_a_model_without_its_optimizer(small):
    """It can be used, but not trained."""
    t = trainer(linear(seed=1))
    t.model = new = linear(seed=2)
    np.testing.assert_array_equal(
        t.predict(small[0].images), trainer(linear(seed=2)).predict(small[0].images)
    )
    before = weights(new)
    message = "Trainer: the optimizer holds no parameter of the model: make one over model.parameters"
    with pytest.raises(ArgumentError, match=message):
        t.train_step(*batch(small))
    with pytest.raises(ArgumentError, match=message):
        t.fit(small[0], epochs=1, batch_size=50, progress=False)
    assert_equal(new, before)
    t.optimizer = sgd(new)
    t.fit(small[0], epochs=1, batch_size=50, progress=False)


def test_another_optimizer(small, engine):
    x, y = batch(small)
    t = trainer(linear(seed=3), engine=engine, lr=5)
    t.optimizer = sgd(t.model, lr=0.25)
    t.train_step(x, y)
    reference = linear(seed=3)
    assert_equal(t.model, one_step(reference, sgd(reference, 0.25), nn.CrossEntropyLoss(), x, y, engine)[1])
    history = t.fit(small[0], epochs=1, batch_size=100, progress=False)
    assert history["lr"] == [0.25]


def test_another_optimizer_within_fit(small):
    """A callback may change it: the next step is the new one's, and the row has its rate."""
    t = trainer(linear())

    def change(trainer, epoch, row):
        trainer.optimizer = sgd(trainer.model, lr=0.5 / epoch)

    t.callbacks = [LambdaCallback(on_epoch_end=change)]
    assert t.fit(small[0], epochs=3, batch_size=100, progress=False)["lr"] == [0.01, 0.5, 0.25]


def test_other_groups_of_the_optimizer(small):
    t = trainer(linear(seed=3), lr=1.0)
    t.optimizer.param_groups = [{**t.optimizer.param_groups[0], "lr": 0.0}]
    before = weights(t.model)
    assert t.fit(small[0], epochs=1, batch_size=100, progress=False)["lr"] == [0.0]
    assert_equal(t.model, before)
    t.optimizer.param_groups = sgd(linear()).param_groups
    with pytest.raises(ArgumentError, match="the optimizer holds no parameter of the model"):
        t.fit(small[0], epochs=1, batch_size=100, progress=False)


def test_another_loss(small, engine):
    x, y = batch(small)
    t = trainer(linear(seed=3), optimizer=None, engine=engine)
    t.optimizer = sgd(t.model)
    t.loss = loss = nn.CrossEntropyLoss(label_smoothing=0.2, reduction="sum")
    got = t.train_step(x, y)
    reference = linear(seed=3)
    expected, state = one_step(reference, sgd(reference), loss, x, y, engine)
    assert got == expected
    assert_equal(t.model, state)
    # In evaluation, and in the history, too: the sum over all images.
    assert t.evaluate(small[1])["loss"] == loss(t.predict(small[1].images), small[1].labels)
    t.optimizer.param_groups[0]["lr"] = 0.0
    row = t.fit(small[0], epochs=1, batch_size=100, progress=False)[-1]
    assert row["loss"] == pytest.approx(t.evaluate(small[0])["loss"], rel=1e-5)


def test_another_reduction_of_the_loss(small):
    t = trainer(linear(), optimizer=None)
    t.optimizer = sgd(t.model, lr=0.0)
    mean = t.fit(small[0], epochs=1, batch_size=100, progress=False)[-1]["loss"]
    t.loss.reduction = "sum"
    assert t.fit(small[0], epochs=1, batch_size=100, progress=False)[-1]["loss"] == pytest.approx(300 * mean)
    t.loss.reduction = "none"
    with pytest.raises(ArgumentError, match="the loss must be one number: reduction 'mean' or 'sum'"):
        t.fit(small[0], epochs=1, batch_size=100, progress=False)
    assert len(t.history) == 2


def test_another_schedule(small):
    t = trainer(linear(), lr=0.1)
    assert t.scheduler is None
    t.scheduler = lr_scheduler.ExponentialLR(t.optimizer, 0.5)
    assert t.fit(small[0], epochs=2, batch_size=100, progress=False)["lr"] == [0.1, 0.05]
    t.scheduler_step = "batch"
    assert t.fit(small[0], epochs=1, batch_size=100, progress=False)["lr"][-1] == 0.025 / 4
    t.scheduler = None
    with pytest.raises(ArgumentError, match="Trainer: scheduler_step must be 'batch' or 'epoch', got 'step'"):
        t.scheduler_step = "step"


def test_a_schedule_that_waits(small):
    t = trainer(linear(), lr=0.1)
    t.scheduler = lr_scheduler.ReduceLROnPlateau(t.optimizer, "max", patience=0)
    t.monitor = "val_macro_f1"
    with pytest.raises(ArgumentError, match="monitor 'val_macro_f1' needs validation data"):
        t.fit(small[0], epochs=1, batch_size=100, progress=False)
    t.fit(small[0], epochs=1, batch_size=100, validation=small[1], progress=False)
    assert t.scheduler.best == t.history[0]["val_macro_f1"]
    t.scheduler = lr_scheduler.StepLR(t.optimizer, 1)
    with pytest.raises(ArgumentError, match="Trainer: monitor is for ReduceLROnPlateau"):
        t.fit(small[0], epochs=1, batch_size=100, progress=False)


def test_a_schedule_of_another_optimizer(small):
    t = trainer(linear())
    t.scheduler = lr_scheduler.StepLR(t.optimizer, 1)
    t.optimizer = sgd(t.model)
    message = "the scheduler belongs to another optimizer: make one on this optimizer, or set None"
    with pytest.raises(ArgumentError, match=message):
        t.train_step(*batch(small))
    t.scheduler = lr_scheduler.StepLR(t.optimizer, 1, 0.1)
    assert t.fit(small[0], epochs=2, batch_size=100, progress=False)["lr"] == pytest.approx([0.1, 0.01])


def test_other_callbacks(small):
    met = []
    t = trainer(linear())
    t.callbacks = (LambdaCallback(on_epoch_end=lambda trainer, epoch, row: met.append(epoch)),)
    t.callbacks += [LambdaCallback(on_train_end=lambda trainer, history: met.append("end"))]
    t.fit(small[0], epochs=2, batch_size=100, progress=False)
    assert met == [1, 2, "end"]
    t.callbacks.append(print)
    with pytest.raises(DTypeError, match="Trainer: callbacks must be Callbacks, got builtin"):
        t.fit(small[0], epochs=1, batch_size=100, progress=False)


def test_watching_for_nan():
    def watchers(t):
        return [type(each) for each in t.callbacks]

    t, own = trainer(linear()), StopOnNaN()
    assert watchers(t) == [StopOnNaN]
    t.callbacks = [Callback()]
    assert watchers(t) == [StopOnNaN, Callback]
    t.callbacks = [Callback(), own]
    assert watchers(t) == [Callback, StopOnNaN]
    t.stop_on_nan = False
    assert watchers(t) == [Callback]
    t.callbacks = [own]
    assert watchers(t) == [StopOnNaN]
    t.stop_on_nan = True
    assert t.callbacks == [own]


def test_another_preprocess(small):
    x, _ = batch(small)
    t = trainer(linear())
    t.preprocess = lambda images: images.astype(np.float32) * 0
    np.testing.assert_array_equal(t.predict(x), np.tile(t.model[1].bias.data, (len(x), 1)))
    t.preprocess = None
    np.testing.assert_array_equal(t.predict(x), trainer(linear()).predict(x))


def test_another_seed(small):
    """Of dropout and of the order."""
    states = []
    for set_later in (False, True):
        t = trainer(network(dropout=0.5), seed=0 if set_later else 7)
        if set_later:
            t.seed = 7
        t.fit(small[0], epochs=1, batch_size=64, progress=False)
        states.append(weights(t.model))
    for name, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][name])
    with pytest.raises(ArgumentError, match="Trainer: seed must be at least 0"):
        t.seed = -1
    assert t.seed == 7


def test_with_and_without_the_engine(small):
    x, y = batch(small)
    for first in (True, False):
        t, reference = trainer(network(), engine=first), trainer(network(), engine=not first)
        t.predict(x)
        t.engine = not first
        assert t.train_step(x, y) == reference.train_step(x, y)
        assert_equal(t.model, weights(reference.model))


def test_limits_of_gradients(small, engine):
    x, y = batch(small)
    t = trainer(linear(), engine=engine)
    t.optimizer = sgd(t.model, lr=1.0)
    before = t.model[1].weight.data.copy()
    t.train_step(x, y)
    assert np.abs(t.model[1].weight.data - before).max() > 1e-3
    before = t.model[1].weight.data.copy()
    t.clip_grad_value = 1e-3
    t.train_step(x, y)
    assert np.abs(t.model[1].weight.data - before).max() == pytest.approx(1e-3, rel=1e-4)
    t.clip_grad_value, t.clip_grad_norm = None, 1e-2
    before = weights(t.model)
    t.train_step(x, y)
    change = np.concatenate([(value - before[name]).ravel() for name, value in t.model.state_dict().items()])
    assert np.linalg.norm(change) == pytest.approx(1e-2, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("model", "net", DTypeError, "Trainer: model must be a Module, got str"),
        ("optimizer", linear(), DTypeError, "Trainer: optimizer must be an Optimizer, got Sequential"),
        ("loss", print, DTypeError, "Trainer: loss must be callable and have backward, got builtin"),
        ("loss", nn.MSELoss, DTypeError, "Trainer: loss must be an object, got the class: MSELoss"),
        ("loss", nn.MSELoss("none"), ArgumentError, "reduction 'mean' or 'sum', not 'none'"),
        ("scheduler", 3, DTypeError, "scheduler must be one of fastcnn.optim.lr_scheduler, got int"),
        ("callbacks", [3], DTypeError, "Trainer: callbacks must be Callbacks, got int"),
        ("callbacks", Callback(), DTypeError, "callbacks must be an iterable of Callbacks, got Callback"),
        ("preprocess", 3, DTypeError, "Trainer: preprocess must be callable, got int"),
        ("clip_grad_norm", -1, ArgumentError, "Trainer: clip_grad_norm must be at least 0, got -1"),
        ("clip_grad_value", "1", DTypeError, "Trainer: clip_grad_value must be a number, got '1'"),
    ],
)
def test_what_cannot_be_set(small, name, value, error, message):
    t = trainer(linear())
    before = getattr(t, name)
    with pytest.raises(error, match=message):
        setattr(t, name, value)
    assert getattr(t, name) is before
    t.fit(small[0], epochs=1, batch_size=100, progress=False)


def test_callbacks_follow_the_model(small):
    """The best weights of one model are not put into another one."""
    best = BestWeights("accuracy")
    t = trainer(linear(), callbacks=[best], lr=1e-2)
    t.fit(small[0], epochs=2, batch_size=50, progress=False)
    best.best_value = 2.0  # more than any epoch reaches
    t.model = network()
    t.optimizer = sgd(t.model, lr=1e-2)
    t.fit(small[0], epochs=2, batch_size=50, progress=False)
    assert best.best_epoch in (3, 4)
    assert t.history.restored_epoch == best.best_epoch

    def change(trainer, epoch, row):
        if epoch == 5:
            trainer.model = linear()
            trainer.optimizer = sgd(trainer.model)

    t.callbacks = [best, LambdaCallback(on_epoch_end=change)]
    t.fit(small[0], epochs=2, batch_size=50, progress=False)
    assert best.best_epoch == 6
    np.testing.assert_array_equal(t.model[1].weight.data, best._state["1.weight"])
