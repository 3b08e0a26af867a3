"""A step that is not finite changes nothing, ends training, and is said where it went wrong."""

import re

import numpy as np
import pytest

from fastcnn import data, nn, optim
from fastcnn.nn import functional as F
from fastcnn.training import LambdaCallback, Trainer, lr_find

from .networks import linear, network, trainer


def everything(trained):
    """Return the bytes of weights, buffers and what the optimizer keeps."""
    kept = trained.optimizer.state_dict()
    state = {name: value.tobytes() for name, value in trained.model.state_dict().items()}
    for number, each in kept["state"].items():
        state |= {f"{number} {name}": np.asarray(value).tobytes() for name, value in each.items()}
    return state


class Watched:
    """A fit that keeps what there was before the latest step."""

    def __init__(self, trained, dataset, batch_size=50):
        self.before, self.batch = {}, 0
        trained.callbacks.append(LambdaCallback(on_batch_begin=self.keep))
        self.history = trained.fit(dataset, epochs=3, batch_size=batch_size, progress=False)
        self.trained = trained

    def keep(self, trained, batch, images, labels):
        self.before, self.batch = everything(trained), batch

    def check(self, batch, where):
        """Check that it ended at this batch with nothing changed, and said where."""
        assert self.history.diverged
        assert self.batch == batch
        told = (
            rf"in epoch 1, batch {batch} \(learning rate .*\), and the first values .* are {where}; the step "
        )
        expected = told + "has changed nothing"
        assert re.search(expected, self.history.stop_reason), self.history.stop_reason
        assert everything(self.trained) == self.before
        for value in self.trained.model.state_dict().values():
            assert np.isfinite(value).all()


class Growing(nn.Module):
    """Functions between layers, which overflow when a factor is large."""

    def __init__(self, factor):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, stride=2)
        self.norm = nn.BatchNorm2d(4)
        self.last = nn.Linear(4 * 169, 10)
        self.factor = factor

    def forward(self, x):
        x = self.norm(self.first(x))
        y = F.relu(x * self.factor) * self.factor
        return self.last(F.flatten(y, 1))


class Root(nn.Module):
    """A layer whose gradient is infinite where its input is 0."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(784, 10)
        self.weight = nn.Parameter(np.ones(10, np.float32))

    def forward(self, x):
        y = self.first(F.flatten(x, 1))
        return F.sqrt(y * y) * self.weight


class Divides(optim.Optimizer):
    """A user's optimizer, whose steps are not finite from its third on."""

    def __init__(self, params):
        super().__init__(params, {"lr": 0.1})

    def _check(self, group):
        pass

    def _update(self, pairs, dtype, group):
        for parameter, grad in pairs:
            state = self.state.setdefault(parameter, {"step": 0})
            state["step"] += 1
            with np.errstate(divide="ignore", invalid="ignore"):
                parameter.data[...] -= grad / dtype.type(state["step"] < 3)


@pytest.fixture(params=[True, False], ids=["engine", "eager"])
def engine(request):
    return request.param


def test_images(small, engine):
    images = small[0].images.astype(np.float32) / 255
    images[[3, 9], 0, 5, 5] = np.nan, np.inf
    dataset = data.Dataset(images, small[0].labels)
    found = Watched(trainer(engine=engine), dataset, len(images))
    found.check(1, r"in the images: image \d+ of the batch and 1 others have some")


def test_weights_that_were_not_finite_before(small, engine):
    model = network()
    model[4].weight.data[0, 0, 0, 0] = np.inf
    before = model.state_dict()
    history = trainer(model, engine=engine).fit(small[0], epochs=1, batch_size=50, progress=False)
    assert "are among the weights, which had them before the step: 4.weight" in history.stop_reason
    assert all(np.array_equal(model.state_dict()[key], value) for key, value in before.items())


def test_a_layer(small, engine):
    """The running statistics before it, which the step has passed through, are put back as well."""
    model = network()
    model[4].weight.data[...] *= 1e38
    found = Watched(trainer(model, engine=engine), small[0])
    found.check(1, r"those that layer '[45]' \(\w+\) makes: \d+ of \d+, of values of at most [\d.e+]+")
    assert model[1].num_batches_tracked == 0


def test_a_function_in_a_forward(small, engine):
    model = Growing(1e30).initialize(seed=0)
    found = Watched(trainer(model, engine=engine), small[0])
    found.check(1, r"those that Multiply in the forward of Growing makes: \d+ of 33800, .*")


def test_a_function_in_the_forward_of_a_layer(small, engine):
    model = nn.Sequential(Growing(1e30)).initialize(seed=0)
    found = Watched(trainer(model, engine=engine), small[0])
    found.check(1, r"those that Multiply in the forward of layer '0' \(Growing\) makes: .*")


def test_the_loss(small, engine):
    class Infinite(nn.CrossEntropyLoss):
        def compute(self, input, target):
            value, gradient = super().compute(input, target)
            return value * np.float32(np.inf), gradient

    found = Watched(trainer(linear(), loss=Infinite(), engine=engine), small[0])
    found.check(1, r"the loss itself, of outputs of at most [\d.]+")


def test_a_gradient(small, engine):
    model = Root().initialize(seed=0)
    model.first.weight.data[3] = 0
    model.first.bias.data[3] = 0
    found = Watched(trainer(model, engine=engine), small[0])
    assert np.isfinite(float(re.search(r"the loss is (\S+) in", found.history.stop_reason).group(1)))
    found.check(1, r"in the gradient of first\.(weight|bias)")


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, lr=1e39),
        lambda p: optim.SGD(p, lr=1e39, momentum=0.9),
        lambda p: optim.Adam(p, lr=1e39),
        lambda p: optim.AdamW(p, lr=1e25, weight_decay=1e20),
        lambda p: optim.Adam(p, eps=0.0),  # of images' borders, which are 0: 0 / 0
    ],
)
def test_what_the_optimizer_makes_of_the_weights(small, engine, make):
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).initialize(seed=0)
    model[1].weight.data[...] *= 100  # so that gradients are about 1
    found = Watched(trainer(model, optimizer=make(model.parameters()), engine=engine), small[0])
    found.check(1, "in what the optimizer makes of the weights")


def test_a_gradient_of_a_parameter_that_is_not_the_models(small, engine):
    model, other = linear(), nn.Parameter(np.ones(3, np.float32))
    other.grad = np.float32([1, np.nan, 1])
    optimizer = optim.SGD([*model.parameters(), other], lr=0.1)
    found = Watched(trainer(model, optimizer=optimizer, engine=engine), small[0])
    found.check(1, r"in the gradient of a parameter \(3,\) that is not the model's")


def test_an_optimizer_of_a_users(small, engine):
    model = linear()
    found = Watched(trainer(model, optimizer=Divides(model.parameters()), engine=engine), small[0])
    found.check(3, "in what the optimizer makes of the weights")


@pytest.mark.parametrize("lr", [1e5, 1e8, 1e10, 1e20, 1e30])
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("make", [network, lambda: Growing(10.0).initialize(seed=0)])
def test_rates_that_are_far_too_high_leave_finite_weights(small, engine, lr, kind, make):
    model = make()
    optimizer = kind(model.parameters(), lr=lr)
    history = trainer(model, optimizer=optimizer, engine=engine).fit(
        small[0], epochs=2, batch_size=50, progress=False
    )
    assert history.diverged
    for value in model.state_dict().values():
        assert np.isfinite(value).all()


class Steep(nn.Module):
    """A layer with gradients that are infinite, and an output that is not."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(784, 10)

    def forward(self, x):
        y = self.last(F.flatten(x, 1)) * 1e-30
        return y * 1e30 * 1e30 * 1e-30 + (y * 1e25 * 1e25)


def test_infinite_gradients_that_are_clipped_are_finite(engine):
    """As in PyTorch: the value is clipped to the limit; a norm that is infinite has no direction."""
    white = data.Dataset(
        np.full((50, 1, 28, 28), 255, np.uint8), np.zeros(50, int), classes=list("0123456789")
    )
    for options, diverged in (({}, True), ({"clip_grad_value": 1.0}, False), ({"clip_grad_norm": 1.0}, True)):
        model = Steep().initialize(seed=0)
        model.last.weight.data[...] = 0
        model.last.bias.data[...] = 0
        t = trainer(model, optimizer=optim.SGD(model.parameters(), lr=1e-30), engine=engine, **options)
        history = t.fit(white, epochs=1, batch_size=50, progress=False)
        assert history.diverged == diverged, history.stop_reason


def test_a_step_that_is_refused_is_told_where_nobody_watches(small, caplog):
    model = network()
    t = Trainer(model, optim.SGD(model.parameters(), lr=1e39), nn.CrossEntropyLoss(), stop_on_nan=False)
    before = everything(t)
    assert np.isfinite(t.train_step(small[0].images[:50], small[0].labels[:50]))
    assert everything(t) == before
    (record,) = caplog.records
    assert record.message.startswith("the step has changed nothing: not finite are in what the optimizer")
    assert "nowhere" in trainer().first_not_finite()


def test_training_goes_on_behind_it_where_it_is_told_to(small, engine):
    """One batch with a damaged image costs that batch and nothing else."""
    images = small[0].images.astype(np.float32) / 255
    dataset = data.Dataset(images.copy(), small[0].labels)
    dataset.images[0] = np.nan
    model, updated = network(), []
    t = trainer(model, engine=engine, stop_on_nan=False)
    t.callbacks.append(LambdaCallback(on_batch_end=lambda t, batch, logs: updated.append(logs["updated"])))
    t.fit(dataset, epochs=1, batch_size=50, progress=False)
    assert updated.count(False) == 1
    assert model[1].num_batches_tracked == len(updated) - 1
    assert all(np.isfinite(value).all() for value in model.state_dict().values())


def test_a_message_of_an_older_callback_is_enough():
    t = trainer(linear())
    t.callbacks[0].on_batch_end(t, 3, {"loss": float("nan"), "correct": 0, "count": 1})
    assert t.history.stop_reason == "the loss is nan in epoch 1, batch 3 (learning rate 0.01)"


def test_without_a_watcher_the_log_tells_once_in_an_epoch(small, caplog):
    images = np.full((60, 1, 28, 28), np.nan, np.float32)
    t = trainer(linear(), stop_on_nan=False)
    t.fit(data.Dataset(images, np.arange(60) % 10), epochs=2, batch_size=10, progress=False)
    messages = [record.message for record in caplog.records]
    assert len(messages) == 2
    assert messages[1].startswith(
        "batch 1 of epoch 2 has changed nothing, nor will others like it: not finite are in"
    )


@pytest.mark.parametrize("lr", [float("nan"), -1e30])
def test_a_rate_that_a_schedule_has_spoiled(small, engine, lr):
    model = linear()
    t = trainer(model, optimizer=optim.SGD(model.parameters(), lr=0.1, momentum=0.9), engine=engine)

    def spoil(t, batch, images, labels):
        if batch == 3:
            t.optimizer.param_groups[0]["lr"] = lr * 1e20

    t.callbacks.append(LambdaCallback(on_batch_begin=spoil))
    history = t.fit(small[0], epochs=1, batch_size=50, progress=False)
    assert history.diverged
    assert "epoch 1, batch 3" in history.stop_reason
    assert all(np.isfinite(value).all() for value in model.state_dict().values())


def test_the_search_for_a_rate_ends_where_numbers_do(small, caplog):
    model = linear()
    t = trainer(model, optimizer=optim.SGD(model.parameters(), lr=0.1))
    found = lr_find(t, small[0], batch_size=50, start_lr=1e38, end_lr=1e39, steps=60, stop_factor=1e39)
    assert "numbers were no longer finite at" in found.stop_reason or "the loss was" in found.stop_reason
    assert not caplog.records
